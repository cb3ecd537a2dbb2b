"""Ways to power that nobody gave, each of which must end in a refusal or in a denial."""

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
    actor,
    after,
    ask,
    claimed,
    ended,
    given,
    mandate,
    organisation,
    person,
    seen,
)
from mandates import errors
from mandates.capacity import capacities
from mandates.decide import Request, decide
from mandates.lifecycle import approve, end, renew, suspend
from mandates.model import Ending, Evidence, Level, Suspension
from mandates.status import State, status_of

COURT = mandate("court-administrator", "maria", "tom", id="court")
LONG = [
    mandate("ocmw-executor", "ocmw", "bram", id="xb", valid_until=NOW + 999 * DAY),
    mandate("ocmw-executor", "ocmw", "fatima", id="xf", valid_until=NOW + 999 * DAY),
]


def test_an_officer_who_administers_the_beneficiary_does_not_approve_her_own_request():
    both = claimed("ocmw-executor", "ocmw", "tom", "s5", id="x5")
    tom = actor("tom", session="s5")
    w = seen(COURT, both)
    request = ask(tom, w=w).mandate
    assert capacities(tom, request, w, NOW) == {"officer", "administrator"}
    with pytest.raises(errors.OwnRequestError):
        approve(request, tom, w, NOW)


def test_a_session_of_the_reviewer_in_which_she_asked_does_not_approve():
    officer_and_reviewer = actor("bram", Level.HIGH, "s1", "reviewer")
    types = {"ocmw-beneficiary": {"approvals": ("issuer",)}}
    request = ask(officer_and_reviewer, w=seen(types=types)).mandate
    with pytest.raises(errors.OwnRequestError):
        approve(request, officer_and_reviewer, seen(types=types), NOW)


def test_the_staff_of_an_ocmw_does_not_speak_for_the_issuer_after_she_ended_it():
    fatima = actor("fatima", Level.SUBSTANTIAL, "s2", "reviewer")
    m = given(**ended(Ending.REVOKED))
    w = seen(m)
    request = ask(w=w, id="n").mandate
    change = approve(request, fatima, w, NOW)
    assert change.mandate.activated_at is None
    assert [one.kind for one in change.mandate.approvals] == ["second_officer"]
    with pytest.raises(errors.NotAllowedError):
        approve(change.mandate, fatima, w, NOW)


@pytest.mark.parametrize("staff", [("operator",), ("support",), ("operator", "support"), ("Reviewer",), ()])
def test_other_staff_roles_are_no_word_of_the_issuer(staff):
    legacy = mandate("ocmw-legacy", "maria", "ocmw", requested_by="els", activated_at=None)
    with pytest.raises(errors.NotAllowedError):
        approve(legacy, actor("noor", Level.HIGH, None, *staff), seen(legacy), NOW)


def test_a_login_of_before_is_no_second_officer():
    old_account = claimed("ocmw-legacy-executor", "ocmw", "fatima", "s2", id="old")
    request = ask().mandate
    w = dataclasses.replace(seen(request), mandates=(request, old_account))
    with pytest.raises(errors.NotAllowedError):
        approve(request, FATIMA, w, NOW)


@pytest.mark.parametrize(
    "facts",
    [
        {"suspensions": (Suspension(NOW, "els", "manager"),)},
        {"valid_until": NOW},
        {"valid_from": NOW + 1},
        {"activated_at": None},
        {"session": "s3"},
        ended(Ending.SESSION_ENDED),
        {"representative": "tom"},
        {"principal": "ocmw-far"},
        {"type": "ocmw-manager"},
        {"parent": "x0"},
    ],
)
def test_an_executor_that_does_not_carry_does_not_approve_either(facts):
    link = dataclasses.replace(claimed("ocmw-executor", "ocmw", "fatima", "s2"), **facts)
    request = ask().mandate
    w = dataclasses.replace(seen(request), mandates=(request, link))
    with pytest.raises(errors.NotAllowedError):
        approve(request, FATIMA, w, NOW)


def test_a_manager_gives_no_more_than_her_type_grants():
    for type_key, principal in (
        ("company-manager", "company"),
        ("ocmw-executor", "ocmw"),
        ("company-employee", "bakery"),
    ):
        with pytest.raises(errors.NotAllowedError):
            ask(ELS, type_key, principal, "tom", evidence=Evidence())


def test_two_clerks_do_not_make_each_other_more():
    clerks = [mandate("company-employee", "company", who, id=who) for who in ("tom", "bram")]
    w = seen(*clerks)
    for who in (TOM, BRAM):
        with pytest.raises(errors.NotAllowedError):
            ask(who, "company-employee", "company", "noor", w=w, evidence=Evidence())
        with pytest.raises(errors.NotAllowedError):
            end(clerks[0 if who is BRAM else 1], who, w, "", NOW)


def test_a_helper_of_the_principal_does_not_give_in_her_name():
    helper = mandate("citizen-helper", "maria", "tom", id="h")
    with pytest.raises(errors.NotAllowedError):
        ask(TOM, "citizen-helper", "maria", "els", w=seen(helper), evidence=Evidence())
    waiting = ask(w=seen(helper)).mandate
    with pytest.raises(errors.NotAllowedError):
        approve(waiting, TOM, seen(helper, waiting), NOW)


def test_a_renewal_replaces_its_own_and_nobody_elses():
    mine = dataclasses.replace(given(id="mine"), principal="jozef")
    theirs = given()
    w = seen(mine, theirs)
    request = renew(mine, id="n", actor=BRAM, world=w, now=NOW, at_once=True).mandate
    change = approve(request, FATIMA, w, NOW)
    assert [one.id for one in change.others] == ["mine"]
    assert (request.principal, request.representative, request.type) == ("jozef", "ocmw", mine.type)


def test_what_ended_meanwhile_is_not_superseded_again():
    w = seen(given(valid_until=NOW + DAY), *LONG)
    request = renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW).mandate
    late = approve(request, MARIA, w, NOW + DAY)
    assert late.others == ()
    assert late.mandate.activated_at == NOW + DAY


def test_a_mandate_that_was_to_be_superseded_later_is_revoked_now():
    m = given(ended_at=NOW + DAY, ended_by="fatima", ending=Ending.SUPERSEDED)
    assert status_of(m, NOW).state is State.ACTIVE
    w = after(seen(m), end(m, MARIA, seen(m), "", NOW))
    assert (w.get("m").ended_at, w.get("m").ending) == (NOW, Ending.REVOKED)
    assert status_of(w.get("m"), NOW + DAY).state is State.REVOKED
    assert not decide(Request(BRAM, "maria"), w, NOW).permitted


def test_what_she_set_aside_does_not_come_back_by_its_end_a_renewal_or_the_clock():
    w = seen(given(), *LONG)
    w = after(w, suspend(w.get("m"), MARIA, w, "", NOW))
    for t in (NOW, NOW + DAY, NOW + 10 * DAY - 1, NOW + 10 * DAY, NOW + 400 * DAY):
        assert not decide(Request(BRAM, "maria"), w, t).permitted


def test_an_approval_that_was_given_once_is_not_given_for_another_mandate():
    first = approve(ask().mandate, MARIA, seen(), NOW).mandate
    w = seen(dataclasses.replace(first, valid_until=NOW + DAY))
    request = renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW).mandate
    assert (request.approvals, request.activated_at) == ((), None)


def test_the_dead_do_not_give_and_nobody_gives_for_them():
    dead = {"maria": person("maria", deceased_at=NOW)}
    w = seen(COURT, given(), parties=dead)
    for act in (
        lambda: ask(TOM, "citizen-helper", "maria", "els", w=w, evidence=Evidence()),
        lambda: renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW),
        lambda: approve(ask().mandate, FATIMA, w, NOW),
    ):
        with pytest.raises(errors.NotEligibleError):
            act()
    assert end(w.get("m"), BRAM, w, "", NOW).mandate.ending is Ending.WAIVED, "smaller is always possible"


def test_an_ocmw_that_lost_its_recognition_gives_takes_and_passes_on_nothing():
    lost = {"ocmw": organisation("ocmw")}
    w = seen(given(), parties=lost)
    with pytest.raises(errors.NotEligibleError):
        approve(ask().mandate, FATIMA, w, NOW)
    with pytest.raises(errors.NotEligibleError):
        renew(w.get("m"), id="n", actor=BRAM, world=w, now=NOW)
    assert not decide(Request(BRAM, "maria"), w, NOW).permitted


def test_an_approval_that_came_in_before_the_principal_objected_does_not_carry_alone():
    """All must approve; between the two approvals she ends another one with the same OCMW."""
    types = {"ocmw-beneficiary": {"approvals": ("second_officer",)}}
    first = given(valid_until=NOW + DAY)
    w = seen(first, *LONG, types=types)
    request = renew(first, id="n", actor=BRAM, world=w, now=NOW).mandate
    w = dataclasses.replace(w, mandates=(*w.mandates, request))
    gone = end(first, MARIA, w, "", NOW + 1)
    assert [one.id for one in gone.others] == ["n"]
    assert (
        approve(
            request,
            FATIMA,
            after(seen(first, *LONG, types=types), end(first, MARIA, seen(first), "", NOW)),
            NOW + 2,
        ).mandate.activated_at
        is None
    )


def test_a_reviewer_speaks_for_the_issuer_again_where_she_has_no_side():
    assert capacities(NOOR, given(), seen(given()), NOW) == {"issuer"}
    origin_side = claimed("ocmw-executor", "ocmw", "noor", "s8", id="x8")
    child = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m", activated_at=None)
    noor = dataclasses.replace(NOOR, session="s8")
    assert capacities(noor, child, seen(given(), child, origin_side), NOW) == {"origin"}
