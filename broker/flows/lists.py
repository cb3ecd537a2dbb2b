"""Whom may I represent, who can act for me, who acts for this organisation: whole, in pages.

The store pre-selects a page in the order of names, the engine judges each line of it.
A line that the engine drops makes a page shorter, never the list: `next` leads on
until there is none. Any size of page gives the same lines (mandates.md section 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from broker.errors import InvalidPlaceError, NotFoundHereError
from broker.flows import decisions, seen, world
from broker.flows.parties import as_typed
from broker.flows.sessions import claims_are_old
from broker.ports import Services, UnitOfWork
from broker.records import Place, Session, Wanted
from keys.errors import SealError
from mandates.capacity import Actor
from mandates.decide import Decision, Request, decide
from mandates.model import Instant, Mandate, Party
from mandates.status import State, Status, in_force, status_of

LONGEST = 1000
"""Lines of a page at most."""
_CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of permitted chains, with the parties that they name."""

    rows: tuple[Decision, ...]
    parties: dict[str, Party]
    next: str | None
    """Where the next page begins; None when this was the last one."""
    incomplete: tuple[str, ...] = ()
    """Sources that could not be asked: the list may lack what they know. Empty: it is whole."""


@dataclass(frozen=True, slots=True)
class Delegates:
    """A page of what somebody gave, with the parties that it names."""

    rows: tuple[tuple[Mandate, Status], ...]
    parties: dict[str, Party]
    next: str | None


def reach(
    services: Services,
    session: Session,
    wanted: Wanted,
    after: str | None,
    limit: int,
    now: Instant,
) -> Page:
    """Whom this person may represent now, by the principal's name. Raise `InvalidPlaceError`."""
    with services.database.read() as uow:
        return reach_of(services, uow, session, wanted, after, limit, now)


def reach_of(
    services: Services,
    uow: UnitOfWork,
    session: Session,
    wanted: Wanted,
    after: str | None,
    limit: int,
    now: Instant,
) -> Page:
    """As `reach`, within a unit of work."""
    place, limit = _place(services, after), max(1, min(limit, LONGEST))
    actor = world.actor_of(session)
    executors = _executors(services, uow, actor, now)
    whole = {one.principal for one in executors if one.whole}
    part = [one.id for one in executors if not one.whole]
    found = uow.mandates.reach(actor.party, whole, part, actor.session, wanted, now, place, limit + 1)
    page = found[:limit]
    seen = world.around(services, uow, actor, [mandate for _, mandate in page])
    judged = (
        decide(Request(actor, mandate.principal, wanted.power, mandate=mandate.id), seen, now)
        for _, mandate in page
    )
    rows = tuple(decision for decision in judged if decision.permitted)
    # What ACM said of her roles is too old to rest on: there may be more than is shown.
    incomplete = ("acm",) if claims_are_old(session, now) else ()
    return Page(rows, dict(seen.parties), _next(services, found, limit), incomplete)


def delegates(
    services: Services,
    session: Session,
    organisation: str,
    wanted: Wanted,
    after: str | None,
    limit: int,
    now: Instant,
) -> Delegates:
    """What an organisation gave, by the representative's name, for those who manage it.

    Raise `NotFoundHereError` for anybody else, `InvalidPlaceError`.
    """
    if not decisions.manages(services, session, organisation, now):
        raise NotFoundHereError
    place, limit = _place(services, after), max(1, min(limit, LONGEST))
    with services.database.read() as uow:
        found = uow.mandates.delegates(organisation, wanted, now, place, limit + 1)
        rows = tuple((mandate, status_of(mandate, now)) for _, mandate in found[:limit])
        parties = uow.parties.get_many(_named(mandate for mandate, _ in rows))
    living = tuple(
        row
        for row in rows
        if row[1].state in {State.ACTIVE, State.SCHEDULED, State.SUSPENDED, State.AWAITING}
    )
    return Delegates(living, parties, _next(services, found, limit))


def caseload_of(services: Services, session: Session, executor_id: str, now: Instant) -> list[Party]:
    """The principals of an executor that is not for everybody, by name.

    Raise `NotFoundHereError` also for an executor in which she has no part, or that is for all.
    """
    row = seen.find(services, session, executor_id, now)
    if row.mandate.whole or not row.kind.executor:
        raise NotFoundHereError
    with services.database.read() as uow:
        present = {
            one.principal
            for one in uow.mandates.caseload_of(executor_id)
            if one.added_at <= now and (one.removed_at is None or now < one.removed_at)
        }
        parties = uow.parties.get_many(present)
        given = world.beneficiaries(uow, row.mandate.principal, present)
    shown = [_known_by(party, given.get(party.id, []), session) for party in parties.values()]
    return sorted(shown, key=lambda party: (party.name.casefold(), party.id))


def _known_by(party: Party, given: list[Mandate], session: Session) -> Party:
    """A beneficiary under the name that the organisation may know her by; none where nothing was asked."""
    if any(one.activated_at is not None for one in given):
        return party
    return as_typed(given[-1], party, session) if given else replace(party, name="")


def _executors(services: Services, uow: UnitOfWork, actor: Actor, now: Instant) -> list[Mandate]:
    """The organisations' edges through which she acts in this session."""
    types = [key for key, kind in services.catalogue().types.items() if kind.executor]
    held = uow.mandates.executors_of(actor.party, types, actor.session)
    return [one for one in held if in_force(one, now, actor.session)]


def _named(mandates: Iterable[Mandate]) -> set[str]:
    return {party for one in mandates for party in (one.principal, one.representative)}


def _place(services: Services, after: str | None) -> Place | None:
    """Where a page begins, from what an earlier page said. It holds a name, so it is sealed."""
    if after is None:
        return None
    try:
        name, mandate = json.loads(services.vault.open(after, _CURSOR))
    except (SealError, ValueError):
        raise InvalidPlaceError from None
    return str(name), str(mandate)


def _next(services: Services, found: list[tuple[Place, Mandate]], limit: int) -> str | None:
    if len(found) <= limit:
        return None
    return services.vault.seal(json.dumps(found[limit - 1][0]).encode(), _CURSOR)
