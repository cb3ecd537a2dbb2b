"""The authorization endpoint's two halves: a validated request in, a redirect to the client out."""

from __future__ import annotations

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import request as flask_request

from broker.flows.choices import AuthorizationRequest
from broker.flows.claims import ACR, OBO
from broker.oauth import checks, par, rar
from broker.oauth.server import AuthorizationServer
from mandates.model import Level

LEVELS = {uri: level for level, uri in ACR.items()}


class UnusableRequestError(Exception):
    """The client or its redirect URI is not known to be good: the error stays with the browser."""

    code = "unusable_request"


class RedirectedError(Exception):
    """The request is refused and the client is told; `location` is where the browser goes."""

    code = "redirected"

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__("the authorization request is refused")


def read(server: AuthorizationServer) -> AuthorizationRequest:
    """The validated request. Raise `UnusableRequestError` or `RedirectedError` (threats: class 2)."""
    sent = server.create_oauth2_request(None)
    endpoint, request_uri = checks.AUTHORIZE, sent.payload.data.get("request_uri")
    if request_uri is not None:
        values = par.pulled(server, sent.payload.client_id or "", request_uri)
        if values is None:
            raise UnusableRequestError
        endpoint, sent = (
            checks.PAR,
            server.create_oauth2_request(par.Request(flask_request.method, values, {})),
        )
    try:
        grant = server.get_consent_grant(sent, endpoint)
    except OAuth2Error as error:
        if not error.redirect_uri:
            raise UnusableRequestError from error
        issuer = server.services.settings.issuer
        location = error_location(issuer, error.redirect_uri, error.error, error.state, error.description)
        raise RedirectedError(location) from error
    if not grant.redirect_uri:
        raise UnusableRequestError from InvalidRequestError("no redirect_uri")
    return _parsed(server, grant)


def _parsed(server: AuthorizationServer, grant: object) -> AuthorizationRequest:
    request = grant.request  # type: ignore[attr-defined] -- Authlib is untyped
    data, client = request.payload.data, request.client.record
    details = rar.parse(client, data.get("authorization_details"))
    resources = list(request.payload.datalist.get("resource", [])) or list(
        details.locations if details else ()
    )
    scopes = tuple(request.scope.split())
    asked = [LEVELS[uri] for uri in (data.get("acr_values") or "").split() if uri in LEVELS]
    return AuthorizationRequest(
        client=client.id,
        redirect_uri=data["redirect_uri"],
        scopes=scopes,
        audience=rar.audience_of(server.services, client, resources),
        code_challenge=data["code_challenge"],
        state=data.get("state"),
        nonce=data.get("nonce"),
        level=min(asked, default=Level.NONE).name,
        wants_mandate=details is not None or any(scope.startswith(OBO) for scope in scopes),
        identifier=details.identifier if details else None,
        mandate_type=details.mandate_type if details else None,
        actions=details.actions if details else (),
        prompt=data.get("prompt", ""),
    )


def code_location(issuer: str, request: AuthorizationRequest, code: str) -> str:
    """Where the browser goes with the code; `iss` says who issued it (RFC 9207)."""
    state = [("state", request.state)] if request.state is not None else []
    return str(add_params_to_uri(request.redirect_uri, [("code", code), *state, ("iss", issuer)]))


def error_location(
    issuer: str, redirect_uri: str, error: str, state: str | None, description: str | None = None
) -> str:
    """Where the browser goes with an error, `iss` included (RFC 9207 section 2)."""
    params = [("error", error)]
    if description:
        params.append(("error_description", description))
    if state is not None:
        params.append(("state", state))
    return str(add_params_to_uri(redirect_uri, [*params, ("iss", issuer)]))
