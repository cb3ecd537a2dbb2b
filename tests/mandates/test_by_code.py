"""What the holder of a letter can do without a login: make power smaller, and nothing else."""

from __future__ import annotations

import pytest

from builders import (
    MARIA,
    NOW,
    after,
    event_types,
    give,
    given,
    mandate,
    seen,
)
from mandates import errors
from mandates.lifecycle import by_code, resume
from mandates.model import Suspension
from mandates.status import State, status_of


@pytest.mark.parametrize(
    ("act", "facts", "event"),
    [
        ("refuse", {"activated_at": None}, "mandate.refused"),
        ("suspend", {}, "mandate.suspended"),
        ("end", {}, "mandate.revoked"),
        ("end", {"valid_from": NOW + 5}, "mandate.revoked"),
    ],
)
def test_a_code_refuses_pauses_and_ends_and_names_nobody(act, facts, event):
    m = given(**facts)
    change = by_code(m, act, "principal", seen(m), "letter", NOW)
    assert (event_types(change), change.events[0].actor) == ([event], None)
    assert change.mandate.ended_by is None
    assert all(one.by is None and one.capacity == "principal" for one in change.mandate.suspensions)
    assert change.mandate.version == m.version + 1


@pytest.mark.parametrize(
    ("act", "facts"),
    [
        ("refuse", {}),
        ("suspend", {"activated_at": None}),
        ("end", {"activated_at": None}),
        ("end", {"valid_until": NOW}),
        ("suspend", {"suspensions": (Suspension(NOW, None, "principal"),)}),
    ],
)
def test_a_code_does_nothing_that_the_state_does_not_allow(act, facts):
    m = given(**facts)
    with pytest.raises(errors.WrongStateError):
        by_code(m, act, "principal", seen(m), "", NOW)


@pytest.mark.parametrize(
    "capacity", ["officer", "second_officer", "issuer", "representative", "manager", "", "origin"]
)
@pytest.mark.parametrize("act", ["refuse", "suspend", "end"])
def test_a_code_that_was_sent_in_another_capacity_does_nothing(act, capacity):
    m = given(**({"activated_at": None} if act == "refuse" else {}))
    with pytest.raises(errors.NotAllowedError):
        by_code(m, act, capacity, seen(m), "", NOW)


def test_a_helpers_code_refuses_and_waives_and_sets_nothing_aside():
    waiting = mandate("citizen-helper", "maria", "tom", id="h", activated_at=None)
    running = mandate("citizen-helper", "maria", "tom", id="h")
    assert event_types(by_code(waiting, "refuse", "representative", seen(waiting), "", NOW)) == [
        "mandate.refused"
    ]
    assert event_types(by_code(running, "end", "representative", seen(running), "", NOW)) == [
        "mandate.waived"
    ]
    with pytest.raises(errors.NotAllowedError):
        by_code(running, "suspend", "representative", seen(running), "", NOW)


def test_a_type_without_codes_has_none():
    with pytest.raises(errors.NotAllowedError):
        by_code(give().mandate, "end", "manager", seen(give().mandate), "", NOW)


def test_what_a_letter_paused_she_takes_up_after_she_signed_in():
    m = given()
    w = after(seen(m), by_code(m, "suspend", "principal", seen(m), "", NOW))
    assert status_of(resume(w.get("m"), MARIA, w, "", NOW + 1).mandate, NOW + 1).state is State.ACTIVE
