"""Token revocation (RFC 7009): the grant behind the token ends; unknown tokens answer 200 alike."""

from __future__ import annotations

from typing import Any

from authlib.consts import default_json_headers
from authlib.oauth2.rfc7009 import RevocationEndpoint

from broker.flows import introspection
from broker.oauth import client_auth


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Authlib authenticates the client and checks the parameters."""

    CLIENT_AUTH_METHODS = client_auth.METHODS

    def create_endpoint_response(self, request: Any) -> tuple[int, dict[str, Any], Any]:
        client = self.authenticate_endpoint_client(request)
        self.check_params(request, client)
        services = self.server.services
        introspection.revoke(services, client.record, request.form["token"], services.clock())
        return 200, {}, default_json_headers
