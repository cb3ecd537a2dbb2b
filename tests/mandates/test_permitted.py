"""What a page offers is what the engine then does: `permitted.acts` against the steps themselves."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from builders import MARIA, NOW, TOM, actor, after, helper, mandate, person, world
from mandates import lifecycle
from mandates.capacity import Actor
from mandates.errors import (
    MandateError,
    NotAllowedError,
    OwnRequestError,
    WrongStateError,
)
from mandates.lifecycle import end, resume, suspend
from mandates.model import Level, Suspension
from mandates.permitted import acts
from mandates.status import State, status_of
from tests.mandates.worlds import random_questions

DIRK = actor("dirk")
MEASURE = mandate("court-administrator", "maria", "dirk", id="j")
STEPS = {
    "approve": lifecycle.approve,
    "refuse": lambda *known: lifecycle.refuse(*known[:3], "", known[3]),
    "cancel": lambda *known: lifecycle.cancel(*known[:3], "", known[3]),
    "end": lambda *known: lifecycle.end(*known[:3], "", known[3]),
    "suspend": lambda *known: lifecycle.suspend(*known[:3], "", known[3]),
    "resume": lambda *known: lifecycle.resume(*known[:3], "", known[3]),
}


def protected(*mandates, measure=MEASURE):
    return world(*mandates, measure, parties={"dirk": person("dirk")})


def with_every_act(w):
    """The world, where each type lets somebody refuse and set aside; the random ones are silent on both."""
    some = ("principal", "representative", "officer", "manager")
    types = {key: replace(kind, refuse_by=some, suspend_by=some) for key, kind in w.catalogue.types.items()}
    return replace(w, catalogue=replace(w.catalogue, types=types))


def state(w, now=NOW):
    return status_of(w.get("m"), now).state


def taken(step, one, who, w, now) -> bool:
    """Whether the step is hers to take, whatever else may stand in its way."""
    try:
        step(one, who, w, now)
    except (NotAllowedError, WrongStateError, OwnRequestError):
        return False
    except MandateError:
        return True
    return True


@pytest.mark.parametrize("part", range(4))
def test_what_is_offered_is_what_is_done_in_every_random_world(part):
    offered = set()
    for number in range(part * 150, part * 150 + 150):
        asked = random_questions(Random(number))
        w = with_every_act(asked.world)
        if any(one.type not in w.catalogue.types for one in w.mandates):
            continue
        for one in w.mandates:
            for party in w.parties:
                who = Actor(party, Level.HIGH, asked.actor.session, frozenset({"reviewer"}))
                right = {name for name, step in STEPS.items() if taken(step, one, who, w, asked.now)}
                assert acts(who, one, w, asked.now) == right, (number, one.id, party)
                offered |= right
    assert offered == set(STEPS), "every act is seen"


def test_the_administrator_takes_up_what_she_set_aside_before_the_measure():
    m = helper(id="m", suspensions=(Suspension(NOW - 9, "maria", "principal"),))
    w = protected(m)
    assert "resume" not in acts(MARIA, m, w, NOW)
    with pytest.raises(NotAllowedError, match="administers"):
        resume(m, MARIA, w, "", NOW)
    assert "resume" in acts(DIRK, m, w, NOW)
    assert state(after(w, resume(m, DIRK, w, "", NOW))) is State.ACTIVE


def test_what_both_of_her_side_set_aside_is_taken_up_at_once():
    both = (Suspension(NOW - 9, "maria", "principal"), Suspension(NOW - 5, None, "administrator"))
    m = helper(id="m", suspensions=both)
    w = protected(m)
    assert state(after(w, resume(m, DIRK, w, "", NOW))) is State.ACTIVE
    alone = world(m)
    assert acts(DIRK, m, alone, NOW) == frozenset()
    assert state(after(alone, resume(m, MARIA, alone, "", NOW))) is State.ACTIVE


def test_what_the_other_side_set_aside_her_administrator_does_not_take_up():
    m = mandate(
        "ocmw-beneficiary", "maria", "ocmw", id="m", suspensions=(Suspension(NOW - 9, "noor", "issuer"),)
    )
    w = protected(m)
    assert "resume" not in acts(DIRK, m, w, NOW)
    both = mandate(
        "ocmw-beneficiary",
        "maria",
        "ocmw",
        id="m",
        suspensions=(*m.suspensions, Suspension(NOW - 5, "maria", "principal")),
    )
    w = protected(both)
    after_hers = after(w, resume(both, DIRK, w, "", NOW))
    assert state(after_hers) is State.SUSPENDED
    assert [one.until for one in after_hers.get("m").suspensions] == [None, NOW]


def test_nobody_is_nearer_to_a_mandate_by_a_measure_over_another():
    m = helper(id="m")
    w = protected(m, measure=mandate("court-administrator", "jozef", "dirk", id="j"))
    assert acts(DIRK, m, w, NOW) == frozenset()
    assert acts(TOM, m, w, NOW) >= {"end"}
    assert state(after(w, end(m, TOM, w, "", NOW))) is State.WAIVED


def test_what_is_set_aside_is_not_offered_to_be_set_aside_again():
    m = helper(id="m")
    w = world(m)
    assert acts(MARIA, m, w, NOW) == {"end", "suspend"}
    w = after(w, suspend(m, MARIA, w, "", NOW))
    assert acts(MARIA, w.get("m"), w, NOW) == {"end", "resume"}
