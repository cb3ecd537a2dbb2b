"""The voucher service as one Flask application: two sides, two APIs, one set of books."""

from __future__ import annotations

from collections.abc import Iterable

import requests
from flask import Flask, Response, jsonify, render_template, request

from demo.clock import Clock, system_clock
from demo.vouchers import burgers, ondernemingen
from demo.vouchers.api import DiscoveredKeys, citizens_api, companies_api
from demo.vouchers.api_client import ApiClient
from demo.vouchers.books import Books
from demo.vouchers.client import BrokerClient
from demo.vouchers.discovery import Discovery, http_session
from demo.vouchers.dpop import Prover
from demo.vouchers.sessions import SessionStore
from demo.vouchers.sides import Side
from demo.vouchers.web import SideWeb
from volmacht_guard import Guard, HttpStatusSource

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def create_vouchers(
    issuer: str,
    citizens: Side,
    companies: Side,
    *,
    form_targets: Iterable[str] = (),
    clock: Clock = system_clock,
    http: requests.Session | None = None,
) -> Flask:
    """The voucher service for the broker at `issuer`.

    `form_targets` are origins that a sign-in passes through after the broker's own;
    browsers hold the redirects after a form against `form-action`.
    """
    app = Flask(__name__)
    app.jinja_env.globals.update(portal=f"{issuer}/portal/", sides=(citizens, companies))
    http = http or http_session()
    discovery = Discovery(issuer, http, clock)
    keys = DiscoveredKeys(discovery)
    status = HttpStatusSource(issuer, keys)
    books, prover = Books(), Prover(http, clock)
    for side, api, pages in ((citizens, citizens_api, burgers), (companies, companies_api, ondernemingen)):
        guard = Guard(issuer=issuer, audience=side.audience, keys=keys, status=status)
        app.register_blueprint(api(guard, books))
        broker = BrokerClient(side, discovery, prover, clock)
        web = SideWeb(broker, ApiClient(broker, prover, clock), SessionStore(), clock)
        pages.add_pages(web)
        app.register_blueprint(web.blueprint)
    app.add_url_rule("/", "front", lambda: render_template("front.html"))
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
    _harden(app, " ".join(["'self'", issuer, *form_targets]))
    return app


def _harden(app: Flask, targets: str) -> None:
    """Headers of every answer; `targets` is where forms may lead."""
    csp = f"{CSP}; form-action {targets}"

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = csp
        response.headers["X-Content-Type-Options"] = "nosniff"
        # The callback's address carries a code; no page may hand it on.
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response
