"""What follows a mandate: asked in time, with what it replaces shown first, and no power that nobody gave."""

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
    SIGNED,
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
from mandates.lifecycle import approve, end, refuse, renew, resume, suspend
from mandates.model import Ending, Evidence, Level, PowerEnding
from mandates.status import State, status_of

TWO = ("vouchers:read", "vouchers:order")


def renewal(w, who=BRAM, now=NOW, **facts):
    return renew(w.get("m"), **{"id": "n", "actor": who, "world": w, "now": now, **facts})


# --- what is asked ---------------------------------------------------------


def test_a_renewal_follows_the_old_one_with_the_same_powers_and_evidence():
    m = given(powers=TWO)
    change = renewal(seen(m))
    n = change.mandate
    assert (n.id, n.replaces, n.parent, n.version) == ("n", "m", None, 1)
    assert (n.type, n.principal, n.representative) == (m.type, m.principal, m.representative)
    assert (n.powers, n.evidence, n.requested_by) == (TWO, SIGNED, "bram")
    assert (n.valid_from, n.valid_until) == (m.valid_until, m.valid_until + 730 * DAY)
    assert (n.activated_at, n.lapses_at, n.approvals, n.suspensions) == (None, NOW + 14 * DAY, (), ())
    assert (event_types(change), change.events[0].detail["replaces"]) == (["mandate.requested"], "m")


def test_a_preview_stores_nothing_and_shows_what_it_replaces():
    m = given(powers=TWO)
    w = seen(m)
    change = renewal(w, at_once=True)
    assert w.get(change.mandate.replaces) == m == given(powers=TWO)
    assert change.others == ()
    assert renewal(w, at_once=True) == change, "asked again it says the same"


def test_powers_that_ended_are_not_carried_over():
    gone = PowerEnding("vouchers:order", NOW - 5, "bram", Ending.WAIVED)
    assert renewal(seen(given(powers=TWO, ended_powers=(gone,)))).mandate.powers == ("vouchers:read",)


def test_powers_evidence_and_end_may_be_said_anew():
    other = Evidence(note="by telephone")
    n = renewal(seen(given()), powers=TWO, evidence=other, valid_until=NOW + 20 * DAY).mandate
    assert (n.powers, n.evidence, n.valid_until) == (TWO, other, NOW + 20 * DAY)


def test_a_renewal_at_once_supersedes_when_it_is_approved_and_not_before():
    w = seen(given())
    request = renewal(w, at_once=True).mandate
    assert request.valid_from == NOW
    assert decide(Request(BRAM, "maria", mandate="m"), w, NOW).permitted
    change = approve(request, FATIMA, w, NOW + 9)
    (old,) = change.others
    assert (old.id, old.ending, old.ended_at, old.ended_by) == ("m", Ending.SUPERSEDED, NOW + 9, "fatima")
    assert event_types(change) == ["mandate.approved", "mandate.activated", "mandate.superseded"]
    then = after(w, change)
    for t, there in ((NOW + 8, ["m"]), (NOW + 9, ["n"])):
        running = [one.id for one in then.given_by("maria") if status_of(one, t).state is State.ACTIVE]
        assert running == there, "one of them at every instant"


def test_a_renewal_that_begins_later_leaves_the_old_one_to_its_end():
    w = seen(given())
    change = approve(renewal(w).mandate, FATIMA, w, NOW)
    assert change.others == ()
    w = after(w, change)
    at = {
        t: [m.id for m in w.given_by("maria") if status_of(m, t).state is State.ACTIVE]
        for t in (NOW, NOW + 10 * DAY)
    }
    assert at == {NOW: ["m"], NOW + 10 * DAY: ["n"]}


def test_what_was_passed_on_goes_when_its_origin_is_superseded():
    far = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m")
    w = seen(given(), far)
    change = approve(renewal(w, at_once=True).mandate, FATIMA, w, NOW)
    assert [(one.id, one.ending) for one in change.others] == [
        ("p", Ending.CASCADED),
        ("m", Ending.SUPERSEDED),
    ]


# --- when ------------------------------------------------------------------


@pytest.mark.parametrize(("left", "may"), [(60 * DAY + 1, False), (60 * DAY, True), (1, True)])
def test_it_is_asked_in_the_last_sixty_days(left, may):
    w = seen(given(valid_until=NOW + left))
    if may:
        assert renewal(w).mandate.replaces == "m"
        return
    with pytest.raises(errors.NotRenewableError) as error:
        renewal(w)
    assert "60 days" in str(error.value)


def test_a_type_without_a_window_is_not_renewed():
    m = mandate("ocmw-legacy", "maria", "ocmw", id="m")
    with pytest.raises(errors.NotRenewableError):
        renewal(seen(m), NOOR)


def test_what_comes_from_claims_was_passed_on_or_is_over_is_not_renewed():
    types = {"ocmw-executor": {"request_by": ("manager", "representative")}}
    over = [given(valid_until=NOW), given(activated_at=None), given(**ended(Ending.REVOKED))]
    for m in [claimed("ocmw-executor", "ocmw", "tom", id="m"), given(parent="x"), *over]:
        with pytest.raises(errors.NotRenewableError):
            renewal(seen(m, types=types), dataclasses.replace(TOM, session="s1"))


# --- by whom ---------------------------------------------------------------


@pytest.mark.parametrize("who", [MARIA, TOM, NOOR, ELS, actor("bram", session="s9")])
def test_only_who_may_ask_for_one_renews_one(who):
    with pytest.raises(errors.NotAllowedError):
        renewal(seen(given()), who)


def test_a_renewal_is_judged_like_any_request():
    with pytest.raises(errors.AssuranceTooLowError):
        renewal(seen(given()), actor("bram", Level.LOW, "s1"))
    with pytest.raises(errors.NotEligibleError):
        renewal(seen(given(), parties={"maria": person("maria", deceased_at=NOW)}))
    with pytest.raises(errors.InvalidPeriodError):
        renewal(seen(given()), valid_until=NOW + 10 * DAY)
    with pytest.raises(errors.InvalidPowersError):
        renewal(seen(given()), powers=("payout:change",))
    with pytest.raises(errors.EvidenceRequiredError):
        renewal(seen(given()), evidence=Evidence())


def test_its_requester_does_not_approve_it_even_if_another_asked_the_old_one():
    w = seen(given())
    request = renewal(w, FATIMA).mandate
    assert approve(request, BRAM, w, NOW).mandate.activated_at == NOW, (
        "who asked the old one is another person now"
    )
    with pytest.raises(errors.OwnRequestError):
        approve(request, FATIMA, w, NOW)


def test_more_powers_are_approved_like_the_first_ones():
    w = seen(given(powers=("vouchers:read",)))
    request = renewal(w, powers=TWO, at_once=True).mandate
    assert request.activated_at is None
    still = dataclasses.replace(w, mandates=(*w.mandates, request))
    assert not decide(Request(BRAM, "maria", "vouchers:order"), still, NOW).permitted


def test_a_clerk_with_the_role_does_not_renew_her_own_mandate():
    m = mandate("company-employee", "company", "els", id="m")
    with pytest.raises(errors.OwnRequestError):
        renewal(seen(m), ELS)


# --- what happened meanwhile -----------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("pauser", [MARIA, NOOR])
def test_what_was_set_aside_is_not_taken_up_by_renewing_it(pauser, at_once):
    w = seen(given())
    w = after(w, suspend(w.get("m"), pauser, w, "", NOW))
    request = renewal(w, at_once=at_once, now=NOW + 1).mandate
    assert approve(request, FATIMA, w, NOW + 2).mandate.activated_at is None, (
        "a second officer alone does not do"
    )
    w = after(w, approve(request, MARIA, w, NOW + 2))
    n = w.get("n")
    later = n.valid_from + 2
    assert status_of(n, later).state is State.SUSPENDED
    assert not decide(Request(dataclasses.replace(BRAM), "maria"), w, NOW + 3).permitted
    other = NOOR if pauser is MARIA else MARIA
    with pytest.raises(errors.NotAllowedError):
        resume(n, other, w, "", later)
    assert status_of(resume(n, pauser, w, "", later).mandate, later).state is State.ACTIVE


def test_what_was_set_aside_after_the_renewal_was_asked_stays_so_too():
    m = mandate("citizen-helper", "maria", "tom", id="m", requested_by="maria")
    w = seen(m)
    request = renewal(w, MARIA, at_once=True).mandate
    w = after(w, suspend(m, NOOR, w, "a doubt", NOW + 1))
    change = approve(request, TOM, w, NOW + 2)
    assert [one.capacity for one in change.mandate.suspensions] == ["issuer"]
    assert not decide(Request(TOM, "maria"), after(w, change), NOW + 2).permitted


def test_a_refused_renewal_leaves_the_old_one_and_asks_her_next_time():
    w = seen(given())
    w = after(w, refuse(renewal(w).mandate, MARIA, w, "", NOW))
    assert decide(Request(BRAM, "maria"), w, NOW).permitted
    again = renewal(w, id="o", now=NOW + 1).mandate
    assert approve(again, FATIMA, w, NOW + 1).mandate.activated_at is None


def test_a_renewal_is_asked_once():
    w = seen(given())
    for stored in (renewal(w).mandate, approve(renewal(w).mandate, FATIMA, w, NOW).mandate):
        both = dataclasses.replace(w, mandates=(*w.mandates, stored))
        for at_once in (False, True):
            with pytest.raises(errors.DuplicateError):
                renewal(both, id="o", at_once=at_once)


def test_who_ended_the_renewal_of_hers_may_ask_it_again():
    w = seen(given())
    w = after(w, approve(renewal(w).mandate, FATIMA, w, NOW))
    w = after(w, end(w.get("n"), BRAM, w, "", NOW + 1))
    assert renewal(w, id="o", now=NOW + 2).mandate.replaces == "m"
