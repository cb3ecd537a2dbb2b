"""The whole answer: every chain that was considered, and what stands in the way of each.

`decide` gives the nearest reason; a person at a counter, or a reviewer, wants to
see all of them. And the question the other way round: who could act for her?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mandates.capacity import Actor
from mandates.chain import candidate_chains
from mandates.decide import (
    Decision,
    Link,
    Request,
    decide,
    distance,
    is_self_act,
    judged_chains,
    not_after,
    path_of,
    permit,
    powers_of,
    why_chain_fails,
)
from mandates.eligibility import why_cannot_act
from mandates.model import Instant, Level, PartyKind
from mandates.reasons import Reason
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Considered:
    """One chain with what stands in its way; nothing does for the ones that permit."""

    path: tuple[Link, ...]
    reasons: tuple[Reason, ...]
    powers: tuple[str, ...]
    not_after: Instant


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision, and every chain behind it, nearest first."""

    decision: Decision
    considered: tuple[Considered, ...]


def explain(request: Request, world: World, now: Instant) -> Explanation:
    """Decide, and show every chain that was looked at."""
    decision = decide(request, world, now)
    if is_self_act(request) or why_cannot_act(world.parties.get(request.actor.party), now):
        return Explanation(decision, ())
    judged = sorted(judged_chains(request, world, now), key=lambda one: distance(one, request.actor, world))
    considered = (
        Considered(path_of(chain), reasons, powers_of(chain, world, now), not_after(chain, world))
        for chain, reasons in judged
    )
    return Explanation(decision, tuple(considered))


def who_can_act(principal: str, world: World, now: Instant) -> tuple[Decision, ...]:
    """Every chain in force from this principal to a person, at whatever login it needs.

    A power of a session counts in that session: the world holds the sessions that matter.
    The person is the representative of the last link; by her name, then by chain.
    """
    found = {
        permit(chain, world, now)
        for person in _hands(principal, world)
        if why_cannot_act(world.parties.get(person), now) is None
        for actor in _at_best(person, principal, world)
        for chain in candidate_chains(person, world, principal, actor.session)
        if not why_chain_fails(chain, actor, None, world, now)
    }
    return tuple(sorted(found, key=lambda one: _by_name(one, world)))


def which_organisations_can_act(principal: str, world: World, now: Instant) -> tuple[Decision, ...]:
    """Every chain in force from this principal to an organisation, by its name.

    Whoever has the role there acts by it, and may be known by her sessions alone: a list of
    people without these would say "nobody" of a mandate that is in use.
    """
    found = (
        permit(chain, world, now)
        for one in sorted({given.representative for given in world.given_by(principal)})
        if one in world.parties and world.parties[one].kind is PartyKind.ORGANISATION
        for chain in candidate_chains(one, world, principal)
        if not why_chain_fails(chain, Actor(one, Level.HIGH), None, world, now)
    )
    return tuple(sorted(found, key=lambda one: _by_name(one, world)))


def _hands(principal: str, world: World) -> tuple[str, ...]:
    """Everyone at the end of an edge that could matter, each once."""
    first = {mandate.representative for mandate in world.given_by(principal)}
    staff = {mandate.representative for mandate in world.mandates if mandate.principal in first}
    return tuple(sorted(first | staff))


def _at_best(person: str, principal: str, world: World) -> Iterator[Actor]:
    """The person at the strongest login, in each session that could matter, and in none."""
    links = (*world.held_by(person), *world.given_by(principal))
    for session in {None, *(link.session for link in links)}:
        yield Actor(person, Level.HIGH, session)


def _by_name(decision: Decision, world: World) -> tuple[str, tuple[str, ...]]:
    person = world.parties[decision.path[-1].representative]
    return person.name.casefold(), tuple(link.mandate for link in decision.path)
