"""Refusals, as a service must answer them (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3).

`code` is stable and says which check failed; `error` and `status` are for the
wire. No text holds a value from a token: a refusal ends up in logs and in the
hands of whoever sent it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from volmacht_guard.claims import VerifiedToken

PROOF_ALGORITHMS = ("ES256", "EdDSA", "Ed25519", "PS256")
"""What a proof may be signed with, as `algs` of a challenge names them."""
BEARER, DPOP = "Bearer", "DPoP"


class GuardError(Exception):
    """Parent of every refusal."""

    code = "guard_error"
    error = "invalid_token"
    """`error` of RFC 6750 section 3.1 and its extensions."""
    status = 401
    """HTTP status to answer with."""
    schemes: tuple[str, ...] = (BEARER,)
    """Which the challenge names: that of the request, or the one that was needed."""
    resource_metadata: str | None = None
    """Address of the metadata of the resource (RFC 9728 section 5.1), set by an adapter that knows it."""
    token: VerifiedToken | None = None
    """What was verified before an operation or status was refused: for the audit line only."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    def challenge(self) -> str:
        """Return the value for `WWW-Authenticate`; empty when there is nothing to challenge."""
        return ", ".join(self._challenge(scheme) for scheme in self.schemes)

    def parameters(self) -> dict[str, str]:
        """Return what every scheme's challenge says."""
        return {"error": self.error, "error_description": str(self)}

    def _challenge(self, scheme: str) -> str:
        said = self.parameters()
        if scheme == DPOP:
            said["algs"] = " ".join(PROOF_ALGORITHMS)
        if self.resource_metadata is not None:
            said["resource_metadata"] = self.resource_metadata
        parameters = ", ".join(f'{name}="{value}"' for name, value in said.items())
        return f"{scheme} {parameters}".rstrip()


class InvalidTokenError(GuardError):
    """The token proves nothing here: forged, foreign, expired, revoked, or of a shape that we never issue."""

    code = "invalid_token"


class InvalidProofError(GuardError):
    """The proof of possession is missing or does not hold (RFC 9449 section 7.1)."""

    code = "invalid_dpop_proof"
    error = "invalid_dpop_proof"
    schemes = (DPOP,)


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

    def parameters(self) -> dict[str, str]:
        """Name the level that is needed, for the client to ask the broker for."""
        return {**super().parameters(), "acr_values": self.required_acr}


class InvalidRequestError(GuardError):
    """The request carries a token in a way that cannot be read (RFC 6750 section 3.1)."""

    code = "invalid_request"
    error = "invalid_request"
    status = 400


class TokenMissingError(GuardError):
    """No token at all: the challenge then names no error (RFC 6750 section 3.1)."""

    code = "token_missing"
    schemes = (BEARER, DPOP)

    def __init__(self) -> None:
        super().__init__("token_missing", "an access token is needed")

    def parameters(self) -> dict[str, str]:
        """Name the schemes alone."""
        return {}


class UnavailableError(GuardError):
    """Keys, status or marks cannot be had now: refused, but a new token would not help.

    Answering 401 would send every client to fetch a new token from a broker that
    is away. So 503, and no challenge.
    """

    code = "unavailable"
    error = "temporarily_unavailable"
    status = 503

    def challenge(self) -> str:
        """Return nothing: the fault is not the client's."""
        return ""
