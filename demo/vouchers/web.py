"""What both sides' pages share: signing in, switching, signing out, and saying what went wrong."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from demo.clock import Clock
from demo.vouchers import words
from demo.vouchers.api_client import (
    ApiAnswer,
    ApiAwayError,
    ApiClient,
    EndedError,
    ForbiddenError,
    NotSignedInError,
)
from demo.vouchers.client import BrokerClient, RefusedError
from demo.vouchers.discovery import BrokerAwayError
from demo.vouchers.sessions import SessionStore, WebSession
from demo.vouchers.sign_in import SignInError

Page = tuple[str, int]


class SideWeb:
    """The pages of one side. `blueprint` carries them; `call` reaches the side's API."""

    def __init__(self, broker: BrokerClient, api: ApiClient, sessions: SessionStore, clock: Clock) -> None:
        self.side = broker.side
        self.blueprint = Blueprint(self.side.key, __name__, url_prefix=f"/{self.side.key}")
        self._broker = broker
        self._api = api
        self._sessions = sessions
        self._clock = clock
        self._add_pages()
        self._add_errors()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> ApiAnswer:
        """Call the API for whoever is signed in; see `ApiClient.call`."""
        return self._api.call(self.session(), method, path, body)

    def call_under(self, reference: str, power: str, path: str, body: dict[str, Any]) -> ApiAnswer:
        """Call the API under one mandate, for a principal who is absent; see `ApiClient.call_under`."""
        return self._api.call_under(self.session(), reference, power, path, body)

    def session(self) -> WebSession:
        """The session of this browser. Raise `NotSignedInError` if it has none."""
        if g.session is None:
            raise NotSignedInError
        session: WebSession = g.session
        return session

    def page(self, template: str, status: int = 200, **values: Any) -> Page:
        """A page of this side, with the acting line and what was to be said once."""
        session: WebSession | None = g.session
        text = render_template(
            template,
            side=self.side,
            sign_in=session.sign_in if session else None,
            dossiers=session.dossiers if session else {},
            csrf=session.csrf if session else "",
            notice=session.take_notice() if session else "",
            **values,
        )
        return text, status

    def message(self, title: str, text: str, status: int) -> Page:
        """A page that says what went wrong."""
        return self.page("message.html", status, title=title, error=text)

    def _add_pages(self) -> None:
        pages = self.blueprint
        pages.before_request(self._load)
        pages.after_request(self._keep_cookie)
        pages.add_url_rule("/", "home", self._home)
        pages.add_url_rule("/aanmelden", "start_sign_in", self._start)
        pages.add_url_rule("/wisselen", "switch", self._start, methods=["POST"])
        pages.add_url_rule("/callback", "callback", self._callback)
        pages.add_url_rule("/afmelden", "sign_out", self._sign_out, methods=["POST"])

    def _load(self) -> Page | None:
        session_id = request.cookies.get(self.side.cookie, "")
        g.session = self._sessions.find(session_id, self._clock()) if session_id else None
        g.forget_cookie = False
        if request.method != "POST":
            return None
        typed = request.form.get("csrf", "")
        if g.session is None or not hmac.compare_digest(typed.encode(), g.session.csrf.encode()):
            return self.message("Er is niets gewijzigd", words.FORM_EXPIRED, 400)
        return None

    def _keep_cookie(self, response: Response) -> Response:
        session: WebSession | None = g.get("session")
        path = f"/{self.side.key}/"
        if g.get("forget_cookie"):
            response.delete_cookie(self.side.cookie, path=path)
        elif session is not None and session.id != request.cookies.get(self.side.cookie):
            response.set_cookie(
                self.side.cookie,
                session.id,
                path=path,
                httponly=True,
                samesite="Lax",  # not Strict: people come back from the broker by a redirect
                secure=self.side.base.startswith("https://"),
            )
        return response

    def _home(self) -> Page:
        return self.page("home.html")

    def _start(self) -> Response:
        """A new authorization request: at sign-in, and to act for somebody else.

        No `prompt`: whoever is signed in at the broker only chooses.
        """
        session = g.session or self._sessions.start(self._clock())
        pending, address = self._broker.start(session.key)
        g.session = session
        session.remember(pending)
        return redirect(address, 303)

    def _callback(self) -> Response | Page:
        session: WebSession | None = g.session
        pending = session.take_pending(request.args.get("state", ""), self._clock()) if session else None
        if session is None or pending is None:
            return self.message("Aanmelden is niet gelukt", words.NOT_EXPECTED, 400)
        if any(len(request.args.getlist(name)) > 1 for name in request.args):
            return self.message("Aanmelden is niet gelukt", words.NOT_TRUSTED, 400)
        sign_in = self._broker.finish(session.key, request.args, pending)
        self._sessions.sign_in(session, sign_in)
        return redirect(url_for(f"{self.side.key}.overview"), 303)

    def _sign_out(self) -> Response:
        """Here first, so that nobody stays signed in here when the broker is away."""
        self._sessions.drop(self.session())
        g.session, g.forget_cookie = None, True
        try:
            return redirect(self._broker.sign_out_address(), 303)
        except BrokerAwayError:
            return redirect(self.side.home, 303)

    def _add_errors(self) -> None:
        on = self.blueprint.register_error_handler
        on(NotSignedInError, lambda _: redirect(url_for(f"{self.side.key}.home"), 303))
        on(EndedError, self._say_ended)
        on(ForbiddenError, lambda _: self.message("Dit mag niet", words.FORBIDDEN, 403))
        on(RefusedError, self._say_refused)
        on(SignInError, lambda _: self.message("Aanmelden is niet gelukt", words.NOT_TRUSTED, 400))
        on(BrokerAwayError, lambda _: self.message("De aanmelddienst antwoordt niet", words.BROKER_AWAY, 503))
        on(ApiAwayError, lambda _: self.message("De dienst antwoordt niet", words.API_AWAY, 502))

    def _say_ended(self, error: EndedError) -> Page:
        text = words.ended(error.sign_in, error.reason)
        title = "Uw aanmelding is afgelopen" if text == words.SIGNED_OUT else "Uw volmacht is beëindigd"
        return self.message(title, f"{text} Er is niets gewijzigd.", 401)

    def _say_refused(self, error: RefusedError) -> Page:
        return self.message("Aanmelden is niet gelukt", words.refused_sign_in(error.error), 403)


def refuse_other_principal(web: SideWeb, title: str) -> Page:
    """The page for a 409 of the API."""
    return web.message(title, f"{title}. {words.OTHER_PRINCIPAL}", 409)


def whole_number(name: str) -> int:
    """A typed whole number; 0 for anything else, which no API takes."""
    typed = request.form.get(name, "").strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0


def principal_of_form() -> str:
    """For whom this form was made. A form without it was not made here."""
    principal = request.form.get("principal")
    if not principal:
        abort(400)
    return principal
