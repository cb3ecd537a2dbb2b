"""OAuth 2.0 and OpenID Connect on the wire."""

from __future__ import annotations

import gzip

from flask import Blueprint, Response, abort, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from broker.endpoints.context import application, browser, keep_browser, now, services
from broker.flows import authorize, status_lists
from broker.oauth import authorization, par

blueprint = Blueprint("protocol", __name__)
JWKS_SECONDS = 300


@blueprint.get("/.well-known/openid-configuration")
@blueprint.get("/.well-known/oauth-authorization-server")
def discovery() -> Response:
    """Metadata: RFC 8414 and OpenID Connect Discovery, one document."""
    return _public(_json(application().oauth.metadata.discovery()), JWKS_SECONDS)


@blueprint.get("/.well-known/oauth-protected-resource", defaults={"path": ""})
@blueprint.get("/.well-known/oauth-protected-resource/<path:path>")
def protected_resource(path: str) -> Response:
    """One of the broker's own APIs (RFC 9728 section 3.1): its path comes after the well-known one."""
    document = application().oauth.metadata.protected_resource(f"/{path}" if path else "")
    return abort(404) if document is None else _public(_json(document), JWKS_SECONDS)


@blueprint.get("/jwks")
def jwks() -> Response:
    """Public keys (RFC 7517)."""
    return _public(jsonify(services().keyring().jwks(now())), JWKS_SECONDS)


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorization_endpoint() -> BaseResponse:
    """RFC 6749 section 4.1.1: validate, then hand the browser to the interaction."""
    try:
        asked = authorization.read(application().oauth)
    except authorization.RedirectedError as refusal:
        return redirect(refusal.location, 303)
    interaction = authorize.begin(services(), asked, browser())
    return keep_browser(_as_response(redirect(url_for("interaction.step", interaction=interaction.id), 303)))


@blueprint.post("/par")
def pushed_authorization_request() -> Response:
    """RFC 9126."""
    return par.push(application().oauth)


@blueprint.post("/token")
def token() -> Response:
    """RFC 6749 section 3.2."""
    return _as_response(application().oauth.create_token_response())


@blueprint.post("/revoke")
def revoke() -> Response:
    """RFC 7009."""
    return _as_response(application().oauth.create_endpoint_response("revocation"))


@blueprint.post("/introspect")
def introspect() -> Response:
    """RFC 7662."""
    return _as_response(application().oauth.create_endpoint_response("introspection"))


@blueprint.get("/status")
def status_aggregation() -> Response:
    """Every list, so that a service can fetch them all ahead (draft-ietf-oauth-status-list section 9)."""
    with services().database.read() as uow:
        lists = [status_lists.uri(services().settings.issuer, one.id) for one in uow.status.lists()]
    return _public(jsonify({"status_lists": lists}), services().settings.status_ttl)


@blueprint.get("/status/<list_id>")
def status_list(list_id: str) -> Response:
    """One Token Status List as `statuslist+jwt`."""
    body = application().status_lists.token(services(), list_id, now()).encode()
    response = Response(body, content_type="application/statuslist+jwt")
    if "gzip" in request.accept_encodings:
        response.set_data(gzip.compress(body, 6))
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return _public(response, 1)


def _json(document: bytes) -> Response:
    return Response(document, content_type="application/json")


def _public(response: Response, seconds: int) -> Response:
    """Anybody may read it from anywhere; never the authorization endpoint (RFC 9700 section 2.6)."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _as_response(response: BaseResponse) -> Response:
    if not isinstance(response, Response):
        raise TypeError("not a Flask response")
    return response
