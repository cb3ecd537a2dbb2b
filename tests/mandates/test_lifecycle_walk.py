"""Random lives of mandates, step by step, and what each record still says of every earlier instant.

A walk takes the village through some hundred random steps of the lifecycle at rising
instants. `now(t)` must equal `history(t)`: what the record of that time answered, the
last record answers for that time too, for what happened later had not happened then.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import pytest

import builders
from builders import DAY, NOW, SIGNED, after, claimed, lasting
from mandates import lifecycle
from mandates.capacity import Actor
from mandates.change import Change
from mandates.decide import Request, decide, representations
from mandates.errors import MandateError
from mandates.model import Caseload, Instant, Level, Mandate
from mandates.status import LIVING, State, status_of
from mandates.world import World
from tests.mandates.agreement import as_ways
from tests.mandates.reference import ways

SEEDS = range(10)
STEPS = 60
PEOPLE = {"maria": None, "jozef": None, "bram": "s1", "fatima": "s2", "els": "s1", "tom": None, "noor": None}
"""Who signs in, and in which session."""
ACTORS = tuple(
    Actor(key, Level.HIGH, session, frozenset({"reviewer"} if key == "noor" else ()))
    for key, session in PEOPLE.items()
)
GIVEN = {
    "ocmw-beneficiary": (("maria", "jozef"), ("ocmw", "ocmw-far")),
    "ocmw-executor": (("ocmw", "ocmw-far"), ("tom", "bram")),
    "company-employee": (("company",), ("tom", "bram", "jozef")),
    "citizen-helper": (("maria", "jozef", "tom"), ("jozef", "tom", "fatima")),
    "court-administrator": (("maria", "jozef"), ("tom", "els")),
}
"""What is asked in the walks: of which principals, for which representatives."""
GIVERS = ("maria", "jozef", "tom", "company")
SMALLER = {"end", "end_power", "suspend", "refuse", "cancel"}
PAUSES = (0, 0, 0, 0, 1, 60, 3600, 3600, DAY, 2 * DAY, 15 * DAY)


@dataclass(frozen=True)
class Step:
    """What was done at an instant, and the world before and after it."""

    name: str
    at: Instant
    before: World
    change: Change
    after: World


@cache
def walk(seed: int) -> tuple[Step, ...]:
    """A random life of the village: only the steps that the engine allowed."""
    chance, world, now, steps = Random(seed), village(), NOW, []
    while len(steps) < STEPS:
        now += chance.choice(PAUSES)
        name = chance.choice(NAMES)
        change = some_change(chance, name, world, now, f"m{len(steps)}")
        if change is not None:
            steps.append(Step(name, now, world, change, after(world, change)))
            world = steps[-1].after
    return tuple(steps)


def some_change(chance: Random, name: str, world: World, now: Instant, key: str) -> Change | None:
    """This act by whoever may, on whatever mandate lets itself; None if nobody may."""
    asked = [one for one in world.mandates if one.requested_by in PEOPLE] or [*world.mandates[:1]]
    for mandate in chance.sample(asked, len(asked)):
        for actor in chance.sample(ACTORS, len(ACTORS)):
            try:
                return ACTS[name](chance, mandate, actor, world, now, key)
            except MandateError:
                continue
    return None


def village() -> World:
    """The officers of two OCMWs, the managers, and caseloads for executors that are to come."""
    world = lasting(
        claimed("ocmw-manager", "ocmw", "els"),
        builders.mandate("ocmw-executor", "ocmw-far", "tom"),
        types={"citizen-helper": {"depth": 2, "pass_on_by": ("representative",)}},
    )
    mandates = tuple(replace(one, valid_until=NOW + 9_000 * DAY) for one in world.mandates)
    cases = tuple(
        Caseload(f"m{number}", principal, NOW + number * DAY, NOW + (number + 300) * DAY)
        for number in range(STEPS)
        for principal in ("maria", "jozef")
    )
    return replace(world, mandates=mandates, caseloads=cases)


# --- what can happen ---


def request(chance: Random, mandate: Mandate, actor: Actor, world: World, now: Instant, key: str) -> Change:
    type_key = chance.choice([*GIVEN])
    principal, representative = (world.parties[chance.choice(side)] for side in GIVEN[type_key])
    powers = [*world.catalogue.types[type_key].powers]
    return lifecycle.request_mandate(
        id=key,
        type_key=type_key,
        principal=principal,
        representative=representative,
        powers=chance.sample(powers, chance.randint(1, len(powers))),
        valid_from=now + chance.choice((0, 0, 10, DAY, 30 * DAY)),
        valid_until=chance.choice((None, None, now + 60 * DAY, now + 200 * DAY)),
        actor=actor,
        evidence=SIGNED,
        world=world,
        now=now,
        whole=chance.random() < 0.5,
    )


def pass_on(chance: Random, mandate: Mandate, actor: Actor, world: World, now: Instant, key: str) -> Change:
    return lifecycle.pass_on(
        mandate,
        id=key,
        representative=world.parties[chance.choice(("ocmw-far", "ocmw", "tom", "jozef", "fatima"))],
        powers=mandate.powers_at(now)[: chance.randint(1, 4)],
        valid_until=None,
        actor=actor,
        evidence=SIGNED,
        world=world,
        now=now,
    )


def renew(chance: Random, mandate: Mandate, actor: Actor, world: World, now: Instant, key: str) -> Change:
    at_once = chance.random() < 0.5
    return lifecycle.renew(mandate, id=key, actor=actor, world=world, now=now, at_once=at_once)


def approve(chance: Random, mandate: Mandate, actor: Actor, world: World, now: Instant, key: str) -> Change:
    return lifecycle.approve(mandate, actor, world, now)


def end_power(chance: Random, mandate: Mandate, actor: Actor, world: World, now: Instant, key: str) -> Change:
    return lifecycle.end_power(mandate, chance.choice(mandate.powers), actor, world, "", now)


def step(act: Callable[..., Change]) -> Callable[..., Change]:
    return lambda chance, mandate, actor, world, now, key: act(mandate, actor, world, "", now)


ACTS: dict[str, Callable[..., Change]] = {
    "request": request,
    "approve": approve,
    "pass_on": pass_on,
    "renew": renew,
    "end_power": end_power,
    "refuse": step(lifecycle.refuse),
    "cancel": step(lifecycle.cancel),
    "end": step(lifecycle.end),
    "suspend": step(lifecycle.suspend),
    "resume": step(lifecycle.resume),
}
FIRST = ("request", "approve", "pass_on", "renew")
NAMES = (*ACTS, *FIRST, *FIRST, "approve", "approve", "pass_on", "pass_on", "resume")
"""What is tried next: more often what gives than what takes, or soon nothing would be left."""


# --- what must hold ---


def questions(world: World) -> Iterator[Request]:
    for actor in ACTORS:
        for principal in GIVERS:
            if principal != actor.party:
                yield Request(actor, principal)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_record_answers_for_every_earlier_instant_as_the_record_of_that_time_did(seed):
    steps = walk(seed)
    last = steps[-1].after
    ends = [*(one.at for one in steps[1:]), steps[-1].at + 400 * DAY]
    for now_step, next_at in zip(steps, ends, strict=True):
        then = now_step.after
        known = replace(last, mandates=tuple(one for one in last.mandates if then.get(one.id)))
        # Several steps at one instant: the record of that instant is the last of them.
        for at in {now_step.at, next_at - 1} - {next_at, now_step.at - 1}:
            for mandate in known.mandates:
                assert status_of(mandate, at) == status_of(then.get(mandate.id), at)
                assert mandate.powers_at(at) == then.get(mandate.id).powers_at(at)
            for question in questions(last):
                said = decide(question, then, at)
                assert replace(decide(question, known, at), revision=said.revision) == said
                assert decide(question, last, at).permitted == said.permitted


@pytest.mark.parametrize("seed", SEEDS)
def test_at_every_step_the_reference_agrees(seed):
    for now_step in walk(seed):
        world, now = now_step.after, now_step.at
        for actor in ACTORS:
            right = frozenset().union(*(ways(actor, principal, world, now) for principal in world.parties))
            assert frozenset(as_ways(representations(actor, world, now))) == right


@pytest.mark.parametrize("seed", SEEDS)
def test_what_makes_smaller_allows_nobody_more_than_before(seed):
    for now_step in walk(seed):
        if now_step.name in SMALLER:
            for actor in ACTORS:
                before, left = (
                    {one.path: one for one in as_ways(representations(actor, world, now_step.at))}
                    for world in (now_step.before, now_step.after)
                )
                assert left.keys() <= before.keys()
                assert all(left[path].powers <= before[path].powers for path in left)


def descendants(mandate: Mandate, world: World) -> set[str]:
    passed = [one for one in world.mandates if one.parent == mandate.id]
    return {one.id for one in passed}.union(*(descendants(one, world) for one in passed))


@pytest.mark.parametrize("seed", SEEDS)
def test_ending_a_mandate_denies_its_own_chains_and_those_of_its_descendants_and_no_others(seed):
    for now_step in walk(seed):
        if now_step.name == "end":
            ended = {now_step.change.mandate.id} | descendants(now_step.change.mandate, now_step.before)
            for actor in ACTORS:
                before, left = (
                    as_ways(representations(actor, world, now_step.at))
                    for world in (now_step.before, now_step.after)
                )
                assert left == [one for one in before if ended.isdisjoint(one.path)]


def renewals(mandate: Mandate, world: World) -> set[str]:
    following = [one for one in world.mandates if one.replaces == mandate.id]
    return {one.id for one in following}.union(*(renewals(one, world) for one in following))


def test_ending_a_mandate_ends_all_its_descendants_and_besides_them_its_renewals_alone():
    had_some = 0
    for now_step in (one for seed in SEEDS for one in walk(seed) if one.name == "end"):
        ended, world = now_step.change.mandate, now_step.before
        below = descendants(ended, world)
        for key in below:
            over = status_of(now_step.after.get(key), now_step.at)
            assert over.state not in {*LIVING, State.AWAITING}
        changed = {one.id for one in now_step.change.others}
        later = renewals(ended, world)
        assert changed <= below | later | {key for one in later for key in descendants(world.get(one), world)}
        had_some += bool(changed & below)
    assert had_some


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_is_one_version_on_and_leaves_the_rest_as_it_was(seed):
    for now_step in walk(seed):
        touched = {one.id: one for one in (*now_step.change.others, now_step.change.mandate)}
        for mandate in now_step.before.mandates:
            was_touched = mandate.id in touched
            assert now_step.after.get(mandate.id).version == mandate.version + was_touched
            assert was_touched or now_step.after.get(mandate.id) == mandate
        assert now_step.change.events


def test_the_walks_go_everywhere():
    done = Counter(one.name for seed in SEEDS for one in walk(seed))
    assert done.keys() == ACTS.keys()
    assert min(done.values()) > 10
    permits = sum(bool(representations(actor, one.after, one.at)) for one in walk(0) for actor in ACTORS)
    assert permits > STEPS
