"""From the table of `broker/errors.py` to an OAuth error response (RFC 6749 section 5.2)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error

from broker.errors import FlowError, JudgedError, answer_to


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
