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


def between(services: Services, uow: UnitOfWork, principal: str, actor: str, *parties: str) -> World:
    """Everything that can make a chain from `principal` to `actor`, and the parties named."""
    mandates = uow.mandates.between(principal, actor)
    return _world(services, uow, mandates, {principal, actor, *parties})


def around(services: Services, uow: UnitOfWork, actor: str) -> World:
    """Everything through which `actor` may represent somebody: direct and through organisations."""
    direct = uow.mandates.of_representatives([actor])
    types = services.catalogue().types
    organisations = {m.principal for m in direct if m.type in types and types[m.type].executor}
    through = uow.mandates.of_representatives(organisations) if organisations else []
    return _world(services, uow, [*direct, *through], {actor})


def with_mandates(services: Services, uow: UnitOfWork, actor: str, mandates: Iterable[Mandate]) -> World:
    """What is needed to judge what `actor` may do to these mandates."""
    return _world(services, uow, [*uow.mandates.of_representatives([actor]), *mandates], {actor})


def _world(services: Services, uow: UnitOfWork, mandates: list[Mandate], parties: set[str]) -> World:
    unique = {mandate.id: mandate for mandate in mandates}
    ids = parties.union(*({m.principal, m.representative} for m in unique.values()))
    return World(
        catalogue=services.catalogue(),
        parties=uow.parties.get_many(ids),
        mandates=tuple(unique.values()),
        revision=uow.mandates.revision(),
    )
