"""Loads the part of the world that one question is about, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from broker.ports import Services, UnitOfWork
from broker.records import Question, Session, Snapshot
from mandates.capacity import Actor
from mandates.catalogue import Catalogue
from mandates.model import Mandate, Party, PartyKind
from mandates.world import World


def actor_of(session: Session) -> Actor:
    """The person of this session, as the engine sees her."""
    return Actor(party=session.party, level=session.level, session=session.id, staff=session.staff)


def looked_up(services: Services, questions: Iterable[Question]) -> World:
    """Everything that can answer these questions: one statement, one moment.

    Only where something waits, a second look says for whom: that hangs on the measures over the
    principal and on what she took away before. It waits whatever that look finds.
    """
    seen = of_snapshot(services.catalogue(), services.database.look(tuple(questions)))
    waiting = [one for one in seen.mandates if one.activated_at is None and one.ended_at is None]
    if not waiting:
        return seen
    with services.database.read() as uow:
        around_it = beside_many(uow, seen.catalogue, waiting)
    found = {one.id: one for one in (*around_it, *seen.mandates)}
    return replace(seen, mandates=tuple(found.values()))


def of_snapshot(catalogue: Catalogue, snapshot: Snapshot) -> World:
    """What a store knew, as the engine's world."""
    return World(catalogue, snapshot.parties, snapshot.mandates, snapshot.revision, snapshot.caseloads)


def between(services: Services, uow: UnitOfWork, principal: str, actor: Actor) -> World:
    """Everything that can make a chain from `principal` to the actor, in her session.

    In a write unit the chain is locked: it stays as it was judged until the commit.
    """
    mandates = uow.mandates.between(principal, actor.party, actor.session)
    return _world(services, uow, mandates, {principal, actor.party})


def around(
    services: Services,
    uow: UnitOfWork,
    actor: Actor,
    mandates: Iterable[Mandate] = (),
    parties: Mapping[str, Party] | None = None,
) -> World:
    """The actor with all that she holds herself, and these mandates with what they were passed on from.

    `parties` are those that the caller has read already. Enough to judge her capacities
    towards them, and to act under them; not what organisations hold through which she might
    act: `lists` pages that.
    """
    found = [*uow.mandates.of_representatives([actor.party], actor.session), *mandates]
    passed_on = [mandate.id for mandate in found if mandate.parent is not None]
    forebears = uow.mandates.forebears(passed_on) if passed_on else []
    return _world(services, uow, [*found, *forebears], {actor.party}, parties)


def beside(uow: UnitOfWork, principal: Party, representative: str) -> list[Mandate]:
    """What stands beside a mandate between these two: earlier ones, and what protects the principal.

    Everything that a person gave is a handful; what an organisation gave may be
    thousands, of which the same pair matters.
    """
    if principal.kind is PartyKind.PERSON:
        return uow.mandates.of_principal(principal.id)
    return uow.mandates.of_pairs([(principal.id, representative)])


def beneficiaries(uow: UnitOfWork, organisation: str, people: Iterable[str]) -> dict[str, list[Mandate]]:
    """Of these people, who gave the organisation a mandate or was asked one; with those, oldest first."""
    found: dict[str, list[Mandate]] = {}
    for one in uow.mandates.of_pairs([(person, organisation) for person in people]):
        found.setdefault(one.principal, []).append(one)
    return found


def beside_many(uow: UnitOfWork, catalogue: Catalogue, mandates: Iterable[Mandate]) -> list[Mandate]:
    """As `beside`, for many mandates: two queries at most."""
    people: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for one in mandates:
        kind = catalogue.types.get(one.type)
        if kind is not None and kind.principal_kind is PartyKind.PERSON:
            people.add(one.principal)
        else:
            pairs.add((one.principal, one.representative))
    found = uow.mandates.of_principals(people) if people else []
    return found + (uow.mandates.of_pairs(pairs) if pairs else [])


def for_change(services: Services, uow: UnitOfWork, actor: Actor, mandate: Mandate) -> World:
    """What is needed to judge a change: her capacities, what stands beside it, what was passed on from it."""
    around_it = beside(uow, uow.parties.get(mandate.principal), mandate.representative)
    return around(services, uow, actor, [mandate, *around_it, *uow.mandates.descendants([mandate.id])])


def _world(
    services: Services,
    uow: UnitOfWork,
    mandates: Iterable[Mandate],
    named: set[str],
    known: Mapping[str, Party] | None = None,
) -> World:
    known = known or {}
    unique = {mandate.id: mandate for mandate in mandates}
    missing = named.union(*({m.principal, m.representative} for m in unique.values())) - known.keys()
    part = [mandate.id for mandate in unique.values() if not mandate.whole]
    return World(
        catalogue=services.catalogue(),
        parties={**known, **uow.parties.get_many(missing)} if missing else known,
        mandates=tuple(unique.values()),
        # A unit of work is one moment; only who asks from outside wants to know which.
        revision=0,
        caseloads=tuple(uow.mandates.caseloads(part, {m.principal for m in unique.values()})) if part else (),
    )
