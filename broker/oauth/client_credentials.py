"""The client credentials grant (RFC 6749 section 4.4): a program for itself, confidential clients only."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from broker.errors import FlowError
from broker.flows import machines
from broker.oauth import client_auth, rar
from broker.oauth.errors import oauth_error


class MachineGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Authlib authenticates the client; the flow knows what it may be given."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        services, client = self.server.services, self.request.client.record
        asked = frozenset((self.request.get("scope") or "").split())
        if not asked:
            # No default set: a program that does not say what it comes for gets nothing.
            raise InvalidScopeError("Name the scopes that you need.")
        try:
            audience = rar.audience_of(services, client, self.request.asked("resource"))
            body = machines.issue(services, client, audience, asked, services.clock(), jkt=self.request.jkt)
        except FlowError as error:
            raise oauth_error(error) from error
        return 200, body, self.TOKEN_RESPONSE_HEADER
