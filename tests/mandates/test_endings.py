"""A mandate becomes smaller or ends: by whom, since when, and what goes with it."""

from __future__ import annotations

import dataclasses

import pytest

from builders import (
    BRAM,
    DAY,
    FATIMA,
    MARIA,
    NOOR,
    NOW,
    TOM,
    actor,
    after,
    claimed,
    event_types,
    given,
    mandate,
    seen,
)
from mandates import errors
from mandates.decide import Request, decide
from mandates.lifecycle import approve, by_code, end, end_power, renew, resume, suspend
from mandates.model import Ending, PowerEnding
from mandates.status import State, status_of

TWO = ("vouchers:read", "vouchers:order")


def powers(w, now, who=BRAM):
    return decide(Request(who, "maria"), w, now).powers


# --- one power of several ------------------------------------------------------


def test_one_power_ends_and_the_others_stay():
    m = given(powers=TWO)
    change = end_power(m, "vouchers:order", MARIA, seen(m), "why", NOW + 1)
    assert event_types(change) == ["mandate.power_ended"]
    assert change.events[0].detail["power"] == "vouchers:order"
    assert change.mandate.ended_powers == (PowerEnding("vouchers:order", NOW + 1, "maria", Ending.REVOKED),)
    assert change.mandate.powers == TWO, "what was given stands as it was given"
    w = after(seen(m), change)
    assert powers(w, NOW) == TWO, "an earlier instant still has it"
    assert powers(w, NOW + 1) == ("vouchers:read",)
    assert not decide(Request(BRAM, "maria", "vouchers:order"), w, NOW + 1).permitted


def test_the_last_power_ends_the_mandate():
    m = given(powers=TWO)
    w = after(seen(m), end_power(m, "vouchers:order", MARIA, seen(m), "", NOW))
    change = end_power(w.get("m"), "vouchers:read", MARIA, w, "", NOW + 1)
    assert (change.mandate.ending, change.mandate.ended_at) == (Ending.REVOKED, NOW + 1)
    assert event_types(change) == ["mandate.revoked"]


@pytest.mark.parametrize("power", ["vouchers:order", "profile:read", "payout:change", ""])
def test_a_power_that_it_has_not_or_no_more_is_not_ended(power):
    m = given(powers=TWO)
    w = after(seen(m), end_power(m, "vouchers:order", MARIA, seen(m), "", NOW))
    with pytest.raises(errors.InvalidPowersError):
        end_power(w.get("m"), power, MARIA, w, "", NOW + 1)


@pytest.mark.parametrize(
    ("who", "ending"), [(MARIA, Ending.REVOKED), (BRAM, Ending.WAIVED), (FATIMA, Ending.WAIVED)]
)
def test_a_power_ends_by_whose_hand_it_was(who, ending):
    m = given(powers=TWO)
    (gone,) = end_power(m, "vouchers:read", who, seen(m), "", NOW).mandate.ended_powers
    assert (gone.by, gone.ending) == (who.party, ending)


def test_a_chain_loses_exactly_the_power_that_one_link_lost():
    m = given(powers=(*TWO, "profile:read"))
    far = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m", powers=TWO)
    hand = claimed("ocmw-executor", "ocmw-far", "tom", id="y")
    w = seen(m, far, hand)
    tom = actor("tom", session="s1")
    w = after(w, end_power(m, "vouchers:read", MARIA, w, "", NOW))
    assert powers(w, NOW, tom) == ("vouchers:order",)
    assert powers(w, NOW) == ("vouchers:order", "profile:read")
    assert powers(w, NOW - 1, tom) == TWO


# --- what goes with it ---------------------------------------------------------


def follow_up(w, **facts):
    """A renewal of `m`, approved: it begins when that ends."""
    renewal = renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW, **facts).mandate
    return approve(renewal, FATIMA, w, NOW)


@pytest.mark.parametrize(
    ("act", "who"),
    [
        (lambda m, w: end(m, MARIA, w, "", NOW + 1), "maria"),
        (lambda m, w: end(m, BRAM, w, "", NOW + 1), "bram"),
        (lambda m, w: by_code(m, "end", "principal", w, "", NOW + 1), None),
    ],
)
def test_who_ends_a_mandate_ends_the_renewal_that_would_follow_it(act, who):
    w = after(seen(given()), follow_up(seen(given())))
    assert status_of(w.get("n"), NOW + 1).state is State.SCHEDULED
    change = act(w.get("m"), w)
    (ahead,) = change.others
    assert (ahead.id, ahead.ending, ahead.ended_at, ahead.ended_by) == ("n", Ending.CASCADED, NOW + 1, who)
    assert event_types(change)[1:] == ["mandate.cascaded"]
    assert change.events[1].detail["origin"] == "m"
    late = dataclasses.replace(BRAM, session=None)
    stored = mandate("ocmw-executor", "ocmw", "bram", id="x2", valid_until=NOW + 99 * DAY)
    gone = dataclasses.replace(after(w, change), mandates=(*after(w, change).mandates, stored))
    assert not decide(Request(late, "maria"), gone, NOW + 11 * DAY).permitted


def test_who_ends_a_mandate_ends_the_renewal_that_still_waits():
    m = mandate("citizen-helper", "maria", "tom", id="m", requested_by="maria")
    w = seen(m)
    waiting = renew(m, id="n", actor=MARIA, world=w, now=NOW).mandate
    w = dataclasses.replace(w, mandates=(*w.mandates, waiting))
    w = after(w, end(m, MARIA, w, "", NOW + 1))
    with pytest.raises(errors.WrongStateError):
        approve(w.get("n"), TOM, w, NOW + 2)


def test_ending_the_renewal_leaves_what_it_would_follow():
    w = after(seen(given()), follow_up(seen(given())))
    change = end(w.get("n"), MARIA, w, "", NOW + 1)
    assert change.others == ()
    assert decide(Request(BRAM, "maria"), after(w, change), NOW + 1).permitted


def test_an_ending_leaves_everything_else():
    others = [
        mandate("ocmw-beneficiary", "maria", "ocmw-far", id="a"),
        mandate("ocmw-beneficiary", "jozef", "ocmw", id="b", parent="other"),
        mandate("citizen-helper", "maria", "tom", id="c"),
    ]
    m = given()
    assert end(m, MARIA, seen(m, *others), "", NOW).others == ()


def test_a_power_that_ended_does_not_come_back_with_the_renewal_that_was_approved_before():
    w = after(seen(given(powers=TWO)), follow_up(seen(given(powers=TWO))))
    change = end_power(w.get("m"), "vouchers:order", MARIA, w, "", NOW + 1)
    assert event_types(change) == ["mandate.power_ended"] * 2
    w = after(w, change)
    assert [w.get(key).powers_at(NOW + 1) for key in "mn"] == [("vouchers:read",)] * 2
    assert w.get("n").version == 3


def test_the_last_power_ends_the_renewal_once():
    w = after(seen(given(powers=TWO)), follow_up(seen(given(powers=TWO)), powers=("vouchers:order",)))
    first = end_power(w.get("m"), "vouchers:order", MARIA, w, "", NOW + 1)
    assert event_types(first) == ["mandate.power_ended", "mandate.revoked"]
    w = after(w, first)
    last = end_power(w.get("m"), "vouchers:read", MARIA, w, "", NOW + 2)
    assert (event_types(last), last.others) == (["mandate.revoked"], ())
    both = after(seen(given(powers=TWO[:1])), follow_up(seen(given(powers=TWO[:1]))))
    change = end_power(both.get("m"), "vouchers:read", MARIA, both, "", NOW + 1)
    assert event_types(change) == ["mandate.revoked", "mandate.cascaded"]
    assert [(one.id, one.version) for one in change.others] == [("n", 3)], "stored once"


def test_a_power_that_only_the_old_one_had_leaves_the_renewal_as_it_is():
    w = after(seen(given(powers=TWO)), follow_up(seen(given(powers=TWO)), powers=("vouchers:read",)))
    assert end_power(w.get("m"), "vouchers:order", MARIA, w, "", NOW + 1).others == ()


def test_what_is_set_aside_stays_so_in_the_renewal_that_was_approved_before():
    w = after(seen(given()), follow_up(seen(given())))
    w = after(w, suspend(w.get("m"), MARIA, w, "on leave", NOW + 1))
    assert [status_of(w.get("n"), t).state for t in (NOW + 1, NOW + 11 * DAY)] == [State.SUSPENDED] * 2
    change = resume(w.get("m"), MARIA, w, "", NOW + 2)
    assert event_types(change) == ["mandate.resumed"] * 2
    w = after(w, change)
    assert [status_of(w.get(key), NOW + 2).state for key in "mn"] == [State.ACTIVE, State.SCHEDULED]


def test_a_renewal_that_was_set_aside_on_its_own_stays_so():
    w = after(seen(given()), follow_up(seen(given())))
    w = after(w, suspend(w.get("n"), NOOR, w, "a doubt", NOW + 1))
    assert status_of(w.get("m"), NOW + 1).state is State.ACTIVE
    w = after(w, suspend(w.get("m"), NOOR, w, "a doubt", NOW + 2))
    assert len(w.get("n").suspensions) == 1
    w = after(w, suspend(w.get("m"), MARIA, w, "", NOW + 3))
    w = after(w, resume(w.get("m"), MARIA, w, "", NOW + 4))
    assert [one.until for one in w.get("n").suspensions] == [None, NOW + 4]


def test_a_renewal_of_a_renewal_goes_once_with_what_it_follows():
    line = [
        given(powers=TWO),
        given(
            id="n",
            powers=("vouchers:order",),
            replaces="m",
            valid_from=NOW + 10 * DAY,
            valid_until=NOW + 20 * DAY,
        ),
        given(
            id="o",
            powers=("vouchers:order",),
            replaces="n",
            valid_from=NOW + 20 * DAY,
            valid_until=NOW + 30 * DAY,
        ),
    ]
    change = end_power(line[0], "vouchers:order", MARIA, seen(*line), "", NOW)
    assert event_types(change) == ["mandate.power_ended", "mandate.revoked", "mandate.cascaded"]
    assert sorted(one.id for one in change.others) == ["n", "o"]
    assert sorted(one.id for one in end(line[0], MARIA, seen(*line), "", NOW).others) == ["n", "o"]
