"""openid-client for Node acts for others, as a FAPI 2.0 client; oauth4webapi validates every token it gets.

One script (`node/delegation.js`) walks the whole way; each test reads one part of what it found.
"""

import pytest

from node_client import key_pair, run
from stock_client import register
from village_process import Village

pytestmark = pytest.mark.interop

API = "https://vouchers.example.be/delegation/api"
ACCOUNTING = "https://accounting.example.be/delegation/api"
HIGH = "http://eidas.europa.eu/LoA/high"
BOTH = {"obo:vouchers:read", "obo:vouchers:order"}
SCOPES = ("openid", "profile", "obo:profile", "vouchers:read", "mandate:use", *sorted(BOTH))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with Village() as village:
        key, jwks = key_pair(tmp_path_factory.mktemp("delegation"), "delegation-1")
        register(
            village,
            "delegation",
            *("--auth", "private_key_jwt", "--jwks", str(jwks)),
            *("--audience", API, "--audience", ACCOUNTING, "--serves", "--exchange"),
            *("--mandate-type", "ocmw-beneficiary", "--vetted"),
            scopes=SCOPES,
        )
        found = run(
            "delegation.js",
            village,
            client_id="delegation",
            private_jwk=key,
            api=API,
            accounting=ACCOUNTING,
            delegated_scope=" ".join(["openid", "profile", "obo:profile", *sorted(BOTH)]),
            self_scope="openid vouchers:read mandate:use",
            persona="bram",
            choice="Jos Maes",
            self_choice="Voor mezelf",
        )
        yield found | {"issuer": village.broker}


def scopes(claims):
    return set(claims["scope"].split())


def parties(claims):
    return claims["sub"], claims["act"]["sub"]


def test_the_browser_carries_the_client_and_a_reference_and_nothing_else(found):
    query = found["start"].partition("?")[2]
    assert sorted(one.partition("=")[0] for one in query.split("&")) == ["client_id", "request_uri"]


def test_every_token_of_a_fapi_client_is_bound_to_its_key(found):
    for name, claims in found["claims"].items():
        assert set(claims["cnf"]) == {"jkt"}, name
        assert found["answers"].get(name, {}).get("token_type", "dpop").lower() == "dpop"


def test_a_self_token_is_about_the_person_and_has_no_actor(found):
    claims = found["claims"]["self"]
    assert "act" not in claims
    assert "authorization_details" not in claims
    assert scopes(claims) == {"vouchers:read", "mandate:use"}
    assert claims["acr"] == HIGH


def test_a_login_with_a_mandate_names_principal_and_actor(found):
    claims, answer = found["claims"]["delegated"], found["answers"]["delegated"]
    (entry,) = claims["authorization_details"]
    assert claims["sub"] == entry["principal"] != claims["act"]["sub"]
    assert claims["act"]["iss"] == found["issuer"]
    assert scopes(claims) == BOTH
    assert entry["representative"] == "iso6523-actorid-upis::0208:0999000129"
    (granted,) = answer["authorization_details"]
    assert set(granted["actions"]) == {"vouchers:read", "vouchers:order"}
    assert found["id_token"]["represents"]["represents"]["name"] == "Jos Maes"


def test_a_refresh_is_about_the_same_parties_without_rotation(found):
    assert parties(found["claims"]["refreshed"]) == parties(found["claims"]["delegated"])
    assert found["claims"]["refreshed"]["jti"] != found["claims"]["delegated"]["jti"]


def test_a_refresh_may_ask_for_less(found):
    claims = found["claims"]["narrower"]
    assert scopes(claims) == {"obo:vouchers:read"}
    assert claims["authorization_details"][0]["actions"] == ["vouchers:read"]


def test_userinfo_speaks_of_the_human_and_whom_she_represents(found):
    userinfo, id_token = found["userinfo"], found["id_token"]
    assert userinfo["sub"] == id_token["sub"]
    assert userinfo["represents"]["represents"]["sub"] == id_token["represents"]["represents"]["sub"]
    assert "insz" not in userinfo


def test_a_narrowed_token_is_for_another_api_about_the_same_parties(found):
    claims = found["claims"]["narrowed"]
    assert claims["aud"] == ACCOUNTING
    assert claims["authorization_details"][0]["locations"] == [ACCOUNTING]
    assert scopes(claims) == {"obo:vouchers:read"}
    assert claims["exp"] <= found["claims"]["delegated"]["exp"]
    assert found["answers"]["narrowed"]["issued_token_type"].endswith(":access_token")
    assert found["answers"]["narrowed"].get("refresh_token") is None


def test_an_exchanged_token_is_for_an_absent_principal_by_the_person_who_is_there(found):
    exchanged, delegated = found["claims"]["exchanged"], found["claims"]["delegated"]
    assert parties(exchanged) == parties(delegated)
    assert exchanged["act"]["sub"] == found["claims"]["self"]["sub"]
    assert scopes(exchanged) == {"obo:vouchers:order"}
    (granted,) = found["answers"]["exchanged"]["authorization_details"]
    assert granted["identifier"] == found["answers"]["delegated"]["authorization_details"][0]["identifier"]
    assert granted["actions"] == ["vouchers:order"]
    assert "refresh_token" not in found["answers"]["exchanged"]


def test_introspection_tells_the_same_story_as_the_token(found):
    told, claims = found["introspected"], found["claims"]["exchanged"]
    assert told["active"] is True
    for member in ("sub", "act", "aud", "authorization_details", "client_id", "cnf", "exp", "jti"):
        assert told[member] == claims[member], member
    assert scopes(told) == scopes(claims)


def test_introspection_tells_it_signed_to_a_client_that_asks(found):
    assert found["introspected_signed"] == found["introspected"]


def test_what_reaches_further_than_the_mandate_is_refused_by_its_name(found):
    assert found["refused"] == {
        "scope_beyond_the_mandate": "invalid_scope",
        "own_scope": "invalid_scope",
        "unknown_mandate": "invalid_request",
        "wider_than_its_source": "invalid_scope",
        "another_key_for_the_actor": "invalid_request",
        "no_proof": "invalid_dpop_proof",
    }


def test_to_revoke_an_exchanged_token_ends_that_one_and_no_other(found):
    revoked = found["revoked"]
    assert revoked["exchanged"] is True
    assert revoked["actor_of_the_exchanged"] is False
    assert revoked["another_grant"] is False


def test_to_revoke_a_refresh_token_ends_all_that_descends_from_its_grant(found):
    revoked = found["revoked"]
    assert revoked["whole_grant"] is True
    assert revoked["narrowed_from_it"] is True
    assert revoked["refresh"] == "invalid_grant"
