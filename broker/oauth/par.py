"""Pushed authorization requests (RFC 9126): validated now, used once, by the same client."""

from __future__ import annotations

import json
import secrets
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from flask import Response

from broker.flows.sessions import fingerprint
from broker.oauth import checks, client_auth
from broker.oauth.server import AuthorizationServer, Request

PREFIX = "urn:ietf:params:oauth:request_uri:"
SECONDS = 60
CREDENTIALS = frozenset({"client_assertion", "client_assertion_type", "client_secret"})


def push(server: AuthorizationServer) -> Response:
    """Answer 201 with a `request_uri` of one use, or an OAuth error."""
    request = server.create_oauth2_request(None)
    try:
        client = server.authenticate_client(request, client_auth.METHODS, "par")
        if "request_uri" in request.payload.data:
            raise InvalidRequestError("request_uri may not be pushed.")
        if request.payload.client_id not in {None, client.client_id}:
            raise InvalidClientError(description="client_id differs from the authenticated client.")
        values = {name: list(v) for name, v in request.payload.datalist.items() if name not in CREDENTIALS}
        values["client_id"] = [client.client_id]
        server.get_consent_grant(Request("POST", values, {}), checks.PAR)
    except OAuth2Error as error:
        # The answer goes to the client that asked, never to its redirect URI.
        error.redirect_uri = None
        return server.handle_error_response(request, error)
    reference = secrets.token_urlsafe(32)
    server.services.ephemeral.put("par", fingerprint(reference), {"values": values}, SECONDS)
    body = {"request_uri": PREFIX + reference, "expires_in": SECONDS}
    return server.handle_response(201, json.dumps(body), [("Content-Type", "application/json")])


def pulled(server: AuthorizationServer, client_id: str, request_uri: str) -> dict[str, Any] | None:
    """The pushed parameters, once, for the client that pushed them."""
    stored = server.services.ephemeral.take("par", fingerprint(request_uri.removeprefix(PREFIX)))
    if stored is None or stored["values"]["client_id"] != [client_id]:
        return None
    return dict(stored["values"])
