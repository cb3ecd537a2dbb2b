"""What the principal took stays taken for a year, whatever the staff of two OCMWs do among themselves."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

from hypothesis import assume, settings
from hypothesis import given as cases
from hypothesis import strategies as st

from builders import DAY, MARIA, NOW, SIGNED, actor, after, ask, given, mandate, person, seen
from mandates.decide import Request, decide
from mandates.errors import MandateError
from mandates.lifecycle import (
    approve,
    by_code,
    end,
    end_power,
    pass_on,
    renew,
    resume,
    suspend,
)
from mandates.status import in_force

POWER = "vouchers:order"
HOUSES = {"bram": "ocmw", "fatima": "ocmw", "lien": "ocmw-far", "gert": "ocmw-far"}
STAFF = [
    mandate("ocmw-executor", house, who, id=f"x-{who}", valid_until=NOW + 999 * DAY)
    for who, house in HOUSES.items()
]
PEOPLE = {key: person(key) for key in HOUSES}

TAKES = {
    "ends it": lambda m, w: end(m, MARIA, w, "", NOW),
    "ends it by letter": lambda m, w: by_code(m, "end", "principal", w, "", NOW),
    "ends the power": lambda m, w: end_power(m, POWER, MARIA, w, "", NOW),
    "sets it aside": lambda m, w: suspend(m, MARIA, w, "", NOW),
    "sets it aside by letter": lambda m, w: by_code(m, "suspend", "principal", w, "", NOW),
}


def asked(w, m, who, now, name, house):
    facts = {
        "id": name,
        "powers": (POWER, "vouchers:read"),
        "now": now,
        "valid_from": now,
        "evidence": SIGNED,
    }
    return ask(who, principal="maria", representative=house, w=w, **facts)


def passed_on(w, m, who, now, name, house):
    facts = {"powers": m.powers_at(now), "valid_until": None, "evidence": SIGNED}
    return pass_on(m, id=name, representative=w.parties[house], actor=who, world=w, now=now, **facts)


def renewed(w, m, who, now, name, house):
    powers = (POWER, "vouchers:read") if house == "ocmw" else None
    return renew(m, id=name, actor=who, world=w, now=now, powers=powers, at_once=house == "ocmw")


STEPS = [
    asked,
    renewed,
    passed_on,
    lambda w, m, who, now, *_: end(m, who, w, "", now),
    lambda w, m, who, now, *_: end_power(m, "vouchers:read", who, w, "", now),
]
AND_THEN = [
    lambda w, m, who, now, *_: approve(m, who, w, now),
    lambda w, m, who, now, *_: resume(m, who, w, "", now),
]

story = st.tuples(
    st.sampled_from(STEPS),
    st.sampled_from(["ocmw", "ocmw-far"]),
    st.sampled_from([0, 1, 9 * DAY, 11 * DAY, 40 * DAY]),
)
"""What is tried, with which house, how much later."""


def tried(w, step, now, name):
    """The world after all staff took this step wherever they may, and approved and resumed what they may."""
    first, house, _ = step
    for act in (first, *AND_THEN):
        there = [one.id for one in w.given_by("maria")]
        for who, key in itertools.product(HOUSES, there):
            with contextlib.suppress(MandateError):
                w = after(w, act(w, w.get(key), actor(who), now, f"{name}-{who}-{key}", house))
    return w


@settings(max_examples=250, deadline=None, derandomize=True)
@cases(st.lists(story, max_size=2), st.sampled_from(sorted(TAKES)), st.lists(story, min_size=1, max_size=4))
def test_what_she_took_comes_back_by_her_hand_or_the_issuers_alone(before, take, then):
    w = dataclasses.replace(seen(given(), parties=PEOPLE), mandates=(given(), *STAFF))
    for number, step in enumerate(before):
        w = tried(w, step, NOW - 1, f"b{number}")
    theirs = [one for one in w.given_by("maria") if one.representative == "ocmw"]
    running = [one for one in theirs if in_force(one, NOW) and POWER in one.powers_at(NOW)]
    assume(running)
    for m in running:
        w = after(w, TAKES[take](m, w))
    now = NOW
    for number, step in enumerate(then):
        now = min(now + step[-1], NOW + 364 * DAY)
        w = tried(w, step, now, f"n{number}")
        for who in ("bram", "fatima"):
            for t in (now, now + 12 * DAY):
                decision = decide(Request(actor(who), "maria", POWER), w, t)
                assert not decision.permitted, [link.mandate for link in decision.path]
