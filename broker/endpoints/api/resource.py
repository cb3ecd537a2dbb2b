"""A blueprint of the REST API: who may call, how requests are read, how versions and pages are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar, cast

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import RAISE
from webargs.flaskparser import FlaskParser

from broker.endpoints import idempotency
from broker.endpoints.context import application, now, services
from broker.errors import NotFoundHereError, VersionError
from broker.flows import callers
from broker.flows.callers import Person, References
from broker.records import Client, Session

View = Callable[..., Any]
PREFIX = "/api/v1"
FORM = 64 * 1024
"""Bytes that a form may add to its file."""


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

    def anybody(self, view: View) -> View:
        """Serve whoever asks, without a token."""
        return cast("View", self.doc(security=[])(self.refuses(503)(view)))

    def creates(self, view: View) -> View:
        """Honour `Idempotency-Key`, and say so in the document."""
        return self._with_header(idempotency.HEADER, self.refuses(409)(idempotency.once(_who)(view)))

    def versioned(self, view: View) -> View:
        """Say in the document that `If-Match` is honoured; the view asks `wanted_version`."""
        return self._with_header("If-Match", self.refuses(409, 412)(view))

    def _with_header(self, name: str, view: View) -> View:
        """Beside the headers that the document names already."""
        named = getattr(view, "_apidoc", {}).get("manual_doc", {}).get("parameters", [])
        header = {"in": "header", "name": name, "schema": {"type": "string"}, "required": False}
        return cast("View", self.doc(parameters=[*named, header])(view))

    def refuses(self, *statuses: int) -> Callable[[View], View]:
        """Say in the document with which statuses this may be refused; each is a problem document."""

        def decorate(view: View) -> View:
            for status in statuses:
                view = self.alt_response(status, HTTPStatus(status).name)(view)
            return view

        return decorate

    def _serving(
        self, kind: str, scheme: str, scope: str, meet: Callable[[], None]
    ) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @wraps(view)
            def served(*args: Any, **kwargs: Any) -> Any:
                application().api_guard.admit(scope, serves={kind})
                meet()
                # Nothing is called so, and PostgreSQL does not take it even in a question.
                if not all(named.isprintable() for named in kwargs.values() if isinstance(named, str)):
                    raise NotFoundHereError
                return view(*args, **kwargs)

            told = self.refuses(401, 403, 503)(served)
            return cast("View", self.doc(security=[{scheme: [scope]}])(told))

        return decorate


def larger(most: int) -> Callable[[View], View]:
    """Let a file of so many bytes in, more than other requests, once it is known who brings it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wider(*args: Any, **kwargs: Any) -> Any:
            request.max_content_length = most + FORM
            return view(*args, **kwargs)

        return wider

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
