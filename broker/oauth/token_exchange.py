"""The token exchange grant (RFC 8693): parameters in, one of two flows, the answer out.

Which flow it is follows from what the subject token is said to be, never from which other
parameters came along; a parameter that does not belong to it is refused, not ignored.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from broker.errors import ExchangeRefusedError, FlowError, ProofMissingError
from broker.flows import exchange
from broker.oauth import client_auth
from broker.oauth.errors import FlowOAuthError, InvalidDpopProofError, oauth_error

MANDATE_TOKEN = "urn:volmacht:token-type:mandate"  # noqa: S105 -- a name
ACCESS_TOKENS = frozenset({exchange.ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt"})


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Authlib authenticates the client; the flow verifies both tokens and judges."""

    GRANT_TYPE = client_auth.TOKEN_EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def validate_token_request(self) -> None:
        """Form alone (RFC 8693 section 2.1), once it is known who asks and that it may."""
        self.request.client = self.authenticate_token_endpoint_client()
        form = self.request.payload.data
        _check_subject(form)
        _check_actor(form)

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        services, request = self.server.services, self.request
        form = request.payload.data
        caller = exchange.Caller(request.client.record, request.jkt, request.assertion_jkt)
        asked = exchange.Asked(
            form["subject_token"],
            (*request.asked("resource"), *request.asked("audience")),
            frozenset(form["scope"].split()) if "scope" in form else None,
            form.get("actor_token", ""),
            form.get("actor_token_dpop"),
        )
        flow = exchange.mandate_bound if _is_mandate(form) else exchange.narrow
        try:
            body = flow(services, caller, asked, services.clock())
        except ExchangeRefusedError as error:
            refusal = FlowOAuthError("invalid_request", 400, error.reason)
            refusal.description = str(error)
            raise refusal from error
        except ProofMissingError as error:
            raise InvalidDpopProofError("Send a DPoP proof: the token is bound to your own key.") from error
        except FlowError as error:
            raise oauth_error(error) from error
        return 200, body, self.TOKEN_RESPONSE_HEADER


def _is_mandate(form: dict[str, str]) -> bool:
    return form["subject_token_type"] == MANDATE_TOKEN


def _check_subject(form: dict[str, str]) -> None:
    if not form.get("subject_token") or not form.get("subject_token_type"):
        raise InvalidRequestError("Send subject_token with its subject_token_type.")
    if form["subject_token_type"] not in {MANDATE_TOKEN, *ACCESS_TOKENS}:
        raise InvalidRequestError("This subject_token_type cannot be exchanged here.")
    if form.get("requested_token_type", exchange.ACCESS_TOKEN) != exchange.ACCESS_TOKEN:
        raise InvalidRequestError("Only access tokens are issued here.")


def _check_actor(form: dict[str, str]) -> None:
    """RFC 8693 section 2.1: the type comes with the token and never alone."""
    sent = [name for name in ("actor_token", "actor_token_type", "actor_token_dpop") if name in form]
    if not _is_mandate(form):
        if sent:
            raise InvalidRequestError("An access token names its actor itself: send no actor_token.")
        return
    if not form.get("actor_token") or not form.get("actor_token_type"):
        raise InvalidRequestError("Send actor_token with its actor_token_type.")
    if form["actor_token_type"] not in ACCESS_TOKENS:
        raise InvalidRequestError("The actor_token must be an access token.")
