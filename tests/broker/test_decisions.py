"""One answer everywhere: single, batch, explained, as fresh as asked, and on both axes of time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import NotFoundHereError, StaleError
from broker.flows import decisions
from broker.flows.world import actor_of
from builders import DAY
from mandates.decide import Request


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def maria(flow):
    return flow.party("Maria")


def test_a_batch_answers_as_one_by_one_and_a_revision_goes_with_each(flow, bram, maria):
    flow.give("ocmw-beneficiary", maria, flow.ocmw, powers=("vouchers:read",))
    jozef = flow.party("Jozef")
    requests = [
        Request(actor_of(bram), principal, power)
        for principal in (maria.id, jozef.id, bram.party, "nobody")
        for power in (None, "vouchers:read", "vouchers:order")
    ]
    together = decisions.batch(flow.services, requests, flow.now)
    assert together == [decisions.decide_one(flow.services, one, flow.now) for one in requests]
    assert [one.permitted for one in together] == [True, True, False] + [False] * 3 + [True] * 3 + [False] * 3
    assert len({one.revision for one in together}) == 1


def test_every_change_raises_the_revision_and_a_caller_may_ask_for_it(flow, bram, maria):
    request = Request(actor_of(bram), maria.id)
    before = decisions.decide_one(flow.services, request, flow.now).revision
    given = flow.give("ocmw-beneficiary", maria, flow.ocmw)
    granted = decisions.decide_one(flow.services, request, flow.now, fresh_as=before)
    assert granted.permitted
    assert granted.revision > before
    flow.end(given.id)
    ended = decisions.decide_one(flow.services, request, flow.now, fresh_as=granted.revision)
    assert not ended.permitted
    assert ended.revision > granted.revision
    with pytest.raises(StaleError):
        decisions.decide_one(flow.services, request, flow.now, fresh_as=ended.revision + 1)
    with pytest.raises(StaleError):
        decisions.batch(flow.services, [request], flow.now, fresh_as=ended.revision + 1)


def test_a_party_that_changed_raises_the_revision_too(flow, bram, maria):
    request = Request(actor_of(bram), maria.id)
    before = decisions.decide_one(flow.services, request, flow.now).revision
    with flow.services.database.write() as uow:
        uow.parties.save(replace(maria, deceased_at=flow.now), flow.now)
        uow.commit()
    assert decisions.decide_one(flow.services, request, flow.now).revision > before


def test_an_explanation_shows_every_chain_with_what_stands_in_its_way(flow, bram, maria):
    past = {"valid_from": flow.now - 9 * DAY, "activated_at": flow.now - 9 * DAY}
    flow.give("ocmw-beneficiary", maria, flow.ocmw, **past, valid_until=flow.now - DAY)
    flow.give("ocmw-beneficiary", maria, flow.ocmw, suspended_at=flow.now, valid_from=flow.now - DAY)
    explained, seen = decisions.explained(flow.services, Request(actor_of(bram), maria.id), flow.now)
    assert not explained.decision.permitted
    assert sorted(one.reasons[0].code for one in explained.considered) == [
        "mandate_expired",
        "mandate_suspended",
    ]
    assert seen.parties[maria.id].name == "Maria"


def names(flow, viewer, principal, at, known_at):
    found = decisions.who_could_act(flow.services, viewer, principal, at=at, known_at=known_at, now=flow.now)
    return [found.parties[one.path[-1].representative].name for one in found.people]


def test_who_could_act_then_and_as_it_was_known_then(flow, bram, maria):
    began = flow.now
    given = flow.give("ocmw-beneficiary", maria, flow.ocmw, valid_from=began - DAY)
    died_at, told_at = began + 100, began + 5000
    flow.clock.now = began + 1000
    herself = flow.sign_in("Maria")
    flow.clock.now = told_at
    with flow.services.database.write() as uow:
        uow.parties.save(replace(maria, deceased_at=died_at), told_at)
        uow.commit()
    flow.clock.now = told_at + 10
    assert names(flow, herself, maria.id, died_at - 1, told_at) == ["Bram"]
    assert names(flow, herself, maria.id, died_at, told_at) == []
    # The day before somebody told us, we thought otherwise.
    assert names(flow, herself, maria.id, died_at, told_at - 1) == ["Bram"]
    flow.end(given.id)
    assert names(flow, herself, maria.id, died_at - 1, flow.now) == ["Bram"]
    assert names(flow, herself, maria.id, began - DAY - 1, flow.now) == []


def test_the_past_is_for_those_whom_it_concerns(flow, bram, maria):
    flow.give("ocmw-beneficiary", maria, flow.ocmw)
    for stranger in (flow.sign_in("Vreemde"), bram):
        with pytest.raises(NotFoundHereError):
            names(flow, stranger, maria.id, flow.now, flow.now)
    with pytest.raises(NotFoundHereError):
        names(flow, bram, "nobody", flow.now, flow.now)
