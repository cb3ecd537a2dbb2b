"""Every step in the life of a mandate, in every state, by everyone who could try: what comes of it."""

from __future__ import annotations

import json

import pytest

from builders import BRAM, DAY, ELS, FATIMA, MARIA, NOOR, NOW, TOM, catalogue, given, mandate, seen
from mandates import errors
from mandates.lifecycle import approve, cancel, end, end_power, pass_on, refuse, renew, resume, suspend
from mandates.model import Ending, Evidence, Suspension
from mandates.status import State, status_of

ENDINGS = {State(one.value): one for one in Ending}
LIVING = {State.SCHEDULED, State.ACTIVE, State.SUSPENDED}


def in_state(state, build, paused_as):
    """The mandate that `build` makes, in this state at NOW; suspended in the capacity `paused_as`."""
    waiting = {"activated_at": None, "lapses_at": NOW + DAY}
    facts = {
        State.AWAITING: waiting,
        State.SCHEDULED: {"valid_from": NOW + DAY},
        State.ACTIVE: {},
        State.SUSPENDED: {"suspensions": (Suspension(NOW - 5, "somebody", paused_as),)},
        State.EXPIRED: {"valid_until": NOW},
        State.LAPSED: waiting | {"lapses_at": NOW},
    }.get(state)
    if facts is None:
        facts = {"ending": ENDINGS[state], "ended_at": NOW - 5, "ended_by": "somebody"}
        facts |= waiting if state in {State.REFUSED, State.CANCELLED} else {}
    return build(**facts)


def run(act, m, who, w):
    if act is approve:
        return approve(m, who, w, NOW)
    if act is renew:
        return renew(m, id="n", actor=who, world=w, now=NOW)
    if act is end_power:
        return end_power(m, m.powers[0], who, w, "why", NOW)
    if act is pass_on:
        far = w.parties["ocmw-far" if m.type == "ocmw-beneficiary" else "bram"]
        facts = {
            "representative": far,
            "powers": m.powers[:1],
            "valid_until": None,
            "evidence": Evidence("x"),
        }
        return pass_on(m, id="n", actor=who, world=w, now=NOW, **facts)
    return act(m, who, w, "why", NOW)


def outcome(act, m, who, w):
    """The events of the change, or the code of the error."""
    try:
        change = run(act, m, who, w)
    except errors.MandateError as error:
        return error.code
    for event in change.events:
        assert event.actor == who.party
        assert event.at == NOW
        assert event.detail["mandate_type"] == m.type
        assert event.detail["catalogue_version"] == catalogue().version
        assert (event.principal, event.mandate) == (m.principal, change.mandate.id)
        assert json.loads(json.dumps(event.body())) == event.body()
    return " ".join(event.type.removeprefix("mandate.") for event in change.events)


def beneficiary(**facts):
    return given(**facts)


def clerk(**facts):
    return mandate("company-employee", "company", "tom", id="c", requested_by="els", **facts)


def helper(**facts):
    return mandate("citizen-helper", "maria", "tom", id="h", requested_by="maria", **facts)


# who:    the principal, the requester's side, a second officer, the issuer, somebody else
OCMW = (beneficiary, "principal", {"maria": MARIA, "bram": BRAM, "fatima": FATIMA, "noor": NOOR, "tom": TOM})
COMPANY = (clerk, "manager", {"els": ELS, "tom": TOM, "noor": NOOR, "maria": MARIA})
CITIZEN = (helper, "principal", {"maria": MARIA, "tom": TOM, "noor": NOOR, "bram": BRAM})
NO = "not_allowed"

ALLOWED = [
    # (who is who, step, states, {who: what comes of it}); everybody else is not allowed
    (
        OCMW,
        approve,
        {State.AWAITING},
        {"maria": "approved activated", "fatima": "approved activated", "bram": "own_request"},
    ),
    (OCMW, refuse, {State.AWAITING}, {"maria": "refused", "fatima": "refused", "noor": "refused"}),
    (OCMW, cancel, {State.AWAITING}, {"bram": "cancelled", "fatima": "cancelled"}),
    (OCMW, end, LIVING, {"maria": "revoked", "bram": "waived", "fatima": "waived"}),
    (OCMW, end_power, LIVING, dict.fromkeys(("maria", "bram", "fatima"), "power_ended")),
    (OCMW, suspend, {State.SCHEDULED, State.ACTIVE}, {"maria": "suspended", "noor": "suspended"}),
    (OCMW, suspend, {State.SUSPENDED}, {"maria": "wrong_state", "noor": "suspended"}),
    (OCMW, resume, {State.SUSPENDED}, {"maria": "resumed"}),
    (OCMW, renew, {State.SCHEDULED, State.ACTIVE}, {"bram": "requested", "fatima": "requested"}),
    (OCMW, pass_on, {State.ACTIVE}, {"bram": "requested", "fatima": "requested"}),
    (COMPANY, end, LIVING, {"els": "withdrawn", "tom": "waived"}),
    (COMPANY, end_power, LIVING, {"els": "power_ended", "tom": "power_ended"}),
    (COMPANY, suspend, {State.SCHEDULED, State.ACTIVE}, {"els": "suspended"}),
    (COMPANY, resume, {State.SUSPENDED}, {"els": "resumed"}),
    (COMPANY, renew, {State.SCHEDULED, State.ACTIVE}, {"els": "requested activated"}),
    (COMPANY, pass_on, {State.ACTIVE}, {}),
    (CITIZEN, approve, {State.AWAITING}, {"tom": "approved activated", "maria": "own_request"}),
    (CITIZEN, refuse, {State.AWAITING}, {"tom": "refused"}),
    (CITIZEN, cancel, {State.AWAITING}, {"maria": "cancelled"}),
    (CITIZEN, end, LIVING, {"maria": "revoked", "tom": "waived"}),
    (CITIZEN, end_power, LIVING, {"maria": "power_ended", "tom": "power_ended"}),
    (CITIZEN, suspend, {State.SCHEDULED, State.ACTIVE}, {"maria": "suspended", "noor": "suspended"}),
    (CITIZEN, resume, {State.SUSPENDED}, {"maria": "resumed"}),
    (CITIZEN, renew, {State.SCHEDULED, State.ACTIVE}, {"maria": "requested"}),
]


def cells(rows):
    return [
        pytest.param(village, act, state, who, table.get(who, NO), id=f"{act.__name__}-{state.value}-{who}")
        for village, act, states, table in rows
        for state in sorted(states)
        for who in village[2]
    ]


@pytest.mark.parametrize(("village", "act", "state", "who", "expected"), cells(ALLOWED))
def test_a_step_that_its_state_allows_is_for_those_whom_the_type_names(village, act, state, who, expected):
    build, paused_as, people = village
    m = in_state(state, build, paused_as)
    assert status_of(m, NOW).state is state
    assert outcome(act, m, people[who], seen(m)) == expected


STEPS = {
    approve: {State.AWAITING},
    refuse: {State.AWAITING},
    cancel: {State.AWAITING},
    end: LIVING,
    end_power: LIVING,
    suspend: LIVING,
    resume: {State.SUSPENDED},
    renew: LIVING,
    pass_on: {State.ACTIVE},
}
REFUSALS = {renew: "not_renewable", pass_on: "not_passable"}


@pytest.mark.parametrize(
    ("act", "state"),
    [(act, state) for act, states in STEPS.items() for state in State if state not in states],
)
def test_a_step_that_its_state_does_not_allow_is_for_nobody(act, state):
    m = in_state(state, beneficiary, "principal")
    assert status_of(m, NOW).state is state
    found = {who: outcome(act, m, actor, seen(m)) for who, actor in OCMW[2].items()}
    expected = dict.fromkeys(found, REFUSALS.get(act, "wrong_state"))
    if act is pass_on:  # who holds nothing of it learns nothing of its state
        expected |= dict.fromkeys(("maria", "noor", "tom"), NO)
    assert found == expected


def test_a_step_leaves_the_old_value_as_it_was_and_makes_the_next_version():
    m = given()
    w = seen(m)
    for act in (end, end_power, suspend):
        assert run(act, m, MARIA, w).mandate.version == m.version + 1
    assert m == given()


def test_a_small_change_names_what_it_changed():
    m = given()
    w = seen(m)
    assert end_power(m, "vouchers:order", MARIA, w, "", NOW).events[0].detail["power"] == "vouchers:order"
    assert suspend(m, NOOR, w, "", NOW).events[0].detail["capacity"] == "issuer"
    assert [event.grounds for event in end(m, MARIA, w, "enough", NOW).events] == ["enough"]
