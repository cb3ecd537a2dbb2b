"""Classes 1, 2 and what else goes wrong before anybody signed in: the authorization request itself."""

import time

import pytest

from attack_tools import DROP, MANDATE, Person, plain_session


def ask(app, village, **changes):
    values, _ = app.request(**changes)
    return plain_session().get(
        f"{village.broker}/authorize", params=values, allow_redirects=False, timeout=10
    )


REDIRECT_VARIANTS = [
    "https://AANVAL-BASIS.example/cb",
    "https://aanval-basis.example/CB",
    "https://aanval-basis.example/cb/",
    "https://aanval-basis.example:443/cb",
    "https://aanval-basis.example@evil.example/cb",
    "https://evil.example@aanval-basis.example/cb",
    "https://aanval-basis.example/cb#fragment",
    "https://aanval-basis.example/cb/../evil",
    "https://aanval-basis.example/%63b",
    "https://aanval-basis.example/cb?extra=1",
    "https://aanval-basis.example/cb;x",
    "https://aanval-basis.example/cb\\@evil.example",
    "https://aanval-basis.example.evil.example/cb",
    "https://evil.example/?https://aanval-basis.example/cb",
    "http://aanval-basis.example/cb",
    "//aanval-basis.example/cb",
    "https:/aanval-basis.example/cb",
    "javascript:alert(1)",
    " https://aanval-basis.example/cb",
    "https://aanval-basis.example/cb\r\nX: y",
    "https://aanval-basis.example/cb\x00",
    "",
    "https://aanval-dienst.example/cb",
]


@pytest.mark.parametrize("redirect_uri", REDIRECT_VARIANTS)
def test_class_01_redirect_uri_bypass_never_redirects(apps, village, redirect_uri):
    answer = ask(apps.basic, village, redirect_uri=redirect_uri)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    "redirect_uri",
    ["https://aanval-fapi.example/cb/", "https://evil.example/cb", "https://aanval-fapi.example/cb?x=1"],
)
def test_class_01_redirect_uri_bypass_by_a_pushed_request(apps, redirect_uri):
    answer = apps.fapi.push(apps.fapi.request(redirect_uri=redirect_uri)[0])
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_class_01_redirect_uri_swapped_beside_the_request_uri_changes_nothing(apps, village, citizen):
    address, _ = apps.fapi.address()
    landing = citizen.go(address + "&redirect_uri=https%3A%2F%2Fevil.example%2Fcb&state=evil")
    assert landing.left_for is None or landing.left_for.startswith(apps.fapi.redirect_uri + "?")
    assert "evil.example" not in landing.response.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": DROP},
        {"redirect_uri": DROP},
        {"redirect_uri": "https://evil.example/cb", "response_type": "token"},
        {"redirect_uri": "https://evil.example/cb", "scope": "nonsense"},
        {"redirect_uri": "https://evil.example/cb", "code_challenge": DROP},
        {"redirect_uri": "https://evil.example/cb", "prompt": "none"},
        {"redirect_uri": ["https://aanval-basis.example/cb", "https://evil.example/cb"]},
        {"redirect_uri": ["https://evil.example/cb", "https://aanval-basis.example/cb"]},
        {"redirect_uri": "https://evil.example/cb", "request": "eyJhbGciOiJub25lIn0.e30."},
        {"request_uri": "https://evil.example/request", "redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "https://evil.example/cb", "response_type": "none"},
    ],
)
def test_class_02_errors_are_never_sent_to_an_unvalidated_redirect_uri(apps, village, changes):
    answer = ask(apps.basic, village, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


REFUSED_AT_THE_CLIENT = [
    ({"response_type": "token"}, None),
    ({"response_type": "code id_token"}, None),
    ({"code_challenge": DROP}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": DROP}, "invalid_request"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "form_post"}, "invalid_request"),
    ({"claims": "{}", "claims ": ""}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"acr_values": "loa-99"}, "unmet_authentication_requirements"),
    ({"scope": "admin"}, "invalid_scope"),
    ({"scope": "openid vouchers:assign", "resource": "https://evil.example/api"}, "invalid_target"),
    ({"resource": ["https://a.example", "https://b.example"]}, "invalid_target"),
    ({"authorization_details": "["}, "invalid_authorization_details"),
    ({"authorization_details": "[" * 2000}, "invalid_authorization_details"),
    (
        {"authorization_details": '[{"type":"urn:volmacht:mandate","subject":"p-1"}]'},
        "invalid_authorization_details",
    ),
    ({"authorization_details": '[{"type":"other"}]'}, "invalid_authorization_details"),
    (
        {"authorization_details": '[{"type":"urn:volmacht:mandate"},{"type":"urn:volmacht:mandate"}]'},
        "invalid_authorization_details",
    ),
    (
        {"authorization_details": '[{"type":"urn:volmacht:mandate","mandate_type":"company-manager"}]'},
        "invalid_authorization_details",
    ),
    (
        {"authorization_details": '[{"type":"urn:volmacht:mandate","locations":["https://evil.example"]}]'},
        "invalid_authorization_details",
    ),
    ({"prompt": "none login"}, "invalid_request"),
    ({"state": "s" * 5000}, "invalid_request"),
]


@pytest.mark.parametrize(
    ("changes", "error"), [({"claims": "{}"} if "claims" in c else c, e) for c, e in REFUSED_AT_THE_CLIENT]
)
def test_class_16_and_27_what_is_not_supported_is_refused_and_not_ignored(apps, village, changes, error):
    answer = ask(apps.basic, village, **changes)
    location = answer.headers.get("Location", "")
    assert "code=" not in location
    assert "/interaction/" not in location
    if error is None:
        assert answer.status_code in {303, 400}
        return
    assert answer.status_code == 303
    assert location.startswith(apps.basic.redirect_uri + "?")
    assert f"error={error}" in location
    assert "iss=" in location


@pytest.mark.parametrize(
    "name", ["state", "scope", "nonce", "code_challenge", "prompt", "authorization_details", "client_id"]
)
def test_class_01_a_parameter_sent_twice_starts_nothing(apps, village, name):
    values, _ = apps.basic.request(prompt="login", authorization_details=MANDATE)
    answer = ask(apps.basic, village, **{**values, name: [values[name], values[name]]})
    assert "/interaction/" not in answer.headers.get("Location", "")


def test_class_27_a_fapi_client_that_does_not_push_is_refused(apps, village):
    answer = ask(apps.fapi, village)
    assert "error=invalid_request" in answer.headers["Location"]
    assert "/interaction/" not in answer.headers["Location"]


def test_class_03_a_request_uri_is_used_once(apps, village):
    address, _ = apps.fapi.address()
    assert "/interaction/" in plain_session().get(address, allow_redirects=False).headers["Location"]
    again = plain_session().get(address, allow_redirects=False)
    assert again.status_code == 400
    assert "Location" not in again.headers


def test_class_03_a_request_uri_is_bound_to_the_client_that_pushed_it(apps, village):
    address, _ = apps.fapi.address()
    stolen = plain_session().get(
        address.replace("client_id=aanval-fapi", "client_id=aanval-basis"), allow_redirects=False
    )
    assert stolen.status_code == 400
    assert "Location" not in stolen.headers


def test_class_03_a_request_uri_expires_within_a_minute(apps):
    pushed = apps.fapi.push(apps.fapi.request()[0]).json()
    assert 0 < pushed["expires_in"] <= 60


def test_class_03_one_client_cannot_push_in_the_name_of_another(apps):
    values, _ = apps.basic.request(client_id="aanval-fapi", redirect_uri=apps.fapi.redirect_uri)
    answer = apps.basic.post("/par", **values)
    assert answer.status_code in {400, 401}
    assert "request_uri" not in answer.json()


def test_class_11_no_outside_address_is_ever_fetched_for_a_client(apps, village):
    """SSRF needs a door: metadata offers none, and a request_uri that is an address is refused."""
    metadata = plain_session().get(f"{village.broker}/.well-known/openid-configuration").json()
    assert metadata["request_uri_parameter_supported"] is False
    assert metadata["request_parameter_supported"] is False
    for door in (
        "registration_endpoint",
        "backchannel_logout_supported",
        "frontchannel_logout_supported",
        "check_session_iframe",
    ):
        assert not metadata.get(door)
    assert set(metadata["grant_types_supported"]) == {
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    }
    assert metadata["response_types_supported"] == ["code"]
    pushed = apps.fapi.push(apps.fapi.request()[0] | {"request_uri": "http://127.0.0.1:9/"})
    assert pushed.status_code == 400
    assert plain_session().post(f"{village.broker}/register", json={}).status_code == 404


def test_class_33_the_sender_constraint_that_is_built_is_promised_and_no_other(village):
    metadata = plain_session().get(f"{village.broker}/.well-known/openid-configuration").json()
    algorithms = metadata["dpop_signing_alg_values_supported"]
    assert "ES256" in algorithms
    assert not {"none", "RS256", "HS256"} & set(algorithms)
    assert not metadata.get("tls_client_certificate_bound_access_tokens")


@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "client_credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "",
    ],
)
def test_class_05_and_26_grants_that_are_not_built_are_refused(apps, grant_type):
    answer = apps.basic.post(
        "/token",
        grant_type=grant_type,
        username="bram",
        password="x",
        subject_token="x",
        requested_subject="an",
    )
    assert answer.status_code == 400
    assert "access_token" not in answer.text


def test_class_16_a_pushed_request_holds_what_is_needed_and_no_more(apps):
    """200,000 entries of 200 kB would be the end of the process: what nobody reads is not kept."""
    stuffing = {f"stuffing-{number}": "x" * 4000 for number in range(50)}
    answer = apps.public.push(apps.public.request()[0] | stuffing)
    assert answer.status_code in {400, 413}, "a client without any secret stored 200 kB for a minute"


@pytest.mark.parametrize("path", ["/token", "/par", "/authorize", "/logout", "/introspect"])
def test_class_16_an_oversized_body_is_refused_unread(village, path):
    started = time.monotonic()
    answer = plain_session().post(
        f"{village.broker}{path}",
        data={"state": "x" * 400_000, "token": "y"},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code in {400, 401, 413}
    assert time.monotonic() - started < 5


def test_class_27_authorization_answers_no_other_origin(apps, village):
    values, _ = apps.basic.request()
    for method in ("GET", "OPTIONS"):
        answer = plain_session().request(
            method,
            f"{village.broker}/authorize",
            params=values,
            headers={"Origin": "https://evil.example"},
            allow_redirects=False,
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_class_32_the_posted_request_is_not_mixed_with_the_query(apps, village):
    values, _ = apps.basic.request()
    answer = plain_session().post(
        f"{village.broker}/authorize?redirect_uri=https://evil.example/cb&client_id=aanval-publiek",
        data=values,
        allow_redirects=False,
    )
    landing = Person(village).go(
        answer.url if "Location" not in answer.headers else village.broker + answer.headers["Location"]
    )
    assert "evil.example" not in answer.headers.get("Location", "") + (landing.left_for or "")
