"""Token introspection (RFC 7662), plain or signed (RFC 9701), for clients that serve the token's audience."""

from __future__ import annotations

from typing import Any

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from broker.flows import introspection
from broker.oauth import client_auth

JSON, JWT = "application/json", f"application/{introspection.TYPE}"


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """Authlib authenticates the caller; public clients may not ask."""

    CLIENT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def check_params(self, request: Any, client: Any) -> None:
        """A token, whatever it is said to be: hints only help a search, and ours needs none."""
        del client
        if not request.form.get("token"):
            raise InvalidRequestError("Send the token.")

    def create_endpoint_response(self, request: Any) -> tuple[int, Any, Any]:
        client = self.authenticate_endpoint_client(request)
        self.check_params(request, client)
        services = self.server.services
        answer = introspection.introspect(services, client.record, request.form["token"])
        if not wants_signed(request.headers.get("Accept")):
            return 200, answer, default_json_headers
        text = introspection.signed(services, client.record, answer, services.clock())
        return 200, text, [("Content-Type", JWT)]


def wants_signed(accept: str | None) -> bool:
    """Whether a JWT was asked for (RFC 9701 section 4): by name, and not less than plain JSON.

    Who accepts anything, or nothing that we have, gets JSON, as RFC 7662 knows it.
    """
    if not accept or JWT not in accept.lower():
        return False
    wanted = parse_accept_header(accept, MIMEAccept)
    named = {kind.lower(): quality for kind, quality in wanted}
    return named.get(JWT, 0) > 0 and named[JWT] >= wanted[JSON]
