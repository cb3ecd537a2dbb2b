"""Classes 4, 7, 12, 15, 33: whose browser, whose login, whose session, and where it leads."""

import pytest
import requests

from attack_tools import Person


def cookies_of(response):
    return [text for name, text in response.raw.headers.items() if name.lower() == "set-cookie"]


def test_class_12_the_session_cookie_is_new_after_each_sign_in(village):
    person = Person(village)
    person.http.cookies.set("volmacht_session", "planted-by-an-attacker", domain="127.0.0.1", path="/")
    person.sign_in("an")
    first = person.session_cookie
    assert first
    assert first != "planted-by-an-attacker"
    person.go(f"{village.broker}/login?terug=/portal/")
    assert person.session_cookie != first or person.at_portal().by_id("wie")
    thief = Person(village)
    thief.http.cookies.set("volmacht_session", "planted-by-an-attacker", domain="127.0.0.1", path="/")
    assert not thief.at_portal().by_id("wie")


def test_class_12_the_session_that_an_attacker_planted_is_not_the_victims(village, land, someone):
    attacker = land.signed_in(someone(7021), "Mallory")
    victim = Person(village)
    victim.http.cookies.set("volmacht_session", attacker.session_cookie, domain="127.0.0.1", path="/")
    landing = victim.go(f"{village.broker}/login?terug=/portal/")
    if landing.left_for is None and any(
        form.attributes.get("id") == "aanmelden" for form in landing.page.forms
    ):
        victim.at_acm(landing, "an")
        assert victim.session_cookie != attacker.session_cookie
        assert "An Peeters" not in attacker.at_portal().text


def test_class_12_a_planted_browser_cookie_opens_nothing_of_the_victim(village, apps, land, someone):
    """The attacker knows the browser secret and the interaction: without the session it is worth nothing."""
    attacker, victim = Person(village), land.signed_in(someone(7022), "Vera")
    for one in (attacker, victim):
        one.http.cookies.set("volmacht_browser", "planted", domain="127.0.0.1", path="/")
    address, _ = apps.unvetted.address(prompt="consent")
    landing = victim.go(address)
    stolen = landing.response.url
    assert "/interaction/" in stolen
    assert attacker.go(stolen).page.form("aanmelden")
    answer = attacker.go(
        stolen, {"token": dict(landing.page.form("keuze").values)["token"], "choice": "self"}
    )
    assert answer.left_for is None


def test_class_12_cookies_are_closed_to_scripts_and_other_sites(village):
    person = Person(village)
    landing = person.sign_in("an")
    cookies = [
        text for response in landing.trail for text in cookies_of(response) if text.startswith("volmacht_")
    ]
    assert cookies
    assert all(
        "HttpOnly" in text and "SameSite=Lax" in text and "Path=/" in text and "Domain" not in text
        for text in cookies
    )


def test_class_12_cookies_are_host_bound_over_https(services):
    from dataclasses import replace

    from broker.app import create_app

    secure = replace(services, settings=replace(services.settings, issuer="https://id.example.be"))
    answer = create_app(secure.settings, secure).test_client().get("/portal/aanmelden")
    everything = create_app(secure.settings, secure).test_client().get("/logout").headers.getlist(
        "Set-Cookie"
    ) + answer.headers.getlist("Set-Cookie")
    assert everything
    assert all(text.startswith("__Host-volmacht_") and "Secure" in text for text in everything)


def callback_of(person, persona, start):
    """Sign in at ACM and stop with the callback address in hand."""
    landing = person.go(start)
    person.inside = {one for one in person.inside if one != landing.trail[0].url.split("/")[2]}
    landing = person.submit(landing.page, landing.page.form("aanmelden"), persona=persona)
    return landing.left_for


def test_class_15_login_csrf_the_callback_of_another_browser_signs_nobody_in(village):
    attacker, victim = Person(village), Person(village)
    victim.go(f"{village.broker}/login?terug=/portal/")
    callback = callback_of(attacker, "bram", f"{village.broker}/login?terug=/portal/")
    assert "/login/acm/callback" in callback
    landing = victim.go(callback)
    assert landing.response.status_code == 400
    assert victim.session_cookie is None


def test_class_04_a_callback_is_used_once(village):
    person = Person(village)
    callback = callback_of(person, "bram", f"{village.broker}/login?terug=/portal/")
    assert person.http.get(callback, allow_redirects=False).status_code == 303
    assert person.session_cookie
    person.http.cookies.clear(domain="127.0.0.1", path="/", name="volmacht_session")
    assert person.http.get(callback, allow_redirects=False).status_code == 400
    assert person.session_cookie is None


@pytest.mark.parametrize(
    "change",
    [
        "iss=https%3A%2F%2Fevil.example",
        "error=access_denied",
        "error=server_error&error_description=%3Cscript%3E",
    ],
)
def test_class_04_mix_up_an_answer_of_another_issuer_signs_nobody_in(village, change):
    person = Person(village)
    callback = callback_of(person, "bram", f"{village.broker}/login?terug=/portal/")
    answer = person.http.get(f"{callback}&{change}", allow_redirects=False)
    assert answer.status_code >= 400
    assert person.session_cookie is None
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "query", ["", "code=x", "state=", "state=x&code=y", "state=" + "x" * 3000, "code=%00&state=%00"]
)
def test_class_04_a_callback_that_nobody_asked_for_signs_nobody_in(village, query):
    person = Person(village)
    person.go(f"{village.broker}/login?terug=/portal/")
    assert (
        person.http.get(f"{village.broker}/login/acm/callback?{query}", allow_redirects=False).status_code
        == 400
    )
    assert person.session_cookie is None


def test_class_04_a_code_of_another_login_does_not_fit_this_state(village):
    """Injected code: PKCE and nonce bind it to the login that it came from."""
    attacker, victim = Person(village), Person(village)
    stolen = callback_of(attacker, "bram", f"{village.broker}/login?terug=/portal/")
    own = callback_of(victim, "an", f"{village.broker}/login?terug=/portal/")
    code = next(part for part in stolen.split("?")[1].split("&") if part.startswith("code="))
    state = next(part for part in own.split("?")[1].split("&") if part.startswith("state="))
    answer = victim.http.get(f"{village.broker}/login/acm/callback?{code}&{state}", allow_redirects=False)
    assert answer.status_code == 502
    assert victim.session_cookie is None


TARGETS = [
    "//evil.example", "\\evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example", "http:///evil.example",
    "/\t/evil.example", "/\n/evil.example", "\t//evil.example", "/%0d%0aLocation:%20https://evil.example", "/\r\nX-Evil: 1", "javascript:alert(1)",
    "data:text/html,x", "//evil.example/%2f..", "///evil.example", "/.//evil.example", "https://127.0.0.1@evil.example", " https://evil.example", "@evil.example",
    "evil.example", "?x=//evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_class_33_open_redirect_after_sign_in(village, target):
    person = Person(village)
    start = str(requests.Request("GET", f"{village.broker}/login", params={"terug": target}).prepare().url)
    callback = callback_of(person, "an", start)
    answer = person.http.get(callback, allow_redirects=False)
    assert answer.status_code == 303, answer.text[-400:]
    location = answer.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert not {"\r", "\n", "\t", "\\"} & set(location)
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "javascript:alert(1)", '"><script>alert(1)</script>']
)
def test_class_33_the_sign_in_page_links_to_our_own_login_only(village, target):
    page = Person(village).go(f"{village.broker}/portal/aanmelden?terug={target}").page
    assert all(href.startswith(("/", "?", "#")) and not href.startswith("//") for href, _ in page.links)
    assert "<script>" not in page.response.text


def test_class_15_an_interaction_belongs_to_one_browser(village, apps, land, citizen, someone):
    landing = citizen.go(apps.unvetted.address(prompt="consent")[0])
    stolen = landing.response.url
    other = land.signed_in(someone(7023), "Otto")
    assert other.go(stolen).response.status_code == 400
    token = dict(landing.page.form("keuze").values)["token"]
    assert other.go(stolen, {"token": token, "choice": "self"}).response.status_code == 400


def test_class_15_a_choice_needs_the_token_of_this_interaction_and_session(village, apps, citizen, officer):
    landing = citizen.go(apps.unvetted.address(prompt="consent")[0])
    elsewhere = citizen.go(apps.unvetted.address(prompt="consent")[0])
    other_token = dict(elsewhere.page.form("keuze").values)["token"]
    for token in ("", "x", other_token, officer.form_token()):
        answer = citizen.go(landing.response.url, {"token": token, "choice": "self"})
        assert answer.left_for is None
        assert answer.response.status_code == 400
    assert citizen.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf").query["code"]


def test_class_03_an_interaction_gives_one_code(apps, citizen):
    landing = citizen.go(apps.unvetted.address(prompt="consent")[0])
    form = landing.page.form("keuze")
    assert citizen.submit(landing.page, form, press="Voor mezelf").query["code"]
    assert citizen.submit(landing.page, form, press="Voor mezelf").response.status_code == 400


def test_class_15_a_choice_by_a_session_that_came_later_is_shown_first(village, apps, land, citizen, someone):
    """Between page and button somebody else signed in on this browser: her name was never on that page."""
    landing = citizen.go(apps.unvetted.address(prompt="consent")[0])
    other = land.signed_in(someone(7024), "Later Hier")
    citizen.http.cookies.set("volmacht_session", other.session_cookie, domain="127.0.0.1", path="/")
    answer = citizen.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf")
    assert answer.left_for is None
    assert answer.response.status_code == 400


def test_class_14_a_link_to_login_does_not_end_the_session_of_who_is_signed_in(village, apps):
    """A page anywhere may send her to /login; ACM answers by itself, and every service would lose her."""
    person = Person(village)
    person.sign_in("an")
    tokens = apps.basic.tokens(person)
    person.go(f"{village.broker}/login?terug=/portal/")
    assert apps.service.active(tokens["access_token"])["active"] is True
    assert apps.basic.refresh(tokens["refresh_token"]).status_code == 200
