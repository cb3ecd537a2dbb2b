"""Bound tokens at our own doors (RFC 9449 section 7): UserInfo and the API, with marks that all workers share."""

from __future__ import annotations

import pytest

from api_world import API, ApiWorld
from attack_tools import claims_of
from flow_world import ISSUER
from guard_builders import JKT, sign_proof
from keys.tokens import sign

LISTS = "/api/v1/representations"


@pytest.fixture
def api(tmp_path):
    return ApiWorld(tmp_path)


def bound(api, token):
    """The same token, signed anew for the holder of the prover's key alone."""
    claims = {**claims_of(token), "cnf": {"jkt": JKT}}
    return sign(claims, api.services.keyring().signing_key("tokens", api.services.clock()), "at+jwt")


def get(api, path, token, scheme="DPoP", **claims):
    shown = {"htm": "GET", "htu": ISSUER + path, "iat": api.services.clock(), **claims}
    headers = {"Authorization": f"{scheme} {token}", "DPoP": sign_proof(token, **shown)}
    return api.http.get(path, headers=headers)


@pytest.fixture
def token(api):
    return bound(api, api.token_of(api.sign_in("Maria")))


def test_the_api_takes_a_bound_token_with_its_proof_and_each_proof_once(api, token):
    assert get(api, LISTS, token).status_code == 200
    again = get(api, LISTS, token)
    assert (again.status_code, again.json["errors"]) == (401, {"token": "proof_replayed"})
    assert get(api, LISTS, token, jti="proof-2").status_code == 200


def test_a_bound_token_as_bearer_is_challenged_with_the_address_of_the_metadata(api, token):
    answer = get(api, LISTS, token, "Bearer")
    assert (answer.status_code, answer.json["errors"]) == (401, {"token": "sender_constrained"})
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('DPoP error="invalid_token"')
    assert f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/api/v1"' in challenge


def test_a_proof_from_before_the_store_began_to_remember_is_refused(api, token):
    early = api.services.ephemeral.epoch() - 1
    answer = get(api, LISTS, token, iat=early)
    assert answer.json["errors"] == {"token": "proof_replayed"}


def test_a_proof_for_another_address_of_ours_is_refused(api, token):
    answer = get(api, LISTS, token, htu=f"{API}/whoami")
    assert answer.json["errors"] == {"token": "proof_url"}


def test_userinfo_takes_a_bound_token_with_its_proof_and_names_its_own_metadata(api):
    desk, session = (
        api.client("plain", scopes=frozenset({"openid"}), audiences=(ISSUER,)),
        api.sign_in("Maria"),
    )
    token = bound(api, str(api.tokens(desk, session, wants_mandate=False)["access_token"]))
    assert get(api, "/userinfo", token).status_code == 200
    refused = get(api, "/userinfo", token)
    assert refused.status_code == 401
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge.startswith('DPoP error="invalid_dpop_proof"')
    assert f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource"' in challenge
