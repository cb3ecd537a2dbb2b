"""In what capacity a person stands towards a mandate, and so what she may do to it.

The catalogue speaks of capacities only, never of people. Nobody has a capacity
by name: it follows from being a party, from a mandate in force, or from a staff
role of the broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mandates.chain import held_by
from mandates.eligibility import why_cannot_act
from mandates.model import Instant, Level, Mandate
from mandates.status import in_force
from mandates.world import World

REVIEWER = "reviewer"
"""The staff role that speaks for the issuer of the vouchers."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person at the keyboard, as signed in."""

    party: str
    level: Level
    session: str | None = None
    staff: frozenset[str] = frozenset()
    """Staff roles of the broker."""


def capacities(actor: Actor, mandate: Mandate, world: World, now: Instant) -> frozenset[str]:
    """All capacities of this person towards this mandate; empty means that she may do nothing.

    `principal`, `representative`: she is that party. `officer`: she is an executor of the
    representative organisation. `second_officer`: an officer who did not make the
    request. `manager`: she holds a mandate of the same principal that grants this
    type. `issuer`: a reviewer who is no party to it.

    Raise `CatalogueError` if the mandate's type is in no table.
    """
    if why_cannot_act(world.parties.get(actor.party), now) is not None:
        return frozenset()
    return frozenset(_capacities(actor, mandate, world, now))


def _capacities(actor: Actor, mandate: Mandate, world: World, now: Instant) -> Iterator[str]:
    if actor.party == mandate.principal:
        yield "principal"
    if actor.party == mandate.representative:
        yield "representative"
    if _is_officer(actor, mandate, world, now):
        yield "officer"
        if actor.party != mandate.requested_by:
            yield "second_officer"
    if _is_manager(actor, mandate, world, now):
        yield "manager"
    # A reviewer who is a party would judge her own affairs.
    if REVIEWER in actor.staff and actor.party not in {mandate.principal, mandate.representative}:
        yield "issuer"


def _is_officer(actor: Actor, mandate: Mandate, world: World, now: Instant) -> bool:
    executors = world.catalogue.type(mandate.type).executors
    return any(
        held.principal == mandate.representative
        and held.type in executors
        and in_force(held, now, actor.session)
        for held in held_by(actor.party, world)
    )


def _is_manager(actor: Actor, mandate: Mandate, world: World, now: Instant) -> bool:
    return any(
        held.principal == mandate.principal
        and held.type in world.catalogue.types
        and mandate.type in world.catalogue.types[held.type].grants
        and in_force(held, now, actor.session)
        for held in held_by(actor.party, world)
    )
