"""What happens elsewhere and ends many mandates: shown first, done in one transaction, undone the same day.

Somebody died, left or is protected by a measure; an organisation ceased, merged or lost
what it was recognised as. What that changes is `mandates.cascade`'s to say. Here it is
loaded, stored with the fact about the party itself, carried to the tokens, and written
down as one event, whether it touches three mandates or 50,000 (mandates.md section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from broker.errors import NotFoundHereError
from broker.flows import cascade_plans, cascade_undo, happenings, notices, revocation
from broker.ports import Services, UnitOfWork
from broker.records import CascadeRecord, Grant, Session
from mandates.capacity import REVIEWER
from mandates.cascade import Cause, Happening, Plan
from mandates.change import Change
from mandates.claims import end_with_session
from mandates.events import Event
from mandates.model import Instant, Mandate, Party

_OF_MANDATES = frozenset({Cause.LEAVER, Cause.MEASURE})
"""Causes that end mandates and leave the party itself as it was."""


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one mandate."""

    mandate: str
    type: str
    principal: str
    representative: str
    becomes: str
    """`ended` or `suspended`."""
    successor: str | None = None
    """The mandate that takes its place."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a happening changes, or would change."""

    reference: str | None
    """What it is undone by; None for a dry run, and for what is not undone this way."""
    cause: str
    party: str
    changed: int
    """Mandates that end, or are suspended."""
    taken_over: int
    """Mandates that go on under the successor."""
    sessions: int
    """Sign-ins that end."""
    grants: int
    """Authorizations whose tokens are refused from now on."""
    lines: tuple[Line, ...]


def report(
    services: Services, happening: Happening, *, by: Session | None, dry_run: bool, now: Instant
) -> Report:
    """Tell what happened to a party, and end what it ends; `dry_run` shows the same and stores nothing.

    `by` None is the command line. A reviewer reports anything but about herself, the
    organisation's manager reports who leaves it. Raise `SourceMissingError`,
    `FutureDateError`, `InvalidHappeningError`, `NotAllowedError`, `AssuranceTooLowError`
    and, for a party that is not stored, `NotFoundHereError`.
    """
    happenings.check_may(services, happening, by, now)
    with services.database.read() if dry_run else services.database.write() as uow:
        if dry_run:
            return _foreseen(services, uow, happening, now)
        done = happen(services, uow, happening, by, now)
        uow.commit()
    return done


def happen(
    services: Services, uow: UnitOfWork, happening: Happening, by: Session | None, now: Instant
) -> Report:
    """As `report`, within a transaction and for whoever may: what somebody may say is checked before."""
    happenings.check_said(happening, now)
    before = happenings.party_of(uow, happening)
    # Locks are taken in one order: sessions, mandates, grants.
    sessions = _sessions(uow, happening)
    mandates = cascade_plans.open_of(uow, happening.party)
    plan = cascade_plans.planned(services, uow, happening, mandates, now)
    done = cascade_undo.record_of(plan, before, mandates, by, now)
    grants = _store(services, uow, plan, before, sessions, done, now)
    return _told(plan, done.id, len(sessions), grants)


def undo(services: Services, reference: str, by: Session | None, now: Instant) -> Report:
    """Take back what a report did, until midnight in Brussels: mandates and the party's facts as before.

    What somebody changed since stays as it is; sessions stay ended, and a status bit that was
    set stays set. Raise `NotFoundHereError`, `UndoTooLateError`, `ConflictError` if it was
    undone already, and `NotAllowedError`.
    """
    with services.database.write() as uow:
        done = uow.cascades.find(reference)
        if done is None:
            raise NotFoundHereError
        said = done.body["happening"]
        happening = Happening(**(said | {"cause": Cause(said["cause"])}))
        happenings.check_may(services, happening, by, now)
        back = cascade_undo.taken_back(uow, done, now)
        uow.cascades.mark_undone(reference, now)
        uow.mandates.save_many(back, now)
        cascade_undo.restore(uow, done, happening, now)
        grants = revocation.revoke_on(uow, done.body["successors"], now)
        uow.journal.append([cascade_undo.undone(done, back, by, now)], now)
        uow.commit()
    lines = tuple(_line(one, "restored" if one.id in done.body["changed"] else "ended") for one in back)
    restored = sum(line.becomes == "restored" for line in lines)
    return Report(reference, done.cause, done.party, restored, len(lines) - restored, 0, grants, lines)


def on_measure(uow: UnitOfWork, services: Services, measure: Mandate, now: Instant) -> Plan:
    """Set aside what conflicts with a legal measure that was just approved, within its transaction.

    Nothing is undone here: when the measure is over, the principal takes up what was set aside.
    """
    plan = cascade_plans.planned_for_measure(services, uow, measure, now)
    if plan.changed:
        uow.mandates.save_many(plan.changed, now)
        revocation.revoke_on(uow, [one.id for one in plan.changed], now)
        actor = measure.approvals[-1].by if measure.approvals else None
        event = plan.event(actor, services.catalogue().version, now)
        uow.journal.append([replace(event, mandate=measure.id)], now)
    return plan


def measure_preview(services: Services, session: Session, mandate_id: str, now: Instant) -> Report:
    """What a requested measure would set aside, for the reviewer who is to approve it.

    Raise `NotFoundHereError`, also for anybody else.
    """
    with services.database.read() as uow:
        measure = uow.mandates.find(mandate_id)
        kind = services.catalogue().types.get(measure.type) if measure else None
        if measure is None or kind is None or not kind.measure or REVIEWER not in session.staff:
            raise NotFoundHereError
        plan = cascade_plans.planned_for_measure(services, uow, measure, now)
        return _told(plan, None, 0, len(_reached(uow, plan, ())))


def _foreseen(services: Services, uow: UnitOfWork, happening: Happening, now: Instant) -> Report:
    happenings.check_said(happening, now)
    happenings.party_of(uow, happening)
    sessions = _sessions(uow, happening)
    mandates = cascade_plans.open_of(uow, happening.party)
    plan = cascade_plans.planned(services, uow, happening, mandates, now)
    return _told(plan, None, len(sessions), len(_reached(uow, plan, sessions)))


def _told(plan: Plan, reference: str | None, sessions: int, grants: int) -> Report:
    becomes = "suspended" if plan.happening.cause is Cause.MEASURE else "ended"
    successors = {one.replaces: one.id for one in plan.successors}
    lines = tuple(_line(one, becomes, successors.get(one.id)) for one in plan.changed)
    cause, party = plan.happening.cause.value, plan.happening.party
    return Report(reference, cause, party, len(lines), len(successors), sessions, grants, lines)


def _line(one: Mandate, becomes: str, successor: str | None = None) -> Line:
    return Line(one.id, one.type, one.principal, one.representative, becomes, successor)


# --- what is stored ---


def _sessions(uow: UnitOfWork, happening: Happening) -> list[Session]:
    """Sign-ins that end.

    All of who died; of who left, those for the organisation that she left; and those in which the
    people of a voucher issuer that is none any more are staff of the broker.
    """
    if happening.cause in {Cause.DEATH, Cause.LEAVER}:
        found = uow.sessions.live_of_party(happening.party)
        left = happening.organisation if happening.cause is Cause.LEAVER else None
        return [one for one in found if left is None or one.organisation == left]
    return [one for one in uow.sessions.live_of_organisation(happening.party) if one.staff]


def _store(
    services: Services,
    uow: UnitOfWork,
    plan: Plan,
    before: Party,
    sessions: list[Session],
    done: CascadeRecord,
    now: Instant,
) -> int:
    """Everything in one transaction, each table in one statement; returns how many grants it reached."""
    after = happenings.with_fact(before, plan.happening)
    if after != before:
        uow.parties.save(after, now)
    closed = _close(uow, sessions, now)
    uow.mandates.save_many([*(one.mandate for one in closed), *plan.changed], now)
    uow.mandates.add_many(plan.successors, now)
    _carry_caseloads(uow, plan, now)
    uow.cascades.add(done)
    event = plan.event(done.done_by, services.catalogue().version, now)
    named = replace(event, detail={**event.detail, "cascade": done.id})
    signed_out = [
        Event("session.ended", now, one.party, grounds=plan.happening.cause.value) for one in sessions
    ]
    uow.journal.append([named, *(said for one in closed for said in one.events), *signed_out], now)
    notices.tell_of(uow, named.type, plan.changed, now)
    return _revoke(uow, plan, sessions, now)


def _close(uow: UnitOfWork, sessions: Iterable[Session], now: Instant) -> list[Change]:
    """End the sign-ins of one person, a handful, and the powers that live in them."""
    closed: list[Change] = []
    for session in sessions:
        uow.sessions.end(session.id, now)
        closed += [end_with_session(one, now) for one in uow.mandates.of_session(session.id)]
    return closed


def _revoke(uow: UnitOfWork, plan: Plan, sessions: Sequence[Session], now: Instant) -> int:
    """Set the bits of all that stands on it; grants made in a session that ended end with it."""
    reached = _reached(uow, plan, sessions)
    # Mandates first: what ended for all is told so, and not once for each who acted under it.
    if plan.changed:
        revocation.revoke_on(uow, [one.id for one in plan.changed], now)
    uow.status.revoke(reached, now)
    ended = {one.id for one in sessions}
    revocation.end_grants(
        uow, (one for one in reached.values() if one.session in ended), "session ended", now
    )
    return len(reached)


def _reached(uow: UnitOfWork, plan: Plan, sessions: Sequence[Session]) -> dict[str, Grant]:
    """Grants that stand on what changes, on the party itself, or on a session that ends."""
    found = [grant for session in sessions for grant in uow.grants.live_of_session(session.id)]
    if plan.changed:
        found += uow.grants.live_on_mandates(one.id for one in plan.changed)
    if plan.happening.cause not in _OF_MANDATES:
        found += uow.grants.live_of_party(plan.happening.party)
    return {one.id: one for one in found}


def _carry_caseloads(uow: UnitOfWork, plan: Plan, now: Instant) -> None:
    """A member of staff who handled some of the beneficiaries handles the same ones at the successor."""
    heirs = {one.replaces: one.id for one in plan.successors if one.replaces and not one.whole}
    if heirs:
        uow.mandates.carry_caseloads(heirs, now)
