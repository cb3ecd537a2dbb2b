"""An executor for a caseload: an officer for whom she handles or asked for herself, and for nobody else."""

from __future__ import annotations

import dataclasses

import pytest

from builders import BRAM, DAY, FATIMA, MARIA, NOW, actor, ask, claimed, given, mandate, person, seen
from mandates import errors
from mandates.capacity import capacities
from mandates.decide import Reason, Request, decide, representations
from mandates.explain import who_can_act
from mandates.lifecycle import approve, cancel, end, renew
from mandates.model import Caseload, Evidence

LIEN = actor("lien")
PEOPLE = {"lien": person("lien")}
PART = mandate("ocmw-executor", "ocmw", "lien", id="x", whole=False)
HANDLES = Caseload("x", "maria", NOW - DAY)


def village(*mandates, caseloads=(HANDLES,)):
    return seen(PART, *mandates, parties=PEOPLE, caseloads=caseloads)


def theirs():
    return dataclasses.replace(given(), id="j", principal="jozef")


@pytest.mark.parametrize(
    ("one", "handled"),
    [
        (HANDLES, True),
        (Caseload("x", "maria", NOW), True),
        (Caseload("x", "maria", NOW - 5, NOW + 1), True),
        (Caseload("x", "maria", NOW + 1), False),
        (Caseload("x", "maria", NOW - 5, NOW), False),
        (Caseload("x", "jozef", NOW - 5), False),
        (Caseload("y", "maria", NOW - 5), False),
    ],
)
def test_she_acts_for_those_in_her_caseload_from_its_first_second_to_before_its_last(one, handled):
    w = village(given(), caseloads=(one,))
    decision = decide(Request(LIEN, "maria"), w, NOW)
    assert decision.permitted is handled
    assert decision.reasons == (() if handled else (Reason("not_in_caseload"),))
    assert capacities(LIEN, given(), w, NOW) == ({"officer", "second_officer"} if handled else frozenset())


def test_who_came_back_into_the_caseload_is_in_it_again():
    twice = (Caseload("x", "maria", NOW - 9, NOW - 5), Caseload("x", "maria", NOW))
    assert decide(Request(LIEN, "maria"), village(given(), caseloads=twice), NOW).permitted
    assert not decide(Request(LIEN, "maria"), village(given(), caseloads=twice), NOW - 1).permitted


def test_an_empty_caseload_is_nobody():
    assert not decide(Request(LIEN, "maria"), village(given(), caseloads=()), NOW).permitted
    assert representations(LIEN, village(given(), theirs(), caseloads=()), NOW) == ()


def test_lists_hold_her_caseload_and_nobody_else():
    w = village(given(), theirs())
    assert [one.acting.principal for one in representations(LIEN, w, NOW)] == ["maria"]
    assert "lien" in {one.path[-1].representative for one in who_can_act("maria", w, NOW)}
    assert "lien" not in {one.path[-1].representative for one in who_can_act("jozef", w, NOW)}


def test_she_asks_for_anybody_and_her_own_request_is_hers_to_take_back():
    w = village(caseloads=())
    request = ask(LIEN, w=w).mandate
    assert cancel(request, LIEN, w, "", NOW).mandate.ended_by == "lien"
    with pytest.raises(errors.OwnRequestError):
        approve(request, LIEN, w, NOW)


@pytest.mark.parametrize(
    "act", [lambda m, w: approve(m, LIEN, w, NOW), lambda m, w: cancel(m, LIEN, w, "", NOW)]
)
def test_what_a_colleague_asked_is_hers_only_in_her_caseload(act):
    request = ask(BRAM, w=village()).mandate
    assert act(request, village())
    with pytest.raises(errors.NotAllowedError):
        act(request, village(caseloads=()))


def test_she_ends_nothing_outside_her_caseload():
    with pytest.raises(errors.NotAllowedError):
        end(theirs(), LIEN, village(theirs()), "", NOW)
    assert end(given(), LIEN, village(given()), "", NOW).mandate.ended_by == "lien"


def test_having_asked_for_it_is_no_caseload_when_it_comes_to_acting():
    m = dataclasses.replace(theirs(), requested_by="lien")
    w = village(m)
    assert "officer" in capacities(LIEN, m, w, NOW)
    assert [one.code for one in decide(Request(LIEN, "jozef"), w, NOW).reasons] == ["not_in_caseload"]


def test_a_caseload_of_an_executor_for_all_takes_nothing_away():
    w = seen(given(), caseloads=(Caseload("ocmw-bram", "jozef", NOW - 5),))
    assert decide(Request(BRAM, "maria"), w, NOW).permitted


def test_the_manager_gives_an_executor_for_a_caseload_and_its_renewal_stays_one():
    role = claimed("ocmw-manager", "ocmw", "els", id="role")
    els = actor("els", session="s1")
    w = seen(role, parties=PEOPLE)
    facts = {"powers": ("vouchers:read",), "evidence": Evidence()}
    change = ask(els, "ocmw-executor", "ocmw", "lien", w=w, whole=False, valid_until=NOW + 9, **facts)
    assert (change.mandate.whole, change.events[0].detail["whole"]) == (False, False)
    w = seen(role, change.mandate, parties=PEOPLE)
    assert renew(change.mandate, id="n", actor=els, world=w, now=NOW).mandate.whole is False
    everybody = ask(els, "ocmw-executor", "ocmw", "lien", w=seen(role, parties=PEOPLE), **facts)
    assert everybody.mandate.whole
    assert "whole" not in everybody.events[0].detail


def test_only_an_executor_has_a_caseload():
    assert ask(MARIA, "citizen-helper", "maria", "tom", whole=False, evidence=Evidence()).mandate.whole


def test_a_second_executor_for_all_of_the_same_person_carries_what_the_caseload_does_not():
    everybody = dataclasses.replace(PART, id="z", whole=True)
    w = village(theirs(), everybody)
    assert decide(Request(LIEN, "jozef"), w, NOW).path[-1].mandate == "z"
    assert not decide(Request(LIEN, "jozef", executor="x"), w, NOW).permitted
    assert decide(Request(FATIMA, "jozef"), w, NOW).permitted


def test_whoever_has_a_caseload_renews_nothing_outside_it():
    ending = dataclasses.replace(theirs(), valid_until=NOW + 5)
    with pytest.raises(errors.NotAllowedError):
        renew(ending, id="n", actor=LIEN, world=village(ending), now=NOW)
    mine = dataclasses.replace(given(), valid_until=NOW + 5)
    assert renew(mine, id="n", actor=LIEN, world=village(mine), now=NOW).mandate.replaces == mine.id
