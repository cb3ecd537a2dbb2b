"""The two doors that need no sign-in: a code alone refuses, pauses or ends, and nobody learns anything (mandates.md section 6)."""

from __future__ import annotations

import dataclasses

import pytest

from api_world import ApiWorld
from broker.flows import activation, contacts, mandates
from broker.flows.mandates import Asked
from broker.flows.naming import MY_ORGANISATION, Named
from flow_world import EXECUTOR_ROLE, ISSUER
from mandates.status import State, status_of

NUMBER = "85.07.30-033.28"
ACTS = {"refuse": State.REFUSED, "suspend": State.SUSPENDED, "end": State.REVOKED}
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


class Letter:
    """A request of Bram for Maria, and the code that went to her; approved by Bea if it is to be in force."""

    def __init__(self, api: ApiWorld, *, approved: bool) -> None:
        bram, bea = api.officer(), api.sign_in("Bea", roles=(EXECUTOR_ROLE,))
        asked = Asked(
            type="ocmw-beneficiary",
            principal=Named(insz=NUMBER, name="Maria Peeters"),
            representative=MY_ORGANISATION,
            powers=("vouchers:read",),
            valid_from=api.now,
            valid_until=None,
            evidence="form",
        )
        made = mandates.ask(api.services, bram, asked, api.now)
        self.api, self.id = api, made.id
        contacts.report_address(api.services, made.principal, "Kerkstraat 1", "register", api.now)
        reviewer = dataclasses.replace(api.sign_in("Noor"), staff=frozenset({"reviewer"}))
        self.code = activation.issue(api.services, reviewer, made.id, "principal", api.now).code
        if approved:
            mandates.approve(api.services, bea, made.id, api.now)

    def state(self) -> State:
        with self.api.services.database.read() as uow:
            return status_of(uow.mandates.find(self.id), self.api.now).state


def use(api: ApiWorld, code: str, act: str, **request):
    body = {"code": code, "act": act}
    return api.http.post("/api/v1/activation-codes/use", json=body, base_url=ISSUER, **request)


def send(api: ApiWorld, code: str, act: str, **request):
    return api.http.post("/brief", data={"code": code, "act": act}, base_url=ISSUER, **request)


@pytest.mark.parametrize("door", [use, send])
@pytest.mark.parametrize("act", ACTS)
def test_the_code_does_what_it_says_without_a_session(api, door, act):
    letter = Letter(api, approved=act != "refuse")
    assert door(api, letter.code, act).status_code in {204, 303}
    assert letter.state() is ACTS[act]


def test_the_answer_of_the_api_is_the_same_whatever_happened(api):
    letter = Letter(api, approved=False)
    origin = {"Origin": "https://elsewhere.example"}
    answers = [
        use(api, code, act, headers=origin)
        for code, act in ((letter.code, "end"), (letter.code, "refuse"), (letter.code, "refuse"), ("x", "end"), ("", "end"))
    ]  # fmt: skip
    assert letter.state() is State.REFUSED
    told = [
        (one.status_code, one.data, sorted((k, v) for k, v in one.headers if k != "Date")) for one in answers
    ]
    assert all(one == told[0] for one in told)
    assert (answers[0].status_code, answers[0].data) == (204, b"")
    assert "Set-Cookie" not in answers[0].headers
    assert not [name for name, _ in answers[0].headers if name.startswith("Access-Control-")]


def test_the_page_says_the_same_sentence_whatever_happened(api):
    letter = Letter(api, approved=False)
    pages = []
    for code in (letter.code, letter.code, "x"):
        answer = send(api, code, "refuse")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/brief/verwerkt")
        assert "Set-Cookie" not in answer.headers
        pages.append(api.http.get("/brief/verwerkt", base_url=ISSUER).text)
    assert letter.state() is State.REFUSED
    assert pages[0] == pages[1] == pages[2]
    assert "Maria" not in pages[0]


def test_a_code_makes_no_power_larger_at_either_door(api):
    letter = Letter(api, approved=False)
    assert use(api, letter.code, "approve").status_code == 422
    assert send(api, letter.code, "approve").status_code == 400
    assert letter.state() is State.AWAITING


@pytest.mark.parametrize("door", [use, send])
def test_guessing_is_limited_by_address_at_both_doors_together(api, door):
    letter = Letter(api, approved=False)
    for guess in range(activation.GUESSES_FROM_ADDRESS):
        (use, send)[guess % 2](api, "7K3M-9QXD-4TWA", "end")
    limited = door(api, letter.code, "refuse")
    assert limited.status_code == 429
    assert 0 < int(limited.headers["Retry-After"]) <= 3600
    assert letter.state() is State.AWAITING
    assert door(api, letter.code, "refuse", environ_base=ELSEWHERE).status_code in {204, 303}
    assert letter.state() is State.REFUSED


@pytest.mark.parametrize(
    ("language", "title"),
    [("nl", "Code uit een brief"), ("fr", "Code d&#39;une lettre"), ("en", "Code from a letter")],
)
def test_the_page_speaks_three_languages_and_runs_nothing(api, language, title):
    page = api.http.get("/brief", base_url=ISSUER, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert (f'<html lang="{language}">' in page.text, title in page.text) == (True, True)
    assert "<script" not in page.text
    assert page.text.count('type="radio"') == len(ACTS)


def test_the_door_is_in_the_document_without_a_token(api):
    operation = api.http.get("/api/v1/openapi.json").json["paths"]["/api/v1/activation-codes/use"]["post"]
    assert operation["security"] == []
    assert {"204", "429"} <= operation["responses"].keys()
