"""DPoP through Flask (RFC 9449 section 7.1): headers, the address of the request, challenges."""

from __future__ import annotations

import pytest
from flask import Flask, g
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from guard_builders import bound, guard, malleated, self_claims, sign, sign_proof
from volmacht_guard import Guard
from volmacht_guard.flask import FlaskGuard

ORIGIN = "https://vouchers.example.be"
METADATA = f"{ORIGIN}/.well-known/oauth-protected-resource/api"
TOKEN = sign(bound(self_claims()))


def application(origin=None, judge=None):
    app = Flask("service")
    guarded = FlaskGuard(judge or guard(), origin, METADATA)

    @app.route("/orders/<path:name>", methods=["GET", "POST"])
    @guarded.requires("vouchers:order", serves={"self"})
    def order(name):
        return {"name": name, "jkt": g.token.jkt}

    @app.get("/me")
    def me():
        return {"subject": guarded.authenticate(serves={"self"}).subject}

    return app


@pytest.fixture
def client():
    return application().test_client()


def headers(*proofs, token=TOKEN, scheme="DPoP"):
    return [("Authorization", f"{scheme} {token}"), *(("DPoP", one) for one in proofs)]


def proof_of(path, method="GET", **claims):
    return sign_proof(TOKEN, htm=method, htu=ORIGIN + path, **claims)


@pytest.mark.parametrize("scheme", ["DPoP", "dpop"])
def test_a_bound_token_with_its_proof_opens_the_route(client, scheme):
    answer = client.get("/orders/5?page=2", headers=headers(proof_of("/orders/5"), scheme=scheme))
    assert answer.status_code == 200
    assert answer.json["jkt"]


def test_a_proof_opens_its_own_method_and_path_only(client):
    assert client.post("/orders/5", headers=headers(proof_of("/orders/5"))).json["reason"] == "proof_method"
    assert client.get("/orders/6", headers=headers(proof_of("/orders/5"))).json["reason"] == "proof_url"


@pytest.mark.parametrize("path", ["/orders/a%3Ab", "/orders/a:b", "/orders/a%20b", "/orders/%C3%A9"])
def test_paths_match_however_the_client_spells_them(client, path):
    assert client.get(path, headers=headers(proof_of(path))).status_code == 200


def test_the_address_is_that_of_the_audience_and_not_what_the_request_claims(client):
    forged = sign_proof(TOKEN, htm="GET", htu="https://evil.example.be/orders/5")
    lies = [
        ("Host", "evil.example.be"),
        ("X-Forwarded-Host", "evil.example.be"),
        ("Forwarded", "host=evil.example.be"),
    ]
    assert client.get("/orders/5", headers=[*headers(forged), *lies]).json["reason"] == "proof_url"
    assert client.get("/orders/5", headers=[*headers(proof_of("/orders/5")), *lies]).status_code == 200


def test_an_origin_that_was_given_replaces_it():
    client = application("https://api.example.be/").test_client()
    good = sign_proof(TOKEN, htm="GET", htu="https://api.example.be/orders/5")
    assert client.get("/orders/5", headers=headers(good)).status_code == 200
    assert client.get("/orders/5", headers=headers(proof_of("/orders/5"))).json["reason"] == "proof_url"


def test_an_audience_that_is_no_address_needs_an_origin():
    judge = guard()
    nameless = Guard(judge._issuer, "urn:vouchers", judge._keys, judge._status, clock=judge._clock)
    token = sign(bound({**self_claims(), "aud": "urn:vouchers"}))
    shown = headers(sign_proof(token, htm="GET", htu=f"{ORIGIN}/orders/5"), token=token)
    assert (
        application(None, nameless).test_client().get("/orders/5", headers=shown).json["reason"]
        == "proof_url"
    )
    assert application(ORIGIN, nameless).test_client().get("/orders/5", headers=shown).status_code == 200


def test_an_application_below_a_path_counts_that_path():
    mounted = Client(DispatcherMiddleware(Flask("root").wsgi_app, {"/api": application().wsgi_app}))
    assert mounted.get("/api/orders/5", headers=headers(proof_of("/api/orders/5"))).status_code == 200


def test_two_proofs_are_none(client):
    one, two = proof_of("/orders/5"), proof_of("/orders/5", jti="proof-2")
    for proofs in ((one, two), (one, one), (one, ""), ("", one)):
        answer = client.get("/orders/5", headers=headers(*proofs))
        assert (answer.status_code, answer.json["reason"]) == (401, "proof_header")


def test_two_tokens_are_none(client):
    for more in (f"DPoP {TOKEN}", f"Bearer {sign(self_claims())}"):
        answer = client.get("/orders/5", headers=[*headers(proof_of("/orders/5")), ("Authorization", more)])
        assert (answer.status_code, answer.json["reason"]) == (400, "authorization_header")


def test_a_proof_is_used_up_by_the_first_request(client):
    once = proof_of("/orders/5")
    assert client.get("/orders/5", headers=headers(once)).status_code == 200
    for again in (once, malleated(once)):
        answer = client.get("/orders/5", headers=headers(again))
        assert (answer.status_code, answer.json["reason"]) == (401, "proof_replayed")
        assert answer.headers["WWW-Authenticate"].startswith('DPoP error="invalid_dpop_proof"')


def test_challenges_say_where_the_metadata_stands_in_each_scheme(client):
    where = f'resource_metadata="{METADATA}"'
    nothing = client.get("/orders/5").headers["WWW-Authenticate"]
    assert nothing.count(where) == 2
    assert nothing.startswith(f"Bearer {where}, DPoP algs=")
    stolen = client.get("/orders/5", headers=headers(scheme="Bearer")).headers["WWW-Authenticate"]
    assert stolen.startswith('DPoP error="invalid_token"')
    assert where in stolen
    missing = client.get("/orders/5", headers=headers()).headers["WWW-Authenticate"]
    assert missing.startswith('DPoP error="invalid_dpop_proof"')


def test_a_bearer_token_needs_no_proof_and_heeds_none(client):
    token = sign(self_claims())
    assert (
        client.get("/orders/5", headers=headers("rubbish", token=token, scheme="Bearer")).status_code == 200
    )


def test_a_view_that_only_authenticates_takes_proofs_too(client):
    assert client.get("/me", headers=headers(proof_of("/me"))).json == {"subject": "p-anna"}
