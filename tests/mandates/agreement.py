"""The engine beside the reference: the same questions, and where the answers differ.

Each `differs` gives the first difference in words, or None. A permit of the engine must
be one of the reference's chains; its lists must be all of them, once each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mandates.decide import Decision, Request, decide, decide_many, representations
from mandates.explain import explain, who_can_act
from mandates.model import Instant
from mandates.world import World
from tests.mandates.reference import Way, acts_for_herself, answers, everybody, ways
from tests.mandates.worlds import Questions


def differs(asked: Questions) -> str | None:
    """The first difference over all that can be asked: single, batch, lists, who-can and explain."""
    world, now = asked.world, asked.now
    singly = [decide(request, world, now) for request in asked.requests]
    for request, decision in zip(asked.requests, singly, strict=True):
        difference = decision_differs(request, decision, world, now)
        if difference is not None:
            return difference
    if decide_many(asked.requests, world, now) != singly:
        return "a batch answers otherwise than one by one"
    return (
        representations_differ(asked)
        or explanation_differs(asked.requests[0], world, now)
        or hands_differ(asked.requests[-1].principal, world, now)
    )


def decision_differs(request: Request, decision: Decision, world: World, now: Instant) -> str | None:
    """Permitted exactly when the reference finds a chain, and by such a chain."""
    right = answers(request, world, now)
    herself = acts_for_herself(request, world, now)
    if decision.permitted != (herself or bool(right)):
        return f"{request} is {decision}, and the reference finds {sorted(right, key=str)}"
    if decision.permitted == bool(decision.reasons):
        return f"{decision} must have reasons exactly when it denies"
    if decision.permitted and not herself and as_way(decision) not in right:
        return f"{request} is permitted by {decision}, which is none of {sorted(right, key=str)}"
    if (herself or not decision.permitted) and (decision.path or decision.powers or decision.not_after):
        return f"{decision} must not name a chain"
    return None


def representations_differ(asked: Questions) -> str | None:
    """The list is every chain of the reference, for every party there is."""
    listed = as_ways(representations(asked.actor, asked.world, asked.now))
    right = frozenset().union(
        *(ways(asked.actor, principal, asked.world, asked.now) for principal in asked.world.parties)
    )
    return lists_differ(f"what {asked.actor} may do", listed, right)


def explanation_differs(request: Request, world: World, now: Instant) -> str | None:
    """It repeats the decision, and exactly the chains of the reference have nothing in their way."""
    explanation = explain(request, world, now)
    if explanation.decision != decide(request, world, now):
        return f"the explanation of {request} decides otherwise"
    free = [
        Way(ids(one.path), frozenset(one.powers), one.not_after)
        for one in explanation.considered
        if not one.reasons
    ]
    return lists_differ(f"the explanation of {request}", free, answers(request, world, now))


def hands_differ(principal: str, world: World, now: Instant) -> str | None:
    """Who can act for her is everybody of whom the reference says so, by the same chains."""
    found: dict[str, list[Decision]] = {}
    for decision in who_can_act(principal, world, now):
        found.setdefault(decision.path[-1].representative, []).append(decision)
    right = everybody(principal, world, now)
    if found.keys() != right.keys():
        return f"for {principal} can act {sorted(found)}, and the reference says {sorted(right)}"
    return next(filter(None, (lists_differ(who, as_ways(found[who]), right[who]) for who in right)), None)


def lists_differ(what: str, listed: list[Way], right: frozenset[Way]) -> str | None:
    if len(set(listed)) != len(listed):
        return f"{what}: a chain stands there twice"
    if frozenset(listed) != right:
        more, less = frozenset(listed) - right, right - frozenset(listed)
        return f"{what}: too many {sorted(more, key=str)}, too few {sorted(less, key=str)}"
    return None


def as_way(decision: Decision) -> Way:
    return Way(ids(decision.path), frozenset(decision.powers), decision.not_after)


def as_ways(decisions: Iterable[Decision]) -> list[Way]:
    return [as_way(decision) for decision in decisions]


def ids(path: Iterable) -> tuple[str, ...]:
    return tuple(link.mandate for link in path)


def smallest(asked: Questions) -> Questions:
    """The same difference with every mandate left out that it does not need."""
    for left_out in asked.world.mandates:
        fewer = tuple(one for one in asked.world.mandates if one is not left_out)
        smaller = replace(asked, world=replace(asked.world, mandates=fewer))
        if differs(smaller) is not None:
            return smallest(smaller)
    return asked
