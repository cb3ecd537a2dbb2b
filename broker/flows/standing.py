"""Where a person stands towards one mandate: what any act on it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

from broker.errors import NotFoundHereError
from broker.flows import world
from broker.ports import Services, UnitOfWork
from broker.records import Session
from mandates.capacity import Actor, capacities
from mandates.mandate_type import MandateType
from mandates.model import Instant, Mandate
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Standing:
    """A mandate, who looks at it, and in what capacities."""

    mandate: Mandate
    kind: MandateType
    actor: Actor
    seen: World
    capacities: frozenset[str]


def towards(services: Services, uow: UnitOfWork, session: Session, mandate_id: str, now: Instant) -> Standing:
    """Raise `NotFoundHereError` for a mandate that is unknown, or in which she has no part: alike."""
    mandate = uow.mandates.find(mandate_id)
    if mandate is None:
        raise NotFoundHereError
    actor = world.actor_of(session)
    seen = world.for_change(services, uow, actor, mandate)
    held = capacities(actor, mandate, seen, now)
    if not held:
        raise NotFoundHereError
    return Standing(mandate, seen.catalogue.type(mandate.type), actor, seen, held)
