"""Token introspection (RFC 7662), for clients that serve the token's audience."""

from __future__ import annotations

from typing import Any

from authlib.consts import default_json_headers
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from broker.flows import introspection
from broker.oauth import client_auth


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """Authlib authenticates the caller; public clients may not ask."""

    CLIENT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def create_endpoint_response(self, request: Any) -> tuple[int, dict[str, Any], Any]:
        client = self.authenticate_endpoint_client(request)
        self.check_params(request, client)
        body = introspection.introspect(self.server.services, client.record, request.form["token"])
        return 200, body, default_json_headers
