"""Classes 5, 6, 8, 9, 10, 20, 24: what a token may be taken for, and what must never stand in one."""

import hashlib
import hmac

import pytest
from joserfc.jwk import ECKey

from attack_tools import (
    DROP,
    MANDATE,
    ask_and_approve,
    b64,
    claims_of,
    header_of,
    plain_session,
    sign_raw,
    unsigned,
)


@pytest.fixture
def own(apps, citizen):
    return apps.basic.tokens(citizen)


@pytest.fixture
def delegated(apps, officer):
    return apps.basic.tokens(officer, "An Peeters", authorization_details=MANDATE)


def at_vouchers(village, token, path="/api/burgers/vouchers", **options):
    return plain_session().get(
        f"{village.vouchers}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10, **options
    )


def believed(village, apps, token):
    """Where anybody at all takes this text for an access token."""
    places = {
        "vouchers": at_vouchers(village, token).status_code == 200,
        "introspection": apps.service.active(token)["active"],
        "userinfo": plain_session()
        .get(f"{village.broker}/userinfo", headers={"Authorization": f"Bearer {token}"})
        .status_code
        == 200,
        "representations": plain_session()
        .get(f"{village.broker}/api/v1/representations", headers={"Authorization": f"Bearer {token}"})
        .status_code
        == 200,
    }
    return [place for place, answer in places.items() if answer]


def test_an_honest_token_is_believed_at_its_audience_and_nowhere_else(village, apps, own):
    assert believed(village, apps, own["access_token"]) == ["vouchers", "introspection"]


def test_class_06_an_honest_delegated_token_is_believed_and_introspection_never_leaves_act_out(
    village, apps, delegated
):
    answer = apps.service.active(delegated["access_token"])
    claims = claims_of(delegated["access_token"])
    assert answer["act"] == claims["act"]
    assert (
        answer["authorization_details"][0]["identifier"] == claims["authorization_details"][0]["identifier"]
    )
    assert answer["sub"] == claims["sub"] != claims["act"]["sub"]


def test_class_20_an_id_token_is_no_access_token(village, apps, own, delegated):
    assert believed(village, apps, own["id_token"]) == []
    assert believed(village, apps, delegated["id_token"]) == []


def test_class_20_a_status_list_is_no_access_token(village, apps, own):
    uri = claims_of(own["access_token"])["status"]["status_list"]["uri"]
    assert believed(village, apps, plain_session().get(uri).text[:8000]) == []


def test_class_20_a_client_assertion_is_no_access_token(village, apps):
    assert believed(village, apps, apps.fapi.assertion()) == []


def test_class_20_a_refresh_token_or_code_is_no_access_token(village, apps, own, citizen):
    assert believed(village, apps, own["refresh_token"]) == []
    assert believed(village, apps, apps.basic.code(citizen)[0]) == []


def test_class_05_an_access_token_is_worth_nothing_at_another_audience(village, apps, own):
    assert at_vouchers(village, own["access_token"], "/api/ondernemingen/performances").status_code == 401
    assert apps.elsewhere.active(own["access_token"]) == {"active": False}


def test_class_24_who_does_not_serve_the_audience_learns_nothing(apps, own):
    for app in (apps.basic, apps.fapi, apps.elsewhere, apps.unvetted):
        assert app.active(own["access_token"]) == {"active": False}


def test_class_24_to_ask_tokens_for_an_audience_is_not_to_serve_it(village, land, own):
    app = land.app("aanval-half", "client_secret_basic", serves=("https://elders.example/api",))
    assert app.active(own["access_token"]) == {"active": False}


def test_class_05_no_client_gets_a_token_for_an_audience_that_is_not_its_own(apps, citizen):
    for resource in ("https://elders.example/api", f"{apps.basic.issuer}/api/v1", "*", ""):
        address, _ = apps.basic.address(resource=resource)
        landing = citizen.go(address)
        if landing.left_for is not None and "code" in landing.query:
            pytest.fail(f"a code for {resource!r}")
        if resource:
            assert landing.left_for is not None
            assert landing.query["error"] == "invalid_target"


@pytest.mark.parametrize("alg", ["none", "NONE", "HS256", "RS256", ""])
def test_class_08_algorithm_confusion_in_an_access_token(village, apps, own, alg):
    token = own["access_token"]
    assert believed(village, apps, unsigned(token, alg=alg)) == []
    assert believed(village, apps, unsigned(token, alg=alg) + "AA") == []
    jwk = plain_session().get(f"{village.broker}/jwks").json()["keys"][0]
    public = ECKey.import_key(jwk).as_pem(private=False)
    signed = unsigned(token, alg="HS256").rpartition(".")[0]
    assert (
        believed(village, apps, f"{signed}.{b64(hmac.new(public, signed.encode(), hashlib.sha256).digest())}")
        == []
    )


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_class_09_and_10_a_header_brings_no_key_and_no_extension(village, apps, own, member):
    mine = ECKey.generate_key("P-256")
    value = {
        "jwk": mine.as_dict(private=False),
        "jku": f"{village.vouchers}/jwks",
        "x5u": "https://evil.example",
        "x5c": ["AA=="],
        "crit": ["exp"],
    }[member]
    forged = sign_raw(header_of(own["access_token"]) | {member: value}, claims_of(own["access_token"]), mine)
    assert believed(village, apps, forged) == []
    assert (
        believed(
            village,
            apps,
            sign_raw(
                header_of(own["access_token"]) | {"kid": mine.thumbprint(), member: value},
                claims_of(own["access_token"]),
                mine,
            ),
        )
        == []
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": DROP},
        {"typ": "statuslist+jwt"},
        {"kid": DROP},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1"},
    ],
)
def test_class_20_another_type_or_key_in_the_header_is_refused(village, apps, own, changes):
    header = {
        name: value for name, value in (header_of(own["access_token"]) | changes).items() if value is not DROP
    }
    assert (
        believed(village, apps, sign_raw(header, claims_of(own["access_token"]), ECKey.generate_key("P-256")))
        == []
    )


def test_class_08_a_changed_claim_breaks_the_signature(village, apps, delegated):
    import json

    head, _, signature = delegated["access_token"].split(".")
    for name, value in (("sub", "p-other"), ("act", DROP), ("scope", "vouchers:order"), ("exp", 4102444800)):
        claims = {
            key: one
            for key, one in (claims_of(delegated["access_token"]) | {name: value}).items()
            if one is not DROP
        }
        assert believed(village, apps, f"{head}.{b64(json.dumps(claims).encode())}.{signature}") == []


def test_class_06_delegated_tokens_hold_delegated_scopes_only_and_own_tokens_none(apps, own, delegated):
    mine, hers = claims_of(own["access_token"]), claims_of(delegated["access_token"])
    assert hers["scope"]
    assert all(scope.startswith("obo:") for scope in hers["scope"].split())
    assert mine["scope"]
    assert not any(scope.startswith("obo:") for scope in mine["scope"].split())
    assert "act" not in mine
    assert "authorization_details" not in mine
    assert set(hers["act"]) == {"iss", "sub"}
    [entry] = hers["authorization_details"]
    assert entry["principal"] == hers["sub"]
    assert set(entry["actions"]) == {scope.removeprefix("obo:") for scope in hers["scope"].split()}
    assert hers["exp"] <= hers["iat"] + 300


def test_class_06_a_delegated_token_is_not_taken_for_the_citizen(village, delegated, citizen, apps, own):
    assert claims_of(delegated["access_token"])["sub"] != claims_of(own["access_token"])["sub"]
    answer = plain_session().post(
        f"{village.vouchers}/api/burgers/orders",
        json={"quantity": 1, "principal": claims_of(own["access_token"])["sub"]},
        headers={"Authorization": f"Bearer {delegated['access_token']}"},
    )
    assert answer.status_code == 409


def test_class_06_two_sectors_cannot_join_what_they_know_of_one_person(apps, citizen, own):
    elsewhere = apps.elsewhere.tokens(citizen)
    assert claims_of(elsewhere["access_token"])["sub"] != claims_of(own["access_token"])["sub"]
    assert claims_of(elsewhere["id_token"])["sub"] != claims_of(own["id_token"])["sub"]


def test_class_27_no_token_holds_a_number_or_an_inner_name(apps, own, delegated, numbers, land):
    for text in (own["access_token"], delegated["access_token"], delegated["id_token"]):
        claims = str(claims_of(text))
        assert not any(number in claims for number in numbers.values())
        assert land.party(numbers["an"]) not in claims


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.è.à", "." * 100, "x" * 20000, "e30.e30.e30"])
def test_class_16_what_is_no_token_is_inactive_and_no_fault(village, apps, token):
    answer = apps.service.post("/introspect", token=token)
    assert answer.status_code in {200, 400}
    assert answer.json().get("active", False) is False
    assert at_vouchers(village, token.encode("utf-8").decode("latin-1")[:4000]).status_code in {400, 401}


def test_class_24_a_mandate_that_ends_ends_its_tokens_and_says_why(
    village, apps, land, second_officer, officer, someone
):
    mandate = ask_and_approve(land, officer, second_officer, someone(7031), "Piet Einde")
    tokens = apps.basic.tokens(officer, "Piet Einde")
    page = second_officer.go(
        f"{village.portal}volmachten/{mandate}/einde", {"token": second_officer.form_token()}
    )
    assert page.response.status_code == 200
    assert apps.service.active(tokens["access_token"]) == {"active": False}
    answer = apps.basic.refresh(tokens["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"
    assert answer.json()["reason"]
