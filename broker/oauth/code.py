"""The authorization code grant (RFC 6749 section 4.1) with PKCE S256 (RFC 7636).

The authorization half only validates: the code itself is made after sign-in and
choice, in `flows.authorize`. The token half claims the code and lets the flow issue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from broker.errors import FlowError
from broker.flows import codes, tokens
from broker.oauth import client_auth
from broker.oauth.client_auth import RegisteredClient
from broker.oauth.errors import oauth_error


@dataclass(frozen=True, slots=True)
class ClaimedCode:
    """A code that this request took; nobody else will get it."""

    record: dict[str, Any]

    @property
    def code_challenge(self) -> str:
        return str(self.record["code_challenge"])

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return str(self.record["redirect_uri"])


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """Authlib's grant, with the two places filled in where a code is read and answered."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.METHODS

    def query_authorization_code(self, code: str, client: RegisteredClient) -> ClaimedCode | None:
        """Claim the code before anything is issued; one that was seen before ends its grant."""
        services = self.server.services
        record = codes.take_code(services, code)
        if record is None:
            tokens.code_reused(services, code, services.clock())
            return None
        return ClaimedCode(record) if record["client"] == client.client_id else None

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        services = self.server.services
        claimed = self.request.authorization_code
        try:
            body = tokens.redeem(
                services,
                self.request.client.record,
                claimed.record,
                services.clock(),
                resources=self.request.asked("resource"),
                details=self.request.mandate,
                jkt=self.request.jkt,
            )
        except FlowError as error:
            raise oauth_error(error) from error
        return 200, body, self.TOKEN_RESPONSE_HEADER


class MandateCodeChallenge(CodeChallenge):  # type: ignore[misc]
    """PKCE with S256 alone; `plain` does not exist here."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 -- Authlib's own shape
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012 -- the same

    def __call__(self, grant: CodeGrant) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.validate_code_challenge)
        # `create_token_response` runs after `validate_token_request`; this hook sits between.
        grant.register_hook("after_validate_token_request", self.validate_code_verifier)
