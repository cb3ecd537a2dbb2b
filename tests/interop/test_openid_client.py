"""A stock OpenID Connect client of another house (openid-client for Node) completes whole logins."""

import pytest

from node_client import key_pair, run
from stock_client import register
from village_process import Village

pytestmark = pytest.mark.interop

HIGH = "http://eidas.europa.eu/LoA/high"
API = "https://vouchers.example.be/interop/api"


@pytest.fixture(scope="module")
def village():
    with Village() as running:
        yield running


@pytest.fixture(scope="module")
def with_secret(village):
    secret = register(village, "interop-secret", "--auth", "client_secret_basic")
    return run(
        "login.js",
        village,
        client_id="interop-secret",
        secret=secret,
        scope="openid profile",
        persona="an",
        choice="Voor mezelf",
        audience=village.broker,
        userinfo=True,
    )


@pytest.fixture(scope="module")
def with_key(village, tmp_path_factory):
    key, jwks = key_pair(tmp_path_factory.mktemp("interop"), "interop-1")
    register(
        village,
        "interop-key",
        *("--auth", "private_key_jwt", "--profile", "compatible", "--jwks", str(jwks)),
        *("--audience", API, "--mandate-type", "ocmw-beneficiary"),
        scopes=("openid", "obo:vouchers:read", "obo:vouchers:order"),
    )
    return run(
        "login.js",
        village,
        client_id="interop-key",
        private_jwk=key,
        par=True,
        scope="openid obo:vouchers:read obo:vouchers:order",
        authorization_details=[{"type": "urn:volmacht:mandate"}],
        persona="bram",
        choice="Jos Maes",
        audience=API,
        userinfo=False,
    )


def test_a_client_with_a_secret_signs_a_person_in_knowing_the_issuer_alone(with_secret, village):
    claims = with_secret["id_token"]
    assert (claims["iss"], claims["aud"], claims["acr"]) == (village.broker, "interop-secret", HIGH)
    assert claims["sub"].startswith("p-")
    assert "represents" not in claims


def test_userinfo_speaks_of_the_person_of_the_id_token_and_tells_no_national_number(with_secret):
    assert with_secret["userinfo"] == {"sub": with_secret["id_token"]["sub"], "name": "An Peeters"}


def test_a_refreshed_access_token_is_a_new_one_about_the_same_person(with_secret):
    before, after = with_secret["access_token"], with_secret["refreshed"]
    assert before["jti"] != after["jti"]
    assert (before["sub"], before["client_id"]) == (after["sub"], after["client_id"])
    assert "act" not in before
    assert "act" not in after


def test_a_client_with_a_key_pushes_its_request_and_shows_none_of_it_in_the_address(with_key):
    address = with_key["start"]
    assert "request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A" in address
    assert "scope=" not in address
    assert "state=" not in address
    assert "authorization_details" not in address


def test_a_delegated_access_token_is_about_the_principal_by_the_person_at_the_keyboard(with_key, village):
    token, claims = with_key["access_token"], with_key["id_token"]
    (entry,) = token["authorization_details"]
    assert token["act"]["iss"] == village.broker
    assert token["act"]["sub"] != token["sub"] == entry["principal"]
    assert set(token["scope"].split()) == {"obo:vouchers:read", "obo:vouchers:order"}
    # The ID token tells the other way round: the human first, whom she acts for inside.
    assert claims["represents"]["represents"]["sub"].startswith("p-")
    assert claims["sub"] != claims["represents"]["represents"]["sub"]


def test_the_token_response_says_what_was_granted(with_key):
    (entry,) = with_key["token"]["authorization_details"]
    assert entry["type"] == "urn:volmacht:mandate"
    assert set(entry["actions"]) == {"vouchers:read", "vouchers:order"}
    assert entry["identifier"].startswith("m-")


def test_a_refreshed_delegated_token_still_names_both_parties(with_key):
    before, after = with_key["access_token"], with_key["refreshed"]
    assert (before["sub"], before["act"]) == (after["sub"], after["act"])
    assert before["jti"] != after["jti"]


def test_a_code_that_was_redeemed_is_refused(with_secret, with_key):
    assert with_secret["replay"] == "invalid_grant"
    assert with_key["replay"] == "invalid_grant"
