"""Flask: one decorator per route, refusals as problem documents, an audit line per decision."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, cast

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from volmacht_guard.claims import VerifiedToken
from volmacht_guard.errors import GuardError, InvalidRequestError, TokenMissingError
from volmacht_guard.verify import Guard, check_requirement

audit = logging.getLogger("volmacht_guard.audit")

P = ParamSpec("P")


class FlaskGuard:
    """Guards the routes of a Flask application.

        @app.post("/orders")
        @guarded.requires("vouchers:order", serves={"self", "delegated"})
        def order(): ...

    Inside the view, `flask.g.token` is the `VerifiedToken`.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def requires(
        self, power: str, *, serves: Collection[str], acr: str | None = None
    ) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
        """Return the decorator for a route; raise at once, not at the first request, if it is misused."""
        check_requirement(power, serves, acr)

        def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                try:
                    self.admit(power, serves=serves, acr=acr)
                except GuardError as error:
                    return problem(error)
                return view(*args, **kwargs)

            return guarded

        return decorate

    def admit(self, power: str, *, serves: Collection[str], acr: str | None = None) -> VerifiedToken:
        """Return the token of this request, with its audit line; raise a `GuardError`.

        What `requires` does, for an application that renders refusals in its own words.
        """
        try:
            g.token = self._guard.verify(bearer_token(), power=power, serves=serves, acr=acr)
        except GuardError as error:
            _write_audit(power, error.token, error.code)
            raise
        _write_audit(power, g.token, None)
        return cast("VerifiedToken", g.token)


def bearer_token() -> str:
    """Return the token of the request (RFC 6750 section 2.1); raise `GuardError`.

    The header alone: tokens in forms and URLs end up in logs and in histories
    (RFC 9700 section 4.3.2).
    """
    header = request.headers.get("Authorization")
    scheme, _, unverified_token = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissingError
    if not unverified_token or " " in unverified_token or "," in unverified_token:
        raise InvalidRequestError("authorization_header", "the Authorization header cannot be read")
    return unverified_token


def problem(error: GuardError) -> Response:
    """Return the refusal as a problem document (RFC 9457) with its challenge."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": str(error),
        "error": error.error,
        "reason": error.code,
    }
    response = Response(json.dumps(body), status=error.status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if challenge := error.challenge():
        response.headers["WWW-Authenticate"] = challenge
    return response


def _write_audit(power: str, token: VerifiedToken | None, refusal: str | None) -> None:
    """Step 8. Pseudonyms only; of a token that was not verified nothing is written down."""
    line: dict[str, str | None] = {"decision": "permit" if refusal is None else "deny", "power": power}
    if refusal is not None:
        line["reason"] = refusal
    if token is not None:
        line |= {
            "jti": token.jti,
            "sub": token.subject,
            "act_sub": token.actor.subject if token.actor else None,
            "representative": token.mandate.representative if token.mandate else None,
            "identifier": token.mandate.identifier if token.mandate else None,
        }
    audit.info("%s", json.dumps(line, separators=(",", ":")))
