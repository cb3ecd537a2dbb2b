"""Less than was granted, by code and by refresh: scope, resource, authorization_details (tokens.md section 4)."""

from __future__ import annotations

import pytest

from attack_tools import claims_of
from broker.errors import (
    InvalidDetailsError,
    InvalidGrantError,
    InvalidScopeError,
    InvalidTargetError,
    JudgedError,
)
from broker.oauth.rar import MandateRequest
from flow_world import DELEGATED, ISSUER, OTHER, OWN, SCOPES, VOUCHERS, access_claims

READ, ORDER = "obo:vouchers:read", "obo:vouchers:order"
IDENTITY = frozenset({"insz", "obo:insz", "obo:profile"})


@pytest.fixture
def client(flow):
    return flow.client(scopes=SCOPES | IDENTITY)


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def own(flow, client, bram):
    return flow.tokens(client, bram)


@pytest.fixture
def delegated(flow, client, bram, given):
    return flow.tokens(client, bram, flow.key_of(client, given))


def code(flow, client, session, key="self", **request):
    return flow.choose(flow.ask(client, session, **request), session, key)


# --- the broker itself: who she is ---


def test_identity_stands_in_no_token_for_an_api(own, delegated):
    for answer in (own, delegated):
        assert not set(access_claims(answer)["scope"].split()) & (IDENTITY | {"openid", "profile"})


def test_nor_in_one_for_an_api_that_was_registered_with_it(flow, client, bram, given):
    """A number is read at UserInfo, where each reading is recorded, and nowhere else."""
    flow.audience(scopes=OWN | DELEGATED | IDENTITY | {"profile"})
    for key in ("self", flow.key_of(client, given)):
        answer = flow.tokens(client, bram, key)
        assert not set(access_claims(answer)["scope"].split()) & (IDENTITY | {"profile"})


def test_with_the_issuer_as_resource_a_self_grant_gives_a_token_for_user_info(flow, client, own):
    answer = flow.refresh(client, own, resources=[ISSUER])
    claims = access_claims(answer)
    assert (claims["aud"], claims["scope"]) == (ISSUER, "insz openid profile")
    assert "act" not in claims
    assert answer["scope"] == "insz openid profile"


def test_a_delegated_one_gives_obo_scopes_alone_and_its_actions_are_what_may_be_asked(
    flow, client, delegated
):
    answer = flow.refresh(client, delegated, resources=[ISSUER])
    claims = access_claims(answer)
    assert (claims["aud"], claims["scope"]) == (ISSUER, "obo:insz obo:profile")
    (entry,) = claims["authorization_details"]
    assert (entry["actions"], entry["locations"]) == (["insz", "profile"], [ISSUER])
    assert set(answer["scope"].split()) == {"obo:insz", "obo:profile", "openid", "profile"}
    narrow = flow.refresh(client, delegated, resources=[ISSUER], scope=frozenset({"obo:profile"}))
    assert access_claims(narrow)["authorization_details"][0]["actions"] == ["profile"]
    assert flow.services.guard(ISSUER).authenticate(answer["access_token"], serves={"delegated"})


def test_the_code_gives_it_too_and_a_later_refresh_the_api(flow, client, bram):
    answer = flow.redeem(client, code(flow, client, bram), resources=[ISSUER])
    assert access_claims(answer)["aud"] == ISSUER
    assert access_claims(flow.refresh(client, answer))["aud"] == VOUCHERS


def test_a_grant_without_identity_scopes_has_no_such_token(flow, client, bram):
    answer = flow.tokens(client, bram, scopes=("vouchers:read",))
    with pytest.raises(InvalidTargetError):
        flow.refresh(client, answer, resources=[ISSUER])


def test_a_delegated_grant_without_any_for_the_principal_has_none(flow, client, bram, given):
    answer = flow.tokens(client, bram, flow.key_of(client, given), scopes=("openid", "profile", READ))
    with pytest.raises(InvalidScopeError):
        flow.refresh(client, answer, resources=[ISSUER])


def test_identity_ends_with_the_powers(flow, client, given, delegated):
    flow.change(given.id, powers=("refunds:request",))
    with pytest.raises(JudgedError):
        flow.refresh(client, delegated, resources=[ISSUER])


def test_a_scope_that_left_the_registration_leaves_the_token_for_user_info(flow, own, client):
    changed = flow.client(scopes=SCOPES)
    assert access_claims(flow.refresh(changed, own, resources=[ISSUER]))["scope"] == "openid profile"


def test_a_code_for_user_info_is_recorded_as_the_access_that_its_refresh_token_opens_too(
    flow, client, bram, given
):
    record = code(flow, client, bram, flow.key_of(client, given))
    flow.redeem(client, record, resources=[ISSUER])
    with flow.services.database.read() as uow:
        seen = uow.uses.issued_about(given.principal, (2**62, 0), 10)
    assert [one.operations for one in reversed(seen)] == [
        ("obo:vouchers:order", "obo:vouchers:read", "openid", "profile"),
        ("obo:insz", "obo:profile", "openid", "profile"),
    ]


def test_a_client_that_may_ask_nothing_of_her_any_more_gets_no_empty_token(flow, own):
    changed = flow.client(scopes=OWN)
    with pytest.raises(InvalidScopeError):
        flow.refresh(changed, own, resources=[ISSUER])


def test_a_refresh_for_another_audience_stands_in_the_journal(flow, client, given, delegated):
    flow.refresh(client, delegated, resources=[ISSUER])
    flow.refresh(client, delegated)
    with flow.services.database.read() as uow:
        rows = [row for row in uow.journal.tail(100) if row.type.startswith("token.")]
    assert [(row.type, row.body["detail"]["audience"]) for row in reversed(rows)] == [
        ("token.issued", VOUCHERS),
        ("token.refreshed", ISSUER),
    ]


# --- resource ---


@pytest.mark.parametrize("resources", [[OTHER], [ISSUER, VOUCHERS], [VOUCHERS, VOUCHERS], [""]])
def test_another_resource_is_refused_by_code_and_refresh(flow, client, bram, own, resources):
    with pytest.raises(InvalidTargetError):
        flow.refresh(client, own, resources=resources)
    with pytest.raises(InvalidTargetError):
        flow.redeem(client, code(flow, client, bram), resources=resources)


def test_resource_and_locations_say_the_same_or_one_is_silent(flow, client, delegated):
    details = MandateRequest(locations=(VOUCHERS,))
    assert flow.refresh(client, delegated, details=details, resources=[VOUCHERS])
    assert access_claims(flow.refresh(client, delegated, details=details))["aud"] == VOUCHERS
    for locations, resources in (((VOUCHERS,), [ISSUER]), ((OTHER,), []), ((VOUCHERS, OTHER), [])):
        with pytest.raises(InvalidTargetError):
            flow.refresh(client, delegated, details=MandateRequest(locations=locations), resources=resources)


# --- authorization_details ---


def test_actions_narrow_the_token_and_the_answer_says_so(flow, client, bram, given, delegated):
    less = MandateRequest(actions=("vouchers:read",))
    by_code = flow.redeem(client, code(flow, client, bram, flow.key_of(client, given)), details=less)
    for answer in (by_code, flow.refresh(client, delegated, details=less)):
        assert access_claims(answer)["scope"] == READ
        assert answer["authorization_details"][0]["actions"] == ["vouchers:read"]
        assert "id_token" in answer
    assert access_claims(flow.refresh(client, by_code))["scope"] == f"{ORDER} {READ}"


def test_what_was_granted_may_be_named(flow, client, given, delegated):
    own = MandateRequest(flow.key_of(client, given), "ocmw-beneficiary", (VOUCHERS,), ("vouchers:read",))
    assert access_claims(flow.refresh(client, delegated, details=own))["scope"] == READ


def test_another_mandate_type_or_action_is_refused(flow, client, bram, delegated):
    jozef = flow.beneficiary("Jozef")
    flow.tokens(client, bram, flow.key_of(client, jozef))
    for other in (
        MandateRequest(identifier=flow.key_of(client, jozef)),
        MandateRequest(identifier="m-nothing"),
        MandateRequest(mandate_type="company-employee"),
        MandateRequest(actions=("vouchers:read", "refunds:request")),
    ):
        with pytest.raises(InvalidDetailsError):
            flow.refresh(client, delegated, details=other)


def test_a_self_grant_has_no_mandate_to_narrow(flow, client, bram, own):
    with pytest.raises(InvalidDetailsError):
        flow.refresh(client, own, details=MandateRequest())
    with pytest.raises(InvalidDetailsError):
        flow.redeem(client, code(flow, client, bram), details=MandateRequest(actions=("vouchers:read",)))


def test_scope_and_actions_narrow_together_and_never_to_nothing(flow, client, delegated):
    with pytest.raises(InvalidScopeError):
        flow.refresh(
            client, delegated, scope=frozenset({ORDER}), details=MandateRequest(actions=("vouchers:read",))
        )


# --- a code that is bound to a key ---


def test_a_code_that_was_bound_to_a_key_serves_no_other(flow, client, bram):
    assert flow.redeem(client, code(flow, client, bram, dpop_jkt="her-key"), jkt="her-key")
    for other in (None, "another-key"):
        with pytest.raises(InvalidGrantError):
            flow.redeem(client, code(flow, client, bram, dpop_jkt="her-key"), jkt=other)


def test_a_code_that_was_not_serves_with_any_key_and_binds_the_token_to_it(flow, client, bram):
    answer = flow.redeem(client, code(flow, client, bram), jkt="any-key")
    assert (access_claims(answer)["cnf"], answer["token_type"]) == ({"jkt": "any-key"}, "DPoP")


# --- what else stands in tokens ---


def test_auth_time_stands_in_tokens_only_where_it_is_known(flow, client, bram, own):
    assert "auth_time" not in {**access_claims(own), **claims_of(own["id_token"])}
    from dataclasses import replace

    with flow.services.database.write() as uow:
        stated = replace(bram, id="b" * 64, sid="other", auth_time=flow.now - 50)
        uow.sessions.add(stated)
        uow.commit()
    answer = flow.tokens(client, stated)
    assert access_claims(answer)["auth_time"] == flow.now - 50
    assert claims_of(answer["id_token"])["auth_time"] == flow.now - 50


def test_nobody_gets_offline_access_and_least_of_all_for_another(flow, bram, given):
    client = flow.client(scopes=SCOPES | {"offline_access", "obo:offline_access"})
    for key in ("self", flow.key_of(client, given)):
        answer = flow.tokens(client, bram, key)
        assert "offline_access" not in answer["scope"]
    assert all("offline" not in scope for grant in flow.grants(bram) for scope in grant.scopes)


def test_the_registered_scopes_and_powers_are_all_that_a_delegated_token_ever_has(flow, client, delegated):
    assert set(access_claims(delegated)["scope"].split()) == DELEGATED
    assert not OWN & set(access_claims(delegated)["scope"].split())
