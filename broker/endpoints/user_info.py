"""UserInfo (OpenID Connect Core section 5.3), verified by the guard that voucher services use."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify

from broker.endpoints.context import services
from broker.flows import introspection
from volmacht_guard import Guard
from volmacht_guard.flask import FlaskGuard


def create_blueprint(guard: Guard) -> Blueprint:
    """The one route of the audience `<issuer>`."""
    blueprint = Blueprint("user_info", __name__)

    @blueprint.route("/userinfo", methods=["GET", "POST"])
    @FlaskGuard(guard).requires("openid", serves={"self"})
    def user_info() -> Response:
        """Claims about the signed-in person."""
        response = jsonify(introspection.user_info(services(), g.token))
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint
