"""The two APIs: every route states its power and whom it serves, and the guard does the rest."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from flask import Blueprint, Response, g, jsonify, request

from demo.vouchers.books import Books, Performance
from demo.vouchers.discovery import BrokerAwayError, Discovery
from volmacht_guard import Guard, HttpKeySource, UnavailableError, VerificationKey
from volmacht_guard.flask import FlaskGuard

ANYONE = frozenset({"self", "delegated"})
DELEGATED = frozenset({"delegated"})
ORDER_MOST = 500
HOURS_MOST = 24


class ApiError(Exception):
    """A request that the token allows but the books refuse; becomes a problem (RFC 9457)."""

    code: ClassVar[str] = "api"

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason


class DiscoveredKeys:
    """A guard's key source that finds the broker's `jwks_uri` when the first token comes."""

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._source: HttpKeySource | None = None

    def key(self, kid: str) -> VerificationKey | None:
        """The key with this id. Raise `UnavailableError` when that cannot be known now."""
        if self._source is None:
            try:
                self._source = HttpKeySource(self._discovery.endpoint("jwks_uri"))
            except BrokerAwayError as error:
                raise UnavailableError("keys_unavailable", "the keys of the issuer cannot be had") from error
        return self._source.key(kid)


def citizens_api(guard: Guard, books: Books) -> Blueprint:
    """`/api/burgers`: the balance, and orders."""
    api, guarded = _blueprint("burgers", guard)

    @api.get("/vouchers")
    @guarded.requires("vouchers:read", serves=ANYONE)
    def vouchers() -> Response:
        return jsonify(principal=g.token.subject, count=books.vouchers(g.token.subject))

    @api.post("/orders")
    @guarded.requires("vouchers:order", serves=ANYONE)
    def order() -> tuple[Response, int]:
        body = _body_for_principal()
        ordered = _whole(body, "count", ORDER_MOST)
        total = books.order(g.token.subject, ordered)
        return jsonify(principal=g.token.subject, ordered=ordered, count=total), 201

    return api


def companies_api(guard: Guard, books: Books) -> Blueprint:
    """`/api/ondernemingen`: performances and invoices; nobody acts for herself here."""
    api, guarded = _blueprint("ondernemingen", guard)

    @api.get("/performances")
    @guarded.requires("performances:read", serves=DELEGATED)
    def performances() -> Response:
        rows = books.performances(g.token.subject)
        return jsonify(
            principal=g.token.subject,
            performances=[{"date": one.day.isoformat(), "hours": one.hours} for one in rows],
        )

    @api.post("/performances")
    @guarded.requires("performances:submit", serves=DELEGATED)
    def submit() -> tuple[Response, int]:
        body = _body_for_principal()
        performance = Performance(_day(body), _whole(body, "hours", HOURS_MOST))
        books.submit(g.token.subject, performance)
        return jsonify(
            principal=g.token.subject, date=performance.day.isoformat(), hours=performance.hours
        ), 201

    @api.get("/invoices")
    @guarded.requires("invoices:read", serves=DELEGATED)
    def invoices() -> Response:
        rows = books.invoices(g.token.subject)
        return jsonify(
            principal=g.token.subject,
            invoices=[{"month": one.month, "hours": one.hours, "euro": str(one.euro)} for one in rows],
        )

    return api


def problem(status: int, reason: str, detail: str) -> Response:
    """A problem document (RFC 9457) with the stable member `reason`."""
    response = jsonify(type="about:blank", status=status, reason=reason, detail=detail)
    response.status_code = status
    response.content_type = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    return response


def _blueprint(side: str, guard: Guard) -> tuple[Blueprint, FlaskGuard]:
    api = Blueprint(f"api_{side}", __name__, url_prefix=f"/api/{side}")

    @api.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        return problem(error.status, error.reason, str(error))

    return api, FlaskGuard(guard)


def _body_for_principal() -> dict[str, Any]:
    """The JSON body, made for the very principal of the token (tokens.md section 4, last rule).

    Two tabs, two principals: a form made for one must never count for the other.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_body", "The body must be a JSON object.")
    if body.get("principal") != g.token.subject:
        raise ApiError(
            409, "principal_mismatch", "The form was made for another principal; nothing was done."
        )
    return body


def _whole(body: dict[str, Any], name: str, most: int) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ApiError(400, f"invalid_{name}", f"{name} must be a whole number from 1 to {most}.")
    return value


def _day(body: dict[str, Any]) -> date:
    try:
        return date.fromisoformat(str(body.get("date")))
    except ValueError as error:
        raise ApiError(400, "invalid_date", "date must be a day written as YYYY-MM-DD.") from error
