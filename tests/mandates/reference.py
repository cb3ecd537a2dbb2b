"""What a decision must be: written from the design to be read aloud, not to be fast.

The engine looks up, prunes and remembers. Here every walk from the principal to the
actor is made, and each is judged by one list of rules (mandates.md sections 3 to 7).
The values of the model are read as data; whatever the model, the world or the engine
can work out for itself is worked out here again, in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mandates.capacity import Actor
from mandates.decide import Request
from mandates.mandate_type import MandateType
from mandates.model import Instant, Level, Mandate, Party, PartyKind, Source
from mandates.world import World


@dataclass(frozen=True)
class Way:
    """One chain that carries power: its mandates in order, what it carries, and until when."""

    path: tuple[str, ...]
    powers: frozenset[str]
    not_after: Instant


@dataclass(frozen=True)
class Walk:
    """One walk over the edges from a principal to an actor, whatever the state of the edges."""

    actor: Actor
    world: World
    now: Instant
    given: tuple[Mandate, ...]
    """The root mandate, then each one that was passed on from the one before."""
    executor: Mandate | None
    """The edge from the last organisation to the member of staff, if it ends at one."""

    @property
    def links(self) -> tuple[Mandate, ...]:
        return self.given if self.executor is None else (*self.given, self.executor)

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(link.id for link in self.links)

    @property
    def principal(self) -> str:
        return self.given[0].principal

    def type_of(self, link: Mandate) -> MandateType:
        return self.world.catalogue.types[link.type]


# --- the questions ---


def ways(actor: Actor, principal: str, world: World, now: Instant) -> frozenset[Way]:
    """Every chain by which this person may do anything for this principal."""
    found = (
        Way(walk.path, common_powers(walk), first_end(walk))
        for walk in walks(actor, principal, world, now)
        if all(rule(walk) for rule in RULES)
    )
    return frozenset(way for way in found if way.powers)


def answers(request: Request, world: World, now: Instant) -> frozenset[Way]:
    """The chains that carry what is asked: the power, the pinned mandate, the pinned executor."""
    fitting = {
        walk.path
        for walk in walks(request.actor, request.principal, world, now)
        if request.mandate in {None, walk.given[-1].id}
        and request.executor in {None, walk.executor.id if walk.executor else None}
    }
    return frozenset(
        way
        for way in ways(request.actor, request.principal, world, now)
        if way.path in fitting and (request.power is None or request.power in way.powers)
    )


def acts_for_herself(request: Request, world: World, now: Instant) -> bool:
    """Whether she lives and asks for her own affairs: that needs no mandate, and so names none."""
    return (
        request.actor.party == request.principal
        and request.mandate is request.executor is None
        and is_living_person(world.parties.get(request.principal), now)
    )


def everybody(principal: str, world: World, now: Instant) -> dict[str, frozenset[Way]]:
    """Per person, the chains by which she may act for this principal, in whatever session she is."""
    sessions = {None} | {mandate.session for mandate in world.mandates}
    found = {
        person: frozenset().union(
            *(ways(Actor(person, Level.HIGH, session), principal, world, now) for session in sessions)
        )
        for person in world.parties
    }
    return {person: chains for person, chains in found.items() if chains}


# --- the walks ---


def walks(actor: Actor, principal: str, world: World, now: Instant) -> Iterator[Walk]:
    """Every walk from the principal to the actor: down what was passed on, and out at each step."""
    unfinished = [(root,) for root in world.mandates if root.principal == principal and root.parent is None]
    while unfinished:
        given = unfinished.pop()
        holder = given[-1].representative
        if holder == actor.party:
            yield Walk(actor, world, now, given, executor=None)
        for edge in world.mandates:
            if edge.principal == holder and edge.representative == actor.party and is_executor(edge, world):
                yield Walk(actor, world, now, given, executor=edge)
            if edge.parent == given[-1].id:
                unfinished.append((*given, edge))


def is_executor(edge: Mandate, world: World) -> bool:
    kind = world.catalogue.types.get(edge.type)
    return kind is not None and kind.executor


# --- the rules ---


def nobody_acts_for_herself_by_mandate(walk: Walk) -> bool:
    return walk.principal != walk.actor.party


def the_actor_is_a_living_person(walk: Walk) -> bool:
    return is_living_person(walk.world.parties.get(walk.actor.party), walk.now)


def every_type_is_known(walk: Walk) -> bool:
    return all(link.type in walk.world.catalogue.types for link in walk.links)


def the_root_is_no_executor_edge(walk: Walk) -> bool:
    return not walk.type_of(walk.given[0]).executor


def the_executor_is_of_a_type_that_the_mandate_acts_through(walk: Walk) -> bool:
    return walk.executor is None or walk.executor.type in walk.type_of(walk.given[-1]).executors


def what_is_passed_on_keeps_principal_and_type(walk: Walk) -> bool:
    return len({(link.principal, link.type) for link in walk.given}) == 1


def it_is_not_passed_on_too_often(walk: Walk) -> bool:
    return len(walk.given) - 1 <= walk.type_of(walk.given[0]).depth


def what_came_from_claims_is_not_passed_on(walk: Walk) -> bool:
    return len(walk.given) == 1 or all(link.source is Source.STORED for link in walk.given)


def an_executor_edge_is_not_passed_on(walk: Walk) -> bool:
    return walk.executor is None or walk.executor.parent is None


def every_link_is_in_force(walk: Walk) -> bool:
    return all(is_active(link, walk.now) for link in walk.links)


def every_link_serves_this_session(walk: Walk) -> bool:
    return all(
        link.source is Source.STORED or (link.session is not None and link.session == walk.actor.session)
        for link in walk.links
    )


def every_link_is_between_parties_that_may(walk: Walk) -> bool:
    return all(are_eligible(link, walk.world, walk.now) for link in walk.links)


def the_login_is_strong_enough_for_every_link(walk: Walk) -> bool:
    return all(walk.actor.level >= walk.type_of(link).level_to_use for link in walk.links)


def the_executor_handles_this_principal(walk: Walk) -> bool:
    if walk.executor is None or walk.executor.whole:
        return True
    return any(
        (case.executor, case.principal) == (walk.executor.id, walk.principal)
        and began_and_goes_on(case.added_at, case.removed_at, walk.now)
        for case in walk.world.caseloads
    )


Rule = Callable[[Walk], bool]

RULES: tuple[Rule, ...] = (
    every_type_is_known,  # before the rules that read the type
    nobody_acts_for_herself_by_mandate,
    the_actor_is_a_living_person,
    the_root_is_no_executor_edge,
    the_executor_is_of_a_type_that_the_mandate_acts_through,
    what_is_passed_on_keeps_principal_and_type,
    it_is_not_passed_on_too_often,
    what_came_from_claims_is_not_passed_on,
    an_executor_edge_is_not_passed_on,
    every_link_is_in_force,
    every_link_serves_this_session,
    every_link_is_between_parties_that_may,
    the_login_is_strong_enough_for_every_link,
    the_executor_handles_this_principal,
)


# --- what the rules speak of ---


def began_and_goes_on(since: Instant | None, until: Instant | None, now: Instant) -> bool:
    """Half-open: it holds at `since`, it is over at `until`; what never began does not hold."""
    return since is not None and since <= now and not happened(until, now)


def happened(at: Instant | None, now: Instant) -> bool:
    return at is not None and at <= now


def is_active(link: Mandate, now: Instant) -> bool:
    """Approved, begun, not over, ended by nobody, and set aside by nobody."""
    return (
        happened(link.activated_at, now)
        and began_and_goes_on(link.valid_from, link.valid_until, now)
        and not happened(link.ended_at, now)
        and not any(began_and_goes_on(one.at, one.until, now) for one in link.suspensions)
    )


def is_living_person(party: Party | None, now: Instant) -> bool:
    return party is not None and party.kind is PartyKind.PERSON and not happened(party.deceased_at, now)


def are_eligible(link: Mandate, world: World, now: Instant) -> bool:
    """Two different parties of the kinds that the type asks, both still there."""
    principal, representative = world.parties.get(link.principal), world.parties.get(link.representative)
    kind = world.catalogue.types[link.type]
    return (
        principal is not None
        and representative is not None
        and principal.id != representative.id
        and is_fit(principal, kind.principal_kind, kind.principal_org_kinds, now)
        and is_fit(representative, kind.representative_kind, kind.representative_org_kinds, now)
        and (not kind.until_adult or is_minor(principal, now))
    )


def is_fit(party: Party, kind: PartyKind, org_kinds: frozenset[str], now: Instant) -> bool:
    recognised = {one.kind for one in party.recognitions if began_and_goes_on(one.since, one.until, now)}
    return (
        party.kind is kind
        and not happened(party.deceased_at, now)
        and not happened(party.ceased_at, now)
        and (not org_kinds or not org_kinds.isdisjoint(recognised))
    )


def is_minor(party: Party, now: Instant) -> bool:
    return party.adult_at is not None and not happened(party.adult_at, now)


def common_powers(walk: Walk) -> frozenset[str]:
    """What every link gives, what its type still has, and what nobody ended."""
    return frozenset.intersection(
        *(
            frozenset(link.powers)
            & frozenset(walk.type_of(link).powers)
            - {one.power for one in link.ended_powers if happened(one.at, walk.now)}
            for link in walk.links
        )
    )


def first_end(walk: Walk) -> Instant:
    """The first instant at which one of the links is over: its period, or the principal's childhood."""
    ends = [link.valid_until for link in walk.links]
    if walk.type_of(walk.given[0]).until_adult:
        ends.append(walk.world.parties[walk.principal].adult_at)
    return min(ends)
