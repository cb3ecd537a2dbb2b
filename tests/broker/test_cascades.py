"""A death, a leaver, a merger: shown first, done at once, undone the same day."""

import dataclasses

import pytest

from broker.errors import (
    FutureDateError,
    InvalidHappeningError,
    JudgedError,
    NotFoundHereError,
    SourceMissingError,
)
from broker.flows import cascades, sessions
from broker.records import Basis
from cascade_tools import bits, died, journal, merged, party, report, reviewer, state, stored
from flow_world import OCMW, VOUCHERS
from mandates.cascade import Cause, Happening
from mandates.errors import AssuranceTooLowError, NotAllowedError
from mandates.model import Ending, Level, Recognition, Suspension
from mandates.status import State
from storage.records import grant

MANAGER_ROLE = f"DienstenchequesVlaanderen-beheerder:{OCMW}"


# --- death ---


def test_a_death_ends_what_she_gave_since_the_day_it_happened_and_nothing_else(flow):
    given, other = flow.beneficiary("Maria"), flow.beneficiary("Jozef")
    done = report(flow, died(given.principal, flow.now - 3600))
    ended = stored(flow, given.id)
    assert (ended.ending, ended.ended_at, ended.ended_by) == (Ending.CASCADED, flow.now - 3600, None)
    assert party(flow, given.principal).deceased_at == flow.now - 3600
    assert state(flow, other.id) is State.ACTIVE
    assert [(line.mandate, line.becomes) for line in done.lines] == [(given.id, "ended")]
    (event,) = journal(flow)
    assert event.type == "cascade.death"
    assert event.body["detail"]["ended"] == [given.id]
    assert event.body["grounds"] == "Rijksregister"


def test_a_death_reaches_tokens_and_ends_her_sessions(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    done = report(flow, died(given.principal))
    assert done.grants == 1
    assert len(bits(flow)) == 1
    with pytest.raises(JudgedError):
        flow.refresh(client, answer)
    own = flow.tokens(client, bram, "self")
    assert own["access_token"]
    done = report(flow, died(bram.party))
    assert (done.sessions, done.grants) == (1, 2)
    assert flow.session(bram.id).ended_at == flow.now
    assert sessions.current(flow.services, flow.cookies[bram.id], flow.now) is None
    assert flow.grants(bram) == []


def test_what_stands_on_the_organisation_itself_through_a_session_is_refused_too(flow):
    els = flow.sign_in("Els", roles=(MANAGER_ROLE,))
    (claimed,) = of_session(flow, els)
    facts = {"mandate": claimed.id, "principal": flow.ocmw.id, "actor": els.party, "session": els.id}
    with flow.services.database.write() as uow:
        uow.grants.add(grant("g1", **facts))
        basis = Basis("g1", "voucher-web", VOUCHERS, facts["mandate"])
        uow.status.allocate(basis, flow.now + 300, flow.now)
        uow.commit()
    lost = Happening(Cause.RECOGNITION_LOST, flow.ocmw.id, flow.now, "besluit", kind="ocmw")
    assert report(flow, lost, dry_run=True).grants == 1
    assert bits(flow) == set()
    assert report(flow, lost).grants == 1
    assert len(bits(flow)) == 1


def test_what_was_passed_on_ends_with_what_it_was_passed_on_from(flow, far):
    # The store gives them in the order of their ids: what was passed on comes first here.
    given = flow.beneficiary(id="ffffffff-0000-4000-8000-000000000001")
    maria = party(flow, given.principal)
    later = {"id": "00000000-0000-4000-8000-000000000002", "parent": given.id}
    passed = flow.give("ocmw-beneficiary", maria, far, **later)
    own = flow.give("ocmw-beneficiary", flow.party("Jozef"), far)
    done = report(flow, Happening(Cause.CEASED, flow.ocmw.id, flow.now, "KBO"))
    assert {line.mandate for line in done.lines} == {given.id, passed.id}
    assert state(flow, passed.id) is State.CASCADED
    assert state(flow, own.id) is State.ACTIVE


# --- who says so ---


def test_a_report_names_its_source_and_no_day_that_is_to_come(flow):
    maria = flow.party("Maria")
    with pytest.raises(SourceMissingError):
        report(flow, died(maria, source="  "))
    with pytest.raises(FutureDateError):
        report(flow, died(maria, flow.now + 1))
    with pytest.raises(NotFoundHereError):
        report(flow, died("00000000-0000-0000-0000-000000000000"))
    assert report(flow, died(maria, flow.now)).changed == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"cause": Cause.CEASED},
        {"cause": Cause.MEASURE},
        {"cause": Cause.LEAVER},
        {"cause": Cause.RECOGNITION_LOST, "kind": "ocmw"},
    ],
)
def test_what_happens_to_organisations_does_not_happen_to_people(flow, facts):
    maria = flow.party("Maria")
    with pytest.raises(InvalidHappeningError):
        report(flow, dataclasses.replace(died(maria), **facts))


@pytest.mark.parametrize("successor", [None, "self", "ceased", "person"])
def test_a_merger_needs_an_organisation_that_takes_over(flow, far, successor):
    report(flow, Happening(Cause.CEASED, far.id, flow.now, "KBO"))
    others = {"self": flow.ocmw.id, "ceased": far.id, "person": flow.party("Maria").id, None: None}
    with pytest.raises(InvalidHappeningError):
        report(flow, Happening(Cause.MERGED, flow.ocmw.id, flow.now, "KBO", successor=others[successor]))


def test_a_reviewer_reports_but_not_about_herself_and_nobody_else_does(flow):
    given = flow.beneficiary()
    noor = reviewer(flow)
    with pytest.raises(NotAllowedError):
        report(flow, died(given.principal), by=flow.officer())
    with pytest.raises(NotAllowedError):
        report(flow, died(noor.party), by=noor)
    with pytest.raises(AssuranceTooLowError):
        report(flow, died(given.principal), by=dataclasses.replace(noor, level=Level.LOW))
    assert report(flow, died(given.principal), by=noor).changed == 1
    assert journal(flow)[0].actor == noor.party


def test_a_manager_reports_who_leaves_her_own_organisation(flow, far):
    els = flow.sign_in("Els", roles=(MANAGER_ROLE,))
    tom = flow.party("Tom")
    here, there = flow.give("ocmw-executor", flow.ocmw, tom), flow.give("ocmw-executor", far, tom)
    left = Happening(Cause.LEAVER, tom.id, flow.now, "HR", organisation=flow.ocmw.id)
    with pytest.raises(NotAllowedError):
        report(flow, dataclasses.replace(left, organisation=far.id), by=els)
    with pytest.raises(NotAllowedError):
        report(flow, died(tom), by=els)
    assert report(flow, left, by=els).changed == 1
    assert state(flow, here.id) is State.CASCADED
    assert state(flow, there.id) is State.ACTIVE


def test_who_leaves_loses_the_session_in_which_she_acts_for_that_organisation(flow):
    bram, own = flow.officer(), flow.sign_in("Bram")
    (claimed,) = of_session(flow, bram)
    done = report(flow, Happening(Cause.LEAVER, bram.party, flow.now, "HR", organisation=flow.ocmw.id))
    assert done.sessions == 1
    assert stored(flow, claimed.id).ending is Ending.SESSION_ENDED
    assert flow.session(bram.id).ended_at == flow.now
    assert flow.session(own.id).ended_at is None


def of_session(flow, session):
    with flow.services.database.read() as uow:
        return uow.mandates.of_session(session.id)


# --- mergers and recognitions ---


def test_a_merger_carries_mandates_to_the_successor_with_their_approvals_and_period(flow, far):
    given = flow.beneficiary(powers=("vouchers:read",))
    part = flow.give("ocmw-executor", flow.ocmw, flow.party("Tom"), whole=False)
    with flow.services.database.write() as uow:
        uow.mandates.add_to_caseload(part.id, [given.principal], flow.now)
        uow.commit()
    done = report(flow, merged(flow, far))
    assert (done.changed, done.taken_over) == (2, 2)
    after = {line.mandate: stored(flow, line.successor) for line in done.lines}
    new = after[given.id]
    assert (new.principal, new.representative, new.replaces) == (given.principal, far.id, given.id)
    assert (new.powers, new.valid_until, new.valid_from) == (given.powers, given.valid_until, flow.now)
    assert state(flow, new.id) is State.ACTIVE
    assert state(flow, given.id) is State.CASCADED
    with flow.services.database.read() as uow:
        assert [one.principal for one in uow.mandates.caseload_of(after[part.id].id)] == [given.principal]
    facts = party(flow, flow.ocmw.id)
    assert (facts.ceased_at, facts.successor) == (flow.now, far.id)


def test_a_merger_does_not_double_what_the_successor_holds_already(flow, far):
    given = flow.beneficiary()
    held = flow.give("ocmw-beneficiary", party(flow, given.principal), far)
    done = report(flow, merged(flow, far))
    assert (done.changed, done.taken_over) == (1, 0)
    assert state(flow, held.id) is State.ACTIVE


def test_a_mandate_of_the_successor_that_is_over_by_then_is_no_double(flow, far):
    given = flow.beneficiary()
    flow.give("ocmw-beneficiary", party(flow, given.principal), far, valid_until=flow.now)
    assert report(flow, merged(flow, far)).taken_over == 1


def test_a_lost_recognition_ends_what_needs_it_from_that_day_on(flow):
    given = flow.beneficiary()
    lost = Happening(Cause.RECOGNITION_LOST, flow.ocmw.id, flow.now - 60, "besluit", kind="ocmw")
    with pytest.raises(InvalidHappeningError):
        report(flow, dataclasses.replace(lost, kind="recognised_company"))
    assert report(flow, lost).changed == 1
    assert state(flow, given.id) is State.CASCADED
    assert party(flow, flow.ocmw.id).recognitions == (Recognition("ocmw", 0, flow.now - 60, ""),)


# --- legal measures ---


def measure(flow, maria, name="Advocaat", **facts):
    return flow.give("court-administrator", maria, flow.party(name), **facts)


def approve_measure(flow, given):
    with flow.services.database.write() as uow:
        plan = cascades.on_measure(uow, flow.services, given, flow.now)
        uow.commit()
    return plan


def test_a_measure_sets_aside_what_she_gave_before_and_two_do_not_do_it_twice(flow):
    given = flow.beneficiary()
    maria = party(flow, given.principal)
    held = flow.give("citizen-helper", flow.party("Jozef"), maria)
    asked = measure(flow, maria)
    noor = reviewer(flow)
    shown = cascades.measure_preview(flow.services, noor, asked.id, flow.now)
    assert [(line.mandate, line.becomes) for line in shown.lines] == [(given.id, "suspended")]
    assert [one.id for one in approve_measure(flow, asked).changed] == [given.id]
    assert stored(flow, given.id).suspensions == (Suspension(flow.now, None, "administrator", "measure"),)
    assert state(flow, held.id) is State.ACTIVE
    assert state(flow, asked.id) is State.ACTIVE
    assert approve_measure(flow, measure(flow, maria, "Tweede")).changed == ()
    assert [row.mandate for row in journal(flow)] == [asked.id]


def test_a_measure_reaches_the_tokens_of_what_it_sets_aside(flow):
    client, bram, given = flow.client(), flow.officer(), flow.beneficiary()
    flow.tokens(client, bram, flow.key_of(client, given))
    asked = measure(flow, party(flow, given.principal))
    assert bits(flow) == set()
    approve_measure(flow, asked)
    assert len(bits(flow)) == 1


def test_what_a_measure_would_set_aside_is_shown_to_reviewers_alone(flow):
    given = flow.beneficiary()
    asked = measure(flow, party(flow, given.principal))
    with pytest.raises(NotFoundHereError):
        cascades.measure_preview(flow.services, flow.officer(), asked.id, flow.now)
    with pytest.raises(NotFoundHereError):
        cascades.measure_preview(flow.services, reviewer(flow), given.id, flow.now)


# --- at scale ---


def test_a_merger_takes_as_many_statements_for_fifty_mandates_as_for_three(flow, far):
    third = flow.organisation("OCMW Derde", "0999000426", "ocmw")
    for number in range(3):
        flow.beneficiary(f"A{number}")
    flow.services.catalogue()  # it is read once a second
    few = statements(flow, merged(flow, far))
    for number in range(47):
        flow.give("ocmw-beneficiary", flow.party(f"B{number}"), far)
    assert statements(flow, Happening(Cause.MERGED, far.id, flow.now, "KBO", successor=third.id)) == few


def statements(flow, happening):
    from sqlalchemy import Engine, event

    counted = []

    def count(*_):
        counted.append(1)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        report(flow, happening)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(counted)
