"""Pushed authorization requests (RFC 9126): judged once, when they are pushed; used once, by the same client.

What is kept is the request as it was understood, not what was sent: nothing that the checks did
not look at is stored, no credentials, and the redirect judges nothing anew. Only what may have
changed meanwhile is looked at again: whether the client is still registered for all of it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from typing import Any

from authlib.oauth2 import OAuth2Error
from flask import Response

from broker.flows.choices import AuthorizationRequest
from broker.flows.sessions import fingerprint
from broker.oauth import checks, client_auth, dpop
from broker.oauth.authorization_request import understood
from broker.oauth.client_auth import RegisteredClient
from broker.oauth.server import AuthorizationServer

PREFIX = "urn:ietf:params:oauth:request_uri:"
SECONDS = 60


def push(server: AuthorizationServer) -> Response:
    """Answer 201 with a `request_uri` of one use, or an OAuth error."""
    request, services = server.create_oauth2_request(None), server.services
    try:
        client = server.authenticate_client(request, client_auth.METHODS, checks.PAR)
        request.payload.name_client(client.client_id)
        server.get_consent_grant(request)
        asked = understood(request)
    except OAuth2Error as error:
        # The answer goes to the client that asked, never to its redirect URI.
        error.redirect_uri = error.state = None
        return dpop.offer_nonce(services, request, server.handle_error_response(request, error))
    reference = secrets.token_urlsafe(32)
    services.ephemeral.put("par", fingerprint(reference), asdict(asked), SECONDS)
    body = {"request_uri": PREFIX + reference, "expires_in": SECONDS}
    response = server.handle_response(201, json.dumps(body), [("Content-Type", "application/json")])
    return dpop.offer_nonce(services, request, response)


def pulled(
    server: AuthorizationServer, client_id: str, request_uri: str
) -> tuple[AuthorizationRequest, RegisteredClient] | None:
    """The pushed request, once, with the client that pushed it; None if client or redirect URI are gone."""
    stored = server.services.ephemeral.take("par", fingerprint(request_uri.removeprefix(PREFIX)))
    client = server.query_client(client_id)
    if stored is None or client is None or stored["client"] != client_id:
        return None
    asked = _loaded(stored)
    return (asked, client) if client.check_redirect_uri(asked.redirect_uri) else None


def _loaded(stored: dict[str, Any]) -> AuthorizationRequest:
    """As it was stored: JSON makes lists of tuples, and of nothing else here."""
    return AuthorizationRequest(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    )
