"""In what capacity a person stands towards a mandate, and so what she may do to it.

The catalogue speaks of capacities only, never of people. Nobody has a capacity
by name: it follows from being a party, from a mandate in force, or from a staff
role of the broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mandates.eligibility import is_minor, why_cannot_act
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
    representative organisation, for all or with the principal in her caseload.
    `second_officer`: an officer who did not make the request. `manager`: she holds a
    mandate of the same principal that grants this type. `administrator`: she holds a
    legal measure over the principal. `origin`: she is on the representative's side of
    what this was passed on from. `issuer`: a reviewer who stands on no side of it.

    Raise `CatalogueError` if the mandate's type is in no table.
    """
    if why_cannot_act(world.parties.get(actor.party), now) is not None:
        return frozenset()
    held = frozenset(_capacities(actor, mandate, world, now))
    # A reviewer who has a side in it, her own or her organisation's, would judge her own affairs.
    return held or (frozenset({"issuer"}) if REVIEWER in actor.staff else frozenset())


def administrators(principal: str, world: World, now: Instant) -> frozenset[str]:
    """Parties that hold a legal measure in force over this principal."""
    protected = world.parties.get(principal)
    minor = protected is not None and is_minor(protected, now)
    types = world.catalogue.types
    return frozenset(
        held.representative
        for held in world.given_by(principal)
        if held.type in types
        and types[held.type].measure
        # The period says so too, unless the register was corrected since.
        and (minor or not types[held.type].until_adult)
        and in_force(held, now)
    )


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
    # A measure gives nobody a say over the measure itself.
    if actor.party in administrators(mandate.principal, world, now) - {mandate.representative}:
        yield "administrator"
    if _is_origin(actor, mandate, world, now):
        yield "origin"


def _is_officer(actor: Actor, mandate: Mandate, world: World, now: Instant) -> bool:
    executors = world.catalogue.type(mandate.type).executors
    return any(
        held.principal == mandate.representative
        and held.type in executors
        # An executor is never passed on (catalogue_rules), whatever was stored.
        and held.parent is None
        and in_force(held, now, actor.session)
        and _handles(held, mandate, actor, world, now)
        for held in world.held_by(actor.party)
    )


def _handles(executor: Mandate, mandate: Mandate, actor: Actor, world: World, now: Instant) -> bool:
    """Whether the principal is hers to handle; whoever asks for a mandate handles the request."""
    return (
        executor.whole
        or mandate.requested_by == actor.party
        or world.in_caseload(executor.id, mandate.principal, now)
    )


def _is_manager(actor: Actor, mandate: Mandate, world: World, now: Instant) -> bool:
    return any(
        held.principal == mandate.principal
        and held.type in world.catalogue.types
        and mandate.type in world.catalogue.types[held.type].grants
        and in_force(held, now, actor.session)
        for held in world.held_by(actor.party)
    )


def _is_origin(actor: Actor, mandate: Mandate, world: World, now: Instant) -> bool:
    origin = world.get(mandate.parent) if mandate.parent else None
    if origin is None:
        return False
    return actor.party == origin.representative or _is_officer(actor, origin, world, now)
