"""Token revocation (RFC 7009): what stands behind the token ends; unknown tokens answer 200 alike."""

from __future__ import annotations

from typing import Any

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint

from broker.flows import token_revocation
from broker.oauth import client_auth


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Authlib authenticates the client."""

    CLIENT_AUTH_METHODS = client_auth.METHODS

    def check_params(self, request: Any, client: Any) -> None:
        """A token, whatever it is said to be: hints are ignored when they help nothing (section 2.1)."""
        del client
        if not request.form.get("token"):
            raise InvalidRequestError("Send the token.")

    def create_endpoint_response(self, request: Any) -> tuple[int, dict[str, Any], Any]:
        client = self.authenticate_endpoint_client(request)
        self.check_params(request, client)
        services = self.server.services
        token_revocation.revoke(services, client.record, request.form["token"], services.clock())
        return 200, {}, default_json_headers
