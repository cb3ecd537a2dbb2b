"""What must hold of decisions whatever the world is (mandates.md sections 3 and 10).

Less given is never more allowed, and ending one link takes away its own chains and no others.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from mandates.decide import decide, representations
from mandates.model import Ending, Mandate, PowerEnding, Suspension
from mandates.world import World
from tests.mandates.agreement import as_ways
from tests.mandates.reference import Way
from tests.mandates.worlds import NOW, Questions, random_questions

SEEDS = range(200)


def chains(asked: Questions, world: World) -> dict[tuple[str, ...], Way]:
    return {way.path: way for way in as_ways(representations(asked.actor, world, asked.now))}


def answers(asked: Questions, world: World):
    return [decide(request, world, asked.now) for request in asked.requests]


def with_mandate(world: World, old: Mandate, *new: Mandate) -> World:
    mandates = (one for mandate in world.mandates for one in (new if mandate is old else (mandate,)))
    return replace(world, mandates=tuple(mandates))


def smaller_mandates(mandate: Mandate, now: int) -> Iterator[Mandate]:
    """The same mandate with less in it, in every way that a mandate can become smaller."""
    yield replace(mandate, ended_at=now, ending=Ending.REVOKED)
    yield replace(mandate, valid_until=now)
    yield replace(mandate, valid_until=min(mandate.valid_until, now + 1))
    yield replace(mandate, valid_from=now + 1)
    yield replace(mandate, activated_at=None)
    yield replace(mandate, powers=mandate.powers[1:])
    yield replace(mandate, suspensions=(*mandate.suspensions, Suspension(now, None, "issuer")))
    gone = PowerEnding(mandate.powers[0] if mandate.powers else "", now, "ann", Ending.REVOKED)
    yield replace(mandate, ended_powers=(*mandate.ended_powers, gone))


def smaller_worlds(asked: Questions) -> Iterator[World]:
    """Worlds with one thing less: a part of a mandate, a caseload, a recognition, a life."""
    world, now = asked.world, asked.now
    for mandate in world.mandates:
        yield with_mandate(world, mandate)
        for smaller in smaller_mandates(mandate, now):
            yield with_mandate(world, mandate, smaller)
    for number in range(len(world.caseloads)):
        yield replace(world, caseloads=(*world.caseloads[:number], *world.caseloads[number + 1 :]))
    for party in world.parties.values():
        for lesser in (replace(party, recognitions=()), replace(party, deceased_at=now, ceased_at=now)):
            yield replace(world, parties={**world.parties, party.id: lesser})
        yield replace(world, parties={key: one for key, one in world.parties.items() if one is not party})


@pytest.mark.parametrize("seed", range(4))
def test_less_given_is_never_more_allowed(seed):
    for number in SEEDS[seed::4]:
        asked = random_questions(Random(number))
        before, said = chains(asked, asked.world), answers(asked, asked.world)
        for smaller in smaller_worlds(asked):
            after = chains(asked, smaller)
            assert after.keys() <= before.keys()
            for path, way in after.items():
                assert way.powers <= before[path].powers
                assert way.not_after <= before[path].not_after
            for decision, earlier in zip(answers(asked, smaller), said, strict=True):
                assert earlier.permitted or not decision.permitted


def test_a_weaker_login_is_never_allowed_more():
    for number in SEEDS:
        asked = random_questions(Random(number))
        before = chains(asked, asked.world)
        for level in range(asked.actor.level):
            weaker = replace(asked, actor=replace(asked.actor, level=level))
            assert chains(weaker, asked.world).items() <= before.items()


def test_ending_or_removing_a_link_denies_exactly_the_chains_through_it():
    touched = 0
    for number in SEEDS:
        asked = random_questions(Random(number))
        before = chains(asked, asked.world)
        for mandate in asked.world.mandates:
            rest = {path: way for path, way in before.items() if mandate.id not in path}
            touched += len(before) - len(rest)
            over = replace(mandate, ended_at=asked.now, ending=Ending.REVOKED)
            assert chains(asked, with_mandate(asked.world, mandate, over)) == rest
            assert chains(asked, with_mandate(asked.world, mandate)) == rest
    assert touched > len(SEEDS) / 4


def with_neighbours(world: World) -> World:
    someone = next(iter(world.parties.values()))
    strangers = {key: replace(someone, id=key, deceased_at=None) for key in ("passer-by", "neighbour")}
    return replace(world, parties={**world.parties, **strangers})


def test_a_mandate_between_others_changes_no_answer():
    for number in SEEDS:
        asked = random_questions(Random(number))
        world = with_neighbours(asked.world)
        for mandate in asked.world.mandates:
            for parent in (mandate.parent, mandate.id):
                between = {"principal": "passer-by", "representative": "neighbour", "parent": parent}
                more = with_mandate(world, mandate, replace(mandate, id="unrelated", **between), mandate)
                assert answers(asked, more) == answers(asked, asked.world)
                assert chains(asked, more) == chains(asked, asked.world)


def test_what_a_principal_gives_to_somebody_else_permits_nothing_more_to_the_actor():
    for number in SEEDS:
        asked = random_questions(Random(number))
        world = with_neighbours(asked.world)
        for mandate in asked.world.mandates:
            elsewhere = replace(mandate, id="elsewhere", representative="neighbour")
            more = with_mandate(world, mandate, elsewhere, mandate)
            assert chains(asked, more) == chains(asked, asked.world)
            for decision, said in zip(answers(asked, more), answers(asked, asked.world), strict=True):
                # Of several obstacles another may be nearest now; a permit stays what it was.
                assert decision == said or not (decision.permitted or said.permitted)


def test_the_order_in_which_mandates_were_stored_changes_no_answer():
    for number in SEEDS:
        asked = random_questions(Random(number))
        turned = replace(asked.world, mandates=asked.world.mandates[::-1])
        assert answers(asked, turned) == answers(asked, asked.world)
        assert representations(asked.actor, turned, asked.now) == representations(
            asked.actor, asked.world, asked.now
        )


def test_the_instants_of_the_random_worlds_stand_on_every_side_of_now():
    asked = {random_questions(Random(number)).now for number in range(50)}
    assert asked == {NOW - 1, NOW, NOW + 1}
