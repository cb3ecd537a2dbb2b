"""A blueprint of the REST API: who may call, how requests are read, how versions and pages are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, cast

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import RAISE
from webargs.flaskparser import FlaskParser

from broker.endpoints import idempotency
from broker.endpoints.context import application, now, services
from broker.errors import VersionError
from broker.flows import callers
from broker.flows.callers import Person, References
from broker.records import Client, Session

View = Callable[..., Any]
PREFIX = "/api/v1"


class StrictParser(FlaskParser):  # type: ignore[misc]
    """A field that we do not know is refused wherever it stands: ignored, it would mislead its sender."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = dict.fromkeys(
        ("json", "query", "query_and_form", "form", "files"), RAISE
    )


class Resource(Blueprint):  # type: ignore[misc]
    """Routes of one kind of thing. Each says by which scope and whom it serves before it reads anything."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, description=description)
        self.after_request(_private)

    def person(self, scope: str) -> Callable[[View], View]:
        """Serve people, by a token of their own with this scope; nobody acts for another here."""
        return self._serving("self", "person", scope, _meet_person)

    def program(self, scope: str) -> Callable[[View], View]:
        """Serve programs for themselves, with this scope."""
        return self._serving("machine", "program", scope, _meet_program)

    def creates(self, view: View) -> View:
        """Honour `Idempotency-Key`, and say so in the document."""
        header = {"in": "header", "name": idempotency.HEADER, "schema": {"type": "string"}, "required": False}
        return cast("View", self.doc(parameters=[header])(idempotency.once(_who)(view)))

    def _serving(
        self, kind: str, scheme: str, scope: str, meet: Callable[[], None]
    ) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @wraps(view)
            def served(*args: Any, **kwargs: Any) -> Any:
                application().api_guard.admit(scope, serves={kind})
                meet()
                return view(*args, **kwargs)

            return cast("View", self.doc(security=[{scheme: [scope]}])(served))

        return decorate


def session() -> Session:
    """The session of the person who calls, at the level of her token."""
    return cast("Session", g.person.session)


def client() -> Client:
    """The client that calls, for a person or for itself."""
    return cast("Client", g.caller)


def names() -> References:
    """What parties and mandates are called in this client's sector."""
    return callers.references(services(), client())


def wanted_version() -> int | None:
    """The version of `If-Match` (RFC 9110 section 13.1.1); None if any will do.

    Raise `VersionError` for one that we never gave: it matches nothing.
    """
    sent = request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        return None
    text = sent.strip()
    if not (text.startswith('"') and text.endswith('"') and text[1:-1].isdecimal() and len(text) < 12):
        raise VersionError
    return int(text[1:-1])


def etag(version: int) -> dict[str, str]:
    """The header that tells a version."""
    return {"ETag": f'"{version}"'}


def _meet_person() -> None:
    person: Person = callers.person_behind(services(), g.token, now())
    g.person, g.caller = person, person.client


def _meet_program() -> None:
    g.caller = callers.program_behind(services(), g.token)


def _who() -> str:
    return f"{client().id} {session().party if 'person' in g else ''}"


def _private(response: Response) -> Response:
    """About people: kept by nobody on the way (RFC 9111 section 5.2.2.5)."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response
