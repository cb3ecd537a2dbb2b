"""The broker's own APIs, verified by the guard that voucher services use: one verifier."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify

from broker.endpoints.context import now, services
from broker.flows import introspection
from volmacht_guard import Guard
from volmacht_guard.flask import FlaskGuard

REPRESENTATIONS = "mandate:use"


def create_blueprint(user_info_guard: Guard, api_guard: Guard) -> Blueprint:
    """UserInfo for the audience `<issuer>`, the rest for `<issuer>/api/v1`."""
    blueprint = Blueprint("api", __name__)

    @blueprint.route("/userinfo", methods=["GET", "POST"])
    @FlaskGuard(user_info_guard).requires("openid", serves={"self"})
    def user_info() -> Response:
        """Claims about the signed-in person (OIDC Core section 5.3)."""
        return _private(jsonify(introspection.user_info(services(), g.token)))

    @blueprint.get("/api/v1/representations")
    @FlaskGuard(api_guard).requires(REPRESENTATIONS, serves={"self"})
    def representations() -> Response:
        """Whom the person of this token may represent at this service."""
        rows = introspection.representation_list(services(), g.token, now())
        return _private(jsonify({"representations": rows}))

    return blueprint


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
