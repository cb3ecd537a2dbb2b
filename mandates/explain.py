"""The whole answer: every chain that was considered, and what stands in the way of each.

`decide` gives the nearest reason; a person at a counter, or a reviewer, wants to
see all of them. And the question the other way round: who could act for her?
"""

from __future__ import annotations

from dataclasses import dataclass

from mandates.capacity import Actor
from mandates.chain import Chain, candidate_chains
from mandates.decide import (
    Decision,
    Link,
    Request,
    decide,
    is_self_act,
    judged_chains,
    not_after,
    path_of,
    permit,
    powers_of,
    why_chain_fails,
)
from mandates.eligibility import why_cannot_act
from mandates.model import Instant, Level
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
    considered = [
        Considered(path_of(chain), reasons, powers_of(chain, world, now), not_after(chain, world))
        for chain, reasons in judged_chains(request, world, now)
    ]
    considered.sort(key=lambda one: (len(one.reasons), len(one.path), -one.not_after, one.path[0].mandate))
    return Explanation(decision, tuple(considered))


def who_can_act(principal: str, world: World, now: Instant) -> tuple[Decision, ...]:
    """Every chain in force from this principal to a person, at whatever login it needs.

    A power of a session counts in that session: the world holds the sessions that matter.
    The person is the representative of the last link; by her name, then by chain.
    """
    found = [
        permit(chain, world, now)
        for person in _hands(principal, world)
        if why_cannot_act(world.parties.get(person), now) is None
        for chain in candidate_chains(person, world, principal)
        if not why_chain_fails(chain, _at_best(person, chain), None, world, now)
    ]
    return tuple(sorted(found, key=lambda one: _by_name(one, world)))


def _hands(principal: str, world: World) -> tuple[str, ...]:
    """Everyone at the end of an edge that could matter, each once."""
    first = {mandate.representative for mandate in world.given_by(principal)}
    staff = {mandate.representative for mandate in world.mandates if mandate.principal in first}
    return tuple(sorted(first | staff))


def _at_best(person: str, chain: Chain) -> Actor:
    """The person at the strongest login, in the session that the chain rests on if there is one."""
    session = next((link.session for link in reversed(chain.links) if link.session), None)
    return Actor(person, Level.HIGH, session)


def _by_name(decision: Decision, world: World) -> tuple[str, tuple[str, ...]]:
    person = world.parties[decision.path[-1].representative]
    return person.name.casefold(), tuple(link.mandate for link in decision.path)
