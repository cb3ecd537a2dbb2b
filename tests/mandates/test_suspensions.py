"""A mandate is set aside, by several capacities or for a legal measure, and taken up again."""

from __future__ import annotations

import dataclasses

import pytest

from builders import (
    BRAM,
    FATIMA,
    MARIA,
    NOOR,
    NOW,
    TOM,
    actor,
    after,
    given,
    mandate,
    seen,
)
from mandates import errors
from mandates.lifecycle import end, resume, suspend
from mandates.model import Ending, Suspension
from mandates.status import State, status_of

# --- set aside by two capacities -----------------------------------------------


def test_what_two_set_aside_two_take_up():
    m = given()
    w = seen(m)
    w = after(w, suspend(m, MARIA, w, "on leave", NOW))
    w = after(w, suspend(w.get("m"), NOOR, w, "a doubt", NOW + 1))
    assert [one.capacity for one in w.get("m").suspensions] == ["principal", "issuer"]
    w = after(w, resume(w.get("m"), MARIA, w, "", NOW + 2))
    assert status_of(w.get("m"), NOW + 2).state is State.SUSPENDED
    assert status_of(w.get("m"), NOW + 2).since == NOW + 1
    with pytest.raises(errors.NotAllowedError):
        resume(w.get("m"), MARIA, w, "", NOW + 3)
    w = after(w, resume(w.get("m"), NOOR, w, "", NOW + 4))
    assert (status_of(w.get("m"), NOW + 4).state, status_of(w.get("m"), NOW + 4).since) == (
        State.ACTIVE,
        NOW + 4,
    )
    assert [one.until for one in w.get("m").suspensions] == [NOW + 2, NOW + 4]
    assert status_of(w.get("m"), NOW + 3).state is State.SUSPENDED, "history stays"


@pytest.mark.parametrize("who", [MARIA, BRAM, FATIMA, TOM, actor("noor")])
def test_what_the_issuer_set_aside_nobody_else_takes_up(who):
    m = given(suspensions=(Suspension(NOW, "noor", "issuer"),))
    with pytest.raises(errors.NotAllowedError):
        resume(m, who, seen(m), "", NOW)


@pytest.mark.parametrize("who", [NOOR, BRAM, FATIMA])
def test_what_she_set_aside_nobody_else_takes_up(who):
    m = given(suspensions=(Suspension(NOW, "maria", "principal"),))
    with pytest.raises(errors.NotAllowedError):
        resume(m, who, seen(m), "", NOW)


def test_a_capacity_sets_aside_once_at_a_time_and_again_later():
    m = given()
    w = after(seen(m), suspend(m, MARIA, seen(m), "", NOW))
    with pytest.raises(errors.WrongStateError):
        suspend(w.get("m"), MARIA, w, "", NOW + 1)
    w = after(w, resume(w.get("m"), MARIA, w, "", NOW + 2))
    w = after(w, suspend(w.get("m"), MARIA, w, "", NOW + 3))
    assert [one.until for one in w.get("m").suspensions] == [NOW + 2, None]
    states = [status_of(w.get("m"), NOW + t).state for t in range(4)]
    assert states == [State.SUSPENDED, State.SUSPENDED, State.ACTIVE, State.SUSPENDED]


def test_a_mandate_that_expired_while_it_was_set_aside_stays_expired():
    m = given(valid_until=NOW + 5, suspensions=(Suspension(NOW, "maria", "principal"),))
    with pytest.raises(errors.WrongStateError):
        resume(m, MARIA, seen(m), "", NOW + 5)


# --- and a legal measure -------------------------------------------------------

COURT = mandate("court-administrator", "maria", "tom", id="court")
PROTECTED = given(suspensions=(Suspension(NOW - 1, None, "administrator", "measure"),))


def test_while_the_measure_lasts_its_holder_takes_up_what_it_set_aside_and_she_does_not():
    w = seen(PROTECTED, COURT)
    with pytest.raises(errors.NotAllowedError):
        resume(PROTECTED, MARIA, w, "", NOW)
    again = resume(PROTECTED, TOM, w, "", NOW).mandate
    assert (again.suspensions[0].until, status_of(again, NOW).state) == (NOW, State.ACTIVE)


def test_after_the_measure_she_takes_it_up_herself():
    over = dataclasses.replace(COURT, valid_until=NOW)
    w = seen(PROTECTED, over)
    assert status_of(resume(PROTECTED, MARIA, w, "", NOW).mandate, NOW).state is State.ACTIVE
    with pytest.raises(errors.NotAllowedError):
        resume(PROTECTED, TOM, w, "", NOW)


def test_under_a_measure_its_holder_takes_up_what_she_set_aside_before():
    m = given(suspensions=(Suspension(NOW - 1, "maria", "principal"),))
    for who in (MARIA, BRAM, NOOR):
        with pytest.raises(errors.NotAllowedError):
            resume(m, who, seen(m, COURT), "", NOW)
    assert status_of(resume(m, TOM, seen(m, COURT), "", NOW).mandate, NOW).state is State.ACTIVE


def test_after_the_measure_she_takes_up_hers_and_not_the_issuers():
    both = (*PROTECTED.suspensions, Suspension(NOW - 1, "noor", "issuer"))
    m = given(suspensions=both)
    after_it = resume(m, MARIA, seen(m), "", NOW).mandate
    assert [one.until for one in after_it.suspensions] == [NOW, None]
    assert status_of(after_it, NOW).state is State.SUSPENDED


@pytest.mark.parametrize(("act", "word"), [(end, Ending.REVOKED), (suspend, None)])
def test_the_holder_of_a_measure_does_for_her_what_she_could_do(act, word):
    m = given()
    change = act(m, TOM, seen(m, COURT), "", NOW)
    assert (change.mandate.ending, change.events[0].actor) == (word, "tom")
    if act is suspend:
        assert change.mandate.suspensions[0].capacity == "administrator"


@pytest.mark.parametrize("who", [TOM, MARIA])
def test_a_measure_is_not_ended_by_her_nor_set_aside_by_its_holder(who):
    with pytest.raises(errors.NotAllowedError):
        suspend(COURT, who, seen(COURT), "", NOW)
    other = dataclasses.replace(COURT, id="second", representative="els")
    with pytest.raises(errors.NotAllowedError):
        end(other, who, seen(COURT, other), "", NOW)
