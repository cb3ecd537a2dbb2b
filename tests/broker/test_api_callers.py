"""Who gets through the doors of the REST API: each door by its scope, people and programs apart."""

from __future__ import annotations

import dataclasses
import re

import pytest

from api_world import API, PEOPLE, ApiWorld
from broker.errors import NotFoundHereError
from flow_world import DELEGATED, EXECUTOR_ROLE, VOUCHERS
from mandates.model import Level

OPEN = {
    "/api/v1/journal/checkpoint",
    "/api/v1/journal/consistency",
    "/api/v1/activation-codes/use",
    "/api/v1/docs",
    "/api/v1/openapi.json",
}


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


def operations(api):
    for path, one in api.http.get("/api/v1/openapi.json").json["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if method in one:
                yield method, re.sub(r"\{\w+\}", "m-AAAA", path), one[method]


def call(api, method, path, headers):
    return api.http.open(path, method=method, headers=headers, json={} if method in {"post", "put"} else None)


def test_every_route_under_the_api_stands_in_the_document(api):
    routes = {rule.rule.replace("<", "{").replace(">", "}") for rule in api.app.url_map.iter_rules()}
    documented = set(api.http.get("/api/v1/openapi.json").json["paths"])
    assert {route for route in routes if route.startswith("/api/")} == documented | OPEN


def test_without_a_token_every_door_but_the_journals_is_shut_before_anything_is_read(api):
    found = list(operations(api))
    assert len(found) > 35
    for method, path, operation in found:
        answer = call(api, method, path, {})
        if path in OPEN:
            assert operation["security"] == []
            continue
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), path
        challenge = answer.headers["WWW-Authenticate"]
        where = 'resource_metadata="https://id.example.be/.well-known/oauth-protected-resource/api/v1"'
        assert challenge.startswith("Bearer ")
        assert ", DPoP algs=" in challenge
        assert where in challenge
        assert "error=" not in challenge


def test_a_token_of_a_program_opens_no_door_of_people_and_the_other_way_round(api):
    program = api.machine("everything", "insz:resolve", "uses:write", "decisions:evaluate", *PEOPLE)
    machine = api.program(program.id, "insz:resolve uses:write decisions:evaluate")
    everything = api.client("all", scopes=PEOPLE | program.scopes, audiences=(API,))
    person = api.person(api.sign_in("Maria"), everything)
    for method, path, operation in operations(api):
        for scheme in operation.get("security", ()):
            wrong = machine if "person" in scheme else person
            answer = call(api, method, path, wrong)
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), path
            assert answer.json["errors"] == {"token": "kind"}


def test_each_door_opens_to_its_own_scope_only(api):
    session = api.sign_in("Maria")
    callers = {
        scope: api.person(
            session, api.client(scope.replace(":", "-"), scopes=frozenset({scope}), audiences=(API,))
        )
        for scope in sorted(PEOPLE)
    }
    for method, path, operation in operations(api):
        for needed in (
            scopes for one in operation.get("security", ()) for who, scopes in one.items() if who == "person"
        ):
            for scope, caller in callers.items():
                answer = call(api, method, path, caller)
                refused = answer.status_code == 403 and answer.json.get("errors") == {"token": "scope"}
                assert refused is (scope not in needed), (path, scope)


def test_a_delegated_token_opens_nothing(api):
    both = api.client(
        "both", scopes=PEOPLE | DELEGATED, audiences=(VOUCHERS, API), mandate_types=("ocmw-beneficiary",)
    )
    session = api.officer()
    given = api.beneficiary()
    token = api.tokens(both, session, api.key_of(both, given), audience=VOUCHERS)["access_token"]
    assert api.http.get("/api/v1/mandates?role=given", headers=api.bearer(token)).status_code == 401
    with pytest.raises(NotFoundHereError):
        api.tokens(both, session, api.key_of(both, given), audience=API)


def test_a_token_for_another_audience_opens_nothing(api):
    token = api.tokens(api.client(), api.sign_in("Maria"))["access_token"]
    assert api.http.get("/api/v1/representations", headers=api.bearer(token)).status_code == 401


def test_when_the_session_ends_its_tokens_open_nothing(api):
    from broker.flows import revocation

    session = api.sign_in("Maria")
    maria = api.person(session)
    assert api.http.get("/api/v1/mandates?role=given", headers=maria).status_code == 200
    revocation.end_session(api.services, session.id, "test", api.now)
    assert api.http.get("/api/v1/mandates?role=given", headers=maria).status_code == 401


def test_when_a_client_is_removed_its_programs_get_no_further(api):
    from broker.flows import registry

    machine = api.program("register", "insz:resolve")
    body = {"numbers": ["85.07.30-033.28"]}
    assert api.http.post("/api/v1/parties/resolve", json=body, headers=machine).status_code == 200
    registry.remove_client(api.services, "register", api.now)
    assert api.http.post("/api/v1/parties/resolve", json=body, headers=machine).status_code == 401


def test_when_a_client_loses_a_scope_its_token_does_not_keep_it(api):
    machine = api.program("register", "insz:resolve")
    api.machine("register", "parties:report")
    body = {"numbers": ["85.07.30-033.28"]}
    assert api.http.post("/api/v1/parties/resolve", json=body, headers=machine).status_code == 401


def test_a_session_that_was_idle_too_long_opens_nothing_while_its_token_lives(api):
    session = api.sign_in("Maria")
    api.clock.forward(api.services.settings.idle_seconds - 60)
    maria = api.person(session)
    assert api.http.get("/api/v1/mandates?role=given", headers=maria).status_code == 200
    api.clock.forward(60)
    idle = api.http.get("/api/v1/mandates?role=given", headers=maria)
    assert (idle.status_code, idle.json["code"]) == (401, "session_ended")


def test_a_token_of_a_weaker_grant_is_not_lifted_by_the_session(api):
    weak = dataclasses.replace(api.officer(), level=Level.LOW)
    given = api.beneficiary("Maria")
    question = {"principal": api.services.vault.pseudonym("p-", "desk", given.principal)}
    answer = api.http.post("/api/v1/decisions", json=question, headers=api.person(weak)).json
    assert answer["reasons"][0]["code"] == "assurance_too_low"


def test_the_level_is_that_of_the_token(api):
    session = api.sign_in("Bram", roles=(EXECUTOR_ROLE,), level=Level.LOW)
    asked = {
        "type": "ocmw-beneficiary",
        "principal": {"insz": "85.07.30-033.28", "name": "Maria"},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read"],
        "evidence": "formulier",
    }
    refused = api.http.post("/api/v1/mandates", json=asked, headers=api.person(session))
    assert (refused.status_code, refused.json["code"]) == (403, "assurance_too_low")
    assert refused.json["reasons"][0]["needs"]


def test_nobody_else_may_do_what_staff_may(api):
    session = api.sign_in("Maria")
    maria = api.person(session)
    for path, body in (
        ("organisations", {"text": "kbo;naam\n"}),
        (
            "parties/reports",
            {"cause": "death", "party": api.called(session), "day": "2026-01-01", "source": "x"},
        ),
    ):
        assert api.http.post(f"/api/v1/{path}", json=body, headers=maria).status_code == 403, path
    assert api.http.get("/api/v1/reviews", headers=maria).status_code == 403


def test_a_page_that_is_not_there_is_a_problem_document(api):
    answer = api.http.get("/api/v1/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    wrong = api.http.put("/api/v1/decisions")
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]


def test_what_is_too_large_is_refused_for_people_and_strangers(api):
    body = b"x" * (300 * 1024)
    json = {"Content-Type": "application/json"}
    assert api.http.post("/api/v1/decisions", data=body, headers=json).status_code == 401
    maria = api.person(api.sign_in("Maria"))
    large = api.http.post("/api/v1/decisions", data=body, headers=maria | json)
    assert (large.status_code, large.json["code"]) == (413, "too_large")
