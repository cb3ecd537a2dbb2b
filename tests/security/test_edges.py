"""Classes 16, 21, 22, 27, 31: headers, hosts, logs, sizes, and the wire itself."""

import re
import threading
import time

import pytest

from attack_tools import Person, plain_session

PAGES = [
    "/portal/aanmelden",
    "/logout",
    "/nowhere",
    "/portal/volmachten/x/einde",
    "/authorize",
    "/interaction/x",
    "/login/acm/callback",
]


def check_headers(answer):
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "form-action 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_class_27_every_page_has_its_headers_errors_too(village, path):
    answer = plain_session().get(village.broker + path, allow_redirects=False)
    assert answer.headers["Content-Type"].startswith("text/html")
    check_headers(answer)


def test_class_27_every_page_of_somebody_signed_in_has_its_headers(village, apps, officer):
    for path in ("", "aanvragen", "begunstigden/nieuw", "medewerkers"):
        check_headers(officer.go(village.portal + path).response)
    chooser = officer.go(apps.basic.address()[0]).response
    check_headers(chooser)
    assert "https://aanval-basis.example" in chooser.headers["Content-Security-Policy"]
    assert "evil" not in chooser.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke", "/userinfo"])
def test_class_27_no_answer_about_tokens_is_cached_or_shared(village, apps, citizen, path):
    tokens = apps.basic.tokens(citizen)
    for answer in (
        apps.service.post(path, token=tokens["access_token"], grant_type="refresh_token", refresh_token="x"),
        plain_session().get(village.broker + path),
    ):
        assert answer.headers.get("Cache-Control") == "no-store" or answer.status_code == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "no-store" in apps.basic.refresh(tokens["refresh_token"]).headers["Cache-Control"]


def test_class_27_every_redirect_is_303_so_that_nothing_posted_travels_on(village, apps, citizen, officer):
    landing = citizen.go(apps.unvetted.address(prompt="consent")[0])
    answer = citizen.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf")
    refused = plain_session().post(
        f"{village.broker}/authorize", data=apps.basic.request(scope="x")[0], allow_redirects=False
    )
    login = Person(village).sign_in("an")
    seen = [*landing.trail, *answer.trail, refused, *login.trail]
    codes = {
        response.status_code
        for response in seen
        if response.is_redirect and response.url.startswith(village.broker)
    }
    assert codes == {303}


def test_class_27_addresses_carry_a_code_once_and_never_a_token(village, apps, officer):
    landing = officer.go(apps.basic.address()[0])
    answer = officer.submit(landing.page, landing.page.form("keuze"), press="An Peeters")
    assert set(answer.query) == {"code", "state", "iss"}
    for response in [*landing.trail, *answer.trail]:
        assert "eyJ" not in response.url
        assert not re.search(r"\d{11}", response.url)
        assert str(officer.session_cookie) not in response.url


@pytest.mark.parametrize(
    "header", ["Host", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-URL", "X-Rewrite-URL"]
)
def test_class_22_the_host_header_is_not_believed(village, apps, header):
    http = plain_session()
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    metadata = http.get(f"{village.broker}/.well-known/openid-configuration", headers={header: value})
    assert metadata.json()["issuer"] == village.broker
    assert "evil.example" not in metadata.text
    for address in (
        f"{village.broker}/login?terug=/portal/",
        apps.basic.address()[0],
        f"{village.broker}/portal/",
    ):
        answer = http.get(address, headers={header: value}, allow_redirects=False)
        assert "evil.example" not in answer.headers["Location"]
        assert "evil.example" not in answer.text


@pytest.mark.parametrize("proto", ["https", "http"])
def test_class_22_a_forwarded_scheme_changes_no_cookie_and_no_address(village, proto):
    answer = plain_session().get(
        f"{village.broker}/login",
        headers={"X-Forwarded-Proto": proto, "X-Forwarded-Prefix": "/evil"},
        allow_redirects=False,
    )
    assert (
        "redirect_uri=" + village.broker.replace(":", "%3A").replace("/", "%2F") in answer.headers["Location"]
    )
    assert "volmacht_browser=" in answer.headers["Set-Cookie"]


def test_class_27_an_unknown_fault_shows_an_id_and_nothing_else(services):
    from dataclasses import replace

    from broker.app import create_app

    class Broken:
        def read(self):
            raise RuntimeError("secret-in-a-message 85073099833")

        write = read

    app = create_app(services.settings, services)
    broken = create_app(services.settings, replace(services, database=Broken()))
    for path in ("/portal/", "/status"):
        client = broken.test_client()
        client.set_cookie("volmacht_session", "x" * 43)
        answer = client.get(path)
        assert answer.status_code == 500
        assert "secret-in-a-message" not in answer.text
        assert "Traceback" not in answer.text
        assert re.search(r"[0-9a-f]{12}", answer.text)
    assert app.test_client().get("/healthz").status_code == 200


def test_class_27_an_error_never_shows_what_was_sent(village, apps):
    for form in (
        {"grant_type": "refresh_token", "refresh_token": "very-secret-token"},
        {
            "grant_type": "authorization_code",
            "code": "very-secret-code",
            "code_verifier": "v" * 43,
            "redirect_uri": "x",
        },
    ):
        answer = apps.basic.post("/token", **form)
        assert "very-secret" not in answer.text
    answer = plain_session().post(
        f"{village.broker}/token",
        data={"grant_type": "refresh_token", "refresh_token": "very-secret-token"},
        headers={"Authorization": "Basic dmVyeTpob2N1cy1wb2N1cw=="},
    )
    assert "hocus" not in answer.text
    assert "very-secret" not in answer.text


def test_class_20_a_list_is_cached_for_a_second_and_sums_up_all_that_was_revoked(
    village, apps, citizen, services
):
    """A revocation in the very second in which a list was signed is in the next one."""
    import base64
    import zlib

    from attack_tools import claims_of

    places = []
    uri = claims_of(apps.basic.tokens(citizen)["access_token"])["status"]["status_list"]["uri"]
    stop = threading.Event()
    reader = threading.Thread(target=lambda: [plain_session().get(uri) for _ in iter(stop.is_set, True)])
    reader.start()
    try:
        for _ in range(6):
            tokens = apps.basic.tokens(citizen)
            places.append(claims_of(tokens["access_token"])["status"]["status_list"]["idx"])
            assert apps.basic.post("/revoke", token=tokens["refresh_token"]).status_code == 200
    finally:
        stop.set()
        reader.join()
    time.sleep(1.1)
    listed = claims_of(plain_session().get(uri).text)
    bits = zlib.decompress(base64.urlsafe_b64decode(listed["status_list"]["lst"] + "=="))
    assert all(bits[place >> 3] >> (place & 7) & 1 for place in places)
    assert listed["exp"] - listed["iat"] <= 3600
    assert listed["sub"] == uri


def test_class_32_there_is_no_hash_binding_or_encryption_to_get_wrong(village):
    metadata = plain_session().get(f"{village.broker}/.well-known/openid-configuration").json()
    assert not [name for name in metadata if "encryption" in name]
    assert metadata["response_types_supported"] == ["code"]


def test_class_28_there_is_no_invitation_or_activation_link_yet(village):
    for path in ("/portal/activeren", "/activate", "/invite", "/portal/code"):
        assert plain_session().get(village.broker + path).status_code == 404


def test_class_27_nothing_secret_reached_a_log(village, apps, citizen, officer, numbers):
    tokens = apps.basic.tokens(officer, "An Peeters")
    apps.basic.refresh(tokens["refresh_token"])
    code, verifier = apps.basic.code(citizen)
    log = village.log.read_text()
    secrets = [
        tokens["access_token"],
        tokens["refresh_token"],
        code,
        verifier,
        str(apps.basic.secret),
        str(officer.session_cookie),
        *numbers.values(),
    ]
    assert not [text for text in secrets if text in log]
    assert "eyJ" not in log
    assert "code=" not in log
    assert "Bearer " not in log
