"""Narrowing, service to service, sentence by sentence (tokens.md section 4, item 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attack_tools import claims_of
from broker.errors import ExchangeRefusedError, InvalidScopeError, InvalidTargetError, ProofMissingError
from broker.flows import revocation
from broker.flows.exchange import MAX_HOPS, Asked, Caller, narrow
from builders import ended
from exchange_world import ACCESS_TOKEN, ORDER, READ, USE, ExchangeWorld
from flow_world import DELEGATED, ISSUER, OTHER, OWN, SCOPES, VOUCHERS, access_claims
from mandates.change import next_version
from mandates.model import Ending
from provers import Prover


@pytest.fixture
def flow(tmp_path):
    world = ExchangeWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def own(flow, bram):
    """Bram's own token at VOUCHERS, to read and order."""
    return flow.self_token(bram, scopes=tuple(sorted(OWN)))


@pytest.fixture
def delegated(flow, bram, given):
    """His for Maria, there."""
    return flow.delegated(bram, given)


def refusal(call, *args, **options):
    with pytest.raises(ExchangeRefusedError) as refused:
        call(*args, **options)
    return refused.value


# --- the parties ---


def test_sub_act_and_entry_name_the_same_parties_for_the_new_audience(flow, bram, given, delegated):
    vault, claims = flow.services.vault, access_claims(flow.narrow(delegated))
    assert claims["sub"] == vault.pseudonym("p-", "companies", given.principal)
    assert claims["act"] == {"iss": ISSUER, "sub": vault.pseudonym("p-", "companies", bram.party)}
    (entry,) = claims["authorization_details"]
    assert entry["identifier"] == vault.pseudonym("m-", "companies", given.id)
    assert entry["principal"] == claims["sub"]
    assert entry["locations"] == [OTHER]
    (before,) = claims_of(delegated)["authorization_details"]
    assert entry["representative"] == before["representative"]
    assert entry["not_after"] == before["not_after"]


def test_a_self_token_stays_one(flow, bram, own):
    answer = flow.narrow(own)
    claims = access_claims(answer)
    assert claims["sub"] == flow.services.vault.pseudonym("p-", "companies", bram.party)
    assert not {"act", "authorization_details"} & set(claims)
    assert "authorization_details" not in answer


def test_client_id_changes_and_the_response_has_the_callers_names(flow, given, delegated):
    answer = flow.narrow(delegated)
    assert access_claims(answer)["client_id"] == "voucher-api"
    assert answer["authorization_details"][0]["identifier"] == flow.reference(given)
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert "refresh_token" not in answer


def test_a_delegated_token_goes_to_delegation_aware_audiences_alone(flow, own, delegated):
    flow.audience(uri=OTHER, sector="companies", delegation_aware=False, scopes=OWN | DELEGATED)
    with pytest.raises(InvalidTargetError):
        flow.narrow(delegated)
    assert flow.narrow(own)


def test_the_type_of_the_mandate_is_allowed_for_the_caller(flow, delegated):
    flow.service(mandate_types=())
    assert refusal(flow.narrow, delegated).reason == "mandate_type_not_registered"


# --- fewer or the same scopes ---


def test_without_scope_all_that_target_and_caller_have(flow, own, delegated):
    assert flow.narrow(own)["scope"] == "vouchers:order vouchers:read"
    assert flow.narrow(delegated)["scope"] == f"{ORDER} {READ}"
    flow.service(scopes=frozenset({READ, "vouchers:read"}))
    assert flow.narrow(own)["scope"] == "vouchers:read"
    flow.audience(uri=OTHER, sector="companies", scopes=frozenset({"vouchers:order", ORDER}))
    for token in (own, delegated):
        with pytest.raises(InvalidScopeError):
            flow.narrow(token)


def test_with_scope_exactly_that(flow, own, delegated):
    assert flow.narrow(own, scope=frozenset({"vouchers:read"}))["scope"] == "vouchers:read"
    answer = flow.narrow(delegated, scope=frozenset({READ}))
    assert access_claims(answer)["scope"] == READ
    assert access_claims(answer)["authorization_details"][0]["actions"] == ["vouchers:read"]
    assert answer["authorization_details"][0]["actions"] == ["vouchers:read"]


@pytest.mark.parametrize("scope", [(), ("vouchers:read", USE), (READ,), ("openid",), ("vouchers:read", READ)])
def test_never_one_that_the_source_has_not_nor_another_kind(flow, own, scope):
    with pytest.raises(InvalidScopeError):
        flow.narrow(own, scope=frozenset(scope))


def test_a_delegated_scope_becomes_no_self_scope(flow, delegated):
    for scope in ("vouchers:read", USE, "obo:refunds:request"):
        with pytest.raises(InvalidScopeError):
            flow.narrow(delegated, scope=frozenset({scope}))


def test_a_power_that_the_mandate_lost_is_not_given_on(flow, given, delegated):
    with flow.services.database.write() as uow:
        stored = uow.mandates.find(given.id)
        uow.mandates.save(next_version(stored, powers=("vouchers:read",)), flow.now)
        uow.commit()
    assert flow.narrow(delegated)["scope"] == READ
    with pytest.raises(InvalidScopeError):
        flow.narrow(delegated, scope=frozenset({ORDER}))


# --- same grant, same end, few hops ---


def test_it_belongs_to_the_same_grant_and_ends_with_it(flow, bram, delegated):
    answer = flow.narrow(delegated)
    (grant,) = flow.grants(bram)
    entry = flow.entry_of(answer)
    assert (entry.grant, entry.mandate, entry.executor) == (grant.id, grant.mandate, grant.executor)
    assert entry.client == "voucher-api"
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, [grant], "test", flow.now)
        uow.commit()
    assert flow.entry_of(answer).revoked_at == flow.now


def test_it_ends_no_later_than_its_source(flow, own):
    flow.clock.forward(200)
    answer = flow.narrow(own)
    assert access_claims(answer)["exp"] == claims_of(own)["exp"]
    assert answer["expires_in"] == 100


def test_at_most_four_hops_are_counted_in_the_grant(flow, delegated):
    token, audiences = delegated, [(flow.api, OTHER), (flow.next, VOUCHERS)] * 3
    for hop, (client, target) in enumerate(audiences[:MAX_HOPS], start=1):
        answer = flow.narrow(token, client=client, targets=(target,))
        assert flow.entry_of(answer).hops == hop
        token = answer["access_token"]
    client, target = audiences[MAX_HOPS]
    assert "often" in str(refusal(flow.narrow, token, client=client, targets=(target,)))


def test_hops_are_not_forgotten_by_acting_for_somebody(flow, bram, given):
    own = flow.self_token(bram)
    nearer = flow.narrow(own)["access_token"]
    back = flow.act(given, nearer, client=flow.next, targets=(VOUCHERS,), jkt=flow.jkt)
    assert flow.entry_of(back).hops == 1


@pytest.mark.parametrize("targets", [(), (OTHER, OTHER), (OTHER, VOUCHERS), (VOUCHERS,), (ISSUER,)])
def test_one_registered_audience_is_named(flow, own, targets):
    with pytest.raises(InvalidTargetError):
        flow.narrow(own, targets=targets)


# --- its key ---


def test_a_bound_subject_token_was_verified_where_it_came_in_and_the_result_is_the_callers_own(flow, bram):
    bound = flow.self_token(bram, jkt=Prover().jkt)
    assert access_claims(flow.narrow(bound))["cnf"] == {"jkt": flow.jkt}
    assert access_claims(flow.narrow(bound, jkt="own-key"))["cnf"] == {"jkt": "own-key"}


def test_a_caller_that_proved_no_key_gets_nothing(flow, own):
    with pytest.raises(ProofMissingError):
        narrow(flow.services, Caller(flow.api), Asked(own, (OTHER,)), flow.now)


# --- judged again, and recorded ---


def test_the_chain_is_judged_again_on_the_links_of_the_source(flow, bram, given, delegated):
    """Another executor of the same person carries other tokens, not this one."""
    with flow.services.database.write() as uow:
        (executor,) = uow.mandates.of_session(bram.id)
        uow.mandates.save(next_version(executor, **ended(Ending.REVOKED, flow.now)), flow.now)
        uow.commit()
    flow.give("ocmw-executor", flow.ocmw, flow.stored(bram.party))
    assert refusal(flow.narrow, delegated).reason == "executor_ended"
    assert flow.act(given, flow.self_token(bram))


def test_the_dead_narrow_nothing(flow, bram, own):
    with flow.services.database.write() as uow:
        uow.parties.save(replace(uow.parties.get(bram.party), deceased_at=flow.now), flow.now)
        uow.commit()
    assert refusal(flow.narrow, own).reason == "actor_deceased"


def test_each_narrowing_stands_in_the_journal(flow, bram, given, own, delegated):
    flow.narrow(delegated)
    flow.narrow(own)
    acting, herself = flow.rows("token.exchanged")
    assert (acting.actor, acting.mandate, acting.principal) == (bram.party, given.id, given.principal)
    assert (herself.actor, herself.mandate, herself.principal) == (bram.party, None, bram.party)
    assert herself.body["detail"]["client"] == "voucher-api"


def test_the_scopes_of_the_source_client_do_not_limit_the_next_one_to_less_than_its_own(flow, own):
    flow.client(scopes=SCOPES)
    assert flow.narrow(own)["scope"] == "vouchers:order vouchers:read"
