"""Whose approval a request needs: the type's, and more after she took it away or where the law protects her."""

from __future__ import annotations

import dataclasses

import pytest

from builders import (
    FATIMA,
    MARIA,
    NOOR,
    NOW,
    TOM,
    ask,
    claimed,
    given,
    lasting,
    mandate,
    person,
    seen,
)
from mandates import errors
from mandates.approvals import open_groups
from mandates.lifecycle import approve
from mandates.model import Approval, Ending, Evidence, Suspension

ALL = {"ocmw-beneficiary": {"approvals_mode": "all"}}


def asked_at(w, now=NOW, **facts):
    return ask(w=w, now=now, valid_from=now, **{"id": "n", **facts}).mandate


def active(change):
    return change.mandate.activated_at is not None


# --- any of them, all of them ----------------------------------------------


def test_any_is_one_group_and_all_is_a_group_for_each():
    assert open_groups(asked_at(seen()), seen(), NOW) == ({"principal", "second_officer"},)
    assert open_groups(asked_at(seen()), seen(types=ALL), NOW) == ({"principal"}, {"second_officer"})


def test_a_type_without_approvals_waits_for_nobody():
    for mode in ("any", "all"):
        w = seen(types={"ocmw-beneficiary": {"approvals": (), "approvals_mode": mode}})
        assert open_groups(asked_at(seen()), w, NOW) == ()


def test_what_was_given_closes_its_group_only():
    request = dataclasses.replace(asked_at(seen()), approvals=(Approval("principal", "maria", NOW),))
    assert open_groups(request, seen(), NOW) == ()
    assert open_groups(request, seen(types=ALL), NOW) == ({"second_officer"},)
    assert open_groups(request, seen(types=ALL), NOW, ()) == ({"principal"}, {"second_officer"})


# --- the law protects her --------------------------------------------------


def measure(holder="tom", **facts):
    return mandate(
        "court-administrator", "maria", holder, **({"id": "court", "requested_by": holder} | facts)
    )


def test_while_a_measure_is_in_force_its_holder_must_approve():
    w = lasting(measure())
    request = asked_at(w)
    assert open_groups(request, w, NOW) == (
        {"principal", "second_officer", "administrator"},
        {"administrator"},
    )
    for who in (MARIA, FATIMA):
        first = approve(request, who, w, NOW)
        assert not active(first)
        assert active(approve(first.mandate, TOM, w, NOW))
    change = approve(request, TOM, w, NOW)
    assert (active(change), change.mandate.approvals[0].kind) == (True, "administrator")


@pytest.mark.parametrize(
    "facts",
    [
        {"valid_until": NOW},
        {"valid_from": NOW + 1},
        {"activated_at": None},
        {"ending": Ending.WITHDRAWN, "ended_at": NOW},
        {"suspensions": (Suspension(NOW, "noor", "issuer"),)},
    ],
)
def test_a_measure_that_is_not_in_force_asks_nothing(facts):
    w = lasting(measure(**facts))
    assert active(approve(asked_at(w), FATIMA, w, NOW))
    with pytest.raises(errors.NotAllowedError):
        approve(asked_at(w), TOM, w, NOW)


def test_she_who_is_protected_cannot_give_alone():
    w = lasting(measure("els"))
    request = ask(MARIA, "citizen-helper", "maria", "tom", w=w, evidence=Evidence()).mandate
    first = approve(request, TOM, w, NOW)
    assert not active(first)
    assert active(approve(first.mandate, dataclasses.replace(TOM, party="els"), w, NOW))


def test_an_administrator_who_asks_in_her_name_has_agreed():
    els = dataclasses.replace(TOM, party="els")
    w = lasting(measure("els"))
    request = ask(els, "citizen-helper", "maria", "tom", w=w, evidence=Evidence()).mandate
    assert open_groups(request, w, NOW) == ({"representative"},)
    assert active(approve(request, TOM, w, NOW))


def test_an_administrator_cannot_make_herself_a_helper_alone():
    w = lasting(measure("tom"))
    with pytest.raises(errors.NotAllowedError):
        ask(TOM, "citizen-helper", "maria", "tom", w=w, evidence=Evidence())
    request = ask(MARIA, "citizen-helper", "maria", "tom", w=w, evidence=Evidence()).mandate
    first = approve(request, TOM, w, NOW)
    assert (active(first), first.mandate.approvals[0].kind) == (False, "representative")
    with pytest.raises(errors.NotAllowedError):
        approve(first.mandate, TOM, w, NOW)


def test_a_measure_is_the_issuers_to_approve_whatever_measure_runs():
    w = lasting(measure("els"))
    second = ask(TOM, "court-administrator", "maria", "tom", w=w).mandate
    assert open_groups(second, w, NOW) == ({"issuer"},)
    with pytest.raises(errors.NotAllowedError):
        approve(second, dataclasses.replace(TOM, party="els"), w, NOW)
    assert active(approve(second, NOOR, w, NOW))


def test_a_minor_without_parents_in_the_register_gives_with_the_issuer():
    minor = {"maria": person("maria", adult_at=NOW + 5)}
    w = lasting(parties=minor)
    request = asked_at(w)
    assert open_groups(request, w, NOW) == ({"principal", "second_officer"}, {"issuer"})
    first = approve(request, FATIMA, w, NOW)
    assert not active(first)
    assert active(approve(first.mandate, NOOR, w, NOW))
    assert open_groups(request, w, NOW + 5) == ({"principal", "second_officer"},), "of age since this second"


def test_a_minor_with_a_parent_gives_with_the_parent():
    minor = {"maria": person("maria", adult_at=NOW + 5)}
    w = lasting(mandate("parent", "maria", "tom", id="p"), parties=minor)
    request = asked_at(w)
    assert not active(approve(request, FATIMA, w, NOW))
    assert active(approve(request, TOM, w, NOW))
    assert active(approve(request, FATIMA, w, NOW + 5)), "a parent has no say over an adult"


# --- four eyes are two people ----------------------------------------------


def test_two_approvals_are_two_people_whatever_their_capacities():
    els_too = claimed("ocmw-executor", "ocmw", "els", "s1", id="z")
    both = dataclasses.replace(NOOR, session="s1", party="els")
    w = lasting(
        els_too,
        types={"ocmw-beneficiary": {"approvals": ("second_officer", "issuer"), "approvals_mode": "all"}},
    )
    first = approve(asked_at(w), both, w, NOW)
    assert not active(first)
    with pytest.raises(errors.NotAllowedError):
        approve(first.mandate, both, w, NOW)


def test_of_her_capacities_she_gives_the_one_that_fills_most():
    m = dataclasses.replace(
        given(), principal="fatima", ending=Ending.REVOKED, ended_at=NOW, ended_by="fatima"
    )
    w = lasting(m)
    change = approve(asked_at(w, principal="fatima"), FATIMA, w, NOW)
    assert (active(change), [one.kind for one in change.mandate.approvals]) == (True, ["principal"])


# --- by code ---------------------------------------------------------------


def test_a_code_gives_the_approvals_that_the_type_names_and_the_event_says_so():
    change = approve(asked_at(lasting()), MARIA, lasting(), NOW, by_code=True)
    assert active(change)
    assert change.events[0].detail["by_code"] is True
    assert "by_code" not in approve(asked_at(lasting()), MARIA, lasting(), NOW).events[0].detail


@pytest.mark.parametrize("who", [FATIMA, TOM])
def test_a_code_in_other_hands_gives_nothing(who):
    with pytest.raises(errors.NotAllowedError):
        approve(asked_at(lasting()), who, lasting(), NOW, by_code=True)


def test_a_code_is_no_way_around_the_login_or_ones_own_request():
    with pytest.raises(errors.AssuranceTooLowError):
        approve(asked_at(lasting()), dataclasses.replace(MARIA, level=1), lasting(), NOW, by_code=True)
    own = dataclasses.replace(asked_at(lasting()), requested_by="maria")
    with pytest.raises(errors.OwnRequestError):
        approve(own, MARIA, lasting(), NOW, by_code=True)
