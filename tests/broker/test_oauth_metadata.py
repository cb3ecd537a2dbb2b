"""The metadata says what the code does, and the code does what the metadata says (RFC 8414, OIDC, RFC 9728)."""

from __future__ import annotations

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from attack_tools import ASSERTION_TYPE, basic, challenge
from broker.oauth import checks
from broker.oauth.endpoints import ENDPOINTS
from flow_world import ISSUER, SCOPES, VOUCHERS, FlowWorld
from oauth_door import REFRESH, SECRET_ENCODED, Door

KEYS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "PS256": lambda: RSAKey.generate_key(2048),
    "PS384": lambda: RSAKey.generate_key(2048),
    "RS256": lambda: RSAKey.generate_key(2048),
}
"""Every algorithm that a client might try, and a key for it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    flow = FlowWorld(tmp_path_factory.mktemp("metadata"))
    yield Door(flow)
    flow.close()


@pytest.fixture
def door(world):
    world.flow.clock.forward(700)
    return world


def get(door, path):
    return door.http.get(path, base_url=ISSUER)


def metadata(door):
    return get(door, "/.well-known/oauth-authorization-server").json


def signed(key, alg, header, claims):
    return jws.serialize_compact({"alg": alg} | header, json.dumps(claims), key, algorithms=[alg])


def test_both_specifications_read_one_document(door):
    """RFC 8414 section 3, OpenID Connect Discovery section 4."""
    oauth, oidc = (
        get(door, f"/.well-known/{name}") for name in ("oauth-authorization-server", "openid-configuration")
    )
    assert oauth.json == oidc.json
    assert oauth.json["issuer"] == ISSUER
    assert oauth.content_type == "application/json"
    assert oauth.headers["Cache-Control"] == "public, max-age=300"
    assert oauth.headers["Access-Control-Allow-Origin"] == "*"


def test_an_issuer_with_a_path_is_not_this_one(door):
    """RFC 8414 section 3.1: the path of an issuer comes after the well-known one; ours has none."""
    assert get(door, "/.well-known/oauth-authorization-server/other").status_code == 404


def test_every_endpoint_is_there_and_says_more_than_that_it_is_not(door):
    told = metadata(door)
    for name, path in ENDPOINTS.items():
        assert told[name] == ISSUER + path
        assert {get(door, path).status_code, door.post(path).status_code} != {404}
    others = {name for name in told if name.endswith("_endpoint")} - set(ENDPOINTS)
    assert others == set()


def test_every_grant_that_is_named_is_known_and_no_other(door):
    named = set(metadata(door)["grant_types_supported"])
    assert named == set(checks.GRANTS)
    secret = [("Authorization", basic("basic", SECRET_ENCODED))]
    for grant in named | {"password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"}:
        error = door.post("/token", {"grant_type": grant}, secret).json["error"]
        assert (error != "unsupported_grant_type") is (grant in named)


CREDENTIALS = {
    "private_key_jwt": lambda door: ({"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion("keyed")}, []),
    "client_secret_basic": lambda _: ({}, [("Authorization", basic("basic", SECRET_ENCODED))]),
    "none": lambda _: ({"client_id": "public"}, []),
}  # fmt: skip


@pytest.mark.parametrize(("endpoint", "path"), [("token", "/token"), ("introspection", "/introspect"), ("revocation", "/revoke")])  # fmt: skip
def test_every_method_that_is_named_lets_a_client_in_and_no_other(door, endpoint, path):
    named = metadata(door)[f"{endpoint}_endpoint_auth_methods_supported"]
    for method, credentials in CREDENTIALS.items():
        form, headers = credentials(door)
        answer = door.post(path, form | REFRESH | {"token": "x"}, headers)
        assert (answer.json.get("error") != "invalid_client") is (method in named)


def test_every_algorithm_that_is_named_signs_an_assertion_and_no_other(door):
    named = metadata(door)["token_endpoint_auth_signing_alg_values_supported"]
    assert named == metadata(door)["introspection_endpoint_auth_signing_alg_values_supported"]
    for alg, make in KEYS.items():
        key = make()
        jwks = {"keys": [key.as_dict(private=False) | {"kid": "k"}]}
        door.flow.client("walker", auth="private_key_jwt", jwks=jwks)
        door.flow.clock.forward(1)
        now = door.flow.now
        claims = {"iss": "walker", "sub": "walker", "aud": ISSUER, "jti": alg, "iat": now, "exp": now + 60}
        form = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed(key, alg, {"kid": "k"}, claims),
        }
        answer = door.post("/revoke", form | {"token": "x"})
        assert (answer.status_code == 200) is (alg in named), alg


def test_every_algorithm_that_is_named_signs_a_proof_and_no_other(door):
    named = metadata(door)["dpop_signing_alg_values_supported"]
    for alg, make in KEYS.items():
        key = make()
        header = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        claims = {"htm": "POST", "htu": f"{ISSUER}/par", "iat": door.flow.now, "jti": alg}
        answer = door.as_basic("/par", DPoP=signed(key, alg, header, claims))
        assert (answer.json["error"] != "invalid_dpop_proof") is (alg in named), alg


def test_every_scope_that_is_named_is_an_audience_s_and_every_audience_s_is_named(door):
    told = set(metadata(door)["scopes_supported"])
    assert {"openid", "profile", "insz", "obo:profile", "obo:insz", "mandate:use", "insz:resolve"} <= told
    assert told >= SCOPES
    assert "insz_actor" not in told
    assert "new:power" not in told
    door.flow.audience(uri="https://new.example", scopes=frozenset({"new:power"}))
    door.flow.clock.forward(1)
    assert "new:power" in metadata(door)["scopes_supported"]


def asks(door, **changes):
    values = {
        "response_type": "code", "client_id": "basic", "redirect_uri": "https://basic.example/cb",
        "scope": "openid vouchers:read", "code_challenge": challenge("v" * 43), "code_challenge_method": "S256",
        "resource": VOUCHERS,
    } | changes  # fmt: skip
    return door.as_basic("/par", values).status_code == 201


@pytest.mark.parametrize(
    ("member", "parameter", "others"),
    [
        ("response_types_supported", "response_type", ["token", "code id_token"]),
        ("response_modes_supported", "response_mode", ["fragment", "form_post"]),
        ("code_challenge_methods_supported", "code_challenge_method", ["plain"]),
        ("prompt_values_supported", "prompt", ["create"]),
        ("acr_values_supported", "acr_values", ["loa-4"]),
    ],
)
def test_every_value_that_is_named_is_accepted_and_no_other(door, member, parameter, others):
    for value in metadata(door)[member]:
        assert asks(door, **{parameter: value}), value
    for value in others:
        assert not asks(door, **{parameter: value}), value


def test_every_type_of_details_that_is_named_is_accepted_and_no_other(door):
    for kind in metadata(door)["authorization_details_types_supported"]:
        assert asks(door, authorization_details=json.dumps([{"type": kind}]))
    assert not asks(door, authorization_details='[{"type":"other"}]')


def test_what_is_said_to_be_supported_or_not_is_so(door):
    told = metadata(door)
    assert told["claims_parameter_supported"] is asks(door, claims='{"id_token":{"acr":null}}')
    assert told["request_parameter_supported"] is asks(door, request="e30.e30.")
    assert told["request_uri_parameter_supported"] is asks(door, request_uri="https://basic.example/request")
    assert told["require_pushed_authorization_requests"] is False
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["subject_types_supported"] == ["pairwise"]
    assert {"sub", "acr", "auth_time", "represents", "insz", "insz_actor", "nonce", "sid"} <= set(
        told["claims_supported"]
    )
    assert not {name for name in told if "mtls" in name or name.startswith("tls_")}


def test_we_sign_with_what_is_named_and_with_rs256_once_somebody_needs_it(door):
    told = metadata(door)
    assert told["id_token_signing_alg_values_supported"] == ["ES256"]
    assert told["introspection_signing_alg_values_supported"] == ["ES256"]
    door.flow.client("old", id_token_alg="RS256")
    door.flow.clock.forward(1)
    assert metadata(door)["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]


def test_a_document_is_made_once_for_each_version_of_the_registry(door, monkeypatch):
    from broker.oauth import metadata as module

    made = []
    plain = module._discovery
    monkeypatch.setattr(module, "_discovery", lambda *given: made.append(1) or plain(*given))
    door.flow.client("another")
    door.flow.clock.forward(1)
    for _ in range(3):
        metadata(door)
    assert len(made) == 1


# --- our own APIs as protected resources (RFC 9728) ---


@pytest.mark.parametrize("path", ["", "/api/v1"])
def test_an_api_of_ours_says_who_it_is_and_how_it_is_spoken_to(door, path):
    """Section 3.3: the address in the document is the address that the document was asked for."""
    answer = get(door, f"/.well-known/oauth-protected-resource{path}")
    told = answer.json
    assert told["resource"] == ISSUER + path
    assert told["authorization_servers"] == [ISSUER]
    assert told["jwks_uri"] == f"{ISSUER}/jwks"
    assert told["bearer_methods_supported"] == ["header"]
    assert told["dpop_signing_alg_values_supported"] == metadata(door)["dpop_signing_alg_values_supported"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert told["resource"] in metadata(door)["protected_resources"]
    assert set(told["scopes_supported"]) <= set(metadata(door)["scopes_supported"])


def test_user_info_is_for_delegated_tokens_too_and_the_rest_api_is_not(door):
    user_info, api = (
        get(door, f"/.well-known/oauth-protected-resource{path}").json for path in ("", "/api/v1")
    )
    assert user_info["scopes_supported"] == ["insz", "obo:insz", "obo:profile", "openid", "profile"]
    assert user_info["authorization_details_types_supported"] == ["urn:volmacht:mandate"]
    assert "authorization_details_types_supported" not in api
    assert "mandate:use" in api["scopes_supported"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1/", "/api/v2", "/token", "/discovery", "discovery"])
def test_another_address_is_no_resource_of_ours(door, path):
    assert get(door, f"/.well-known/oauth-protected-resource{path}").status_code in {404, 308}


def test_a_challenge_leads_to_the_document_of_its_api(door):
    """RFC 9728 section 5.1."""
    for path, resource in (("/userinfo", ""), ("/api/v1/representations", "/api/v1")):
        challenge = get(door, path).headers["WWW-Authenticate"]
        address = f"{ISSUER}/.well-known/oauth-protected-resource{resource}"
        assert f'resource_metadata="{address}"' in challenge
        assert get(door, address.removeprefix(ISSUER)).json["resource"] == ISSUER + resource
