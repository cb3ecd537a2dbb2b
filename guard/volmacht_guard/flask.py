"""Flask: one decorator per route, refusals as problem documents, an audit line per decision."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from functools import partial, wraps
from http import HTTPStatus
from typing import ParamSpec
from urllib.parse import quote

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from volmacht_guard.claims import VerifiedToken
from volmacht_guard.dpop import Proof
from volmacht_guard.errors import BEARER, DPOP, GuardError, InvalidRequestError, TokenMissingError
from volmacht_guard.urls import normalised
from volmacht_guard.verify import Guard, check_requirement

audit = logging.getLogger("volmacht_guard.audit")

P = ParamSpec("P")


class FlaskGuard:
    """Guards the routes of a Flask application.

        @app.post("/orders")
        @guarded.requires("vouchers:order", serves={"self", "delegated"})
        def order(): ...

    Inside the view, `flask.g.token` is the `VerifiedToken`.

    `origin` is where clients reach this application, such as
    `https://vouchers.example.be`, for proofs to be compared with: by default that
    of the guard's audience. It is never read from the request, whose `Host` and
    `Forwarded` headers anybody can write. `resource_metadata` is the address that
    challenges name (RFC 9728 section 5.1).
    """

    def __init__(self, guard: Guard, origin: str | None = None, resource_metadata: str | None = None) -> None:
        self._guard = guard
        self._origin = _origin(guard.audience) if origin is None else origin.rstrip("/")
        self._metadata = resource_metadata

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
        return self._decide(power, partial(self._guard.verify, power=power, serves=serves, acr=acr))

    def authenticate(self, *, serves: Collection[str]) -> VerifiedToken:
        """As `admit`, where the operation follows from the token itself: see `Guard.authenticate`."""
        return self._decide(None, partial(self._guard.authenticate, serves=serves))

    def _decide(self, power: str | None, judge: Callable[..., VerifiedToken]) -> VerifiedToken:
        try:
            scheme, unverified_token = presented_token()
            token = judge(unverified_token, proof=self._proof(), scheme=scheme)
        except GuardError as error:
            error.resource_metadata = self._metadata
            _write_audit(power, error.token, error.code)
            raise
        _write_audit(power, token, None)
        g.token = token
        return token

    def _proof(self) -> Proof | None:
        """What came as `DPoP`. Two such headers arrive joined by a comma, which no proof can hold."""
        unverified = request.headers.get("DPoP")
        if unverified is None:
            return None
        return Proof(unverified, request.method, self._origin + quote(request.root_path + request.path))


def presented_token() -> tuple[str, str]:
    """Return (scheme, token) of the request (RFC 6750 section 2.1, RFC 9449 section 7.1); raise `GuardError`.

    The header alone: tokens in forms and URLs end up in logs and in histories
    (RFC 9700 section 4.3.2). Two headers arrive joined by a comma and are refused.
    """
    header = request.headers.get("Authorization")
    scheme, _, unverified_token = (header or "").partition(" ")
    known = {"bearer": BEARER, "dpop": DPOP}.get(scheme.lower())
    if known is None:
        raise TokenMissingError
    if not unverified_token or " " in unverified_token or "," in unverified_token:
        raise InvalidRequestError("authorization_header", "the Authorization header cannot be read")
    return known, unverified_token


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


def _origin(audience: str) -> str:
    """Scheme, host and port of the audience; nothing, which no proof matches, if it is no address."""
    try:
        scheme, _, rest = normalised(audience).partition("://")
    except ValueError:
        return ""
    return f"{scheme}://{rest.partition('/')[0]}"


def _write_audit(power: str | None, token: VerifiedToken | None, refusal: str | None) -> None:
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
