"""The authorization endpoint's two halves: a validated request in, a redirect to the client out."""

from __future__ import annotations

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error

from broker.flows.choices import AuthorizationRequest
from broker.oauth import par
from broker.oauth.authorization_request import understood
from broker.oauth.request import Request
from broker.oauth.server import AuthorizationServer


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
    request = server.create_oauth2_request(None)
    if request.get("request_uri") is not None:
        return _pushed(server, request)
    try:
        server.get_consent_grant(request)
    except OAuth2Error as error:
        if not error.redirect_uri:
            raise UnusableRequestError from error
        issuer = server.services.settings.issuer
        location = error_location(issuer, error.redirect_uri, error.error, error.state, error.description)
        raise RedirectedError(location) from error
    return understood(request)


def _pushed(server: AuthorizationServer, request: Request) -> AuthorizationRequest:
    """The request behind a `request_uri`; whatever else stands beside it is not read (RFC 9126 section 4)."""
    if any(len(request.asked(name)) != 1 for name in ("client_id", "request_uri")):
        raise UnusableRequestError
    found = par.pulled(server, request.get("client_id"), request.get("request_uri"))
    if found is None:
        raise UnusableRequestError
    asked, client = found
    refusal = None
    if client.get_allowed_scope(" ".join(asked.scopes)).split() != list(asked.scopes):
        refusal = "invalid_scope"
    elif asked.audience not in {*client.record.audiences, server.services.settings.issuer}:
        refusal = "invalid_target"
    if refusal is None:
        return asked
    issuer = server.services.settings.issuer
    raise RedirectedError(error_location(issuer, asked.redirect_uri, refusal, asked.state))


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
