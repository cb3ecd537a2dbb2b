from __future__ import annotations

import json
import logging

import pytest
from flask import Flask, g

from guard_builders import HIGH, FakeStatus, delegated_claims, guard, self_claims, sign
from volmacht_guard.flask import FlaskGuard


@pytest.fixture
def client():
    app = Flask("service")
    guarded = FlaskGuard(guard(status=FakeStatus(9)))

    @app.get("/orders/<int:number>")
    @guarded.requires("vouchers:order", serves={"self", "delegated"}, acr=HIGH)
    def order(number):
        return {"number": number, "subject": g.token.subject, "acting": g.token.acting}

    return app.test_client()


def get(client, claims, scheme="Bearer"):
    return client.get("/orders/5", headers={"Authorization": f"{scheme} {sign(claims)}"})


def audit_lines(caplog):
    return [
        json.loads(record.getMessage()) for record in caplog.records if record.name == "volmacht_guard.audit"
    ]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_view_gets_the_verified_token(client, scheme):
    answer = get(client, delegated_claims(), scheme)
    assert answer.json == {"number": 5, "subject": "p-anna", "acting": True}


def test_a_request_without_a_token_is_challenged_without_an_error(client):
    answer = client.get("/orders/5")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer, DPoP algs="ES256 EdDSA Ed25519 PS256"'
    assert answer.content_type == "application/problem+json"


def test_a_token_in_the_url_or_under_another_scheme_is_no_token(client):
    assert client.get(f"/orders/5?access_token={sign(self_claims())}").json["reason"] == "token_missing"
    assert get(client, self_claims(), "Basic").json["reason"] == "token_missing"


@pytest.mark.parametrize("header", ["Bearer ", "Bearer a b", "Bearer a.b.c, Bearer d.e.f", "Bearer a.b.c,"])
def test_a_header_that_cannot_be_read_is_a_bad_request(client, header):
    answer = client.get("/orders/5", headers={"Authorization": header})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_refusals_are_problem_documents_with_a_challenge(client):
    short = get(client, {**self_claims(), "scope": "vouchers:read"})
    assert (short.status_code, short.json["error"], short.json["reason"]) == (
        403,
        "insufficient_scope",
        "scope",
    )
    assert short.headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope"')
    low = get(client, {**self_claims(), "acr": "http://eidas.europa.eu/LoA/low"})
    assert (low.status_code, low.json["error"]) == (401, "insufficient_user_authentication")
    assert f'acr_values="{HIGH}"' in low.headers["WWW-Authenticate"]


def test_each_decision_is_one_audit_line(client, caplog):
    caplog.set_level(logging.INFO, "volmacht_guard.audit")
    get(client, delegated_claims())
    get(
        client,
        {**self_claims(), "status": {"status_list": {"uri": "https://id.example.be/status/7f3a", "idx": 9}}},
    )
    get(client, {**self_claims(), "iss": "https://other.example.be"})
    permit, revoked, foreign = audit_lines(caplog)
    assert permit == {
        "decision": "permit",
        "power": "vouchers:order",
        "jti": "jti-1",
        "sub": "p-anna",
        "act_sub": "p-officer",
        "representative": "iso6523-actorid-upis::0208:0999000129",
        "identifier": "m-5e1d",
    }
    assert (revoked["decision"], revoked["reason"], revoked["jti"], revoked["act_sub"]) == (
        "deny",
        "revoked",
        "jti-1",
        None,
    )
    assert foreign == {"decision": "deny", "power": "vouchers:order", "reason": "iss"}


def test_a_misused_decorator_fails_when_the_application_starts():
    with pytest.raises(ValueError, match="serves"):
        FlaskGuard(guard()).requires("vouchers:order", serves=())
