"""The same thing runs or waits once between two parties; what ended, or another time, is another thing."""

from __future__ import annotations

import dataclasses

import pytest

from builders import (
    BRAM,
    DAY,
    ELS,
    FATIMA,
    MARIA,
    NOOR,
    NOW,
    TOM,
    ask,
    claimed,
    ended,
    given,
    mandate,
    seen,
)
from mandates import errors
from mandates.lifecycle import approve
from mandates.model import Ending, Evidence, Suspension


def asked(w, **facts):
    return ask(w=w, **{"id": "n", **facts}).mandate


@pytest.mark.parametrize(
    "there",
    [
        given(),
        given(valid_from=NOW + DAY),
        given(suspensions=(Suspension(NOW, "maria", "principal"),)),
        given(activated_at=None, lapses_at=NOW + 1),
        given(activated_at=None),
        given(ended_at=NOW + 1, ending=Ending.SUPERSEDED),
    ],
)
def test_what_runs_or_waits_is_not_asked_again(there):
    with pytest.raises(errors.DuplicateError) as error:
        asked(seen(there))
    assert error.value.code == "duplicate"


@pytest.mark.parametrize(
    "there",
    [
        given(valid_until=NOW),
        given(**ended(Ending.WAIVED)),
        given(activated_at=None, lapses_at=NOW),
        given(activated_at=None, **ended(Ending.REFUSED)),
        given(activated_at=None, **ended(Ending.CANCELLED)),
        dataclasses.replace(given(), principal="jozef"),
        dataclasses.replace(given(), representative="ocmw-far"),
        given(parent="other"),
        mandate("ocmw-legacy", "maria", "ocmw"),
    ],
)
def test_what_is_over_or_something_else_stands_in_nobodys_way(there):
    assert asked(seen(there)).activated_at is None


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "may"),
    [
        (NOW + 10 * DAY, None, True),
        (NOW + 10 * DAY - 1, None, False),
        (NOW, NOW + 5 * DAY, True),
        (NOW, NOW + 5 * DAY + 1, False),
        (NOW + 6 * DAY, NOW + 7 * DAY, False),
        (NOW, NOW + 99 * DAY, False),
    ],
)
def test_periods_that_touch_do_not_overlap(valid_from, valid_until, may):
    w = seen(given(valid_from=NOW + 5 * DAY, valid_until=NOW + 10 * DAY))
    if may:
        assert asked(w, valid_from=valid_from, valid_until=valid_until)
        return
    with pytest.raises(errors.DuplicateError):
        asked(w, valid_from=valid_from, valid_until=valid_until)


def test_of_two_that_wait_for_other_times_each_is_approved():
    first = asked(seen(), valid_until=NOW + DAY)
    w = seen(first)
    second = asked(w, id="o", valid_from=NOW + DAY)
    assert approve(second, MARIA, seen(first, second), NOW).mandate.activated_at == NOW


def test_of_two_that_wait_the_one_that_is_approved_first_wins():
    """Two requests in one instant, neither of which saw the other."""
    first, second = asked(seen(), id="a"), asked(seen(), id="b")
    w = seen(first, second)
    won = approve(first, MARIA, w, NOW).mandate
    with pytest.raises(errors.DuplicateError):
        approve(second, FATIMA, seen(won, second), NOW)


def test_what_a_manager_gives_twice_is_refused_and_what_came_from_claims_is_no_twin():
    clerk = mandate("company-employee", "company", "tom", id="c")
    facts = {"powers": ("invoices:read",), "evidence": Evidence()}
    with pytest.raises(errors.DuplicateError):
        ask(ELS, "company-employee", "company", "tom", w=seen(clerk), **facts)
    role = claimed("ocmw-manager", "ocmw", "els", id="r")
    executor = claimed("ocmw-executor", "ocmw", "tom", "s9", id="c")
    w = seen(role, executor)
    given_beside = ask(ELS, "ocmw-executor", "ocmw", "tom", w=w, powers=("vouchers:read",))
    assert given_beside.mandate.activated_at == NOW


def test_a_type_of_several_lets_another_run_beside_it():
    court = mandate("court-administrator", "maria", "tom", id="court", several=True)
    w = seen(court)
    again = ask(TOM, "court-administrator", "maria", "tom", w=w).mandate
    assert again.several
    assert approve(again, NOOR, w, NOW).mandate.activated_at == NOW
    assert not asked(seen()).several


def test_whoever_wants_to_know_what_is_there_needs_the_right_to_ask():
    with pytest.raises(errors.NotAllowedError):
        ask(TOM, w=seen(given()))
    with pytest.raises(errors.DuplicateError):
        asked(seen(given()), who=BRAM)
