"""The refresh token grant (RFC 6749 section 6)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from broker.errors import FlowError
from broker.flows import tokens
from broker.oauth import client_auth
from broker.oauth.errors import oauth_error


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """Authlib authenticates the client; the flow knows the token."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.METHODS

    def validate_token_request(self) -> None:
        self.request.client = self._validate_request_client()
        if not self.request.form.get("refresh_token"):
            raise InvalidRequestError("Missing 'refresh_token' in request.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        services, form = self.server.services, self.request.form
        scope = frozenset(form["scope"].split()) if form.get("scope") else None
        try:
            body = tokens.refresh(
                services,
                self.request.client.record,
                form["refresh_token"],
                services.clock(),
                scope=scope,
                resources=self.request.asked("resource"),
                details=self.request.mandate,
                jkt=self.request.jkt,
            )
        except FlowError as error:
            raise oauth_error(error) from error
        return 200, body, self.TOKEN_RESPONSE_HEADER
