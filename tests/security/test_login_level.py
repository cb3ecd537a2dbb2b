"""Classes 19, 23: a login that is too weak, too old, or was not made for this request."""

import pytest

from attack_tools import DROP, MANDATE, Person, claims_of, plain_session
from mandates.model import Level


def acm_asked(landing):
    return [
        response.headers["Location"]
        for response in landing.trail
        if "/op/v1/auth?" in response.headers.get("Location", "")
    ]


def test_class_23_prompt_login_asks_acm_for_a_fresh_login(village, apps):
    person = Person(village)
    person.sign_in("an")
    asked = acm_asked(person.go(apps.basic.address(prompt="login")[0]))
    assert len(asked) == 1
    assert "prompt=login" in asked[0]


def test_class_23_prompt_login_is_not_answered_by_acms_own_session_when_ours_is_gone(village, apps):
    """A borrowed browser: drop our cookie, and ACM's single sign-on answers for the absent person."""
    person = Person(village)
    person.sign_in("an")
    person.http.cookies.clear(domain="127.0.0.1", path="/", name="volmacht_session")
    landing = person.go(apps.basic.address(prompt="login")[0])
    assert landing.left_for is None or "code" not in landing.query
    assert all("prompt=login" in address for address in acm_asked(landing))


def test_class_23_prompt_login_is_not_satisfied_by_a_detour_along_login(village, apps):
    """`/login?terug=/interaction/…` is an ordinary login: it proves nothing that was forced."""
    person = Person(village)
    person.sign_in("an")
    first = plain_session()
    first.cookies.update(person.http.cookies)
    answer = first.get(apps.basic.address(prompt="login")[0], allow_redirects=False)
    person.http.cookies.update(first.cookies)
    landing = person.go(f"{village.broker}/login?terug={answer.headers['Location']}")
    if landing.left_for is None and any(form.attributes.get("id") == "keuze" for form in landing.page.forms):
        landing = person.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf")
    assert landing.left_for is None, "a code was issued although nobody signed in afresh"


@pytest.mark.parametrize(("asked", "session_level"), [("high", "SUBSTANTIAL"), ("substantial", "LOW")])
def test_class_19_a_weaker_login_than_asked_gives_no_code(apps, land, someone, asked, session_level):
    person = land.signed_in(someone(7025), "Wim Zwak", level=Level[session_level])
    landing = person.go(apps.basic.address(acr_values=f"http://eidas.europa.eu/LoA/{asked}")[0])
    assert landing.left_for is None or "code" not in landing.query


def test_class_23_the_level_in_a_token_is_that_of_the_login(apps, land, someone):
    person = land.signed_in(someone(7026), "Wies Midden", level=Level.SUBSTANTIAL)
    tokens = apps.basic.tokens(person)
    assert claims_of(tokens["access_token"])["acr"].endswith("/substantial")
    assert claims_of(tokens["id_token"])["acr"].endswith("/substantial")


def test_class_23_a_login_of_no_known_level_gets_an_answer_and_no_token(apps, land, someone):
    person = land.signed_in(someone(7027), "Nul Niets", level=Level.NONE)
    landing = person.go(apps.basic.address(authorization_details=DROP, scope="openid vouchers:read")[0])
    assert landing.left_for is None, "no code, and no error that the service would have to explain"
    assert "/op/" in landing.response.url, "she is asked to sign in better"


def test_class_07_prompt_none_never_shows_or_takes_anything(apps, village, officer):
    landing = Person(village).go(apps.basic.address(prompt="none")[0])
    assert landing.query["error"] == "login_required"
    landing = officer.go(apps.basic.address(prompt="none", authorization_details=MANDATE)[0])
    assert landing.query["error"] == "interaction_required"
