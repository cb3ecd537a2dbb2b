"""Requests that wait, in pages: all of them for a reviewer, her own part in them for anybody else."""

from __future__ import annotations

from broker.flows import seen
from broker.flows.seen import Seen
from broker.ports import Services
from broker.records import Session
from mandates.capacity import REVIEWER
from mandates.model import Instant

Place = tuple[Instant, str]
"""When it was asked, and the mandate's id: where a page begins."""


def page(
    services: Services, session: Session, after: Place | None, limit: int, now: Instant
) -> tuple[list[Seen], Place | None]:
    """Requests that wait for somebody among whom she is, oldest first, and where the next page begins.

    A page may be shorter than `limit`: what lapsed by the clock is left out. The list is whole once
    there is no next place.
    """
    if REVIEWER not in session.staff:
        rows = [row for row in seen.waiting_for(services, session, now) if _is_others(row, session)]
        rows.sort(key=place)
        left = [row for row in rows if after is None or place(row) > after]
        return left[:limit], place(left[limit - 1]) if len(left) > limit else None
    with services.database.read() as uow:
        found = uow.mandates.all_waiting(after, limit + 1)
        rows = seen.views(services, uow, session, found[:limit], now)
    last = found[limit - 1] if len(found) > limit else None
    mine = [row for row in rows if row.waits and row.capacities and _is_others(row, session)]
    return mine, (last.requested_at, last.id) if last else None


def place(row: Seen) -> Place:
    """Where a request stands in the list."""
    return row.mandate.requested_at, row.mandate.id


def _is_others(row: Seen, session: Session) -> bool:
    return row.mandate.requested_by != session.party
