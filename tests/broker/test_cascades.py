"""A death, a leaver, a merger: shown first, done at once, undone the same day."""

import dataclasses
import hashlib
from datetime import UTC, datetime

import pytest

from broker.days import after_last_instant, day_of
from broker.errors import (
    FutureDateError,
    InvalidHappeningError,
    JudgedError,
    NotFoundHereError,
    SourceMissingError,
)
from broker.flows import cascades, revocation, sessions
from broker.port_errors import ConflictError
from builders import DAY, NOW
from flow_world import OCMW, VOUCHERS
from mandates.cascade import Cause, Happening
from mandates.change import Change, next_version
from mandates.errors import AssuranceTooLowError, NotAllowedError, UndoTooLateError
from mandates.model import Ending, Level, Recognition, Suspension
from mandates.status import State, status_of
from storage.records import grant

MANAGER_ROLE = f"DienstenchequesVlaanderen-beheerder:{OCMW}"


def died(party, at=NOW - DAY, source="Rijksregister"):
    return Happening(Cause.DEATH, party.id if hasattr(party, "id") else party, at, source)


def report(flow, happening, by=None, dry_run=False):
    return cascades.report(flow.services, happening, by=by, dry_run=dry_run, now=flow.now)


def stored(flow, mandate_id):
    with flow.services.database.read() as uow:
        return uow.mandates.find(mandate_id)


def party(flow, party_id):
    with flow.services.database.read() as uow:
        return uow.parties.get(party_id)


def journal(flow, prefix="cascade."):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type.startswith(prefix)]


def state(flow, mandate_id):
    return status_of(stored(flow, mandate_id), flow.now).state


def content(flow):
    """What the database file and its side file hold."""
    files = sorted(flow.folder.glob("volmacht.db*"))
    return [
        (one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in files if "shm" not in one.name
    ]


def reviewer(flow, name="Noor", level=Level.HIGH):
    return dataclasses.replace(flow.sign_in(name, level=level), staff=frozenset({"reviewer"}))


@pytest.fixture
def far(flow):
    return flow.organisation("OCMW Verre", "0999000327", "ocmw")


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
        uow.status.allocate("g1", VOUCHERS, flow.now + 300, flow.now)
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


def merged(flow, far, **facts):
    return Happening(Cause.MERGED, flow.ocmw.id, flow.now, "KBO", successor=far.id, **facts)


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


# --- dry run and undo ---


def test_a_dry_run_shows_the_same_and_leaves_every_byte_as_it_was(flow, far):
    client, bram = flow.client(), flow.officer()
    flow.tokens(client, bram, flow.key_of(client, flow.beneficiary()))
    before = content(flow)
    shown = report(flow, merged(flow, far), dry_run=True)
    assert content(flow) == before
    assert shown.reference is None
    done = report(flow, merged(flow, far))
    plain = {"reference": None, "lines": ()}
    assert dataclasses.replace(done, **plain) == dataclasses.replace(shown, **plain)
    assert [dataclasses.replace(line, successor=None) for line in done.lines] == [
        dataclasses.replace(line, successor=None) for line in shown.lines
    ]
    assert content(flow) != before


def test_undo_brings_back_mandates_and_facts_the_same_day(flow, far):
    given = flow.beneficiary()
    before = party(flow, flow.ocmw.id)
    done = report(flow, merged(flow, far))
    flow.clock.forward(60)
    back = cascades.undo(flow.services, done.reference, None, flow.now)
    assert (back.changed, back.taken_over) == (1, 1)
    restored = stored(flow, given.id)
    assert restored == dataclasses.replace(given, version=3)
    assert state(flow, done.lines[0].successor) is State.CASCADED
    assert party(flow, flow.ocmw.id) == before
    assert journal(flow)[0].type == "cascade.undone"
    assert journal(flow)[0].body["detail"]["restored"] == [given.id]
    with pytest.raises(ConflictError):
        cascades.undo(flow.services, done.reference, None, flow.now)


def test_undo_reaches_the_tokens_of_what_had_taken_its_place(flow, far):
    given = flow.beneficiary()
    done = report(flow, merged(flow, far))
    tom = flow.sign_in("Tom")
    facts = {"mandate": done.lines[0].successor, "principal": given.principal}
    with flow.services.database.write() as uow:
        uow.grants.add(grant("g1", **facts, actor=tom.party, session=tom.id))
        uow.status.allocate("g1", VOUCHERS, flow.now + 300, flow.now)
        uow.commit()
    assert bits(flow) == set()
    assert cascades.undo(flow.services, done.reference, None, flow.now).grants == 1
    assert len(bits(flow)) == 1


def test_undo_gives_back_an_end_that_was_fixed_for_later(flow):
    later = {"ended_at": NOW + DAY, "ended_by": "bram", "ending": Ending.SUPERSEDED}
    given = flow.beneficiary()
    flow.change(given.id, **later)
    done = report(flow, died(given.principal))
    assert stored(flow, given.id).ending is Ending.CASCADED
    cascades.undo(flow.services, done.reference, None, flow.now)
    back = stored(flow, given.id)
    assert (back.ended_at, back.ended_by, back.ending) == (NOW + DAY, "bram", Ending.SUPERSEDED)


def test_undo_is_of_the_day_in_brussels_on_which_it_was_done(flow):
    given = flow.beneficiary(valid_until=NOW + 100 * DAY)
    midnight = after_last_instant(day_of(flow.now))
    assert datetime.fromtimestamp(midnight, UTC).hour == 23
    done = report(flow, died(given.principal))
    flow.clock.now = midnight
    with pytest.raises(UndoTooLateError):
        cascades.undo(flow.services, done.reference, None, flow.now)
    assert state(flow, given.id) is State.CASCADED
    flow.clock.now = midnight - 1
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 1


def test_undo_leaves_what_somebody_changed_since(flow):
    given, other = flow.beneficiary(), None
    other = flow.give("citizen-helper", party(flow, given.principal), flow.party("Tom"))
    done = report(flow, died(given.principal))
    with flow.services.database.write() as uow:
        changed = next_version(uow.mandates.find(given.id), grounds="corrected")
        revocation.record(uow, Change(changed, ()), flow.now)
        facts = dataclasses.replace(uow.parties.get(given.principal), deceased_at=flow.now - 5)
        uow.parties.save(facts, flow.now)
        uow.commit()
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 1
    assert state(flow, given.id) is State.CASCADED
    assert state(flow, other.id) is State.ACTIVE
    assert party(flow, given.principal).deceased_at == flow.now - 5


def test_undo_leaves_the_place_to_what_was_made_since(flow):
    given = flow.beneficiary()
    done = report(flow, died(given.principal))
    anew = flow.give("ocmw-beneficiary", party(flow, given.principal), flow.ocmw)
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 0
    assert state(flow, given.id) is State.CASCADED
    assert state(flow, anew.id) is State.ACTIVE


def test_a_bit_that_was_set_stays_set_and_nobody_else_undoes(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    flow.tokens(client, bram, flow.key_of(client, given))
    done = report(flow, died(given.principal))
    with pytest.raises(NotAllowedError):
        cascades.undo(flow.services, done.reference, bram, flow.now)
    with pytest.raises(NotFoundHereError):
        cascades.undo(flow.services, "nothing", None, flow.now)
    before = bits(flow)
    assert before
    cascades.undo(flow.services, done.reference, reviewer(flow), flow.now)
    assert bits(flow) == before


def bits(flow):
    with flow.services.database.read() as uow:
        return {
            (one.id, index) for one in uow.status.lists() for index in uow.status.revoked_indices(one.id)
        } - {(one.id, index) for one in uow.status.lists() for index in one.decoys}


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
