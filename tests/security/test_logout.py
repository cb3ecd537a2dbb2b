"""Class 14: nobody is signed out, or sent anywhere, by a link."""

import html
import re

import pytest

from attack_tools import Person


def test_class_14_a_link_to_logout_only_asks(village, apps, citizen):
    tokens = apps.basic.tokens(citizen)
    page = citizen.go(
        f"{village.broker}/logout?client_id={apps.basic.id}&post_logout_redirect_uri=https://aanval-basis.example/bye"
    ).page
    assert page.status == 200
    assert apps.service.active(tokens["access_token"])["active"] is True


def onward(landing):
    """Every absolute address that the answer leads to, by redirect, link or refresh."""
    if landing.left_for is not None:
        return {landing.left_for}
    page = landing.page
    refreshed = re.findall(r'url=([^"]*)"', html.unescape(page.response.text))
    return {href for href, _ in page.links if "//" in href} | set(refreshed)


@pytest.mark.parametrize("token", [None, "", "x", "é"])
def test_class_14_logout_csrf_a_form_of_another_site_ends_nothing(village, apps, citizen, token):
    tokens = apps.basic.tokens(citizen)
    citizen.go(f"{village.broker}/logout", {} if token is None else {"token": token})
    citizen.go(f"{village.broker}/portal/afmelden", {} if token is None else {"token": token})
    assert apps.service.active(tokens["access_token"])["active"] is True
    assert citizen.at_portal().by_id("wie")


def test_class_14_the_token_of_another_session_ends_nothing(village, apps, citizen, officer):
    tokens = apps.basic.tokens(citizen)
    page = officer.go(f"{village.broker}/logout").page
    stolen = dict(page.form(action="/logout").values)["token"]
    sign_out = dict(officer.at_portal().form(action="/afmelden").values)["token"]
    citizen.go(f"{village.broker}/logout", {"token": stolen})
    citizen.go(f"{village.broker}/portal/afmelden", {"token": sign_out})
    assert apps.service.active(tokens["access_token"])["active"] is True


def test_class_14_get_does_not_sign_out_of_the_portal(village, citizen):
    assert citizen.go(f"{village.broker}/portal/afmelden").response.status_code == 405


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://aanval-basis.example/bye/",
        "https://aanval-basis.example/bye?x",
        "//evil.example",
        "https://aanval-basis.example@evil.example/bye",
        "",
        "https://aanval-fapi.example/bye",
    ],
)
def test_class_14_and_33_open_redirect_on_logout(village, apps, citizen, address):
    page = citizen.go(
        f"{village.broker}/logout",
        {"client_id": apps.basic.id, "post_logout_redirect_uri": address, "state": "s"},
    ).page
    assert onward(citizen.submit(page, page.form(action="/logout"))) == {f"{village.broker}/"}


def test_class_14_logout_ends_session_grants_and_tokens_and_returns_where_registered(village, apps, citizen):
    tokens = apps.basic.tokens(citizen)
    cookie = citizen.session_cookie
    page = citizen.go(
        f"{village.broker}/logout?client_id={apps.basic.id}&post_logout_redirect_uri=https://aanval-basis.example/bye&state=a%26b"
    ).page
    landing = citizen.submit(page, page.form(action="/logout"))
    assert onward(landing) == {"https://aanval-basis.example/bye?state=a%26b"}
    assert apps.service.active(tokens["access_token"]) == {"active": False}
    assert apps.basic.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    citizen.http.cookies.set("volmacht_session", cookie, domain="127.0.0.1", path="/")
    assert not citizen.at_portal().by_id("wie")


def test_class_14_an_id_token_hint_signs_nobody_else_out(village, apps, citizen, officer):
    tokens, others = apps.basic.tokens(citizen), apps.basic.tokens(officer)
    citizen.go(f"{village.broker}/logout?id_token_hint={others['id_token']}")
    citizen.go(f"{village.broker}/logout?id_token_hint={tokens['access_token']}")
    citizen.go(f"{village.broker}/logout?client_id={apps.fapi.id}&id_token_hint={tokens['id_token']}")
    Person(village).go(f"{village.broker}/logout", {"id_token_hint": tokens["id_token"]})
    for one in (tokens, others):
        assert apps.service.active(one["access_token"])["active"] is True


def test_class_14_an_id_token_hint_ends_the_session_that_it_names_in_its_own_browser(village, apps, citizen):
    tokens = apps.basic.tokens(citizen)
    landing = citizen.go(f"{village.broker}/logout", {"id_token_hint": tokens["id_token"]})
    assert onward(landing) == {f"{village.broker}/"}
    assert apps.service.active(tokens["access_token"]) == {"active": False}


def test_class_14_what_is_said_at_logout_is_not_run(village, citizen):
    landing = citizen.go(
        f"{village.broker}/logout", {"client_id": '"><script>alert(1)</script>', "state": "'><img src=x>"}
    )
    assert "<script>" not in landing.response.text
    assert "<img" not in landing.response.text


def test_class_15_two_sessions_of_one_person_do_not_share_what_claims_gave(village, apps, land, numbers):
    """A power from claims serves the session that brought it; ending one session leaves the other whole."""
    one, other = (
        land.signed_in(numbers["bram"], organisation="0999000129", role="ocmw-executor") for _ in range(2)
    )
    first, second = apps.basic.tokens(one, "An Peeters"), apps.basic.tokens(other, "An Peeters")
    land.end_session(one)
    assert apps.service.active(first["access_token"]) == {"active": False}
    assert apps.service.active(second["access_token"])["active"] is True
    assert apps.basic.refresh(second["refresh_token"]).status_code == 200
    bare = land.signed_in(numbers["bram"], organisation="0999000129")
    landing = bare.go(apps.basic.address()[0])
    assert "An Peeters" not in landing.response.text
