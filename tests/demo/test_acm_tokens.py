"""The simulated ACM as an application meets it at its back channel."""

import base64

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
EID = "urn:be:vlaanderen:authmech:eid"
CALLBACK = "http://127.0.0.1:8000/login/acm/callback"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def error_of(response):
    return response.status_code, response.json["error"]


def test_discovery_is_true_but_silent_about_private_key_jwt(browser):
    found = browser.http.get("/op/.well-known/openid-configuration").json
    assert found["issuer"] == browser.issuer
    assert found["response_types_supported"] == ["code"]
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert found[f"{name}_endpoint"].startswith(f"{browser.issuer}/v1/")


def test_the_id_token_verifies_with_the_published_keys_which_are_public_only(browser):
    token = browser.redeem(browser.sign_in()["code"]).json["id_token"]
    published = browser.http.get("/op/v1/keys")
    assert set(published.json["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}
    assert "max-age" in published.headers["Cache-Control"]
    verified = jwt.decode(token, KeySet.import_key_set(published.json), algorithms=["RS256"])
    assert verified.header["kid"] == verified.claims["kid"] == published.json["keys"][0]["kid"]


def test_the_id_token_speaks_to_one_application_for_one_hour(browser):
    claims = browser.id_claims()
    assert claims["iss"] == browser.issuer
    assert claims["aud"] == claims["azp"] == "with-secret"
    assert (claims["iat"], claims["exp"]) == (browser.now.at, browser.now.at + 3600)
    assert claims["nonce"] == "n"


def test_no_nonce_is_invented(browser):
    assert "nonce" not in browser.id_claims(nonce=None)


def test_acr_is_said_only_to_who_asked_with_acr_values(browser):
    assert "acr" not in browser.id_claims("an")
    assert browser.id_claims("an", acr_values=EID, prompt="login")["acr"] == EID


def test_an_officer_comes_with_number_organisation_and_role(browser):
    claims = browser.id_claims("bram")
    assert claims["rrn"] == "79021199359"
    assert (claims["given_name"], claims["family_name"]) == ("Bram", "Claes")
    assert (claims["vo_doelgroepcode"], claims["vo_orgcode"]) == ("LB", "0999000129")
    assert claims["dienstencheques_rol_3d"] == ["DienstenchequesGebruiker-mandaatuitvoerder:0999000129"]


def test_a_citizen_has_neither_organisation_nor_role(browser):
    claims = browser.id_claims("an")
    assert claims["vo_doelgroepcode"] == "BUR"
    assert not {"vo_orgcode", "vo_orgnaam", "dienstencheques_rol_3d"} & set(claims)


def test_a_clerk_without_right_gets_no_role_claim(browser):
    claims = browser.id_claims("dina", acr_values=None)
    assert claims["vo_orgcode"] == "0999000228"
    assert "dienstencheques_rol_3d" not in claims


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        ("openid", set()),
        ("openid profile", {"given_name", "family_name"}),
        ("openid rrn", {"rrn"}),
        ("openid vo", {"vo_id", "vo_doelgroepcode", "vo_orgcode", "vo_orgnaam"}),
        ("openid dienstencheques", {"dienstencheques_rol_3d"}),
    ],
)
def test_each_scope_opens_its_own_claims_and_no_others(browser, scope, opened):
    standard = {"iss", "sub", "aud", "azp", "iat", "exp", "nonce", "kid", "at_hash"}
    assert set(browser.id_claims("bram", scope=scope)) == standard | opened


def test_sub_stays_the_same_at_every_sign_in(browser):
    assert browser.id_claims("an")["sub"] == browser.id_claims("an", prompt="login")["sub"]


def test_a_code_works_once(browser):
    code = browser.sign_in()["code"]
    assert browser.redeem(code).status_code == 200
    assert error_of(browser.redeem(code)) == (400, "invalid_grant")


def test_a_code_lasts_thirty_seconds(browser):
    first, second = browser.sign_in()["code"], browser.answer(browser.ask())["code"]
    browser.now.at += 29
    assert browser.redeem(first).status_code == 200
    browser.now.at += 1
    assert error_of(browser.redeem(second)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": None}, {"redirect_uri": "http://127.0.0.1:8000/other"}, {"code": "x"}]
)
def test_a_code_fits_its_own_request_only(browser, changes):
    code = browser.sign_in()["code"]
    assert error_of(browser.redeem(**{"code": code} | changes)) == (400, "invalid_grant")


def test_a_code_of_another_application_is_refused(browser):
    code = browser.sign_in(client_id="with-secret")["code"]
    response = browser.redeem(code, headers={}, **browser.assertion())
    assert error_of(response) == (400, "invalid_grant")


def test_pkce_is_optional_but_binding(browser):
    code = browser.sign_in(**PKCE)["code"]
    assert browser.redeem(code, code_verifier=VERIFIER).status_code == 200
    for verifier in ("w" * 43, None):
        code = browser.answer(browser.ask(**PKCE))["code"]
        assert error_of(browser.redeem(code, code_verifier=verifier)) == (400, "invalid_grant")


def test_a_verifier_without_challenge_is_refused(browser):
    code = browser.sign_in()["code"]
    assert error_of(browser.redeem(code, code_verifier=VERIFIER)) == (400, "invalid_grant")


def test_only_the_code_grant_exists(browser):
    response = browser.redeem(browser.sign_in()["code"], grant_type="password")
    assert error_of(response) == (400, "unsupported_grant_type")


def test_the_secret_is_taken_in_the_form_too(browser):
    form = {"client_id": "with-secret", "client_secret": "a+secret"}
    assert browser.redeem(browser.sign_in()["code"], headers={}, **form).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic " + base64.b64encode(b"with-secret:wrong").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"with-secret:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"with-key:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"stranger:a%2Bsecret").decode()},
        {"Authorization": "Bearer a%2Bsecret"},
    ],
)
def test_without_the_right_secret_there_is_no_token(browser, headers):
    code = browser.sign_in()["code"]
    assert error_of(browser.redeem(code, headers=headers)) == (401, "invalid_client")
    assert browser.redeem(code).status_code == 200, "a stranger must not be able to burn a code"


def test_private_key_jwt_works_although_discovery_does_not_say_so(browser):
    code = browser.sign_in(client_id="with-key")["code"]
    assert browser.redeem(code, headers={}, **browser.assertion()).status_code == 200


def test_the_client_id_may_stand_in_the_assertion_alone(browser):
    code = browser.sign_in(client_id="with-key")["code"]
    form = browser.assertion() | {"client_id": None}
    assert browser.redeem(code, headers={}, **form).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://127.0.0.1:8001/op/v1/token"},
        {"aud": ["http://127.0.0.1:8001/op"]},
        {"aud": None},
        {"iss": "with-secret"},
        {"sub": "with-secret"},
        {"exp": 1_795_419_999},
        {"exp": 1_795_420_600},
        {"exp": None},
        {"jti": None},
    ],
)
def test_an_assertion_that_is_wrong_in_one_respect_is_refused(browser, changes):
    code = browser.sign_in(client_id="with-key")["code"]
    response = browser.redeem(code, headers={}, **browser.assertion(**changes))
    assert error_of(response) == (401, "invalid_client")


def test_an_assertion_works_once(browser):
    form = browser.assertion()
    assert (
        browser.redeem(browser.sign_in(client_id="with-key")["code"], headers={}, **form).status_code == 200
    )
    again = browser.answer(browser.ask(client_id="with-key"))["code"]
    assert error_of(browser.redeem(again, headers={}, **form)) == (401, "invalid_client")


def test_an_assertion_of_another_key_or_type_is_refused(browser):
    code = browser.sign_in(client_id="with-key")["code"]
    claims = {
        "iss": "with-key",
        "sub": "with-key",
        "aud": browser.issuer,
        "jti": "k",
        "exp": browser.now.at + 60,
    }
    forged = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"))
    for changes in (
        {"client_assertion": forged},
        {"client_assertion": "x"},
        {"client_assertion_type": "other"},
    ):
        response = browser.redeem(code, headers={}, **browser.assertion(jti="l") | changes)
        assert error_of(response) == (401, "invalid_client")


def test_an_application_with_a_secret_cannot_come_with_an_assertion(browser):
    code = browser.sign_in()["code"]
    form = browser.assertion(iss="with-secret", sub="with-secret") | {"client_id": "with-secret"}
    assert error_of(browser.redeem(code, headers={}, **form)) == (401, "invalid_client")


def test_userinfo_says_the_same_person_for_one_hour(browser):
    token = browser.redeem(browser.sign_in("bram")["code"]).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert browser.http.get("/op/v1/userinfo", headers=headers).json["rrn"] == "79021199359"
    browser.now.at += 3600
    assert browser.http.get("/op/v1/userinfo", headers=headers).status_code == 401


def test_userinfo_without_token_is_refused(browser):
    assert browser.http.get("/op/v1/userinfo").status_code == 401
