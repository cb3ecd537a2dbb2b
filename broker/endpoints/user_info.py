"""UserInfo (OpenID Connect Core section 5.3), verified by the guard that voucher services use."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from broker.endpoints.context import now, services
from broker.flows import user_info as flow
from volmacht_guard import GuardError, InsufficientScopeError, VerifiedToken
from volmacht_guard.flask import FlaskGuard, problem

_SELF = frozenset({"openid"})
_DELEGATED = frozenset({"obo:profile", "obo:insz"})


def create_blueprint(door: FlaskGuard) -> Blueprint:
    """The one route of the audience `<issuer>`."""
    blueprint = Blueprint("user_info", __name__)

    @blueprint.route("/userinfo", methods=["GET", "POST"])
    def user_info() -> Response:
        """Claims about the signed-in person, and about whom she acts for."""
        try:
            token = door.authenticate(serves={"self", "delegated"})
            _check_scope(token)
        except GuardError as error:
            return problem(error)
        response = jsonify(flow.user_info(services(), token, now()))
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _check_scope(token: VerifiedToken) -> None:
    """Refuse a token of this audience that opens nothing here (OpenID Connect Core section 5.3.1)."""
    opens = _SELF if token.mandate is None else _DELEGATED
    if opens.isdisjoint(token.scopes):
        raise InsufficientScopeError("scope", "the token lacks the scope for this")
