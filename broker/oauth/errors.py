"""Errors of our own on the wire, and the way from `broker/errors.py` to them (RFC 6749 section 5.2).

No text repeats what was sent: it would end up in logs, and in pages of whoever shows it.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidClientError, OAuth2Error

from broker.errors import FlowError, JudgedError, answer_to

CHALLENGE = ("WWW-Authenticate", 'Basic realm="volmacht", charset="UTF-8"')


class ClientRefusedError(InvalidClientError):  # type: ignore[misc]
    """Nobody that we know. With status 401 the answer says how a client makes itself known (RFC 7617)."""

    def get_headers(self) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        return [*headers, CHALLENGE] if self.status_code == 401 else headers


class UnknownGrantTypeError(OAuth2Error):  # type: ignore[misc]
    """RFC 6749 section 5.2."""

    error = "unsupported_grant_type"


class UnknownResponseTypeError(OAuth2Error):  # type: ignore[misc]
    """RFC 6749 section 4.1.2.1."""

    error = "unsupported_response_type"


class InvalidTargetOAuthError(OAuth2Error):  # type: ignore[misc]
    """RFC 8707 section 2."""

    error = "invalid_target"


class RequestNotSupportedError(OAuth2Error):  # type: ignore[misc]
    """OIDC Core section 6: request objects are not read, so they are refused, not ignored."""

    error = "request_not_supported"


class UnmetAuthenticationError(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core Error Code unmet_authentication_requirements."""

    error = "unmet_authentication_requirements"


class InvalidDpopProofError(OAuth2Error):  # type: ignore[misc]
    """RFC 9449 section 5."""

    error = "invalid_dpop_proof"


class UseDpopNonceError(OAuth2Error):  # type: ignore[misc]
    """RFC 9449 section 8: the same again, with the nonce of the header `DPoP-Nonce`."""

    error = "use_dpop_nonce"


class FlowOAuthError(OAuth2Error):  # type: ignore[misc]
    """A refusal of a flow; `reason` is the engine's code, so that a service can say why."""

    def __init__(self, error: str, status: int, reason: str | None) -> None:
        super().__init__(error=error, status_code=status)
        self.reason = reason

    def get_body(self) -> list[tuple[str, Any]]:
        body: list[tuple[str, Any]] = super().get_body()
        return [*body, ("reason", self.reason)] if self.reason else body


def oauth_error(error: FlowError) -> FlowOAuthError:
    """What the token endpoint says of a refusal: a session or chain that is gone is `invalid_grant`."""
    answer = answer_to(error)
    if isinstance(error, JudgedError):
        return FlowOAuthError(answer.oauth, 400, error.reasons[0].code if error.reasons else None)
    if error.code == "session_ended":
        return FlowOAuthError("invalid_grant", 400, "session_ended")
    return FlowOAuthError(answer.oauth, answer.status, None)
