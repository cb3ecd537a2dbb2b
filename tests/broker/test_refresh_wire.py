"""Code and refresh on the wire: what a form says reaches the flow, and a refusal says what it is."""

from __future__ import annotations

import base64
import json
import secrets
from urllib.parse import quote

import pytest

from api_world import SECRET
from attack_tools import challenge, claims_of
from broker.flows import registry
from exchange_world import READ, ExchangeWorld, said
from flow_world import ISSUER, SCOPES, VOUCHERS
from provers import Prover

TOKEN = f"{ISSUER}/token"


@pytest.fixture
def flow(tmp_path):
    world = ExchangeWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def web(flow):
    digest = registry.secret_digest(SECRET)
    return flow.client(scopes=SCOPES | {"insz", "obo:profile"}, secret_sha256=digest)


@pytest.fixture
def phone(flow):
    return flow.client("phone", auth="none", profile="public")


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


def post(flow, client, headers=None, **form):
    if client.auth == "none":
        form["client_id"] = client.id
        return flow.http.post("/token", data=form, headers=headers or {})
    credentials = base64.b64encode(f"{quote(client.id)}:{SECRET}".encode()).decode()
    basic = {"Authorization": f"Basic {credentials}"}
    return flow.http.post("/token", data=form, headers=basic | (headers or {}))


def code(flow, client, session, key="self", **request):
    """The form that redeems a fresh code."""
    verifier = secrets.token_urlsafe(48)
    asked = flow.ask(client, session, code_challenge=challenge(verifier), **request)
    return {
        "grant_type": "authorization_code", "code": flow.choose(asked, session, key),
        "redirect_uri": client.redirect_uris[0], "code_verifier": verifier,
    }  # fmt: skip


def redeemed(flow, client, session, key="self", headers=None, **form):
    answer = post(flow, client, headers, **code(flow, client, session, key), **form)
    assert answer.status_code == 200, answer.json
    return answer.json


def refresh(flow, client, answer, headers=None, **form):
    return post(
        flow, client, headers, grant_type="refresh_token", refresh_token=answer["refresh_token"], **form
    )


def proofs(flow, prover):
    """Headers with a good proof each time, nonce and all."""
    first = flow.http.post(
        "/token",
        data={"grant_type": "refresh_token", "client_id": "phone", "refresh_token": "x"},
        headers={"DPoP": flow.proof(prover, TOKEN)},
    )
    nonce = first.headers["DPoP-Nonce"]
    return lambda: {"DPoP": flow.proof(prover, TOKEN, nonce=nonce)}


def details(**members):
    return json.dumps([{"type": "urn:volmacht:mandate", **members}])


def test_resource_narrows_a_code_and_a_refresh_to_user_info(flow, web, bram):
    answer = redeemed(flow, web, bram, resource=ISSUER)
    assert claims_of(answer["access_token"])["aud"] == ISSUER
    assert claims_of(refresh(flow, web, answer).json["access_token"])["aud"] == VOUCHERS
    again = refresh(flow, web, answer, resource=ISSUER).json
    assert claims_of(again["access_token"])["scope"] == "insz openid profile"
    assert said(refresh(flow, web, answer, resource="https://x.example")) == (400, "invalid_target", None)


def test_authorization_details_narrow_a_code_and_a_refresh(flow, web, bram, given):
    less = details(actions=["vouchers:read"])
    answer = redeemed(flow, web, bram, flow.key_of(web, given), authorization_details=less)
    again = refresh(flow, web, answer, authorization_details=less).json
    for one in (answer, again):
        assert claims_of(one["access_token"])["scope"] == READ
        assert one["authorization_details"][0]["actions"] == ["vouchers:read"]
    more = refresh(flow, web, answer, authorization_details=details(actions=["payout:change"]))
    assert said(more) == (400, "invalid_authorization_details", None)


@pytest.mark.parametrize("bad", ["[]", "nonsense", '[{"type":"other"}]', details(unknown="x")])
def test_details_that_are_not_understood_are_refused_before_the_code_is_used_up(flow, web, bram, given, bad):
    form = code(flow, web, bram, flow.key_of(web, given))
    assert said(post(flow, web, authorization_details=bad, **form))[1] == "invalid_authorization_details"
    assert post(flow, web, **form).status_code == 200


def test_a_proof_binds_the_tokens_and_a_public_clients_refresh_token(flow, phone, bram):
    prover, other = Prover(), Prover()
    proof, others = proofs(flow, prover), proofs(flow, other)
    answer = redeemed(flow, phone, bram, headers=proof())
    assert answer["token_type"] == "DPoP"
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": prover.jkt}
    again = refresh(flow, phone, answer, proof())
    assert (again.status_code, "refresh_token" in again.json) == (200, False)
    assert said(refresh(flow, phone, answer)) == (400, "invalid_dpop_proof", None)
    assert said(refresh(flow, phone, answer, others())) == (400, "invalid_grant", None)


def test_a_code_that_was_bound_serves_no_other_key(flow, phone, bram):
    prover = Prover()
    proof = proofs(flow, prover)
    assert post(flow, phone, proof(), **code(flow, phone, bram, dpop_jkt=prover.jkt)).status_code == 200
    assert said(post(flow, phone, **code(flow, phone, bram, dpop_jkt=prover.jkt)))[1] == "invalid_grant"


def test_a_refusal_says_why_in_reason(flow, web, bram, given):
    answer = redeemed(flow, web, bram, flow.key_of(web, given))
    flow.end(given.id)
    assert said(refresh(flow, web, answer)) == (400, "invalid_grant", "mandate_revoked")
    flow.clock.forward(1800)
    assert said(refresh(flow, web, answer)) == (400, "invalid_grant", "session_ended")


def test_a_public_client_gets_the_same_answer_again_when_it_was_lost(flow, phone, bram):
    answer = redeemed(flow, phone, bram)
    first, second = (refresh(flow, phone, answer).json for _ in range(2))
    assert first["refresh_token"] == second["refresh_token"] != answer["refresh_token"]
