"""The OpenAPI document tells the truth: every example passes the schemas, and the page can be read."""

from __future__ import annotations

import re

import pytest

from api_world import ApiWorld
from broker.endpoints.schemas import decisions, desk, lists, mandates, notices


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    world = ApiWorld(tmp_path_factory.mktemp("document"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def document(api):
    return api.http.get("/api/v1/openapi.json").json


def operations(document):
    for path, one in document["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if method in one:
                yield f"{method} {path}", one[method]


def examples(place):
    for kind, one in place.get("content", {}).items():
        yield kind, one.get("schema", {}), one.get("example")


def schema_of(reference):
    name = reference["$ref"].rsplit("/", 1)[1]
    for module in (mandates, lists, decisions, desk, notices):
        for ending in ("", "Schema"):
            if hasattr(module, name + ending):
                return getattr(module, name + ending)()
    raise LookupError(name)


def test_it_is_openapi_3_1_of_this_issuer(api, document):
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": api.services.settings.issuer}]
    flows = {name: one["flows"] for name, one in document["components"]["securitySchemes"].items()}
    assert "insz:resolve" in flows["program"]["clientCredentials"]["scopes"]
    assert "mandates:read" in flows["person"]["authorizationCode"]["scopes"]


def test_every_operation_has_words_and_an_example(document):
    for name, operation in operations(document):
        assert operation["summary"], name
        answers = [answer for status, answer in operation["responses"].items() if str(status).startswith("2")]
        assert answers, name
        if "204" not in operation["responses"]:
            assert any(example is not None for answer in answers for *_, example in examples(answer)), name
        for kind, _, example in examples(operation.get("requestBody", {})):
            assert example is not None, (name, kind)


def test_every_example_of_a_request_passes_its_schema(api, document):
    with api.app.test_request_context():
        for name, operation in operations(document):
            for kind, schema, example in examples(operation.get("requestBody", {})):
                if kind == "application/json":
                    assert schema_of(schema).validate(example) == {}, name


def test_every_example_of_an_answer_is_what_its_schema_says(document):
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, schema, example in examples(answer):
                if kind == "application/json" and str(status).startswith("2"):
                    assert schema_of(schema).dump(example) == example, name


def resolved(document, answer):
    if "$ref" not in answer:
        return answer
    return document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]


def test_every_refusal_is_a_problem_document(document):
    seen = set()
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if not str(status).startswith("2"):
                seen.add(status)
                assert set(resolved(document, answer)["content"]) == {"application/problem+json"}, (
                    name,
                    status,
                )
    assert seen >= {"401", "403", "409", "412", "422", "429", "503", "default"}


def test_refusals_are_told_where_they_occur(document):
    told = {name: set(operation["responses"]) for name, operation in operations(document)}
    parameters = {
        name: {one["name"] for one in operation.get("parameters", [])}
        for name, operation in operations(document)
    }
    for name, statuses in told.items():
        assert ("412" in statuses) == ("If-Match" in parameters[name]), name
        assert "409" in statuses or not parameters[name] & {"If-Match", "Idempotency-Key"}, name
    with_codes = {name for name, statuses in told.items() if "429" in statuses}
    assert {name.rsplit("/", 1)[1] for name in with_codes} == {"redeem", "use"}
    assert "503" in told["post /api/v1/decisions"]


def test_the_page_shows_every_operation_and_runs_nothing(api, document):
    page = api.http.get("/api/v1/docs")
    assert page.status_code == 200
    for name, operation in operations(document):
        assert f'id="{name.split()[0].upper()}{name.split()[1]}"' in page.text
        assert operation["summary"].split("&")[0].split("'")[0] in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert all(address.startswith(("/", "#")) for address in addresses)
    targets = set(re.findall(r' id="([^"]+)"', page.text))
    assert {address[1:] for address in addresses if address.startswith("#")} <= targets
