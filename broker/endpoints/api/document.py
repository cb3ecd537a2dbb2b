"""The OpenAPI document of the REST API, and a page to read it on.

The page is made here, from the document, without scripts: nothing is loaded from elsewhere,
and the broker's content security policy stays as strict as on every other page.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from flask_smorest import Api

from broker.endpoints.context import application
from broker.endpoints.problems import MEDIA_TYPE
from broker.endpoints.schemas.fields import ProblemSchema
from broker.flows import registry

blueprint = Blueprint("document", __name__, url_prefix=registry.API, template_folder="templates")
METHODS = ("get", "post", "put", "delete")
DESCRIPTION = (
    "Everything that people and services do with mandates. Access tokens of this issuer open it, with the "
    "audience `<issuer>/api/v1`; what a person may do is judged at every call by the engine that judges "
    "everything else. Refusals are problem documents (RFC 9457) with a stable `code`, in the language of "
    "`Accept-Language` (nl, fr, en)."
)


class OpenApi(Api):  # type: ignore[misc]
    """flask-smorest's collector of the document; errors and pages are the broker's own."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave them to `create_app`: one table of answers for all of the broker."""


def options(issuer: str) -> dict[str, Any]:
    """The document's own data."""
    return {
        "title": "Volmacht API",
        "version": "1",
        "openapi_version": "3.1.0",
        "info": {"description": DESCRIPTION},
        "servers": [{"url": issuer}],
    }


def describe_security(api: OpenApi, issuer: str) -> None:
    """The two kinds of callers, by the grants that their tokens come from."""
    token = f"{issuer}/token"
    scopes = {scope: scope for scope in sorted(registry.API_SCOPES)}
    people = {"authorizationUrl": f"{issuer}/authorize", "tokenUrl": token, "scopes": scopes}
    machine = {scope: scope for scope in sorted(registry.API_MACHINE_SCOPES)}
    schemes = api.spec.components
    schemes.security_scheme("person", {"type": "oauth2", "flows": {"authorizationCode": people}})
    programs = {"clientCredentials": {"tokenUrl": token, "scopes": machine}}
    schemes.security_scheme("program", {"type": "oauth2", "flows": programs})


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The document, for programs."""
    return _public(jsonify(document()))


@blueprint.get("/docs")
def page() -> Response:
    """The document, for people."""
    found = document()
    body = render_template("api.html", document=found, sections=_sections(found), schemas=_schemas(found))
    return _public(Response(body, content_type="text/html; charset=utf-8"))


def document() -> dict[str, Any]:
    """The OpenAPI document of this application; refusals are problem documents."""
    found: dict[str, Any] = application().openapi.spec.to_dict()
    # What every operation shares there is its refusals; answers stand with their operations.
    for refusal in found["components"]["responses"].values():
        content = refusal.get("content", {})
        if "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
    return found


def _sections(found: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The operations under their tags, with what the page shows of each."""
    operations = [
        {"method": method.upper(), "path": path, **one[method]}
        for path, one in found["paths"].items()
        for method in METHODS
        if method in one
    ]
    for operation in operations:
        operation["request_example"] = _example(operation.get("requestBody", {}))
        operation["answers"] = [
            (status, answer, _example(answer))
            for status, answer in operation["responses"].items()
            if "$ref" not in answer and str(status).startswith("2")
        ]
    return [(tag, [one for one in operations if tag["name"] in one["tags"]]) for tag in found["tags"]]


def _schemas(found: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(found["components"].get("schemas", {}).items()))


def _example(place: dict[str, Any]) -> str:
    for kind in place.get("content", {}).values():
        if "example" in kind:
            example = kind["example"]
            return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return ""


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
