"""Parents act for a child until the second in which she turns eighteen, and a court's choice until its end."""

from __future__ import annotations

import dataclasses

import pytest

from builders import (
    DAY,
    ELS,
    FATIMA,
    MARIA,
    NOOR,
    NOW,
    TOM,
    actor,
    ask,
    given,
    mandate,
    organisation,
    person,
    seen,
)
from mandates import errors
from mandates.capacity import administrators, capacities
from mandates.decide import Reason, Request, decide
from mandates.lifecycle import approve, end
from mandates.model import Level

ADULT_AT = NOW + 100 * DAY


def child(adult_at=ADULT_AT):
    return {"maria": person("maria", adult_at=adult_at)}


def parent(**facts):
    return mandate("parent", "maria", "tom", **({"id": "p", "requested_by": "tom"} | facts))


def asked(parties=None, who=TOM, **facts):
    return ask(who, "parent", "maria", "tom", w=seen(parties=parties or child()), **facts)


def test_without_an_end_it_lasts_until_she_is_of_age():
    assert asked().mandate.valid_until == ADULT_AT
    assert asked(valid_until=ADULT_AT).mandate.valid_until == ADULT_AT


def test_the_default_duration_counts_where_it_is_shorter():
    assert asked(child(NOW + 9000 * DAY)).mandate.valid_until == NOW + 6575 * DAY


def test_it_is_not_asked_for_longer():
    with pytest.raises(errors.InvalidPeriodError):
        asked(valid_until=ADULT_AT + 1)


@pytest.mark.parametrize("adult_at", [None, NOW, NOW - 1])
def test_an_adult_or_who_was_not_said_to_be_a_minor_has_no_parent_here(adult_at):
    with pytest.raises(errors.NotEligibleError) as error:
        asked(child(adult_at))
    assert "principal_adult" in str(error.value)


def test_who_came_of_age_while_it_waited_gets_no_parent():
    request = asked(valid_until=ADULT_AT).mandate
    w = seen(request, parties=child(NOW + 5))
    assert approve(request, NOOR, w, NOW + 4).mandate.activated_at
    with pytest.raises(errors.NotEligibleError):
        approve(request, NOOR, w, NOW + 5)


def test_at_eighteen_exactly_it_is_denied():
    w = seen(parent(valid_until=ADULT_AT), parties=child())
    assert decide(Request(TOM, "maria"), w, ADULT_AT - 1).permitted
    assert [one.code for one in decide(Request(TOM, "maria"), w, ADULT_AT).reasons] == [
        "mandate_expired",
        "principal_adult",
    ]


def test_a_register_that_was_corrected_ends_it_whatever_its_period_says():
    w = seen(parent(), given(), parties=child(NOW + 5))
    assert decide(Request(TOM, "maria"), w, NOW + 4).permitted
    assert administrators("maria", w, NOW + 4) == {"tom"}
    pinned = Request(TOM, "maria", mandate="p")
    assert decide(pinned, w, NOW + 5).reasons == (Reason("principal_adult", NOW + 5),)
    assert administrators("maria", w, NOW + 5) == frozenset()
    with pytest.raises(errors.NotAllowedError):
        end(given(), TOM, w, "", NOW + 5)


def test_a_court_protects_adults_and_minors_alike():
    court = mandate("court-administrator", "maria", "tom", id="c")
    for parties in (child(), child(NOW - 1), child(None)):
        w = seen(court, parties=parties)
        assert decide(Request(TOM, "maria"), w, NOW).permitted
        assert administrators("maria", w, NOW) == {"tom"}


def test_an_administrator_has_her_say_over_everything_but_the_measure():
    court = mandate("court-administrator", "maria", "tom", id="c")
    w = seen(court, given())
    assert capacities(TOM, given(), w, NOW) == {"administrator"}
    assert capacities(TOM, court, w, NOW) == {"representative"}
    jozefs = dataclasses.replace(given(), principal="jozef")
    assert capacities(TOM, jozefs, w, NOW) == frozenset()
    assert capacities(MARIA, court, w, NOW) == {"principal"}


@pytest.mark.parametrize("who", [MARIA, FATIMA, ELS, actor("noor")])
def test_a_measure_is_brought_by_its_holder_or_the_issuer_alone(who):
    with pytest.raises(errors.NotAllowedError):
        asked(who=who)


def test_the_issuer_who_brings_it_in_does_not_approve_it():
    request = asked(who=NOOR).mandate
    with pytest.raises(errors.OwnRequestError):
        approve(request, NOOR, seen(request, parties=child()), NOW)
    other = actor("els", Level.SUBSTANTIAL, None, "reviewer")
    assert approve(request, other, seen(request, parties=child()), NOW).mandate.activated_at == NOW


def test_a_reviewer_does_not_approve_what_she_or_her_own_house_asks():
    """The issuer's word counts because she has no side in it."""
    self_asked = mandate("parent", "maria", "noor", id="p", requested_by="tom", activated_at=None)
    with pytest.raises(errors.NotAllowedError):
        approve(self_asked, NOOR, seen(self_asked, parties=child()), NOW)
    legacy = mandate("ocmw-legacy", "maria", "ocmw", id="l", requested_by="els", activated_at=None)
    officer_too = actor("bram", Level.SUBSTANTIAL, "s1", "reviewer")
    assert capacities(officer_too, legacy, seen(legacy), NOW) == {"officer", "second_officer"}
    with pytest.raises(errors.NotAllowedError):
        approve(legacy, officer_too, seen(legacy), NOW)
    assert approve(legacy, NOOR, seen(legacy), NOW).mandate.activated_at == NOW


def test_an_organisation_has_no_parents():
    with pytest.raises(errors.NotEligibleError):
        asked({"maria": organisation("maria", "ocmw")})
