"""How long a sign-in lasts, what keeps it alive, and how long ACM's word about powers counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import InteractionGoneError, JudgedError
from broker.flows import revocation, sessions
from flow_world import BROWSER, EXECUTOR_ROLE, ISSUER, FlowWorld
from mandates.errors import InvalidPeriodError
from mandates.model import Source

IDLE, WHOLE, CLAIMS = 30 * 60, 8 * 3600, 2 * 3600


def is_live(flow, session, at):
    return sessions.is_live(session, flow.services.settings, at)


def powers(flow, session):
    with flow.services.database.read() as uow:
        return uow.mandates.of_session(session.id)


def current(flow, session):
    return sessions.current(flow.services, flow.cookies[session.id], flow.now)


def test_a_session_says_when_it_began_and_when_it_is_over(flow):
    tom = flow.session(flow.sign_in("Tom").id)
    assert (tom.started_at, tom.last_seen_at, tom.expires_at) == (flow.now, flow.now, flow.now + WHOLE)
    assert tom.claims_at == flow.now


def test_thirty_minutes_without_use_end_it(flow):
    tom = flow.sign_in("Tom")
    assert is_live(flow, tom, tom.started_at + IDLE - 1)
    assert not is_live(flow, tom, tom.started_at + IDLE)


def test_eight_hours_end_it_however_much_it_is_used(flow):
    tom = flow.sign_in("Tom")
    busy = replace(tom, last_seen_at=tom.started_at + WHOLE - 1)
    assert is_live(flow, busy, tom.started_at + WHOLE - 1)
    assert not is_live(flow, busy, tom.started_at + WHOLE)


def test_signing_out_ends_it_at_once(flow):
    tom = flow.sign_in("Tom")
    assert current(flow, tom)
    revocation.end_session(flow.services, tom.id, "signed out", flow.now)
    assert not is_live(flow, flow.session(tom.id), flow.now)
    assert current(flow, tom) is None


def test_a_cookie_finds_its_own_session_and_no_other_text_does(flow):
    tom = flow.sign_in("Tom")
    assert current(flow, tom).id == tom.id
    for secret in (None, "", "x", tom.id, tom.sid):
        assert sessions.current(flow.services, secret, flow.now) is None


def test_use_is_written_down_once_a_minute(flow):
    tom = flow.sign_in("Tom")
    flow.clock.forward(59)
    assert current(flow, tom)
    assert flow.session(tom.id).last_seen_at == tom.started_at
    flow.clock.forward(1)
    assert current(flow, tom)
    assert flow.session(tom.id).last_seen_at == flow.now


def test_use_keeps_it_alive_and_idleness_counts_from_the_last_use(flow):
    tom = flow.sign_in("Tom")
    for _ in range(3):
        flow.clock.forward(IDLE - 1)
        assert current(flow, tom)
    flow.clock.forward(IDLE)
    assert current(flow, tom) is None
    assert flow.session(tom.id).last_seen_at == flow.now - IDLE, "the dead are not touched"


def test_use_to_the_end_does_not_move_the_end(flow):
    tom = flow.sign_in("Tom")
    while flow.now + IDLE - 1 < tom.expires_at:
        flow.clock.forward(IDLE - 1)
        assert current(flow, tom)
    flow.clock.now = tom.expires_at - 1
    assert current(flow, tom)
    flow.clock.forward(1)
    assert current(flow, tom) is None


def test_the_periods_are_those_of_the_settings(flow):
    settings = replace(flow.services.settings, idle_seconds=10)
    tom = flow.sign_in("Tom")
    assert sessions.is_live(tom, settings, tom.started_at + 9)
    assert not sessions.is_live(tom, settings, tom.started_at + 10)


# --- powers from claims ---


@pytest.mark.parametrize("age", [0, 30, CLAIMS - 1])
def test_powers_from_claims_count_two_hours_from_when_acm_said_so(flow, age):
    bram = flow.officer(claims_age=age)
    (power,) = powers(flow, bram)
    assert (power.type, power.source, power.principal) == ("ocmw-executor", Source.CLAIMS, flow.ocmw.id)
    assert power.valid_until == flow.now - age + CLAIMS
    assert flow.session(bram.id).claims_at == flow.now - age


def test_claims_of_two_hours_ago_give_no_power_at_all(flow):
    with pytest.raises(InvalidPeriodError):
        flow.officer(claims_age=CLAIMS)


def test_powers_from_claims_do_not_outlive_the_session(tmp_path):
    world = FlowWorld(tmp_path, {"session_seconds": 3600})
    (power,) = powers(world, bram := world.officer())
    world.close()
    assert power.valid_until == bram.expires_at == world.now + 3600


def test_after_two_hours_a_live_session_refreshes_nothing_that_rested_on_claims(flow):
    client, bram, given = flow.client(), flow.officer(), flow.beneficiary()
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    own = flow.tokens(client, bram, "self")
    flow.clock.now = bram.started_at + CLAIMS - 1
    flow.keep_alive(bram, flow.now)
    assert flow.refresh(client, answer)["expires_in"] == 1
    flow.clock.forward(1)
    with pytest.raises(JudgedError) as refused:
        flow.refresh(client, answer)
    assert [reason.code for reason in refused.value.reasons] == ["executor_ended"]
    assert flow.refresh(client, own)["expires_in"] == 300


def test_powers_go_with_their_session_and_serve_no_other(flow):
    first, second = flow.officer(), flow.officer()
    assert powers(flow, first) != powers(flow, second)
    revocation.end_session(flow.services, first.id, "signed out", flow.now)
    assert powers(flow, first) == []
    assert len(powers(flow, second)) == 1


@pytest.mark.parametrize(
    "role",
    [
        "DienstenchequesVlaanderen-mandaatuitvoerder:0999000327",
        "DienstenchequesVlaanderen-mandaatuitvoerder",
        "DienstenchequesVlaanderen-onbekend:0999000129",
        "DienstenchequesVlaanderen-beheerder:0999000327",
    ],
)
def test_a_role_of_another_organisation_or_kind_gives_nothing(flow, role):
    assert powers(flow, flow.sign_in("Bram", roles=(role,))) == []
    assert len(powers(flow, flow.sign_in("Bram", roles=(role, EXECUTOR_ROLE)))) == 1


# --- the way out and back ---


def finish(flow, state, browser=BROWSER, previous=None):
    return sessions.finish(
        flow.services,
        browser=browser,
        unverified_response={"state": state},
        previous=previous,
        now=flow.now,
    )


def started(flow):
    url = sessions.start(flow.services, browser=BROWSER, return_to="/portal/", redirect_uri=f"{ISSUER}/cb")
    return url.partition("state=")[2]


def test_an_answer_of_the_upstream_is_taken_once_and_by_the_browser_that_set_out(flow):
    flow.sign_in("Tom")
    state = started(flow)
    with pytest.raises(InteractionGoneError):
        finish(flow, state, browser="another browser")
    state = started(flow)
    assert finish(flow, state)
    for again in (state, "", "unknown"):
        with pytest.raises(InteractionGoneError):
            finish(flow, again)


def test_an_answer_that_comes_after_a_quarter_of_an_hour_opens_nothing(flow):
    flow.sign_in("Tom")
    state = started(flow)
    flow.clock.forward(15 * 60)
    with pytest.raises(InteractionGoneError):
        finish(flow, state)


def test_signing_in_again_ends_the_session_that_this_browser_had(flow):
    tom = flow.sign_in("Tom")
    again = finish(flow, started(flow), previous=flow.cookies[tom.id]).session
    assert flow.session(tom.id).ended_at == flow.now
    assert flow.session(again.id).ended_at is None
