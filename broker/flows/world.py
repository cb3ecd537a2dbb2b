"""Loads the part of the world that one question is about, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable

from broker.ports import Services, UnitOfWork
from broker.records import Session
from mandates.capacity import Actor
from mandates.model import Mandate
from mandates.world import World


def actor_of(session: Session) -> Actor:
    """The person of this session, as the engine sees her."""
    return Actor(party=session.party, level=session.level, session=session.id, staff=session.staff)


def between(services: Services, uow: UnitOfWork, principal: str, actor: Actor) -> World:
    """Everything that can make a chain from `principal` to the actor, in her session."""
    mandates = uow.mandates.between(principal, actor.party, actor.session)
    return _world(services, uow, mandates, {principal, actor.party})


def around(services: Services, uow: UnitOfWork, actor: Actor) -> World:
    """Everything through which the actor may represent somebody: direct and through organisations."""
    direct = uow.mandates.of_representatives([actor.party], actor.session)
    types = services.catalogue().types
    organisations = {m.principal for m in direct if m.type in types and types[m.type].executor}
    through = uow.mandates.of_representatives(organisations) if organisations else []
    return _world(services, uow, [*direct, *through], {actor.party})


def with_mandates(services: Services, uow: UnitOfWork, actor: Actor, mandates: Iterable[Mandate]) -> World:
    """What is needed to judge what the actor may do to these mandates."""
    held = uow.mandates.of_representatives([actor.party], actor.session)
    return _world(services, uow, [*held, *mandates], {actor.party})


def _world(services: Services, uow: UnitOfWork, mandates: list[Mandate], parties: set[str]) -> World:
    unique = {mandate.id: mandate for mandate in mandates}
    ids = parties.union(*({m.principal, m.representative} for m in unique.values()))
    return World(
        catalogue=services.catalogue(),
        parties=uow.parties.get_many(ids),
        mandates=tuple(unique.values()),
        revision=uow.mandates.revision(),
    )
