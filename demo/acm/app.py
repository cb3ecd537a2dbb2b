"""ACM's endpoints under `/op`, as a Flask application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, jsonify, redirect, render_template, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.wrappers import Response as AnyResponse

from demo.acm import request as authorization
from demo.acm.habits import PLAIN, Habits
from demo.acm.relying_party import ClientAuthenticationError, RelyingParty
from demo.acm.request import AuthorizationRefusedError, AuthorizationRequest, UntrustedReturnError
from demo.acm.service import SIGN_ON_SECONDS, ChoiceError, SignOn, SimulatedAcm, TokenRequestError
from demo.clock import Clock, system_clock
from demo.village import Village

COOKIE = "acm_sim"
# form-action is left open: browsers apply it to the whole chain of redirects after the
# form, and where the application sends people next is not ACM's to know.
CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def create_acm(
    issuer: str,
    village: Village,
    clients: Iterable[RelyingParty],
    key: RSAKey,
    clock: Clock = system_clock,
    habits: Habits = PLAIN,
) -> Flask:
    """The simulated ACM at `issuer` (which ends in `/op`), for these applications.

    `key` is an RSA key with which ID tokens are signed; whoever keeps it across a
    restart keeps ACM's identity, as sign-ons and codes live in memory.
    """
    acm = SimulatedAcm(issuer, village, clients, key, habits)
    app = Flask(__name__, static_folder="static")
    app.jinja_env.globals["village"] = village
    blueprint = Blueprint("op", __name__, url_prefix=urlsplit(issuer).path)
    _add_metadata(blueprint, acm)
    _add_request(blueprint, acm, clock)
    _add_choice(blueprint, acm, clock)
    _add_tokens(blueprint, acm, clock)
    _add_logout(blueprint, acm, clock)
    app.register_blueprint(blueprint)
    app.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
    app.after_request(_harden)
    return app


def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _add_metadata(blueprint: Blueprint, acm: SimulatedAcm) -> None:
    @blueprint.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        """As ACM publishes it: true, and not exhaustive (`private_key_jwt` is missing)."""
        return jsonify(
            issuer=acm.issuer,
            authorization_endpoint=f"{acm.issuer}/v1/auth",
            token_endpoint=f"{acm.issuer}/v1/token",
            userinfo_endpoint=f"{acm.issuer}/v1/userinfo",
            jwks_uri=f"{acm.issuer}/v1/keys",
            end_session_endpoint=f"{acm.issuer}/v1/logout",
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["S256"],
            scopes_supported=["openid"],
        )

    @blueprint.get("/v1/keys")
    def keys() -> Response:
        public = KeySet([acm.key]).as_dict(private=False, use="sig", alg="RS256")
        response = jsonify(public)
        response.headers["Cache-Control"] = "public, max-age=21500, must-revalidate"
        return response


def _add_request(blueprint: Blueprint, acm: SimulatedAcm, clock: Clock) -> None:
    @blueprint.get("/v1/auth")
    def ask() -> AnyResponse | tuple[str, int]:
        now = clock()
        try:
            asked = authorization.parse(request.args, acm.parties)
        except UntrustedReturnError as error:
            return render_template("acm_message.html", text=str(error)), 400
        except AuthorizationRefusedError as error:
            answer = {"error": error.error, "error_description": str(error), "state": error.state}
            return _back(error.redirect_uri, answer)
        sign_on = acm.signed_on(request.cookies.get(COOKIE, ""), asked, now)
        if sign_on is not None:
            return _answer(acm, sign_on, asked, now)
        if "none" in asked.prompt:
            return _back(asked.redirect_uri, {"error": "login_required", "state": asked.state})
        return _page(acm, acm.open_transaction(asked, now), now)


def _add_choice(blueprint: Blueprint, acm: SimulatedAcm, clock: Clock) -> None:
    @blueprint.post("/v1/auth")
    def choose() -> AnyResponse | tuple[str, int]:
        now = clock()
        transaction = request.form.get("transaction", "")
        asked = acm.find_transaction(transaction, now)
        if asked is None:
            text = "Deze aanmelding is verlopen of al gebruikt. Begin opnieuw bij de toepassing."
            return render_template("acm_message.html", text=text), 400
        try:
            sign_on = acm.choose(transaction, request.form.get("persona", ""), now)
        except ChoiceError as error:
            return _page(acm, transaction, now, str(error))
        # An earlier sign-on of this browser gives way to the new one.
        acm.end_sign_on(request.cookies.get(COOKIE, ""), now)
        response = _answer(acm, sign_on, asked, now)
        response.set_cookie(
            COOKIE,
            acm.keep(sign_on, now),
            max_age=SIGN_ON_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=acm.issuer.startswith("https://"),
            path=blueprint.url_prefix or "/",
        )
        return response


def _answer(acm: SimulatedAcm, sign_on: SignOn, asked: AuthorizationRequest, now: int) -> AnyResponse:
    return _back(asked.redirect_uri, {"code": acm.issue_code(sign_on, asked, now), "state": asked.state})


def _page(acm: SimulatedAcm, transaction: str, now: int, error: str = "") -> tuple[str, int]:
    """Those who can sign in with one of the means that were asked; the others are not shown."""
    means = acm.means_of(transaction, now)
    logins = [person for person in acm.village.logins if person.acr in means]
    page = render_template("acm_sign_in.html", transaction=transaction, logins=logins, error=error)
    return page, 400 if error else 200


def _add_tokens(blueprint: Blueprint, acm: SimulatedAcm, clock: Clock) -> None:
    @blueprint.post("/v1/token")
    def token() -> Response | tuple[Response, int] | tuple[Response, int, dict[str, str]]:
        try:
            return jsonify(acm.redeem(request.form, request.authorization, clock()))
        except ClientAuthenticationError as error:
            body = jsonify(error=error.code, error_description=str(error))
            return body, 401, {"WWW-Authenticate": 'Basic realm="acm"'}
        except TokenRequestError as error:
            return jsonify(error=error.error, error_description=str(error)), 400

    @blueprint.get("/v1/userinfo")
    def userinfo() -> Response | tuple[Response, int, dict[str, str]]:
        bearer = request.authorization
        access_token = bearer.token if bearer is not None and bearer.type == "bearer" else None
        claims = acm.userinfo(access_token or "", clock())
        if claims is None:
            return jsonify(error="invalid_token"), 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return jsonify(claims)


def _add_logout(blueprint: Blueprint, acm: SimulatedAcm, clock: Clock) -> None:
    @blueprint.get("/v1/logout")
    def logout() -> AnyResponse | tuple[str, int]:
        """End the sign-on (with `switch`: keep it), and return to an address of the dossier."""
        party = acm.parties.get(request.args.get("client_id", ""))
        address = request.args.get("post_logout_redirect_uri")
        if address is not None and (party is None or address not in party.post_logout_redirect_uris):
            text = "Het adres om naar terug te keren is niet geregistreerd."
            return render_template("acm_message.html", text=text), 400
        if "switch" not in request.args:
            acm.end_sign_on(request.cookies.get(COOKIE, ""), clock())
        if address is None:
            return render_template("acm_message.html", text="U bent afgemeld bij het gesimuleerde ACM."), 200
        response = _back(address, {"state": request.args.get("state")})
        if "switch" not in request.args:
            response.delete_cookie(COOKIE, path=blueprint.url_prefix or "/")
        return response


def _back(address: str, answer: Mapping[str, Any]) -> AnyResponse:
    """303 to the application, with what is not None in the query."""
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    separator = "&" if urlsplit(address).query else "?"
    return redirect(f"{address}{separator}{query}" if query else address, 303)
