"""What every view needs of its application: services, the OAuth server, cookies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, current_app, g, request

from broker.flows import sessions
from broker.flows.status_lists import StatusPublisher
from broker.oauth.server import AuthorizationServer
from broker.ports import Services
from broker.records import Session
from mandates.model import Instant
from volmacht_guard.flask import FlaskGuard


@dataclass(frozen=True, slots=True)
class Application:
    """What `create_app` hands to the views."""

    services: Services
    oauth: AuthorizationServer
    status_lists: StatusPublisher
    api_guard: FlaskGuard
    """Of everything under /api/v1."""
    openapi: Any
    """flask-smorest's collector of the API's document."""


def application() -> Application:
    """The application of this request."""
    return cast("Application", current_app.extensions["volmacht"])


def services() -> Services:
    """The services of this request's application."""
    return application().services


def now() -> Instant:
    """The instant of this request: read once, the same for all of it."""
    if "now" not in g:
        g.now = services().clock()
    return cast("Instant", g.now)


def cookie_name(kind: str) -> str:
    """`__Host-` whenever people reach us over https; a bare name on loopback http only."""
    name = f"volmacht_{kind}"
    return f"__Host-{name}" if services().settings.secure else name


def cookie(kind: str) -> str | None:
    """The value of one of our cookies."""
    return request.cookies.get(cookie_name(kind))


def set_cookie(response: Response, kind: str, value: str) -> None:
    """Set one of our cookies for this browser session."""
    secure = services().settings.secure
    response.set_cookie(cookie_name(kind), value, path="/", secure=secure, httponly=True, samesite="Lax")


def drop_cookie(response: Response, kind: str) -> None:
    """Make the browser forget one of our cookies."""
    secure = services().settings.secure
    response.delete_cookie(cookie_name(kind), path="/", secure=secure, httponly=True, samesite="Lax")


def browser() -> str:
    """A secret that ties an interaction to this browser, before anybody signed in."""
    if "browser" not in g:
        g.browser = cookie("browser") or secrets.token_urlsafe(24)
    return cast("str", g.browser)


def keep_browser(response: Response) -> Response:
    """Give the browser its secret if it has none yet."""
    if "browser" in g and cookie("browser") != g.browser:
        set_cookie(response, "browser", g.browser)
    return response


def session() -> Session | None:
    """The live session of this browser, read once a request."""
    if "session" not in g:
        g.session = sessions.current(services(), cookie("session"), now())
    return cast("Session | None", g.session)
