"""Whether this person may do this for that principal now, and by which chain.

Read it aloud. A person acts for herself without a mandate. For anyone else she
needs a chain of which every link is in force, between parties that are alive
and eligible, at a login strong enough for every link, with the power asked in
all of them. Whatever is not found to be so is denied, and the reasons say what
would mend it (mandates.md section 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mandates.approvals import open_groups
from mandates.capacity import Actor
from mandates.chain import Chain, candidate_chains
from mandates.eligibility import why_cannot_act, why_not_eligible
from mandates.model import Instant, Mandate, Source
from mandates.reasons import Reason, why_executor_fails, why_mandate_fails, why_origin_fails
from mandates.world import World

__all__ = [
    "Actor",
    "Decision",
    "Link",
    "Reason",
    "Request",
    "World",
    "decide",
    "decide_many",
    "representations",
]


Judged = tuple[Chain, tuple[Reason, ...]]
"""A chain, and what stands in its way."""
Preference = tuple[int, tuple[Instant, ...], tuple[str, ...]]
"""Of two chains that do, the one that counts is the smaller."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks to act for whom. `power` None asks whether there is any chain at all."""

    actor: Actor
    principal: str
    power: str | None = None
    mandate: str | None = None
    """Pins the link under which the representative acts: no other chain to the principal counts."""
    executor: str | None = None
    """Pins the executor link."""


@dataclass(frozen=True, slots=True)
class Link:
    """One edge of the chain that a permit rests on."""

    mandate: str
    type: str
    principal: str
    representative: str
    executor: bool = False
    """Whether it is the organisation's edge to its member of staff."""


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

    @property
    def acting(self) -> Link:
        """The link under which the representative acts; raise `IndexError` for a deny or a self act."""
        return self.path[-2] if self.executor else self.path[-1]

    @property
    def executor(self) -> Link | None:
        """The organisation's edge to the person, if the representative is an organisation."""
        return self.path[-1] if self.path and self.path[-1].executor else None


def decide(request: Request, world: World, now: Instant) -> Decision:
    """Permit if one chain carries the request; otherwise deny, with the reasons of the nearest one."""
    obstacle = why_cannot_act(world.parties.get(request.actor.party), now)
    if obstacle is not None:
        return deny((obstacle,), world)
    if is_self_act(request):
        return Decision(True, (), (), (), None, world.revision)
    judged = list(judged_chains(request, world, now))
    carrying = [chain for chain, reasons in judged if not reasons]
    if carrying:
        return permit(min(carrying, key=lambda chain: _preference(chain, world)), world, now)
    if not judged:
        return deny((Reason("no_mandate"),), world)
    return deny(min(judged, key=lambda one: distance(one, request.actor, world))[1], world)


def decide_many(requests: Iterable[Request], world: World, now: Instant) -> list[Decision]:
    """The same answers as `decide` gives one by one, of one world and one instant."""
    return [decide(request, world, now) for request in requests]


def representations(actor: Actor, world: World, now: Instant) -> tuple[Decision, ...]:
    """Every permitted chain to this person, by the principal's name; the self act is not among them."""
    if why_cannot_act(world.parties.get(actor.party), now) is not None:
        return ()
    chains = [
        chain
        for chain in candidate_chains(actor.party, world, session=actor.session)
        if not why_chain_fails(chain, actor, None, world, now)
    ]
    chains.sort(key=lambda chain: (_name_of_principal(chain, world), _preference(chain, world)))
    return tuple(permit(chain, world, now) for chain in chains)


def is_self_act(request: Request) -> bool:
    """Whether a person asks for her own affairs, in her own name."""
    return request.principal == request.actor.party and request.mandate is None and request.executor is None


def judged_chains(request: Request, world: World, now: Instant) -> Iterator[Judged]:
    """Every chain that the request could rest on, with what stands in its way."""
    actor = request.actor
    for chain in candidate_chains(actor.party, world, request.principal, actor.session):
        if _matches_pins(chain, request):
            yield chain, why_chain_fails(chain, actor, request.power, world, now)


def powers_of(chain: Chain, world: World, now: Instant) -> tuple[str, ...]:
    """Powers that every link has and that its type still has today, in the order of the first link.

    Each link only ever narrows: nothing that a later link adds counts.
    """
    left: tuple[str, ...] | None = None
    for link in chain.links:
        # The warm path: few mandates ever lose a power before they end themselves.
        held = link.powers_at(now) if link.ended_powers else link.powers
        offered = world.catalogue.type(link.type).powers
        narrower = held if left is None else left
        left = tuple([power for power in narrower if power in held and power in offered])
    return left or ()


def why_chain_fails(
    chain: Chain, actor: Actor, power: str | None, world: World, now: Instant
) -> tuple[Reason, ...]:
    """Everything that keeps this chain from carrying the power to this actor; empty if nothing does."""
    reasons = [*_why_lineage_fails(chain, world, now)]
    acting, links = chain.acting, chain.links
    reasons += why_mandate_fails(acting, _waits_for(acting, world, now), actor.session, now)
    reasons += _why_hand_fails(chain, actor, world, now)
    for link in links:
        reasons += _why_parties_fail(link, world, now)
    needed = max([world.catalogue.type(link.type).level_to_use for link in links])
    if actor.level < needed:
        reasons.append(Reason("assurance_too_low", needs=needed.name.lower()))
    powers = powers_of(chain, world, now)
    if not powers or power not in {None, *powers}:
        reasons.append(Reason("power_not_granted", needs=power or ""))
    return tuple(dict.fromkeys(reasons)) if reasons else ()


def distance(judged: Judged, actor: Actor, world: World) -> tuple[bool, int, Preference]:
    """How far a chain is from carrying the request: the nearest one gives a deny its reasons."""
    chain, reasons = judged
    # A chain that ends with others explains less than the worst that reaches her.
    elsewhere = chain.links[-1].representative != actor.party
    return elsewhere, len(reasons), _preference(chain, world)


def permit(chain: Chain, world: World, now: Instant) -> Decision:
    """A permit that names its chain."""
    return Decision(
        permitted=True,
        reasons=(),
        path=path_of(chain),
        powers=powers_of(chain, world, now),
        not_after=not_after(chain, world),
        revision=world.revision,
    )


def deny(reasons: tuple[Reason, ...], world: World) -> Decision:
    """A deny that says why."""
    return Decision(False, reasons, (), (), None, world.revision)


def path_of(chain: Chain) -> tuple[Link, ...]:
    """The links of a chain as a decision shows them."""
    return tuple(
        Link(link.id, link.type, link.principal, link.representative, executor=link is chain.executor)
        for link in chain.links
    )


def not_after(chain: Chain, world: World) -> Instant:
    """The earliest end of its links; what is for a minor ends when she turns eighteen, too."""
    end = min([link.valid_until for link in chain.links])
    if not world.catalogue.type(chain.acting.type).until_adult:
        return end
    # The period was cut to it when it was asked; the register may have been corrected since.
    principal = world.parties.get(chain.acting.principal)
    return end if principal is None or principal.adult_at is None else min(end, principal.adult_at)


def _waits_for(mandate: Mandate, world: World, now: Instant) -> tuple[frozenset[str], ...]:
    """The groups of approvals that a request still waited for at this instant."""
    if mandate.activated_at is not None and mandate.activated_at <= now:
        return ()
    return open_groups(mandate, world, now, [one for one in mandate.approvals if one.at <= now])


def _why_lineage_fails(chain: Chain, world: World, now: Instant) -> Iterator[Reason]:
    """What keeps the mandates that it was passed on from, from carrying it."""
    if not chain.complete:
        yield Reason("passed_on_missing")
    if len(chain.passed_on) - 1 > world.catalogue.type(chain.acting.type).depth:
        yield Reason("passed_on_too_far")
    for origin in chain.passed_on[:-1]:
        yield from why_origin_fails(origin, now)
    # Claims bring a power to a session; nobody passes on by them, whatever was stored.
    if chain.acting.parent is not None and chain.acting.source is not Source.STORED:
        yield Reason("passed_on_missing")


def _why_hand_fails(chain: Chain, actor: Actor, world: World, now: Instant) -> Iterator[Reason]:
    """What keeps the last link from leading to this person."""
    executor = chain.executor
    if executor is not None:
        yield from why_executor_fails(executor, actor.session, now)
        if not executor.whole and not world.in_caseload(executor.id, chain.acting.principal, now):
            yield Reason("not_in_caseload")
    if chain.links[-1].representative != actor.party:
        yield Reason("executor_missing")


def _why_parties_fail(link: Mandate, world: World, now: Instant) -> tuple[Reason, ...]:
    principal = world.parties.get(link.principal)
    representative = world.parties.get(link.representative)
    if principal is None or representative is None:
        return (Reason("party_unknown"),)
    return why_not_eligible(world.catalogue.type(link.type), principal, representative, now)


def _matches_pins(chain: Chain, request: Request) -> bool:
    if request.mandate is not None and chain.acting.id != request.mandate:
        return False
    executor = chain.executor.id if chain.executor else None
    return request.executor is None or executor == request.executor


def _preference(chain: Chain, world: World) -> Preference:
    """Shortest first, then what lasts longest, as a whole and by itself, then what was asked last.

    Identifiers are random, so they settle only what nobody could tell apart.
    """
    links, acting = chain.links, chain.acting
    lasts = (-not_after(chain, world), -acting.valid_until, -acting.requested_at)
    return len(links), lasts, tuple([link.id for link in links])


def _name_of_principal(chain: Chain, world: World) -> tuple[str, str]:
    return world.parties[chain.acting.principal].name.casefold(), chain.acting.principal
