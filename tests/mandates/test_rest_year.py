"""After she took it, the same OCMW does not get it back without her for a year, unless the issuer agrees."""

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
    after,
    ask,
    given,
    lasting,
    mandate,
)
from mandates import errors
from mandates.lifecycle import approve, by_code, end, end_power, refuse, renew, suspend
from mandates.model import Ending, Suspension

YEAR = 365 * DAY


def asked_at(w, now=NOW, **facts):
    return ask(w=w, now=now, valid_from=now, **{"id": "n", **facts}).mandate


def active(change):
    return change.mandate.activated_at is not None


ENDED_BY_HER = [
    pytest.param(lambda m, w: end(m, MARIA, w, "", NOW), id="ended"),
    pytest.param(lambda m, w: by_code(m, "end", "principal", w, "", NOW), id="ended-by-letter"),
    pytest.param(lambda m, w: end_power(m, "vouchers:order", MARIA, w, "", NOW), id="one-power-ended"),
]


@pytest.mark.parametrize("act", ENDED_BY_HER)
def test_after_she_ended_it_a_second_officer_alone_does_not_do(act):
    m = given(valid_until=NOW + 1)
    w = after(lasting(m), act(m, lasting(m)))
    request = asked_at(w, NOW + 1)
    first = approve(request, FATIMA, after(w), NOW + 2)
    assert not active(first)
    assert [approval.kind for approval in first.mandate.approvals] == ["second_officer"]
    assert active(approve(first.mandate, NOOR, w, NOW + 3)), "the issuer may agree"
    assert active(approve(first.mandate, MARIA, w, NOW + 3)), "or she does"


def test_she_alone_does_when_she_changed_her_mind():
    m = given()
    w = after(lasting(m), end(m, MARIA, lasting(m), "", NOW))
    assert active(approve(asked_at(w), MARIA, w, NOW))


def test_the_issuer_alone_is_no_second_officer():
    m = given()
    w = after(lasting(m), end(m, MARIA, lasting(m), "", NOW))
    first = approve(asked_at(w), NOOR, w, NOW)
    assert not active(first)
    with pytest.raises(errors.NotAllowedError):
        approve(first.mandate, NOOR, w, NOW)
    assert active(approve(first.mandate, FATIMA, w, NOW))


@pytest.mark.parametrize(("later", "does"), [(YEAR - 1, False), (YEAR, True), (YEAR + DAY, True)])
def test_the_rest_lasts_365_days_to_the_second(later, does):
    m = given()
    w = after(lasting(m), end(m, MARIA, lasting(m), "", NOW))
    request = asked_at(w, NOW + later)
    assert active(approve(request, FATIMA, w, NOW + later)) is does


@pytest.mark.parametrize(
    "refused",
    [lambda m, w: refuse(m, MARIA, w, "", NOW), lambda m, w: by_code(m, "refuse", "principal", w, "", NOW)],
)
def test_her_refusal_rests_too_by_hand_or_by_letter(refused):
    first = asked_at(lasting(), id="m")
    w = after(lasting(first), refused(first, lasting(first)))
    assert not active(approve(asked_at(w), FATIMA, w, NOW))


@pytest.mark.parametrize("who", [FATIMA, NOOR])
def test_a_refusal_by_somebody_else_is_not_hers(who):
    first = asked_at(lasting(), id="m")
    w = after(lasting(first), refuse(first, who, lasting(first), "", NOW))
    assert active(approve(asked_at(w), FATIMA, w, NOW))


def test_a_mandate_that_the_ocmw_ended_itself_asks_no_rest():
    m = given()
    w = after(lasting(m), end(m, BRAM, lasting(m), "", NOW))
    assert active(approve(asked_at(w), FATIMA, w, NOW))


@pytest.mark.parametrize("ending", [Ending.CASCADED, Ending.WITHDRAWN, Ending.WAIVED, Ending.CANCELLED])
def test_what_ended_by_nobodys_or_another_hand_asks_no_rest(ending):
    w = lasting(given(ending=ending, ended_at=NOW))
    assert active(approve(asked_at(w), FATIMA, w, NOW))


def test_she_who_approved_what_superseded_it_ended_nothing():
    m = given(valid_until=NOW + DAY)
    w = lasting(m)
    renewal = renew(m, id="n", actor=BRAM, world=w, now=NOW, at_once=True, valid_until=NOW + 30 * DAY).mandate
    w = after(w, approve(renewal, MARIA, w, NOW))
    assert w.get("m").ended_by == "maria"
    assert w.get("m").ending is Ending.SUPERSEDED
    again = renew(w.get("n"), id="o", actor=BRAM, world=w, now=NOW + 1).mandate
    assert active(approve(again, FATIMA, w, NOW + 2))


def test_what_she_ended_under_another_type_rests_too():
    old = mandate("ocmw-legacy", "maria", "ocmw", id="m", requested_by="noor")
    w = after(lasting(old), end(old, MARIA, lasting(old), "", NOW))
    assert not active(approve(asked_at(w), FATIMA, w, NOW))


def test_what_she_ended_with_another_ocmw_or_somebody_else_ended_with_this_one_does_not_count():
    for facts in ({"representative": "ocmw-far"}, {"principal": "jozef"}):
        m = dataclasses.replace(given(), **facts, ending=Ending.REVOKED, ended_at=NOW, ended_by="maria")
        w = lasting(m)
        assert active(approve(asked_at(w), FATIMA, w, NOW))


def test_a_power_that_she_ended_is_not_asked_back_without_her_and_another_one_is():
    m = given(powers=("vouchers:read", "vouchers:order"), valid_until=NOW + 1)
    w = after(lasting(m), end_power(m, "vouchers:order", MARIA, lasting(m), "", NOW))
    for powers, does in ((("vouchers:read",), True), (("vouchers:read", "vouchers:order"), False)):
        request = asked_at(w, NOW + 1, powers=powers)
        assert active(approve(request, FATIMA, w, NOW + 2)) is does


def test_a_power_that_the_ocmw_ended_itself_is_asked_back_as_ever():
    m = given(powers=("vouchers:read", "vouchers:order"), valid_until=NOW + 1)
    w = after(lasting(m), end_power(m, "vouchers:order", BRAM, lasting(m), "", NOW))
    assert active(approve(asked_at(w, NOW + 1), FATIMA, w, NOW + 2))


def test_a_renewal_with_a_power_that_she_ended_needs_her():
    m = given(powers=("vouchers:read", "vouchers:order"))
    w = after(lasting(m), end_power(m, "vouchers:order", MARIA, lasting(m), "", NOW))
    wider = renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW, powers=m.powers).mandate
    assert not active(approve(wider, FATIMA, w, NOW))
    same = renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW).mandate
    assert same.powers == ("vouchers:read",)
    assert active(approve(same, FATIMA, w, NOW))


def test_what_she_set_aside_is_not_ended_and_asked_anew_without_her():
    m = given()
    w = after(lasting(m), suspend(m, MARIA, lasting(m), "", NOW))
    w = after(w, end(w.get("m"), BRAM, w, "", NOW + 1))
    request = asked_at(w, NOW + 2)
    assert not active(approve(request, FATIMA, w, NOW + 2))
    assert active(approve(request, MARIA, w, NOW + 2))


def test_what_was_taken_up_again_before_it_ended_asks_no_rest():
    paused = (Suspension(NOW - 9, "maria", "principal", until=NOW - 5),)
    m = given(suspensions=paused, valid_until=NOW)
    assert active(approve(asked_at(lasting(m)), FATIMA, lasting(m), NOW))
