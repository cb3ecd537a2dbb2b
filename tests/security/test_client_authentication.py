"""Classes 8, 9, 10, 18, 19: a client that is not who it says."""

import time

import pytest
from joserfc.jwk import ECKey

from attack_tools import (
    ASSERTION_TYPE,
    DROP,
    basic,
    claims_of,
    header_of,
    part,
    plain_session,
    sign_raw,
    unsigned,
)
from provers import kept


def knock(app, assertion, headers=None, **form):
    """A token request that says `invalid_grant` if the client was believed and `invalid_client` if not."""
    url = f"{app.issuer}/token"
    body = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_id": app.id,
        "client_assertion_type": ASSERTION_TYPE,
    }
    body = kept(body | {"client_assertion": assertion} | form)

    def attempt():
        sent = {"DPoP": app.prover.proof("POST", url)} | (headers or {})
        return plain_session().post(url, data=body, headers=sent, timeout=10)

    return app.prover.send(attempt).json()["error"]


def test_a_good_assertion_is_believed(apps):
    assert knock(apps.fapi, apps.fapi.assertion()) == "invalid_grant"


CLAIMS = {
    "the token endpoint as audience": lambda app: {"aud": f"{app.issuer}/token"},
    "a list of audiences": lambda app: {"aud": [app.issuer]},
    "a list with another server": lambda app: {"aud": [app.issuer, "https://other.example"]},
    "another server": lambda _: {"aud": "https://other.example"},
    "the issuer with a slash": lambda app: {"aud": f"{app.issuer}/"},
    "no audience": lambda _: {"aud": DROP},
    "expired": lambda _: {"iat": int(time.time()) - 600, "exp": int(time.time()) - 120},
    "no expiry": lambda _: {"exp": DROP},
    "a far expiry": lambda _: {"exp": int(time.time()) + 86400},
    "issued in the future": lambda _: {"iat": int(time.time()) + 300},
    "not valid yet": lambda _: {"nbf": int(time.time()) + 300},
    "no jti": lambda _: {"jti": DROP},
    "an empty jti": lambda _: {"jti": ""},
    "a jti that is a number": lambda _: {"jti": 7},
    "no iat": lambda _: {"iat": DROP},
    "issued before the replay epoch": lambda _: {"iat": int(time.time()) - 86400},
    "an iat that is a text": lambda _: {"iat": "now"},
    "an exp of infinity": lambda _: {"exp": 1e308},
    "another issuer": lambda _: {"iss": "aanval-basis"},
    "another subject": lambda _: {"sub": "aanval-basis"},
    "no subject": lambda _: {"sub": DROP},
}
TYPES = ["at+jwt", "dpop+jwt", "secevent+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", ["JWT"]]


@pytest.mark.parametrize("name", CLAIMS)
def test_class_18_an_assertion_that_proves_something_else_is_refused(apps, name):
    assert knock(apps.fapi, apps.fapi.assertion(**CLAIMS[name](apps.fapi))) == "invalid_client"


@pytest.mark.parametrize("typ", TYPES)
def test_class_10_what_the_same_key_signed_for_something_else_is_no_assertion(apps, typ):
    assert knock(apps.fapi, apps.fapi.assertion(header={"typ": typ})) == "invalid_client"


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
def test_an_assertion_may_say_what_it_is(apps, typ):
    assert knock(apps.fapi, apps.fapi.assertion(header={"typ": typ})) == "invalid_grant"


@pytest.mark.parametrize("ahead", [8, 60])
def test_an_assertion_of_a_clock_a_little_ahead_is_believed(apps, ahead):
    """FAPI 2.0 section 5.3.2.1 number 13: `nbf` 8 seconds ahead is accepted."""
    now = int(time.time())
    assertion = apps.fapi.assertion(nbf=now + ahead - 1, iat=now + ahead - 1)
    assert knock(apps.fapi, assertion) == "invalid_grant"


def test_class_18_an_assertion_is_used_once(apps):
    assertion = apps.fapi.assertion()
    assert knock(apps.fapi, assertion) == "invalid_grant"
    assert knock(apps.fapi, assertion) == "invalid_client"


def test_class_18_an_assertion_that_was_used_at_one_endpoint_is_used_at_all(apps):
    assertion = apps.fapi.assertion()
    form = {"client_id": apps.fapi.id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    assert plain_session().post(f"{apps.fapi.issuer}/revoke", data=form | {"token": "x"}).status_code == 200
    assert knock(apps.fapi, assertion) == "invalid_client"


def test_class_18_a_second_signature_over_the_same_jti_is_a_replay(apps):
    """ES256 is malleable: replay is known by `jti`, never by the text."""
    assertion = apps.fapi.assertion(jti="same")
    head, body, _ = assertion.split(".")
    assert knock(apps.fapi, assertion) == "invalid_grant"
    mirrored = sign_raw(header_of(assertion), claims_of(assertion), apps.fapi.key)
    assert (head, body) != mirrored
    assert knock(apps.fapi, mirrored) == "invalid_client"


def test_class_18_of_concurrent_uses_of_one_assertion_one_is_believed(apps):
    from concurrent.futures import ThreadPoolExecutor

    assertion = apps.fapi.assertion()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: knock(apps.fapi, assertion), range(6)))
    assert sorted(answers) == ["invalid_client"] * 5 + ["invalid_grant"]


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "RS256", "ES384", "", None, 7])
def test_class_08_algorithm_confusion_in_an_assertion(apps, alg):
    import hashlib
    import hmac

    from attack_tools import b64

    assertion = apps.fapi.assertion(header={"alg": alg})
    assert knock(apps.fapi, assertion) == "invalid_client"
    assert knock(apps.fapi, unsigned(apps.fapi.assertion(), alg=alg)) == "invalid_client"
    signed = assertion.rpartition(".")[0]
    public = apps.fapi.key.as_pem(private=False)
    assert (
        knock(apps.fapi, f"{signed}.{b64(hmac.new(public, signed.encode(), hashlib.sha256).digest())}")
        == "invalid_client"
    )


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_class_09_a_key_from_the_header_is_never_used(apps, member):
    mine = ECKey.generate_key("P-256")
    value = {
        "jwk": mine.as_dict(private=False),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/x",
        "x5c": ["AA=="],
    }[member]
    for key in (mine, apps.fapi.key):
        assert (
            knock(
                apps.fapi, apps.fapi.assertion(key, header={member: value, "kid": apps.fapi.key.thumbprint()})
            )
            == "invalid_client"
        )


def test_class_09_another_key_under_the_known_kid_is_refused(apps):
    mine = ECKey.generate_key("P-256")
    assert (
        knock(apps.fapi, apps.fapi.assertion(mine, header={"kid": apps.fapi.key.thumbprint()}))
        == "invalid_client"
    )
    assert knock(apps.fapi, apps.fapi.assertion(mine)) == "invalid_client"


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], "b64", None])
def test_class_10_any_crit_is_refused(apps, crit):
    assert knock(apps.fapi, apps.fapi.assertion(header={"crit": crit, "b64": False})) == "invalid_client"


def test_class_19_an_assertion_client_is_not_known_by_anything_weaker(apps):
    url, form = f"{apps.fapi.issuer}/token", {"grant_type": "refresh_token", "refresh_token": "x"}
    http = plain_session()
    for body, headers in [
        (form | {"client_id": apps.fapi.id}, {}),
        (form | {"client_id": apps.fapi.id, "client_secret": ""}, {}),
        (form | {"client_id": apps.fapi.id, "client_secret": "x"}, {}),
        (form, {"Authorization": basic(apps.fapi.id, "")}),
        (form, {"Authorization": basic(apps.fapi.id, "x")}),
        (form, {"Authorization": basic(apps.fapi.id, apps.fapi.key.thumbprint())}),
        (
            form
            | {"client_id": apps.fapi.id, "client_assertion": "", "client_assertion_type": ASSERTION_TYPE},
            {},
        ),
        (form | {"client_id": apps.fapi.id, "client_assertion_type": ASSERTION_TYPE}, {}),
    ]:
        assert http.post(url, data=body, headers=headers, timeout=10).json()["error"] == "invalid_client"


def test_class_19_two_methods_at_once_are_refused(apps):
    assert (
        knock(apps.fapi, apps.fapi.assertion(), {"Authorization": basic(apps.fapi.id, "x")})
        == "invalid_client"
    )
    assert (
        knock(apps.fapi, apps.fapi.assertion(), {"Authorization": basic(apps.basic.id, apps.basic.secret)})
        == "invalid_client"
    )
    assert (
        knock(apps.basic, apps.fapi.assertion(), {"Authorization": basic(apps.basic.id, apps.basic.secret)})
        == "invalid_client"
    )


def test_class_19_a_secret_client_is_not_public_nor_known_by_its_secret_in_the_form(apps):
    url = f"{apps.basic.issuer}/token"
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": apps.basic.id}
    assert plain_session().post(url, data=form).json()["error"] == "invalid_client"
    assert (
        plain_session().post(url, data=form | {"client_secret": apps.basic.secret}).json()["error"]
        == "invalid_client"
    )
    assert plain_session().get(url, params=form).status_code == 405


def test_class_19_a_public_client_does_not_introspect(apps):
    assert apps.public.post("/introspect", token="x").status_code in {400, 401}


def test_class_19_the_type_of_the_assertion_is_looked_at(apps):
    assert knock(apps.fapi, apps.fapi.assertion(), client_assertion_type="urn:other") == "invalid_client"
    assert knock(apps.fapi, apps.fapi.assertion(), client_assertion_type=DROP) == "invalid_client"


def test_class_18_a_client_cannot_use_the_assertion_of_another(apps):
    assert knock(apps.fapi, apps.fapi.assertion(), client_id=apps.basic.id) == "invalid_client"
    assert knock(apps.fapi, apps.fapi.assertion(), client_id="nobody") == "invalid_client"


@pytest.mark.parametrize(
    "assertion", ["", ".", "..", "a.b.c", "é.é.é", "e30.e30.", "x" * 8000, "[" * 3000 + ".e30.x"]
)
def test_class_16_an_assertion_that_is_none_is_refused(apps, assertion):
    assert knock(apps.fapi, assertion) == "invalid_client"


def test_class_16_a_parameter_longer_than_any_assertion_is_not_even_parsed(apps):
    assert knock(apps.fapi, "x" * 9000) == "invalid_request"


def test_class_17_a_kid_nobody_has_fetches_nothing(apps):
    started = time.monotonic()
    for number in range(20):
        assert knock(apps.fapi, apps.fapi.assertion(header={"kid": f"kid-{number}"})) == "invalid_client"
    assert time.monotonic() - started < 5


def test_the_refusal_never_quotes_the_assertion(apps):
    answer = plain_session().post(
        f"{apps.fapi.issuer}/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": "x",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": apps.fapi.assertion(exp=1),
        },
    )
    assert "eyJ" not in answer.text
    assert part(apps.fapi.assertion(), 1)
