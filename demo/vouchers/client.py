"""One side as a client of the broker: authorization requests, token requests, signing out."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlencode

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from demo.clock import Clock
from demo.vouchers.discovery import BrokerAwayError, Discovery
from demo.vouchers.dpop import Prover
from demo.vouchers.sides import MANDATE, Side
from demo.vouchers.sign_in import SignIn, SignInError, first_sign_in, verify_id_token, with_tokens

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
MANDATE_REFERENCE = "urn:volmacht:token-type:mandate"


class RefusedError(Exception):
    """The broker said no (RFC 6749 section 5.2). `reason` is the mandate engine's code, if it gave one."""

    code: ClassVar[str] = "refused"

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(error)
        self.error = error
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What must come back, and what must be shown with it, of one authorization request."""

    state: str
    nonce: str
    verifier: str
    started_at: int


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """A token for one principal, made without her; it is used at once and kept nowhere."""

    principal: str
    access_token: str


class BrokerClient:
    """Speaks to the broker for one side. `key` is the session's: tokens are bound to it (RFC 9449)."""

    def __init__(self, side: Side, discovery: Discovery, prover: Prover, clock: Clock) -> None:
        self.side = side
        self._discovery = discovery
        self._prover = prover
        self._clock = clock

    def start(self, key: ECKey) -> tuple[PendingSignIn, str]:
        """A new authorization request: what to remember, and the address to send the browser to.

        Raise `BrokerAwayError` or `RefusedError`.
        """
        pending = PendingSignIn(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            started_at=self._clock(),
        )
        query = {
            "response_type": "code",
            "client_id": self.side.client_id,
            "redirect_uri": self.side.redirect_uri,
            "scope": " ".join(self.side.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": _challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        if self.side.private_key is not None:
            query["authorization_details"] = json.dumps([{"type": MANDATE}])
            # The proof binds the code to the key, before anybody has seen the code (section 10.1).
            pushed = self._post(key, "pushed_authorization_request_endpoint", query)
            query = {"client_id": self.side.client_id, "request_uri": str(pushed.get("request_uri"))}
        else:
            query["dpop_jkt"] = key.thumbprint()
        return pending, f"{self._discovery.endpoint('authorization_endpoint')}?{urlencode(query)}"

    def finish(self, key: ECKey, unverified_response: Mapping[str, str], pending: PendingSignIn) -> SignIn:
        """Redeem the code of an authorization response whose `state` was matched to `pending`.

        Raise `SignInError`, `RefusedError` or `BrokerAwayError`.
        """
        # RFC 9207: an answer of another issuer must not be taken to this one's token endpoint.
        if unverified_response.get("iss") != self._discovery.issuer:
            raise SignInError("the answer does not name the issuer that was asked")
        if "error" in unverified_response:
            raise RefusedError(unverified_response["error"], "")
        code = unverified_response.get("code")
        if not code:
            raise SignInError("the answer has no code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.side.redirect_uri,
            "code_verifier": pending.verifier,
        }
        response = self._post(key, "token_endpoint", form)
        now = self._clock()
        claims = verify_id_token(
            str(response.get("id_token", "")),
            self._discovery,
            client_id=self.side.client_id,
            nonce=pending.nonce,
            now=now,
        )
        return first_sign_in(claims, response, now)

    def refresh(self, key: ECKey, sign_in: SignIn) -> SignIn:
        """The same sign-in with a new access token. Raise `RefusedError` if the broker says no."""
        if sign_in.refresh_token is None:
            raise RefusedError("invalid_grant", "")
        form = {"grant_type": "refresh_token", "refresh_token": sign_in.refresh_token}
        return with_tokens(sign_in, self._post(key, "token_endpoint", form), self._clock())

    def exchange(self, key: ECKey, actor_token: str, reference: str, power: str) -> ExchangedToken:
        """A token with one power under a mandate, for whoever signed in as herself (RFC 8693).

        The principal is absent. The reference is no credential: the broker judges the
        mandate again each time. Raise `RefusedError` or `BrokerAwayError`.
        """
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": reference,
            "subject_token_type": MANDATE_REFERENCE,
            "actor_token": actor_token,
            "actor_token_type": ACCESS_TOKEN,
            "resource": self.side.audience,
            "scope": f"obo:{power}",
        }
        response = self._post(key, "token_endpoint", form)
        try:
            return ExchangedToken(
                response["authorization_details"][0]["principal"], str(response["access_token"])
            )
        except (KeyError, IndexError, TypeError) as error:
            raise BrokerAwayError("the broker does not answer as it should") from error

    def sign_out_address(self) -> str:
        """Where the browser goes to end the session at the broker too. Raise `BrokerAwayError`."""
        query = {"client_id": self.side.client_id, "post_logout_redirect_uri": self.side.home}
        return f"{self._discovery.endpoint('end_session_endpoint')}?{urlencode(query)}"

    def _post(self, key: ECKey, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        address = self._discovery.endpoint(endpoint)

        def parts() -> dict[str, Any]:
            return {"data": {**form, **self._assertion()}, "headers": self._basic()}

        try:
            answer = self._prover.send(key, "POST", address, parts)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise BrokerAwayError("the broker does not answer") from error
        if not isinstance(body, dict) or answer.status_code >= requests.codes.server_error:
            raise BrokerAwayError("the broker does not answer as it should")
        if answer.status_code >= requests.codes.bad_request:
            raise RefusedError(str(body.get("error", "")), str(body.get("reason", "")))
        return body

    def _assertion(self) -> dict[str, str]:
        """`private_key_jwt`: the audience is the issuer, one string (FAPI 2.0 section 5.3.3)."""
        key = self.side.private_key
        if key is None:
            return {}
        now = self._clock()
        claims = {
            "iss": self.side.client_id,
            "sub": self.side.client_id,
            "aud": self._discovery.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        assertion = jwt.encode({"alg": "ES256", "kid": key.thumbprint()}, claims, key)
        return {
            "client_id": self.side.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    def _basic(self) -> dict[str, str]:
        """`client_secret_basic`: both parts form-encoded first (RFC 6749 section 2.3.1)."""
        if self.side.secret is None:
            return {}
        pair = f"{quote_plus(self.side.client_id)}:{quote_plus(self.side.secret)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}


def _challenge(verifier: str) -> str:
    """S256 (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
