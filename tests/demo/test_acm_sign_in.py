"""The simulated ACM as a browser meets it."""

import base64
import json

import pytest

EID = "urn:be:vlaanderen:authmech:eid"
ITSME = "urn:be:vlaanderen:authmech:itsme"


def test_the_page_says_on_top_that_nobody_really_signs_in_and_needs_no_script(browser):
    page = browser.ask()
    assert page.status_code == 200
    assert "Gesimuleerd ACM:</strong> hier logt niemand echt in" in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_choice_comes_back_with_code_and_state(browser):
    answer = browser.sign_in("an", state="a b&c")
    assert set(answer) == {"code", "state"}
    assert answer["state"] == "a b&c"


def test_without_state_none_is_invented(browser):
    assert set(browser.sign_in(state=None)) == {"code"}


@pytest.mark.parametrize("persona", ["", "nobody"])
def test_an_unknown_person_gets_the_page_again_and_may_still_choose(browser, persona):
    page = browser.choose(browser.ask(), persona)
    assert page.status_code == 400
    assert 'id="fout"' in page.text
    assert "code" in browser.answer(browser.choose(page, "an"))


@pytest.mark.parametrize(("persona", "why"), [("jos", "kaartlezer"), ("karel", "nog nooit aangemeld")])
def test_people_without_a_key_cannot_sign_in_and_are_told_why(browser, persona, why):
    page = browser.choose(browser.ask(), persona)
    assert page.status_code == 400
    assert f'value="{persona}"' not in page.text
    assert why in page.text.split('id="fout"')[1].split("</p>")[0]


def test_one_form_signs_in_once(browser):
    page = browser.ask()
    browser.answer(browser.choose(page, "an"))
    assert browser.choose(page, "an").status_code == 400


def test_a_form_lasts_ten_minutes(browser):
    page = browser.ask()
    browser.now.at += 600
    assert browser.choose(page, "an").status_code == 400


def test_a_means_that_is_not_among_those_asked_does_not_sign_in(browser):
    page = browser.choose(browser.ask(acr_values=EID), "bram")
    assert page.status_code == 400
    assert "aanmeldmiddel" in page.text


def test_a_means_that_the_application_may_not_use_does_not_sign_in_even_if_asked(browser):
    page = browser.choose(browser.ask(acr_values=f"{EID} urn:be:vlaanderen:authmech:csamtotp"), "cem")
    assert page.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "openid profile ssm_mandaat"}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"code_challenge": "c" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "c" * 43}, "invalid_request"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
    ],
)
def test_a_bad_request_fails_at_once_before_anybody_signs_in(browser, changes, error):
    answer = browser.answer(browser.ask(**changes))
    assert answer["error"] == error
    assert answer["state"] == "s"
    assert "code" not in answer


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "stranger"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:8000/login/acm/callback/"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(browser, changes):
    page = browser.ask(**changes)
    assert page.status_code == 400
    assert "Location" not in page.headers


def test_a_running_sign_on_answers_at_once(browser):
    browser.sign_in("an")
    assert "code" in browser.answer(browser.ask())


def test_a_sign_on_lasts_two_hours_from_the_login_and_not_from_its_last_use(browser):
    browser.sign_in("an")
    browser.now.at += 7199
    assert "code" in browser.answer(browser.ask())
    browser.now.at += 1
    assert browser.ask().status_code == 200


def test_prompt_login_shows_the_page_again(browser):
    browser.sign_in("an")
    assert browser.ask(prompt="login").status_code == 200


def test_prompt_none_without_sign_on_is_an_error_and_with_one_an_answer(browser):
    assert browser.answer(browser.ask(prompt="none"))["error"] == "login_required"
    browser.sign_in("an")
    assert "code" in browser.answer(browser.ask(prompt="none"))


def test_the_switch_hint_shows_the_choice_again_and_other_hints_do_not(browser):
    browser.sign_in("an")
    switch = base64.b64encode(json.dumps({"switch_id": True}).encode()).decode()
    assert switch == "eyJzd2l0Y2hfaWQiOiB0cnVlfQ=="
    assert browser.ask(login_hint=switch).status_code == 200
    for hint in ("an@example.be", "", base64.b64encode(b'{"switch_id": false}').decode()):
        assert "code" in browser.answer(browser.ask(login_hint=hint))


def test_a_sign_on_that_is_too_weak_asks_again(browser):
    browser.sign_in("bram")
    assert "code" in browser.answer(browser.ask(acr_values=ITSME))
    assert browser.ask(acr_values=EID).status_code == 200


def test_the_newer_sign_on_takes_the_place_of_the_older(browser):
    browser.sign_in("an")
    browser.choose(browser.ask(prompt="login"), "bram")
    code = browser.answer(browser.ask())["code"]
    assert browser.person_of(code) == "Bram"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser):
    response = browser.choose(browser.ask(), "an")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("acm_sim=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/op", "Max-Age=7200"))


def logout(browser, **query):
    return browser.http.get("/op/v1/logout", query_string=query)


def test_logout_ends_the_sign_on_and_returns_with_state(browser):
    browser.sign_in("an")
    response = logout(
        browser, client_id="with-secret", post_logout_redirect_uri="http://127.0.0.1:8000/", state="x"
    )
    assert response.status_code == 303
    assert response.headers["Location"] == "http://127.0.0.1:8000/?state=x"
    assert browser.ask().status_code == 200


def test_logout_without_address_ends_at_a_page(browser):
    browser.sign_in("an")
    assert logout(browser).status_code == 200
    assert browser.ask().status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"post_logout_redirect_uri": "http://127.0.0.1:8000/"},
        {"client_id": "stranger", "post_logout_redirect_uri": "http://127.0.0.1:8000/"},
        {"client_id": "with-secret", "post_logout_redirect_uri": "https://evil.example/"},
    ],
)
def test_logout_sends_nobody_to_an_address_that_is_not_registered(browser, query):
    response = logout(browser, **query)
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_logout_with_switch_keeps_the_sign_on(browser):
    browser.sign_in("an")
    address = "http://127.0.0.1:8000/"
    assert (
        logout(browser, switch="", client_id="with-secret", post_logout_redirect_uri=address).status_code
        == 303
    )
    assert "code" in browser.answer(browser.ask())


def test_health_is_said(browser):
    assert browser.http.get("/healthz").status_code == 200
