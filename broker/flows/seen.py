"""Mandates as a person may see them, with what she may do to each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from broker.errors import NotFoundHereError
from broker.flows import decisions, world
from broker.flows.parties import as_typed
from broker.ports import Services, UnitOfWork
from broker.records import JournalEntry, Session
from mandates.capacity import REVIEWER, capacities
from mandates.mandate_type import MandateType
from mandates.model import Instant, Mandate, Party
from mandates.permitted import acts
from mandates.status import State, Status, status_of

WAITING = 500
"""Requests that are read at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One mandate as a page shows it, with what this viewer may do to it."""

    mandate: Mandate
    kind: MandateType
    status: Status
    principal: Party
    representative: Party
    capacities: frozenset[str]
    may: frozenset[str]
    """What this viewer may do to it now (`permitted.acts`)."""
    powers: tuple[str, ...]
    """Those that have not ended one by one."""

    @property
    def waits(self) -> bool:
        """Whether it still waits for an approval."""
        return self.status.state is State.AWAITING


def who_can_act_for(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Everything that this person gave, or that was asked in her name."""
    with services.database.read() as uow:
        return views(services, uow, session, uow.mandates.of_principal(session.party), now)


def held_by(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Everything that this person was given herself, in whatever state; this session's powers too."""
    with services.database.read() as uow:
        held = uow.mandates.of_representatives([session.party], session.id)
        return views(services, uow, session, held, now)


def of_organisation(services: Services, session: Session, now: Instant) -> list[Seen]:
    """What an administrator sees: everything that the organisation gave, powers of sessions left out."""
    if session.organisation is None:
        return []
    with services.database.read() as uow:
        found = uow.mandates.of_principal(session.organisation)
        return [one for one in views(services, uow, session, found, now) if one.capacities]


def waiting_for(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Requests that wait and that this person has a part in: as requester, approver or reviewer."""
    with services.database.read() as uow:
        if REVIEWER in session.staff:
            found = list(_all_waiting(uow))
        else:
            held = uow.mandates.of_representatives([session.party], session.id)
            # Whoever holds something of a party may have a say in what waits for it: an officer, a
            # manager, an administrator. The engine says whether she has.
            beside = {mandate.principal for mandate in held} | {session.party}
            found = uow.mandates.waiting(beside, beside, session.party)
        rows = views(services, uow, session, found, now)
    mine = [row for row in rows if row.status.state is State.AWAITING]
    return [row for row in mine if row.capacities or row.mandate.requested_by == session.party]


def requested_by(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Requests of this person that wait for others."""
    with services.database.read() as uow:
        rows = views(services, uow, session, uow.mandates.waiting((), (), session.party), now)
    return [row for row in rows if row.waits]


def find(services: Services, session: Session, mandate_id: str, now: Instant) -> Seen:
    """One mandate, for somebody who has a part in it. Raise `NotFoundHereError`, also when it is not hers."""
    with services.database.read() as uow:
        mandate = uow.mandates.find(mandate_id)
        rows = views(services, uow, session, [mandate] if mandate else [], now)
    # Who asked may follow her request; once it is decided, only who has a part in it may look.
    asked = bool(rows) and rows[0].mandate.requested_by == session.party and rows[0].waits
    if rows and (rows[0].capacities or asked or _manages(services, session, rows[0].mandate, now)):
        return rows[0]
    raise NotFoundHereError


def journal_of(
    services: Services, limit: int, mandate: str | None = None, before: int | None = None
) -> tuple[list[JournalEntry], dict[str, Party]]:
    """The newest journal rows, or the newest before the row `before`, with the parties they name."""
    with services.database.read() as uow:
        rows = uow.journal.tail(limit, mandate, before)
        named = {party for row in rows for party in (row.actor, row.principal, row.representative)}
        return rows, uow.parties.get_many(one for one in named if one)


def views(
    services: Services, uow: UnitOfWork, session: Session, found: Iterable[Mandate], now: Instant
) -> list[Seen]:
    """Mandates as this viewer may see them."""
    rows: Sequence[Mandate] = list(found)
    actor = world.actor_of(session)
    # What waits or is set aside is judged by what stands beside it: measures, and what she took away.
    judged = [row for row in rows if status_of(row, now).state in {State.AWAITING, State.SUSPENDED}]
    beside = world.beside_many(uow, services.catalogue(), judged)
    seen = world.around(services, uow, actor, [*rows, *beside])
    return [
        Seen(
            mandate=row,
            kind=seen.catalogue.type(row.type),
            status=status_of(row, now),
            principal=as_typed(row, seen.parties[row.principal], session),
            representative=as_typed(row, seen.parties[row.representative], session),
            capacities=capacities(actor, row, seen, now),
            may=acts(actor, row, seen, now),
            powers=row.powers_at(now),
        )
        for row in rows
    ]


def _all_waiting(uow: UnitOfWork) -> Iterator[Mandate]:
    """Every request that waits, read in pages: a reviewer's list is never cut."""
    after: tuple[Instant, str] | None = None
    while True:
        page = uow.mandates.all_waiting(after, WAITING)
        yield from page
        if len(page) < WAITING:
            return
        after = page[-1].requested_at, page[-1].id


def _manages(services: Services, session: Session, mandate: Mandate, now: Instant) -> bool:
    """Whether the organisation on either side is hers to manage."""
    return any(
        decisions.manages(services, session, party, now)
        for party in (mandate.principal, mandate.representative)
    )
