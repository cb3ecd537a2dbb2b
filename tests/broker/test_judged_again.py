"""Every code, every token and every refresh is judged on what is true at that instant."""

from __future__ import annotations

import pytest

from broker.errors import (
    InvalidGrantError,
    InvalidScopeError,
    InvalidTargetError,
    JudgedError,
    SessionEndedError,
)
from broker.flows import revocation
from broker.flows.sessions import fingerprint
from broker.records import RefreshToken
from flow_world import DELEGATED, OTHER, OWN, VOUCHERS, access_claims
from mandates.model import Mandate


@pytest.fixture
def client(flow):
    return flow.client()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow) -> Mandate:
    return flow.beneficiary()


@pytest.fixture
def delegated(flow, client, bram, given):
    """The answer for Bram, for his OCMW, for Maria."""
    return flow.tokens(client, bram, flow.key_of(client, given))


def reasons(refused):
    return [reason.code for reason in refused.value.reasons]


# --- the chain of a grant ---


def test_a_refresh_stays_on_the_executor_that_it_was_issued_on(flow, client, bram, given):
    """Another way to the same principal through the same OCMW needs a new choice (tokens.md section 4)."""
    with flow.services.database.read() as uow:
        (from_claims,) = uow.mandates.of_session(bram.id)
        person = uow.parties.get(bram.party)
    stored = flow.give("ocmw-executor", flow.ocmw, person)
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    (grant,) = flow.grants(bram)
    assert grant.mandate == given.id
    other = {from_claims.id: stored.id, stored.id: from_claims.id}[grant.executor]
    assert flow.refresh(client, answer)["access_token"]
    flow.end(grant.executor)
    with pytest.raises(JudgedError) as refused:
        flow.refresh(client, answer)
    assert reasons(refused) == ["executor_ended"]
    flow.tokens(client, bram, flow.key_of(client, given))
    assert {one.executor for one in flow.grants(bram)} == {grant.executor, other}


def test_a_refresh_stays_on_the_mandate_that_it_was_issued_on(flow, client, bram, given, delegated):
    with flow.services.database.read() as uow:
        maria = uow.parties.get(given.principal)
    flow.end(given.id)
    flow.give("ocmw-beneficiary", maria, flow.ocmw, valid_from=flow.now)
    with pytest.raises(JudgedError) as refused:
        flow.refresh(client, delegated)
    assert reasons(refused) == ["mandate_revoked"]


def test_a_code_is_worth_nothing_once_the_mandate_ended(flow, client, bram, given):
    code = flow.choose(flow.ask(client, bram), bram, flow.key_of(client, given))
    flow.end(given.id)
    with pytest.raises(JudgedError) as refused:
        flow.redeem(client, code)
    assert reasons(refused) == ["mandate_revoked"]


def test_a_narrower_mandate_gives_a_narrower_answer_that_says_so(flow, client, bram, given, delegated):
    assert set(access_claims(delegated)["scope"].split()) == DELEGATED
    flow.change(given.id, powers=("vouchers:read",))
    answer = flow.refresh(client, delegated)
    assert access_claims(answer)["scope"] == "obo:vouchers:read"
    assert answer["authorization_details"][0]["actions"] == ["vouchers:read"]
    assert "obo:vouchers:order" not in answer["scope"].split()
    flow.change(given.id, powers=("refunds:request",))
    with pytest.raises(JudgedError) as refused:
        flow.refresh(client, delegated)
    assert reasons(refused) == ["power_not_granted"]


def test_a_wider_mandate_does_not_widen_what_was_chosen(flow, client, bram):
    narrow = flow.beneficiary(powers=("vouchers:read",))
    answer = flow.tokens(client, bram, flow.key_of(client, narrow))
    flow.change(narrow.id, powers=("vouchers:read", "vouchers:order"))
    assert access_claims(flow.refresh(client, answer))["scope"] == "obo:vouchers:read"


# --- the registration of client and API ---


def test_no_api_gets_an_actor_once_it_is_not_registered_for_delegation(flow, client, bram, given, delegated):
    code = flow.choose(flow.ask(client, bram), bram, flow.key_of(client, given))
    flow.audience(delegation_aware=False)
    with pytest.raises(InvalidTargetError):
        flow.redeem(client, code)
    with pytest.raises(InvalidTargetError):
        flow.refresh(client, delegated)
    assert "act" not in access_claims(flow.tokens(client, bram, "self"))


@pytest.mark.parametrize("audiences", [(), (OTHER,)])
def test_an_audience_that_left_the_client_takes_its_grants_along(flow, client, bram, delegated, audiences):
    code = flow.choose(flow.ask(client, bram), bram, "self")
    changed = flow.client(audiences=audiences)
    with pytest.raises(InvalidGrantError):
        flow.refresh(changed, delegated)
    with pytest.raises(InvalidGrantError):
        flow.redeem(changed, code)
    assert flow.refresh(flow.client(audiences=(OTHER, VOUCHERS)), delegated)["access_token"]


@pytest.mark.parametrize("kinds", [(), ("company-employee",)])
def test_a_mandate_type_that_left_the_client_takes_its_grants_along(flow, client, delegated, kinds):
    with pytest.raises(JudgedError) as refused:
        flow.refresh(flow.client(mandate_types=kinds), delegated)
    assert reasons(refused) == ["mandate_type_not_registered"]


def test_a_scope_that_left_the_client_leaves_its_tokens(flow, client, bram, delegated):
    own = flow.tokens(client, bram, "self")
    changed = flow.client(scopes=frozenset({"openid", "vouchers:read", "obo:vouchers:read"}))
    assert access_claims(flow.refresh(changed, own))["scope"] == "vouchers:read"
    assert access_claims(flow.refresh(changed, delegated))["scope"] == "obo:vouchers:read"
    with pytest.raises(JudgedError):
        flow.refresh(flow.client(scopes=frozenset({"openid"})), delegated)


def test_a_scope_that_left_the_api_leaves_its_tokens(flow, client, delegated):
    flow.audience(scopes=frozenset({"obo:vouchers:read"}))
    assert access_claims(flow.refresh(client, delegated))["scope"] == "obo:vouchers:read"
    flow.audience(scopes=OWN)
    with pytest.raises(InvalidScopeError):
        flow.refresh(client, delegated)


@pytest.mark.parametrize("resources", [[OTHER], [VOUCHERS, OTHER], [VOUCHERS, VOUCHERS]])
def test_a_refresh_for_another_resource_is_refused_and_not_answered_for_the_first(
    flow, bram, given, resources
):
    client = flow.client(audiences=(VOUCHERS, OTHER))
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    with pytest.raises(InvalidTargetError):
        flow.refresh(client, answer, resources=resources)
    assert access_claims(flow.refresh(client, answer, resources=[VOUCHERS]))["aud"] == VOUCHERS
    assert access_claims(flow.refresh(client, answer))["aud"] == VOUCHERS


def test_a_refresh_may_narrow_but_never_widen(flow, client, bram):
    answer = flow.tokens(client, bram, "self", scopes=("openid", "vouchers:read"))
    with pytest.raises(InvalidScopeError):
        flow.refresh(client, answer, scope=frozenset({"vouchers:read", "vouchers:order"}))
    narrow = flow.refresh(client, answer, scope=frozenset({"openid"}))
    assert (narrow["scope"], access_claims(narrow)["scope"]) == ("openid", "")
    assert access_claims(flow.refresh(client, answer))["scope"] == "vouchers:read"


# --- how long it lasts ---


def test_an_access_token_lasts_five_minutes(flow, client, bram, delegated):
    for answer in (delegated, flow.tokens(client, bram, "self")):
        assert access_claims(answer)["exp"] == flow.now + 300
        assert answer["expires_in"] == 300


@pytest.mark.parametrize("left", [1, 100, 299])
def test_no_access_token_outlives_the_mandate(flow, client, bram, left):
    short = flow.beneficiary(valid_until=flow.now + left)
    answer = flow.tokens(client, bram, flow.key_of(client, short))
    assert access_claims(answer)["exp"] == flow.now + left
    assert answer["expires_in"] == left
    assert answer["authorization_details"][0]["not_after"] == flow.now + left


def test_no_access_token_outlives_the_executor(flow, client, given):
    bram = flow.officer(claims_age=2 * 3600 - 60)
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    assert access_claims(answer)["exp"] == flow.now + 60


@pytest.mark.parametrize("left", [1, 60, 299])
def test_no_access_token_outlives_the_session(flow, client, bram, left):
    code = flow.tokens(client, bram, "self")
    flow.clock.now = bram.expires_at - left
    flow.keep_alive(bram, flow.now)
    answer = flow.refresh(client, code)
    assert access_claims(answer)["exp"] == bram.expires_at
    assert answer["expires_in"] == left


def test_a_refresh_token_expires_with_the_session(flow, client, bram, delegated):
    flow.clock.forward(1000)
    later = flow.tokens(client, bram, "self")
    with flow.services.database.read() as uow:
        stored = [
            uow.grants.find_refresh_token(fingerprint(one["refresh_token"])) for one in (delegated, later)
        ]
    assert [token.expires_at for token in stored] == [bram.started_at + 8 * 3600] * 2


def test_a_refresh_token_is_refused_from_the_second_at_which_it_expires(flow, client, bram, delegated):
    (grant,) = flow.grants(bram)
    with flow.services.database.write() as uow:
        uow.grants.add_refresh_token(RefreshToken(fingerprint("short"), grant.id, flow.now, flow.now + 10))
        uow.commit()
    flow.clock.forward(9)
    assert flow.refresh(client, {"refresh_token": "short"})["access_token"]
    flow.clock.forward(1)
    with pytest.raises(InvalidGrantError):
        flow.refresh(client, {"refresh_token": "short"})


def test_a_refresh_token_serves_its_own_client_alone(flow, client, delegated):
    with pytest.raises(InvalidGrantError):
        flow.refresh(flow.client("thief"), delegated)


def test_codes_and_refresh_tokens_die_with_a_session_that_fell_idle(flow, client, bram, delegated):
    flow.clock.forward(1799)
    code = flow.choose(flow.ask(client, bram), bram, "self")
    flow.clock.forward(1)
    with pytest.raises(SessionEndedError):
        flow.redeem(client, code)
    with pytest.raises(SessionEndedError):
        flow.refresh(client, delegated)


def test_a_refresh_is_a_use_of_the_session(flow, client, bram, delegated):
    for _ in range(3):
        flow.clock.forward(1799)
        assert flow.refresh(client, delegated)["access_token"]


def test_an_ended_grant_gives_nothing_more(flow, client, bram, delegated):
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, uow.grants.live_of_session(bram.id), "test", flow.now)
        uow.commit()
    with pytest.raises(InvalidGrantError):
        flow.refresh(client, delegated)
