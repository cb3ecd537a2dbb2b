"""Refusals, as a service must answer them (RFC 6750 section 3, RFC 9470 section 3).

`code` is stable and says which check failed; `error` and `status` are for the
wire. No text holds a value from a token: a refusal ends up in logs and in the
hands of whoever sent it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from volmacht_guard.claims import VerifiedToken


class GuardError(Exception):
    """Parent of every refusal."""

    code = "guard_error"
    error = "invalid_token"
    """`error` of RFC 6750 section 3.1 and its extensions."""
    status = 401
    """HTTP status to answer with."""
    token: VerifiedToken | None = None
    """What was verified before an operation or status was refused: for the audit line only."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    def challenge(self) -> str:
        """Return the value for `WWW-Authenticate`; empty when there is nothing to challenge."""
        return f'Bearer error="{self.error}", error_description="{self}"'


class InvalidTokenError(GuardError):
    """The token proves nothing here: forged, foreign, expired, revoked, or of a shape that we never issue."""

    code = "invalid_token"


class InsufficientScopeError(GuardError):
    """A good token that does not reach as far as this operation."""

    code = "insufficient_scope"
    error = "insufficient_scope"
    status = 403


class InsufficientUserAuthenticationError(GuardError):
    """The person must sign in again at a higher level (RFC 9470)."""

    code = "insufficient_user_authentication"
    error = "insufficient_user_authentication"

    def __init__(self, required_acr: str) -> None:
        super().__init__("acr", "a login of a higher level is needed")
        self.required_acr = required_acr

    def challenge(self) -> str:
        """Name the level that is needed, for the client to ask the broker for."""
        return f'{super().challenge()}, acr_values="{self.required_acr}"'


class InvalidRequestError(GuardError):
    """The request carries a token in a way that cannot be read (RFC 6750 section 3.1)."""

    code = "invalid_request"
    error = "invalid_request"
    status = 400


class TokenMissingError(GuardError):
    """No token at all: the challenge then names no error (RFC 6750 section 3.1)."""

    code = "token_missing"

    def __init__(self) -> None:
        super().__init__("token_missing", "an access token is needed")

    def challenge(self) -> str:
        """Name the scheme alone."""
        return "Bearer"


class UnavailableError(GuardError):
    """Keys or status cannot be had from the broker now: refused, but a new token would not help.

    Answering 401 would send every client to fetch a new token from a broker that
    is away. So 503, and no challenge.
    """

    code = "unavailable"
    error = "temporarily_unavailable"
    status = 503

    def challenge(self) -> str:
        """Return nothing: the fault is not the client's."""
        return ""
