"""Token exchange on the wire: each validation of RFC 8693 that ours adds up to (standards, section 3.7)."""

from __future__ import annotations

import base64
import json

import pytest

from api_world import SECRET
from attack_tools import claims_of
from broker.flows import registry
from exchange_world import ACCESS_TOKEN, DROP, MANDATE, ORDER, READ, ExchangeWorld, said
from flow_world import ISSUER, OTHER, VOUCHERS
from provers import Prover

JWT = "urn:ietf:params:oauth:token-type:jwt"
UNKNOWN = "m-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
REFUSED = (400, "invalid_request", None)


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
    return flow.self_token(bram)


@pytest.fixture
def delegated(flow, bram, given):
    return flow.delegated(bram, given)


# --- the whole way ---


def test_a_back_end_acts_for_somebody_who_is_absent(flow, given, token):
    answer = flow.post_act(given, token)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["issued_token_type"] == ACCESS_TOKEN
    assert answer.json["token_type"] == "DPoP"
    assert "refresh_token" not in answer.json
    claims = claims_of(answer.json["access_token"])
    assert claims["act"]["sub"] != claims["sub"]
    assert claims["cnf"] == {"jkt": flow.jkt}


def test_and_the_next_service_gets_it_narrowed(flow, given, delegated):
    answer = flow.post_narrow(delegated, scope=READ)
    assert answer.status_code == 200, answer.json
    assert answer.json["scope"] == READ
    assert claims_of(answer.json["access_token"])["client_id"] == "voucher-api"


def test_what_comes_out_is_what_the_guard_of_the_service_takes(flow, given, token):
    answer = flow.post_act(given, token).json
    guard = flow.services.guard(OTHER)
    seen = guard.authenticate(answer["access_token"], serves={"delegated"}, bound=True)
    assert seen.kind == "delegated"
    assert seen.jkt == flow.jkt
    assert seen.mandate.actions == {"vouchers:read"}


def test_the_audience_may_be_named_as_audience_or_as_resource_but_once(flow, given, token):
    assert flow.post_act(given, token, resource=DROP, audience=OTHER).status_code == 200
    both = flow.post_act(given, token, audience=OTHER)
    assert said(both) == (400, "invalid_target", None)
    for targets in (
        {"resource": DROP},
        {"resource": ""},
        {"resource": [OTHER, VOUCHERS]},
        {"resource": ISSUER},
    ):
        assert said(flow.post_act(given, token, **targets)) == (400, "invalid_target", None)


# --- client authenticated, and allowed this grant ---


def test_the_client_proves_who_it_is(flow, given, token):
    assert (
        said(flow.post_act(given, token, client_assertion=DROP, client_assertion_type=DROP))[1]
        == "invalid_client"
    )
    assert said(flow.post_act(given, token, client_assertion="x"))[1] == "invalid_client"
    once = flow.assertion(flow.api)
    assert flow.post_act(given, token, client_assertion=once).status_code == 200
    assert said(flow.post_act(given, token, client_assertion=once))[1] == "invalid_client"


def test_the_client_is_registered_for_exchange(flow, given, token):
    flow.service(exchange=False)
    assert said(flow.post_act(given, token))[1] == "unauthorized_client"


def test_no_public_client_exchanges(flow, given, token):
    flow.service(auth="none", profile="public", jwks=None)
    answer = flow.post_act(given, token, client_assertion=DROP, client_assertion_type=DROP)
    assert said(answer)[1] in {"invalid_client", "unauthorized_client"}


def test_a_client_with_a_secret_must_send_a_proof_and_is_told_so(flow, given, token):
    digest = registry.secret_digest(SECRET)
    basic = flow.service("basic-api", auth="client_secret_basic", jwks=None, secret_sha256=digest)
    credentials = base64.b64encode(f"basic-api:{SECRET}".encode()).decode()

    def post(headers):
        return flow.post_act(
            flow.reference(given, basic), token, client=basic, client_id=DROP, client_assertion=DROP,
            client_assertion_type=DROP, headers={"Authorization": f"Basic {credentials}"} | headers,
        )  # fmt: skip

    refused = post({})
    assert said(refused) == (400, "invalid_dpop_proof", None)
    assert "Send a DPoP proof" in refused.json["error_description"]
    prover = Prover()
    nonce = post({"DPoP": flow.proof(prover, f"{ISSUER}/token")}).headers["DPoP-Nonce"]
    answer = post({"DPoP": flow.proof(prover, f"{ISSUER}/token", nonce=nonce)})
    assert answer.status_code == 200, answer.json
    assert claims_of(answer.json["access_token"])["cnf"] == {"jkt": prover.jkt}


# --- what the subject token is decides ---


@pytest.mark.parametrize("kind", ["id_token", "refresh_token", "saml1", "saml2", "nonsense"])
def test_a_type_that_cannot_be_exchanged_is_refused_whatever_the_token_is(flow, delegated, kind):
    answer = flow.post_narrow(delegated, subject_token_type=f"urn:ietf:params:oauth:token-type:{kind}")
    assert said(answer) == REFUSED


def test_an_access_token_is_a_jwt_too(flow, given, token, delegated):
    assert flow.post_narrow(delegated, subject_token_type=JWT).status_code == 200
    assert flow.post_act(given, token, actor_token_type=JWT).status_code == 200


def test_the_route_follows_the_type_and_never_the_parameters_that_are_there(flow, given, token, delegated):
    """A self token with somebody's actor token beside it is no way to act for its owner."""
    as_subject = flow.post_act(given, token, subject_token=delegated, subject_token_type=ACCESS_TOKEN)
    assert said(as_subject) == REFUSED
    as_mandate = flow.post_narrow(delegated, subject_token_type=MANDATE)
    assert said(as_mandate) == REFUSED
    assert said(flow.post_act(token, token)) == REFUSED
    assert said(flow.post_narrow(flow.reference(given))) == REFUSED


@pytest.mark.parametrize("name", ["actor_token", "actor_token_type", "actor_token_dpop"])
def test_narrowing_refuses_an_actor_token(flow, token, delegated, name):
    value = {"actor_token": token, "actor_token_type": ACCESS_TOKEN}.get(name, "x")
    assert said(flow.post_narrow(delegated, **{name: value})) == REFUSED


@pytest.mark.parametrize(
    "without",
    ["subject_token", "subject_token_type", "actor_token", "actor_token_type"],
)
def test_what_rfc_8693_requires_is_required(flow, given, token, without):
    assert said(flow.post_act(given, token, **{without: DROP})) == REFUSED
    assert said(flow.post_act(given, token, **{without: ""})) == REFUSED


@pytest.mark.parametrize("kind", [MANDATE, "urn:ietf:params:oauth:token-type:id_token", "x"])
def test_an_actor_token_is_an_access_token(flow, given, token, kind):
    assert said(flow.post_act(given, token, actor_token_type=kind)) == REFUSED


def test_only_an_access_token_is_requested(flow, given, token):
    assert flow.post_act(given, token, requested_token_type=ACCESS_TOKEN).status_code == 200
    for kind in (JWT, "urn:ietf:params:oauth:token-type:refresh_token", "", MANDATE):
        assert said(flow.post_act(given, token, requested_token_type=kind)) == REFUSED


@pytest.mark.parametrize("name", ["requested_subject", "requested_actor", "authorization_details", "claims"])
def test_a_bare_requested_subject_is_refused_and_so_is_all_that_would_be_ignored(
    flow, token, delegated, name
):
    assert said(flow.post_narrow(delegated, **{name: "p-somebody"})) == REFUSED
    assert said(flow.post_narrow(token, **{name: "p-somebody"})) == REFUSED


@pytest.mark.parametrize("name", ["subject_token", "actor_token", "scope", "subject_token_type"])
def test_a_parameter_sent_twice_is_refused(flow, given, token, name):
    assert said(flow.post_act(given, token, **{name: [READ, READ]})) == REFUSED


def test_the_proof_that_came_with_a_bound_actor_token_travels_in_the_form(flow, bram, given):
    prover = Prover()
    bound = flow.self_token(bram, jkt=prover.jkt)
    assert said(flow.post_act(given, bound)) == REFUSED
    came = flow.proof(prover, f"{VOUCHERS}/orders", bound, method="GET")
    assert flow.post_act(given, bound, actor_token_dpop=came).status_code == 200
    assert said(flow.post_act(given, bound, actor_token_dpop=came)) == REFUSED


# --- what it says of a refusal ---


def test_an_unknown_reference_and_one_that_is_not_hers_answer_byte_for_byte_alike(flow, token):
    far = flow.organisation("OCMW Verre", "0999000327", "ocmw")
    theirs = flow.give("ocmw-beneficiary", flow.party("Jozef"), far)
    ended = flow.give("ocmw-beneficiary", flow.party("Lea"), far)
    flow.end(ended.id)
    answers = {
        (answer.status_code, answer.data, tuple(answer.headers))
        for answer in (
            flow.post_act(one, token, scope=scope)
            for one in (theirs, ended, UNKNOWN, "m-x", "nonsense")
            for scope in (READ, f"{READ} {ORDER}")
        )
    }
    assert len(answers) == 1
    status, body, _ = answers.pop()
    assert status == 400
    assert json.loads(body)["error"] == "invalid_request"
    assert "reason" not in json.loads(body)


def test_a_refusal_about_something_hers_says_why(flow, given, token):
    flow.end(given.id)
    assert said(flow.post_act(given, token)) == (400, "invalid_request", "mandate_revoked")
    flow.service(mandate_types=())
    jozef = flow.beneficiary("Jozef")
    assert said(flow.post_act(jozef, token)) == (400, "invalid_request", "mandate_type_not_registered")


def test_a_scope_beyond_is_invalid_scope_and_never_dropped(flow, given, token, delegated):
    assert said(flow.post_act(given, token, scope=f"{READ} obo:payout:change")) == (
        400,
        "invalid_scope",
        None,
    )
    assert said(flow.post_act(given, token, scope=DROP)) == (400, "invalid_scope", None)
    assert said(flow.post_act(given, token, scope="")) == (400, "invalid_scope", None)
    assert said(flow.post_narrow(delegated, scope=f"{READ} vouchers:read")) == (400, "invalid_scope", None)
    assert said(flow.post_narrow(delegated, scope="")) == (400, "invalid_scope", None)


def test_a_refused_token_says_which_one_and_tells_nothing_of_it(flow, given, token):
    answer = flow.post_act(given, token[:-8] + "AAAAAAAA")
    assert said(answer) == REFUSED
    assert "actor_token" in answer.json["error_description"]
    assert token[:20] not in answer.text


def test_nothing_is_issued_while_the_replay_store_is_away(flow, given, token, monkeypatch):
    from broker.port_errors import UnavailableError

    def away(*_):
        raise UnavailableError("away")

    monkeypatch.setattr(flow.services.ephemeral, "claim_all", away)
    answer = flow.post_act(given, token)
    assert answer.status_code == 503
    assert flow.rows("token.exchanged") == []
