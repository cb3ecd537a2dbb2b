"""May she, at another instant, as it was known at yet another: what was answered then is answered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.flows import decisions, mandates, revocation
from broker.flows.decisions import Moment
from broker.flows.world import actor_of
from builders import DAY
from mandates.decide import Request

POWERS = (None, "vouchers:read", "vouchers:order", "profile:fly")


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def maria(flow):
    return flow.party("Maria")


def answer(flow, request, moment=None):
    found = decisions.decide_one(flow.services, request, flow.now, moment=moment)
    return replace(found, revision=0)


def save(flow, party):
    with flow.services.database.write() as uow:
        uow.parties.save(party, flow.now)
        uow.commit()


def life(flow, bram, maria):
    """One step a time, each a second or a day after the one before."""
    tom, dirk = flow.party("Tom"), flow.party("Dirk")
    helps = flow.give("citizen-helper", maria, tom, requested_by=maria.id, activated_at=None)
    yield tom
    mandates.approve(flow.services, flow.sign_in("Tom"), helps.id, flow.now)
    yield tom
    given = flow.give("ocmw-beneficiary", maria, flow.ocmw, valid_from=flow.now + 5)
    yield tom
    flow.clock.forward(5)
    yield tom
    mandates.end_power(flow.services, flow.sign_in("Maria"), given.id, "vouchers:order", flow.now)
    yield tom
    mandates.suspend(flow.services, flow.sign_in("Maria"), given.id, flow.now)
    yield tom
    measure = flow.give("court-administrator", maria, dirk)
    waits = flow.give("citizen-helper", maria, flow.party("Lien"), requested_by=maria.id, activated_at=None)
    yield tom
    mandates.resume(flow.services, flow.sign_in("Dirk"), given.id, flow.now)
    mandates.refuse(flow.services, flow.sign_in("Lien"), waits.id, flow.now)
    yield tom
    flow.end(measure.id)
    flow.end(helps.id)
    yield tom
    revocation.end_session(flow.services, bram.id, "signed out", flow.now)
    yield tom
    save(flow, replace(maria, deceased_at=flow.now - 3))
    yield tom


def test_deciding_at_an_instant_as_it_was_known_then_is_what_was_decided_then(flow, bram, maria):
    told = []
    for tom in life(flow, bram, maria):
        people = (actor_of(bram), actor_of(flow.sign_in("Tom")), actor_of(flow.sign_in("Vreemde")))
        assert people[1].party == tom.id
        for actor in people:
            for power in POWERS:
                request = Request(actor, maria.id, power)
                told.append((flow.now, request, answer(flow, request)))
        flow.clock.forward(1)
    flow.clock.forward(90 * DAY)
    assert {found.permitted for _, _, found in told} == {True, False}
    assert len({reason.code for _, _, found in told for reason in found.reasons}) >= 7
    for at, request, found in told:
        assert answer(flow, request, Moment(at, at)) == found, (at - told[0][0], request)


def test_both_axes_count(flow, bram, maria):
    given = flow.give("ocmw-beneficiary", maria, flow.ocmw)
    request, began = Request(actor_of(bram), maria.id), flow.now
    flow.clock.forward(10)
    flow.change(given.id, ended_at=began + 5, ended_by=None, ending="cascaded")
    assert answer(flow, request, Moment(began + 4, flow.now)).permitted
    assert not answer(flow, request, Moment(began + 5, flow.now)).permitted
    assert answer(flow, request, Moment(began + 5, began + 9)).permitted, "nobody had told us yet"
    assert not answer(flow, request, Moment(began + 5, flow.now + 10 * DAY)).permitted, (
        "the future is not known"
    )


def test_what_her_session_of_then_brought_counts_for_her_in_a_later_one_and_for_nobody_else(
    flow, bram, maria
):
    flow.give("ocmw-beneficiary", maria, flow.ocmw)
    then = flow.now
    flow.clock.forward(10 * DAY)
    later = flow.sign_in("Bram")
    assert not answer(flow, Request(actor_of(later), maria.id)).permitted
    assert answer(flow, Request(actor_of(later), maria.id), Moment(then, flow.now)).permitted
    stranger = actor_of(flow.sign_in("Vreemde"))
    found = answer(flow, Request(stranger, maria.id), Moment(then, flow.now))
    assert [reason.code for reason in found.reasons] == ["no_mandate"]


def test_the_explanation_looks_at_the_same_moment(flow, bram, maria):
    given = flow.give("ocmw-beneficiary", maria, flow.ocmw)
    then = flow.now
    flow.clock.forward(10)
    flow.end(given.id)
    request = Request(actor_of(bram), maria.id)
    explained, _ = decisions.explained(flow.services, request, flow.now, moment=Moment(then, flow.now))
    assert explained.decision.permitted
    assert explained.considered[0].path[0].mandate == given.id


def test_a_request_says_for_whom_it_waits_and_nobody_else_is_asked(flow, bram, maria):
    flow.give("court-administrator", maria, flow.party("Dirk"))
    facts = {"requested_by": maria.id, "activated_at": None}
    tom = flow.party("Tom")
    flow.give("citizen-helper", maria, tom, **facts)
    found = answer(flow, Request(actor_of(flow.sign_in("Tom")), maria.id))
    assert [(one.code, one.needs) for one in found.reasons] == [
        ("mandate_awaiting", "representative administrator")
    ]


def test_an_organisation_that_holds_a_mandate_is_named_though_nobody_of_it_signed_in(flow, maria):
    flow.give("ocmw-beneficiary", maria, flow.ocmw)
    flow.give(
        "ocmw-beneficiary", maria, flow.organisation("Far", "0999000327", "ocmw"), suspended_at=flow.now
    )
    herself = flow.sign_in("Maria")
    now = flow.now
    found = decisions.who_could_act(flow.services, herself, maria.id, at=now, known_at=now, now=now)
    assert found.people == ()
    assert [found.parties[one.path[-1].representative].name for one in found.organisations] == ["OCMW"]
