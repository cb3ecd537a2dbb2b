import dataclasses

import pytest

from builders import (
    BRAM,
    DAY,
    FATIMA,
    MARIA,
    NOW,
    OFFICERS,
    TOM,
    VILLAGE,
    VILLAGE_NOW,
    actor,
    ask,
    awaiting,
    ended,
    event_types,
    person,
    with_type,
    world,
)
from mandates import errors
from mandates.decide import Request, decide
from mandates.lifecycle import (
    approve,
)
from mandates.model import Approval, Ending, Evidence, Level

# --- approve ---------------------------------------------------------------


@pytest.mark.parametrize(("who", "kind"), [(MARIA, "principal"), (FATIMA, "second_officer")])
def test_one_of_the_approvals_activates_when_any_is_enough(who, kind):
    change = approve(awaiting(), who, VILLAGE_NOW, NOW + 5)
    m = change.mandate
    assert event_types(change) == ["mandate.approved", "mandate.activated"]
    assert change.events[0].detail["approval"] == kind
    assert change.events[0].actor == who.party
    assert m.approvals == (Approval(kind, who.party, NOW + 5),)
    assert (m.activated_at, m.version) == (NOW + 5, 2)
    assert decide(Request(BRAM, "maria"), world(*OFFICERS, m), NOW + 5).permitted


def test_the_grounds_of_an_approval_stand_in_its_event():
    change = approve(awaiting(), FATIMA, VILLAGE_NOW, NOW + 5, grounds="seen at the desk")
    assert change.events[0].grounds == "seen at the desk"
    assert approve(awaiting(), FATIMA, VILLAGE_NOW, NOW + 5).events[0].grounds == ""


def test_a_helper_accepts_what_the_principal_asked():
    request = ask(MARIA, "citizen-helper", "maria", "tom", evidence=Evidence()).mandate
    assert approve(request, TOM, VILLAGE_NOW, NOW).mandate.activated_at == NOW


@pytest.mark.parametrize(
    ("requested_by", "who"),
    [
        ("bram", BRAM),
        ("maria", MARIA),
        ("maria", actor("maria", 3, "s1", "reviewer")),
        ("noor", actor("noor", 3, "s1", "reviewer")),
        ("fatima", FATIMA),
    ],
)
def test_nobody_approves_her_own_request_in_whatever_capacity(requested_by, who):
    w = with_type("ocmw-beneficiary", approvals=("principal", "second_officer", "issuer", "representative"))
    with pytest.raises(errors.OwnRequestError) as error:
        approve(awaiting(requested_by=requested_by), who, w, NOW)
    assert error.value.code == "own_request"


def test_an_officer_who_is_the_beneficiary_cannot_approve_what_she_asked():
    w = world(*OFFICERS)
    request = ask(BRAM, principal="bram", w=w).mandate
    with pytest.raises(errors.OwnRequestError):
        approve(request, BRAM, w, NOW)


@pytest.mark.parametrize("who", [TOM, actor("fatima", session="s1"), actor("noor", 3, None, "reviewer")])
def test_who_may_not_approve_is_refused(who):
    with pytest.raises(errors.NotAllowedError):
        approve(awaiting(), who, VILLAGE_NOW, NOW)


def test_a_weak_login_cannot_approve():
    with pytest.raises(errors.AssuranceTooLowError):
        approve(awaiting(), actor("maria", Level.LOW), VILLAGE_NOW, NOW)


def test_a_request_is_approved_before_it_lapses_and_not_at_that_instant():
    m = awaiting()
    w = world(*[dataclasses.replace(officer, valid_until=NOW + 99 * DAY) for officer in OFFICERS])
    assert approve(m, MARIA, w, NOW + 14 * DAY - 1).mandate.activated_at
    with pytest.raises(errors.WrongStateError):
        approve(m, MARIA, w, NOW + 14 * DAY)


@pytest.mark.parametrize("facts", [{"activated_at": NOW}, ended(Ending.REFUSED), ended(Ending.CANCELLED)])
def test_only_what_waits_is_approved(facts):
    with pytest.raises(errors.WrongStateError):
        approve(awaiting(**facts), MARIA, VILLAGE_NOW, NOW)


def test_who_died_since_the_request_gets_no_mandate():
    w = world(*OFFICERS, parties={"maria": person("maria", deceased_at=NOW)})
    with pytest.raises(errors.NotEligibleError):
        approve(awaiting(), FATIMA, w, NOW)


def test_a_party_that_is_not_known_gets_no_mandate():
    w = dataclasses.replace(VILLAGE_NOW, parties={key: p for key, p in VILLAGE.items() if key != "ocmw"})
    with pytest.raises(errors.NotEligibleError):
        approve(awaiting(), MARIA, w, NOW)


def test_where_all_must_approve_the_last_one_activates():
    w = with_type("ocmw-beneficiary", approvals_mode="all")
    first = approve(awaiting(), FATIMA, w, NOW)
    assert event_types(first) == ["mandate.approved"]
    assert first.events[0].detail["catalogue_version"] == "f" * 12
    assert (first.mandate.activated_at, first.mandate.version) == (None, 2)
    second = approve(first.mandate, MARIA, w, NOW + 1)
    assert event_types(second) == ["mandate.approved", "mandate.activated"]
    assert (second.mandate.activated_at, second.mandate.version) == (NOW + 1, 3)
    assert [approval.kind for approval in second.mandate.approvals] == ["second_officer", "principal"]


def test_one_person_with_two_capacities_is_still_one_pair_of_eyes():
    w = with_type("ocmw-beneficiary", approvals_mode="all")
    request = awaiting(principal="fatima")
    first = approve(request, FATIMA, w, NOW).mandate
    assert first.approvals[0].kind == "principal"
    with pytest.raises(errors.NotAllowedError):
        approve(first, FATIMA, w, NOW)


def test_the_same_approval_is_not_given_twice():
    w = with_type("ocmw-beneficiary", approvals=("issuer", "principal"), approvals_mode="all")
    first = approve(awaiting(), actor("noor", 2, None, "reviewer"), w, NOW).mandate
    with pytest.raises(errors.NotAllowedError):
        approve(first, actor("els", 2, None, "reviewer"), w, NOW)
