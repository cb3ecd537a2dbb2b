"""`create_app`: blueprints, error handlers, headers. Everything else has a room of its own."""

from __future__ import annotations

import logging
import secrets
from urllib.parse import urlencode

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response as BaseResponse

from broker import wiring
from broker.endpoints import api, problems, protocol, user_info
from broker.endpoints.context import Application
from broker.endpoints.headers import SafeHeaders
from broker.errors import UNEXPECTED, Answer, FlowError, answer_to
from broker.flows.registry import API
from broker.flows.status_lists import StatusPublisher
from broker.housekeeping import Housekeeper
from broker.oauth.authorization import UnusableRequestError
from broker.oauth.server import AuthorizationServer
from broker.port_errors import PortError
from broker.portal import interaction, letter, logout, views
from broker.portal.page import render
from broker.ports import Services
from config.settings import Settings
from mandates.errors import MandateError
from volmacht_guard import GuardError
from volmacht_guard.flask import FlaskGuard

log = logging.getLogger("volmacht")
MACHINES = (
    "/token",
    "/par",
    "/revoke",
    "/introspect",
    "/userinfo",
    "/jwks",
    "/status",
    "/api/",
    "/.well-known/",
)
MAX_BODY = 256 * 1024


def create_app(settings: Settings, services: Services | None = None, *, housekeeping: bool = False) -> Flask:
    """The broker as a Flask application; `services` are wired from the settings unless given.

    With `housekeeping` a thread of this process does what no request should wait for.
    """
    services = services or wiring.build(settings)
    app = Flask(
        __name__, template_folder="portal/templates", static_folder="portal/static", static_url_path="/static"
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    user_info_guard, api_guard = wiring.own_guards(services)
    metadata = f"{services.settings.issuer}/.well-known/oauth-protected-resource"  # RFC 9728 section 3.1
    app.extensions["volmacht"] = Application(
        services,
        AuthorizationServer(services),
        StatusPublisher(),
        FlaskGuard(api_guard, resource_metadata=f"{metadata}{API}"),
        api.register(app, services.settings.issuer),
    )
    app.register_blueprint(protocol.blueprint)
    app.register_blueprint(interaction.blueprint)
    app.register_blueprint(views.blueprint)
    app.register_blueprint(letter.blueprint)
    app.register_blueprint(logout.blueprint)
    app.register_blueprint(
        user_info.create_blueprint(FlaskGuard(user_info_guard, resource_metadata=metadata))
    )
    app.add_url_rule("/healthz", view_func=_healthz(services))
    app.before_request(_no_control_characters)
    app.wsgi_app = SafeHeaders(app.wsgi_app, secure=settings.secure)  # type: ignore[method-assign]
    if housekeeping:
        Housekeeper(services).start()
    _register_errors(app)
    return app


def _healthz(services: Services):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- a Flask view
    def healthz() -> Response:
        """200 when database and ephemeral store answer; the error handler says 503 otherwise."""
        with services.database.read() as uow:
            uow.registry.version()
        services.ephemeral.ping()
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    return healthz


def _no_control_characters() -> None:
    """A NUL in an address or a parameter is nobody's typing, and PostgreSQL refuses it."""
    found = b"%00" in request.query_string or "\0" in request.path
    # The API's bodies are JSON or files, which its schemas judge once it is known who calls; the
    # protocol's are read, and judged for this too, in `oauth.server`.
    elsewhere = _asked_the_api() or request.blueprint == protocol.blueprint.name
    if not found and request.method == "POST" and not elsewhere:
        found = any("\0" in value for values in request.form.listvalues() for value in values)
    if found:
        raise BadRequest


def _register_errors(app: Flask) -> None:
    for kind in (FlowError, MandateError, PortError):
        app.register_error_handler(kind, _known)
    app.register_error_handler(GuardError, problems.refused_token)
    app.register_error_handler(UnusableRequestError, _unusable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def _known(error: Exception) -> BaseResponse:
    if isinstance(error, PortError):
        g.session = None  # the page must not ask the store that just refused
    if _asked_the_api():
        return problems.known(error)
    return _tell(answer_to(error), getattr(error, "code", None))


def _unusable(_error: Exception) -> BaseResponse:
    text = (
        "De dienst stuurde een ongeldige vraag om u aan te melden. Ga terug naar de dienst en begin opnieuw."
    )
    return _tell(Answer("invalid_request", 400, text), "unusable_request")


def _http(error: HTTPException) -> BaseResponse:
    if error.code and error.code < 400:
        return error.get_response()
    if _asked_the_api():
        return problems.http(error)
    status = error.code or 500
    text = "Deze pagina bestaat niet." if status == 404 else "Deze vraag kan niet worden beantwoord."
    response = _tell(Answer("invalid_request", status, text), f"http_{status}")
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unknown(error: Exception) -> BaseResponse:
    """The unknown: an id for the person, the traceback for the log, nothing else for anybody."""
    error_id = secrets.token_hex(6)
    g.session = None
    # The message of an exception may hold what somebody typed; its type and place do not.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    # The route and not the path: what somebody typed into an address makes no line of the log.
    route = request.url_rule.rule if request.url_rule else "none"
    log.error("error_id=%s type=%s at=%s route=%s", error_id, type(error).__name__, place, route)
    if _asked_the_api():
        return problems.problem(500, "server_error", instance=f"urn:volmacht:error:{error_id}")
    return _tell(UNEXPECTED, error_id)


def _asked_the_api() -> bool:
    return request.path.startswith(f"{API}/")


def _tell(answer: Answer, code: str | None) -> BaseResponse:
    if request.path.startswith(MACHINES):
        body = {"error": answer.oauth, "error_description": code} if code else {"error": answer.oauth}
        response: BaseResponse = jsonify(body)
        response.status_code = answer.status
        response.headers["Cache-Control"] = "no-store"
        return response
    return render(
        "message.html", answer.status, text=answer.text, code=code, again=urlencode({"terug": "/portal/"})
    )
