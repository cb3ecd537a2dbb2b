"""Whether this person may do this for that principal now, and by which chain.

Read it aloud. A person acts for herself without a mandate. For anyone else she
needs a chain of which every link is in force, between parties that are alive
and eligible, at a login strong enough for every link, with the power asked in
all of them. Whatever is not found to be so is denied, and the reasons say what
would mend it (mandates.md section 7).
"""

from __future__ import annotations

from dataclasses import dataclass

from mandates.capacity import Actor
from mandates.chain import Chain, candidate_chains
from mandates.eligibility import why_cannot_act, why_not_eligible
from mandates.model import Instant, Mandate
from mandates.reasons import Reason, why_executor_fails, why_mandate_fails
from mandates.world import World

__all__ = ["Actor", "Decision", "Link", "Reason", "Request", "World", "decide", "representations"]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks to act for whom. `power` None asks whether there is any chain at all."""

    actor: Actor
    principal: str
    power: str | None = None
    mandate: str | None = None
    """Pins the first link: another chain to the same principal does not count."""
    executor: str | None = None
    """Pins the executor link."""


@dataclass(frozen=True, slots=True)
class Link:
    """One edge of the chain that a permit rests on."""

    mandate: str
    type: str
    principal: str
    representative: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Permit with a path, or deny with reasons; never both.

    `powers` are those of the whole chain and `not_after` is the earliest end of its
    links, in Unix seconds. A self act has an empty path, no powers and no end.
    """

    permitted: bool
    reasons: tuple[Reason, ...]
    path: tuple[Link, ...]
    powers: tuple[str, ...]
    not_after: Instant | None
    revision: int


def decide(request: Request, world: World, now: Instant) -> Decision:
    """Permit if one chain carries the request; otherwise deny, with the reasons of the nearest one."""
    obstacle = why_cannot_act(world.parties.get(request.actor.party), now)
    if obstacle is not None:
        return _deny((obstacle,), world)
    if request.principal == request.actor.party and request.mandate is None and request.executor is None:
        return Decision(True, (), (), (), None, world.revision)
    chains = [
        chain
        for chain in candidate_chains(request.actor.party, world, request.principal)
        if _matches_pins(chain, request)
    ]
    if not chains:
        return _deny((Reason("no_mandate"),), world)
    obstacles = {chain: _why_chain_fails(chain, request.actor, request.power, world, now) for chain in chains}
    open_chains = [chain for chain in chains if not obstacles[chain]]
    if open_chains:
        return _permit(min(open_chains, key=_preference), world)
    return _deny(obstacles[min(chains, key=lambda chain: (len(obstacles[chain]), _preference(chain)))], world)


def representations(actor: Actor, world: World, now: Instant) -> tuple[Decision, ...]:
    """Every permitted chain to this person, by the principal's name; the self act is not among them."""
    if why_cannot_act(world.parties.get(actor.party), now) is not None:
        return ()
    chains = [
        chain
        for chain in candidate_chains(actor.party, world)
        if not _why_chain_fails(chain, actor, None, world, now)
    ]
    chains.sort(key=lambda chain: (_name_of_principal(chain, world), _preference(chain)))
    return tuple(_permit(chain, world) for chain in chains)


def powers_of(chain: Chain, world: World) -> tuple[str, ...]:
    """Powers that every link has and that its type still has today, in the order of the first link.

    Each link only ever narrows: nothing that a later link adds counts.
    """
    return tuple(
        power
        for power in chain[0].powers
        if all(power in link.powers and power in world.catalogue.type(link.type).powers for link in chain)
    )


def _matches_pins(chain: Chain, request: Request) -> bool:
    if request.mandate is not None and chain[0].id != request.mandate:
        return False
    return request.executor is None or (len(chain) > 1 and chain[1].id == request.executor)


def _why_chain_fails(
    chain: Chain, actor: Actor, power: str | None, world: World, now: Instant
) -> tuple[Reason, ...]:
    first, *executors = chain
    reasons = list(why_mandate_fails(first, world.catalogue.type(first.type), actor.session, now))
    for executor in executors:
        reasons += why_executor_fails(executor, actor.session, now)
    if chain[-1].representative != actor.party:
        reasons.append(Reason("executor_missing"))
    for link in chain:
        reasons += _why_parties_fail(link, world, now)
    needed = max(world.catalogue.type(link.type).level_to_use for link in chain)
    if actor.level < needed:
        reasons.append(Reason("assurance_too_low", needs=needed.name.lower()))
    powers = powers_of(chain, world)
    if not powers or power not in {None, *powers}:
        reasons.append(Reason("power_not_granted", needs=power or ""))
    return tuple(dict.fromkeys(reasons))


def _why_parties_fail(link: Mandate, world: World, now: Instant) -> tuple[Reason, ...]:
    principal = world.parties.get(link.principal)
    representative = world.parties.get(link.representative)
    if principal is None or representative is None:
        return (Reason("party_unknown"),)
    return why_not_eligible(world.catalogue.type(link.type), principal, representative, now)


def _preference(chain: Chain) -> tuple[int, int, tuple[str, ...]]:
    """Shortest first, then the one that lasts longest, then a fixed order."""
    return len(chain), -_not_after(chain), tuple(link.id for link in chain)


def _not_after(chain: Chain) -> Instant:
    return min(link.valid_until for link in chain)


def _name_of_principal(chain: Chain, world: World) -> tuple[str, str]:
    return world.parties[chain[0].principal].name.casefold(), chain[0].principal


def _permit(chain: Chain, world: World) -> Decision:
    return Decision(
        permitted=True,
        reasons=(),
        path=tuple(Link(link.id, link.type, link.principal, link.representative) for link in chain),
        powers=powers_of(chain, world),
        not_after=_not_after(chain),
        revision=world.revision,
    )


def _deny(reasons: tuple[Reason, ...], world: World) -> Decision:
    return Decision(False, reasons, (), (), None, world.revision)
