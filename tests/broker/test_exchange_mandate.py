"""Mandate-bound exchange, sentence by sentence (tokens.md section 4, item 2)."""

from __future__ import annotations

import pytest

from attack_tools import claims_of
from broker.errors import (
    ExchangeRefusedError,
)
from broker.flows import revocation
from exchange_world import ACCESS_TOKEN, API, READ, USE, ExchangeWorld
from flow_world import DELEGATED, ISSUER, OTHER, OWN, SCOPES, VOUCHERS, access_claims
from provers import Prover

UNKNOWN = "m-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


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
def token(flow, bram):
    """Bram's own, at the API that exchanges."""
    return flow.self_token(bram)


def refusal(call, *args, **options):
    with pytest.raises(ExchangeRefusedError) as refused:
        call(*args, **options)
    return refused.value


# --- what comes out ---


def test_the_principal_is_absent_and_may_never_have_logged_in(flow, bram, given, token):
    answer = flow.act(given, token, scope=DELEGATED)
    claims = access_claims(answer)
    vault = flow.services.vault
    assert claims["sub"] == vault.pseudonym("p-", "companies", given.principal)
    assert claims["act"] == {"iss": ISSUER, "sub": vault.pseudonym("p-", "companies", bram.party)}
    (entry,) = claims["authorization_details"]
    assert entry == {
        "type": "urn:volmacht:mandate",
        "identifier": vault.pseudonym("m-", "companies", given.id),
        "mandate_type": "ocmw-beneficiary",
        "locations": [OTHER],
        "actions": ["vouchers:order", "vouchers:read"],
        "principal": claims["sub"],
        "representative": "iso6523-actorid-upis::0208:0999000129",
        "not_after": bram.claims_at + 2 * 3600,
    }
    assert claims["aud"] == OTHER
    assert claims["client_id"] == "voucher-api"
    assert claims["scope"] == "obo:vouchers:order obo:vouchers:read"


def test_the_response_is_one_of_rfc_8693_without_a_refresh_token(flow, given, token):
    answer = flow.act(given, token)
    assert set(answer) == {
        "access_token", "issued_token_type", "token_type", "expires_in", "scope", "authorization_details",
    }  # fmt: skip
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert answer["token_type"] == "DPoP"
    assert answer["expires_in"] == 300
    assert answer["scope"] == READ


def test_the_response_names_the_parties_in_the_clients_sector_and_the_token_in_the_audiences(
    flow, given, token
):
    answer = flow.act(given, token)
    (said,), (held,) = answer["authorization_details"], access_claims(answer)["authorization_details"]
    assert said["identifier"] == flow.reference(given)
    assert said["principal"] == flow.services.vault.pseudonym("p-", "voucher-api", given.principal)
    assert held["identifier"] != said["identifier"]
    assert held["principal"] != said["principal"]


def test_each_exchange_stands_in_the_journal_and_the_citizen_sees_it(flow, bram, given, token):
    flow.act(given, token)
    flow.act(given, token)
    first, second = flow.rows("token.exchanged")
    assert (first.actor, first.mandate, first.principal, first.representative) == (
        bram.party, given.id, given.principal, flow.ocmw.id,
    )  # fmt: skip
    assert first.body["detail"] == {"client": "voucher-api", "audience": OTHER, "scopes": [READ]}
    assert second.body == first.body
    with flow.services.database.read() as uow:
        seen = uow.uses.issued_about(given.principal, (2**62, 0), 10)
    assert [one.client for one in seen] == ["voucher-api", "voucher-api"]


def test_an_exchange_is_no_use_of_the_session_by_its_person(flow, bram, given, token):
    flow.clock.forward(200)
    flow.act(given, token)
    assert flow.session(bram.id).last_seen_at == bram.last_seen_at


# --- the actor token ---


def test_the_actor_token_is_a_self_token(flow, bram, given):
    flow.client(scopes=SCOPES | {USE, "obo:mandate:use"})
    flow.audience(scopes=OWN | DELEGATED | {USE, "obo:mandate:use"})
    acting = flow.delegated(bram, given)
    assert "act" in claims_of(acting)
    assert "not served" in str(refusal(flow.act, given, acting))


def test_the_actor_token_is_live_by_status(flow, bram, given, token):
    flow.act(given, token)
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, uow.grants.live_of_session(bram.id), "test", flow.now)
        uow.commit()
    assert "revoked" in str(refusal(flow.act, given, token))


def test_the_actor_token_has_the_scope_mandate_use(flow, bram, given):
    without = flow.self_token(bram, scopes=("openid", "vouchers:read"))
    assert USE in str(refusal(flow.act, given, without))


def test_the_audience_of_the_actor_token_is_one_that_the_caller_is(flow, given, token):
    assert refusal(flow.act, given, token, client=flow.next)
    assert refusal(flow.act, given, token, client=flow.service(serves=()))
    assert flow.act(given, token, client=flow.service(serves=(OTHER, VOUCHERS)))


def test_or_the_brokers_own_api_with_the_caller_as_client(flow, bram, given):
    api = flow.service("desk", redirect_uris=("https://desk/cb",), audiences=(API, OTHER), serves=())
    own = flow.self_token(bram, api, audience=API, scopes=(USE,))
    assert flow.act(given, own, client=api)
    assert "another client" in str(refusal(flow.act, given, own, client=flow.api))


def test_a_token_that_the_caller_got_for_another_service_is_no_actor_token(flow, bram, given):
    api = flow.service("desk", redirect_uris=("https://desk/cb",), audiences=(VOUCHERS, OTHER), serves=())
    assert refusal(flow.act, given, flow.self_token(bram, api, audience=VOUCHERS), client=api)


@pytest.mark.parametrize("claims", [{"exp": 0}, {"iss": "https://other.example"}, {"sub": "voucher-web"}])
def test_an_actor_token_that_is_expired_foreign_or_a_machines_is_refused(flow, given, token, claims):
    assert refusal(flow.act, given, flow.forged(claims_of(token) | claims))


@pytest.mark.parametrize("typ", ["JWT", "statuslist+jwt", "secevent+jwt", "token-introspection+jwt"])
def test_only_an_access_token_is_an_actor_token(flow, given, token, typ):
    assert refusal(flow.act, given, flow.forged(claims_of(token), typ))
    assert flow.act(given, flow.forged(claims_of(token)))


def test_an_actor_token_is_refused_from_the_second_at_which_it_expires(flow, given, token):
    flow.clock.forward(299)
    assert flow.act(given, token)
    flow.clock.forward(1)
    assert "expired" in str(refusal(flow.act, given, token))


def test_an_actor_token_with_may_act_is_refused_and_not_taken_without_it(flow, given, token):
    claims = claims_of(token)
    assert refusal(flow.act, given, flow.forged(claims | {"may_act": {"sub": claims["sub"]}}))


# --- its key ---


def test_a_bound_actor_token_needs_its_proof(flow, bram, given):
    bound = flow.self_token(bram, jkt=Prover().jkt)
    assert "actor_token_dpop" in str(refusal(flow.act, given, bound))
    assert refusal(flow.act, given, bound, jkt=Prover().jkt)


def test_the_callers_own_proof_by_that_key_is_one(flow, bram, given):
    prover = Prover()
    bound = flow.self_token(bram, jkt=prover.jkt)
    answer = flow.act(given, bound, jkt=prover.jkt)
    assert access_claims(answer)["cnf"] == {"jkt": prover.jkt}


def test_so_is_the_proof_that_came_to_the_callers_api_with_the_token_once(flow, bram, given):
    prover = Prover()
    bound = flow.self_token(bram, jkt=prover.jkt)
    came = flow.proof(prover, f"{VOUCHERS}/orders/7", bound, method="PUT")
    answer = flow.act(given, bound, actor_proof=came)
    assert access_claims(answer)["cnf"] == {"jkt": flow.jkt}
    assert "before" in str(refusal(flow.act, given, bound, actor_proof=came))


@pytest.mark.parametrize(
    "fault", ["key", "elsewhere", "sibling", "token", "old", "ahead", "no token", "text"]
)
def test_and_no_other_proof_is(flow, bram, given, fault):
    prover = Prover()
    bound = flow.self_token(bram, jkt=prover.jkt)
    url, about, claims = f"{VOUCHERS}/orders", bound, {}
    if fault == "elsewhere":
        url = f"{OTHER}/orders"
    elif fault == "sibling":
        url = f"{VOUCHERS}-other/orders"
    elif fault == "token":
        about = flow.self_token(bram, jkt=prover.jkt)
    elif fault == "no token":
        about = None
    elif fault in {"old", "ahead"}:
        claims = {"iat": flow.now + (-61 if fault == "old" else 61)}
    came = flow.proof(Prover() if fault == "key" else prover, url, about, **claims)
    if fault == "text":
        came = "no proof at all"
    assert refusal(flow.act, given, bound, actor_proof=came)


def test_a_proof_beside_a_token_that_is_bound_to_no_key_is_not_ignored(flow, given, token):
    came = flow.proof(Prover(), f"{VOUCHERS}/orders", token)
    assert refusal(flow.act, given, token, actor_proof=came)


def test_a_proof_of_before_the_replay_store_remembers_is_refused(flow, bram, given):
    prover = Prover()
    bound = flow.self_token(bram, jkt=prover.jkt)
    came = flow.proof(prover, f"{VOUCHERS}/orders", bound, iat=flow.now - 30)
    flow.services.ephemeral._epoch = flow.now - 10
    if flow.services.ephemeral.epoch() != flow.now - 10:
        pytest.fail("the store began to remember at another instant than this test says")
    assert "before" in str(refusal(flow.act, given, bound, actor_proof=came))
