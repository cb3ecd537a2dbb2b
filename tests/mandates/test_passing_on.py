"""What one holds and passes on: never more, never longer, never alone, and gone with its origin."""

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
    claimed,
    ended,
    event_types,
    given,
    mandate,
    person,
    seen,
)
from mandates import errors
from mandates.decide import Request, decide
from mandates.lifecycle import approve, cancel, end, pass_on, resume, suspend
from mandates.model import Ending, Evidence, Level
from mandates.status import State, status_of

TWO = ("vouchers:read", "vouchers:order")


FAR = {"lien": person("lien"), "gert": person("gert")}
LIEN = actor("lien", session="s7")
HANDS = (claimed("ocmw-executor", "ocmw-far", "lien", "s7"),)


def to_far(w, who=BRAM, **facts):
    values = {
        "id": "p",
        "representative": w.parties["ocmw-far"],
        "powers": ("vouchers:order",),
        "valid_until": None,
        "actor": who,
        "evidence": Evidence(note="she moves"),
        "world": w,
        "now": NOW,
    }
    return pass_on(w.get("m"), **(values | facts))


def passed(*more, **facts):
    """The world in which the OCMW passed Maria's mandate on to the far OCMW."""
    w = seen(given(**facts), *HANDS, *more, parties=FAR)
    return after(w, approve(to_far(w).mandate, LIEN, w, NOW))


def test_who_passed_it_on_may_withdraw_it_and_keeps_her_own():
    w = passed()
    assert decide(Request(LIEN, "maria", "vouchers:order"), w, NOW).permitted
    change = end(w.get("p"), BRAM, w, "", NOW + 1)
    assert (change.mandate.ending, change.others) == (Ending.WITHDRAWN, ())
    w = after(w, change)
    assert not decide(Request(LIEN, "maria"), w, NOW + 1).permitted
    assert decide(Request(BRAM, "maria"), w, NOW + 1).permitted


def test_who_passed_it_on_takes_her_request_back():
    w = seen(given(), *HANDS, parties=FAR)
    request = to_far(w).mandate
    assert event_types(cancel(request, BRAM, w, "", NOW)) == ["mandate.cancelled"]
    for who in (TOM, MARIA, NOOR):
        with pytest.raises(errors.NotAllowedError):
            cancel(request, who, w, "", NOW)


def test_what_was_passed_on_ends_with_its_origin():
    w = passed()
    change = end(w.get("m"), MARIA, w, "", NOW + 1)
    (gone,) = change.others
    assert (gone.id, gone.ending, gone.ended_at, gone.ended_by) == ("p", Ending.CASCADED, NOW + 1, "maria")
    assert [(event.type, event.detail.get("origin")) for event in change.events] == [
        ("mandate.revoked", None),
        ("mandate.cascaded", "m"),
    ]
    assert not decide(Request(LIEN, "maria"), after(w, change), NOW + 1).permitted
    assert decide(Request(LIEN, "maria"), after(w, change), NOW).permitted


def test_a_request_to_pass_on_goes_with_its_origin_too():
    w = seen(given(), *HANDS, parties=FAR)
    request = to_far(w).mandate
    w = dataclasses.replace(w, mandates=(*w.mandates, request))
    w = after(w, end(w.get("m"), MARIA, w, "", NOW + 1))
    assert status_of(w.get("p"), NOW + 1).state is State.CASCADED
    with pytest.raises(errors.WrongStateError):
        approve(w.get("p"), LIEN, w, NOW + 2)


def test_what_was_passed_on_and_on_ends_at_any_depth_and_once():
    w = passed()
    deeper = dataclasses.replace(w.get("p"), id="q", parent="p", representative="ocmw")
    over = dataclasses.replace(w.get("p"), id="o", **ended(Ending.WAIVED, NOW - 1))
    w = dataclasses.replace(w, mandates=(*w.mandates, deeper, over))
    change = end(w.get("m"), MARIA, w, "", NOW + 1)
    assert sorted(one.id for one in change.others) == ["p", "q"]
    assert after(w, change).get("o") == over


def test_while_its_origin_is_set_aside_nothing_that_was_passed_on_carries():
    w = passed()
    w = after(w, suspend(w.get("m"), MARIA, w, "", NOW + 1))
    assert [one.code for one in decide(Request(LIEN, "maria"), w, NOW + 1).reasons] == ["passed_on_suspended"]
    assert status_of(w.get("p"), NOW + 1).state is State.ACTIVE
    w = after(w, resume(w.get("m"), MARIA, w, "", NOW + 2))
    assert decide(Request(LIEN, "maria"), w, NOW + 2).permitted


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"powers": ("profile:manage",)}, errors.NotPassableError),
        ({"powers": ()}, errors.InvalidPowersError),
        ({"valid_until": NOW + 10 * DAY + 1}, errors.NotPassableError),
        ({"valid_until": NOW}, errors.InvalidPeriodError),
        ({"evidence": Evidence()}, errors.EvidenceRequiredError),
        ({"actor": dataclasses.replace(BRAM, level=Level.LOW)}, errors.AssuranceTooLowError),
        ({"actor": MARIA}, errors.NotAllowedError),
        ({"actor": NOOR}, errors.NotAllowedError),
        ({"actor": ELS}, errors.NotAllowedError),
    ],
)
def test_nobody_passes_on_more_than_she_holds(facts, error):
    w = seen(given(powers=TWO), parties=FAR)
    with pytest.raises(error):
        to_far(w, **({"actor": BRAM} | facts))


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("ocmw", errors.NotPassableError),
        ("company", errors.NotEligibleError),
        ("tom", errors.NotEligibleError),
        ("maria", errors.NotEligibleError),
    ],
)
def test_a_mandate_is_passed_on_to_another_party_that_may_hold_it(key, error):
    w = seen(given(), parties=FAR)
    with pytest.raises(error):
        to_far(w, representative=w.parties[key])


def test_what_was_passed_on_says_what_it_came_from_and_needs_an_approval():
    w = seen(given(powers=TWO), *HANDS, parties=FAR)
    change = to_far(w)
    m = change.mandate
    assert (m.parent, m.principal, m.type, m.replaces) == ("m", "maria", "ocmw-beneficiary", None)
    assert (m.powers, m.valid_until, m.requested_by) == (("vouchers:order",), NOW + 10 * DAY, "bram")
    assert (event_types(change), change.events[0].detail["parent"]) == (["mandate.requested"], "m")
    with pytest.raises(errors.OwnRequestError):
        approve(m, BRAM, w, NOW)
    for who in (FATIMA, NOOR, TOM):
        with pytest.raises(errors.NotAllowedError):
            approve(m, who, w, NOW)
    assert approve(m, MARIA, w, NOW).mandate.activated_at == NOW


def test_the_depth_of_the_type_is_the_end():
    w = passed()
    third = claimed("ocmw-executor", "ocmw-third", "gert", "s8")
    w = dataclasses.replace(
        w,
        mandates=(*w.mandates, third),
        parties=w.parties | {"ocmw-third": dataclasses.replace(w.parties["ocmw-far"], id="ocmw-third")},
    )
    values = {"powers": ("vouchers:order",), "valid_until": None, "evidence": Evidence("x"), "now": NOW}
    with pytest.raises(errors.NotPassableError) as error:
        pass_on(w.get("p"), id="q", representative=w.parties["ocmw-third"], actor=LIEN, world=w, **values)
    assert "1 times" in str(error.value)
    deeper = seen(types={"ocmw-beneficiary": {"depth": 2}}).catalogue
    w2 = dataclasses.replace(w, catalogue=deeper)
    change = pass_on(
        w.get("p"), id="q", representative=w.parties["ocmw-third"], actor=LIEN, world=w2, **values
    )
    assert change.mandate.parent == "p"


def test_what_comes_from_claims_is_not_passed_on():
    types = {"ocmw-executor": {"depth": 1, "pass_on_by": ("representative",)}}
    w = seen(types=types)
    officer = w.mandates[0]
    with pytest.raises(errors.NotPassableError):
        pass_on(
            officer,
            id="q",
            representative=w.parties["tom"],
            powers=("vouchers:read",),
            valid_until=None,
            actor=BRAM,
            evidence=Evidence(),
            world=w,
            now=NOW,
        )


@pytest.mark.parametrize("ring", [True, False])
def test_what_came_from_something_unknown_is_not_passed_on(ring):
    m = given(parent="m" if ring else "lost")
    w = seen(m, parties=FAR, types={"ocmw-beneficiary": {"depth": 99}})
    with pytest.raises(errors.NotPassableError):
        to_far(w)


PERSONAL = {"citizen-helper": {"depth": 1, "pass_on_by": ("representative",)}}


def test_a_person_passes_on_what_she_holds_and_takes_it_back():
    m = mandate("citizen-helper", "maria", "tom", id="m")
    w = seen(m, types=PERSONAL, parties=FAR)
    facts = {"representative": w.parties["lien"], "evidence": Evidence()}
    request = to_far(w, TOM, **facts).mandate
    w = after(w, approve(request, LIEN, w, NOW))
    assert decide(Request(LIEN, "maria", "vouchers:order"), w, NOW).permitted
    assert end(w.get("p"), TOM, w, "", NOW + 1).mandate.ending is Ending.WITHDRAWN
    with pytest.raises(errors.NotAllowedError):
        end(w.get("m"), LIEN, w, "", NOW + 1)
    with pytest.raises(errors.NotAllowedError):
        to_far(w, LIEN, **facts)


def test_nobody_passes_on_to_herself_or_back_to_the_principal():
    m = mandate("citizen-helper", "maria", "tom", id="m")
    w = seen(m, types=PERSONAL, parties=FAR)
    for key, error in (("tom", errors.NotPassableError), ("maria", errors.NotEligibleError)):
        with pytest.raises(error):
            to_far(w, TOM, representative=w.parties[key], evidence=Evidence())


def test_what_was_passed_on_twice_to_the_same_party_is_a_duplicate():
    w = passed()
    with pytest.raises(errors.DuplicateError):
        to_far(w, id="q")
