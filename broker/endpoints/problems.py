"""Refusals of the REST API as problem details (RFC 9457), in the caller's language.

`code` is stable and for programs; `title` says what is the matter and `detail` what would
mend it. `reasons` are the engine's own codes, when it was the engine that said no. `errors`
names the fields of a request that is not right. Nothing that somebody typed is repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from flask import Response, request
from werkzeug.exceptions import HTTPException

from broker.errors import InvalidImportError, JudgedError, TooManyTriesError, UnreadableFileError, answer_to
from broker.wording import LANGUAGES, say
from mandates.errors import AssuranceTooLowError
from mandates.reasons import Reason
from volmacht_guard import GuardError

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:volmacht:problem:"
HTTP_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "no_such_page",
    405: "method_not_allowed",
    409: "idempotency_in_flight",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_fields",
    503: "unavailable",
}
"""Refusals that no rule of ours gave a code to."""
OURS = ("idempotency_mismatch", "invalid_idempotency_key")


def language() -> str:
    """The language that this caller asked for, Dutch if she did not (RFC 9110 section 12.5.4)."""
    return request.accept_languages.best_match(LANGUAGES, default=LANGUAGES[0])


def reason_body(reason: Reason) -> dict[str, Any]:
    """One reason of the engine, with its words."""
    said = say(reason.code, language())
    return {
        "code": reason.code,
        "since": reason.since,
        "needs": reason.needs.split(),
        "title": said.title if said else reason.code,
        "mend": said.mend if said else "",
    }


def problem(
    status: int,
    code: str,
    *,
    reasons: Iterable[Reason] = (),
    errors: Mapping[str, Any] | None = None,
    instance: str | None = None,
) -> Response:
    """A problem document; never cached, because the next answer may be another."""
    said = say(code, language())
    body: dict[str, Any] = {
        "type": TYPE + code,
        "title": said.title if said else code,
        "status": status,
        "detail": said.mend if said else "",
        "code": code,
        "reasons": [reason_body(reason) for reason in reasons],
    }
    if errors is not None:
        body["errors"] = errors
    if instance is not None:
        body["instance"] = instance
    response = Response(json.dumps(body, ensure_ascii=False), status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language()
    return response


def known(error: Exception) -> Response:
    """A refusal that stands in the table of `broker/errors.py`."""
    answer = answer_to(error)
    code = getattr(error, "code", "server_error") if answer.status != 500 else "server_error"
    response = problem(answer.status, code, reasons=_reasons(error), errors=_faults(error))
    if isinstance(error, TooManyTriesError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def refused_token(error: GuardError) -> Response:
    """A token that does not open this door, with its challenge (RFC 6750 section 3)."""
    response = problem(error.status, HTTP_CODES[error.status], errors={"token": error.code})
    if challenge := error.challenge():
        response.headers["WWW-Authenticate"] = challenge
    return response


def http(error: HTTPException) -> Response:
    """What Flask or webargs refuses before any rule of ours: no such page, or fields that are not right."""
    status = error.code or 500
    data = cast("dict[str, Any]", getattr(error, "data", None) or {})
    response = problem(status, HTTP_CODES.get(status, "bad_request"), errors=_fields(data.get("messages")))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _reasons(error: Exception) -> tuple[Reason, ...]:
    if isinstance(error, JudgedError):
        return error.reasons
    if isinstance(error, AssuranceTooLowError):
        return (Reason(error.code, needs=error.needed.name.lower()),)
    return ()


def _faults(error: Exception) -> Mapping[str, Any] | None:
    """What is wrong with a file, by line; never what stands in it."""
    if isinstance(error, UnreadableFileError):
        return {"file": {"fault": error.fault, "line": error.line, "text": str(error)}}
    return {"lines": list(error.faults)} if isinstance(error, InvalidImportError) else None


def _fields(messages: object) -> Mapping[str, Any] | None:
    """The faults by field: webargs' messages without the place that they were read from."""
    if not isinstance(messages, Mapping):
        return None
    found: dict[str, Any] = {}
    for place in messages.values():
        found |= place if isinstance(place, Mapping) else {"body": place}
    return {str(name): value for name, value in found.items()}
