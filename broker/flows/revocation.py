"""Whatever makes power smaller reaches the tokens, in the same transaction (tokens.md section 6).

A change to a mandate sets the status bits of every grant that stands on it; the
grant itself stays, because the next refresh is judged anyway and says why it is
refused. A grant or session that ends takes its bits with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from broker.flows import notices
from broker.ports import Services, UnitOfWork
from broker.records import Grant, Session
from mandates.change import Change
from mandates.claims import end_with_session
from mandates.events import Event
from mandates.model import Instant, Source


def record(uow: UnitOfWork, change: Change, now: Instant, *, new: bool = False) -> None:
    """Store a mandate's change with its events, and set the bits of what stands on it.

    What was passed on from it stands on it too, whether or not it changed itself.
    """
    if change.others:
        uow.mandates.save_many(change.others, now)
    if new:
        uow.mandates.add(change.mandate, now)
    else:
        uow.mandates.save(change.mandate, now)
    smaller = (
        [one.id for one in change.others] if new else [change.mandate.id, *(o.id for o in change.others)]
    )
    if smaller:
        revoke_on(uow, smaller, now)
    uow.journal.append(change.events, now)
    if change.mandate.source is Source.STORED:
        notices.tell(uow, change.events, now)


def revoke_on(uow: UnitOfWork, mandates: Collection[str], now: Instant) -> int:
    """Set the bits of every token that stands on one of these, or on what was passed on from them.

    Returns how many grants those are of.
    """
    passed_on = (one.id for one in uow.mandates.descendants(mandates))
    return uow.status.revoke_on_mandates({*mandates, *passed_on}, now)


def end_grants(uow: UnitOfWork, grants: Iterable[Grant], reason: str, now: Instant) -> None:
    """End grants: their bits are set, and their refresh tokens give nothing more."""
    grants = list(grants)
    if not grants:
        return
    ids = [grant.id for grant in grants]
    uow.grants.end(ids, reason, now)
    uow.status.revoke(ids, now)
    uow.journal.append([_grant_ended(grant, reason, now) for grant in grants], now)


def end_session(services: Services, session_id: str, reason: str, now: Instant) -> None:
    """End a session, the mandates that live in it, and every grant made in it."""
    with services.database.write() as uow:
        session = uow.sessions.find(session_id)
        if session is None or session.ended_at is not None:
            return
        close_session(uow, session, reason, now)
        uow.commit()


def close_session(uow: UnitOfWork, session: Session, reason: str, now: Instant) -> None:
    """As `end_session`, for a live session and within a transaction."""
    uow.sessions.end(session.id, now)
    # Mandates first, as in `record`: two transactions that lock in one order never wait in a ring.
    for mandate in uow.mandates.of_session(session.id):
        record(uow, end_with_session(mandate, now), now)
    end_grants(uow, uow.grants.live_of_session(session.id), reason, now)
    uow.journal.append([Event("session.ended", now, session.party, grounds=reason)], now)


def _grant_ended(grant: Grant, reason: str, now: Instant) -> Event:
    return Event(
        "grant.ended",
        now,
        grant.actor,
        mandate=grant.mandate,
        principal=grant.principal,
        grounds=reason,
        detail={"client": grant.client},
    )
