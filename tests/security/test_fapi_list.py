"""The negatives of the FAPI 2.0 conformance plans that concern pushing, codes and assertions, on the wire.

Named so that this list can be laid beside that one; proofs of possession stand in `test_dpop_wire.py`.
"""

from __future__ import annotations

import secrets
import time

import pytest

from api_world import SECRET, ApiWorld
from attack_tools import ASSERTION_TYPE, challenge, claims_of, plain_session
from broker.flows import registry
from provers import DROP, Prover


def now():
    return int(time.time())


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    assert "access_token" not in answer.text
    return answer.json()["error"]


# --- a code that is bound to a key ---


def test_a_code_that_was_asked_for_with_a_thumbprint_needs_its_key(apps, citizen):
    code, verifier = apps.fapi.code(citizen, dpop_jkt=Prover().jkt)
    assert refused(apps.fapi.redeem(code, verifier)) in {"invalid_grant", "invalid_dpop_proof"}
    code, verifier = apps.fapi.code(citizen, dpop_jkt=apps.fapi.prover.jkt)
    assert apps.fapi.redeem(code, verifier).status_code == 200


def test_a_proof_at_the_pushed_request_binds_the_code_to_its_key(apps, citizen, monkeypatch):
    app = apps.fapi
    push = app.push
    monkeypatch.setattr(app, "push", lambda values: push(values, proves=True))
    code, verifier = app.code(citizen)
    monkeypatch.setattr(app, "prover", Prover())
    assert refused(app.redeem(code, verifier)) in {"invalid_grant", "invalid_dpop_proof"}


def test_a_pushed_request_whose_proof_and_thumbprint_differ_is_refused(apps):
    values, _ = apps.fapi.request(dpop_jkt=Prover().jkt)
    answer = apps.fapi.push(values, proves=True)
    assert refused(answer) in {"invalid_dpop_proof", "invalid_request"}
    values, _ = apps.fapi.request(dpop_jkt=apps.fapi.prover.jkt)
    assert apps.fapi.push(values, proves=True).status_code == 201


@pytest.mark.parametrize("jkt", ["", "short", "A" * 44, "!" * 43])
def test_a_thumbprint_of_no_key_is_refused(apps, jkt):
    values, _ = apps.fapi.request(dpop_jkt=jkt)
    assert refused(apps.fapi.push(values)) == "invalid_request"


# --- codes, pushed requests, assertions ---


def test_a_used_code_is_refused_and_ends_what_it_gave(apps, citizen):
    code, verifier = apps.fapi.code(citizen)
    first = apps.fapi.redeem(code, verifier).json()
    time.sleep(1)
    assert refused(apps.fapi.redeem(code, verifier)) == "invalid_grant"
    assert refused(apps.fapi.refresh(first["refresh_token"])) == "invalid_grant"


def test_a_code_is_bound_to_its_client(apps, land, citizen):
    thief = land.app("aanval-dief")
    thief.prover = apps.fapi.prover
    code, verifier = apps.fapi.code(citizen)
    assert refused(thief.redeem(code, verifier, redirect_uri=apps.fapi.redirect_uri)) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": DROP, "code_challenge_method": DROP},
        {"code_challenge": DROP},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": DROP},
        {"redirect_uri": DROP},
        {"response_type": "code id_token"},
        {"response_type": DROP},
    ],
)
def test_a_pushed_request_without_pkce_s256_a_redirect_uri_or_the_code_flow_is_refused(apps, changes):
    values, _ = apps.fapi.request(**changes)
    answer = apps.fapi.push(values)
    assert answer.status_code == 400
    assert "request_uri" not in answer.json()


def test_a_pushed_request_of_nobody_is_refused(apps):
    values, _ = apps.fapi.request()
    answer = plain_session().post(f"{apps.fapi.issuer}/par", data=values, timeout=10)
    assert refused(answer, answer.status_code) == "invalid_client"
    assert answer.status_code in {400, 401}


ASSERTIONS = {
    "another audience": (lambda app: {"aud": "https://elsewhere.example"}, False),
    "the endpoint as audience": (lambda app: {"aud": f"{app.issuer}/par"}, False),
    "a list of audiences": (lambda app: {"aud": [app.issuer]}, False),
    "no subject": (lambda _: {"sub": DROP}, False),
    "expired": (lambda _: {"iat": now() - 130, "exp": now() - 70}, False),
    "8 s ahead": (lambda _: {"nbf": now() + 8, "iat": now() + 8, "exp": now() + 68}, True),
    "over 60 s ahead": (lambda _: {"nbf": now() + 75, "exp": now() + 135}, False),
    "issued over 60 s ahead": (lambda _: {"iat": now() + 75, "exp": now() + 135}, False),
}


@pytest.mark.parametrize("name", ASSERTIONS)
def test_a_pushed_request_needs_an_assertion_for_this_issuer_at_this_time(apps, name):
    changes, believed = ASSERTIONS[name]
    values, _ = apps.fapi.request()
    form = values | {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": apps.fapi.assertion(**changes(apps.fapi)),
    }
    answer = plain_session().post(f"{apps.fapi.issuer}/par", data=form, timeout=10)
    if believed:
        assert answer.status_code == 201, answer.text
    else:
        assert refused(answer, answer.status_code) == "invalid_client"


def test_a_long_state_and_nonce_come_back_whole(apps, citizen):
    state, nonce = secrets.token_urlsafe(200), secrets.token_urlsafe(48)
    address, verifier = apps.fapi.address(state=state, nonce=nonce)
    landing = citizen.go(address)
    if landing.left_for is None:
        landing = citizen.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf")
    assert landing.query["state"] == state
    tokens = apps.fapi.redeem(landing.query["code"], verifier).json()
    assert claims_of(tokens["id_token"])["nonce"] == nonce


def test_a_state_or_nonce_without_end_is_refused(apps):
    for name in ("state", "nonce"):
        values, _ = apps.fapi.request(**{name: "x" * 5000})
        assert apps.fapi.push(values).status_code in {400, 413}


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_a_code_lives_less_than_a_minute(tmp_path, seconds, status):
    world, verifier = ApiWorld(tmp_path), "v" * 43
    client = world.client(secret_sha256=registry.secret_digest(SECRET))
    person = world.sign_in("An")
    asked = world.ask(client, person, code_challenge=challenge(verifier), wants_mandate=False)
    code = world.choose(asked, person, "self")
    world.clock.forward(seconds)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    form["redirect_uri"] = client.redirect_uris[0]
    answer = world.http.post("/token", data=form, auth=(client.id, SECRET))
    assert answer.status_code == status, answer.json
    world.close()
