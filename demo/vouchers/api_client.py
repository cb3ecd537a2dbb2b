"""How the pages of one side call the API of that side: over HTTP, with the person's token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import requests
from joserfc.jwk import ECKey

from demo.clock import Clock
from demo.vouchers.client import BrokerClient, RefusedError
from demo.vouchers.discovery import TIMEOUT, BrokerAwayError
from demo.vouchers.dpop import Prover
from demo.vouchers.sessions import WebSession
from demo.vouchers.sign_in import SignIn

REFRESH_BEFORE = 20
"""Seconds before its end that a token is replaced, so that it does not end on its way."""


class NotSignedInError(Exception):
    """Nobody is signed in in this session."""

    code: ClassVar[str] = "not_signed_in"


class EndedError(Exception):
    """The broker gives no more tokens for this sign-in; `reason` is the engine's code or empty."""

    code: ClassVar[str] = "ended"

    def __init__(self, sign_in: SignIn, reason: str) -> None:
        super().__init__(reason)
        self.sign_in = sign_in
        self.reason = reason


class ForbiddenError(Exception):
    """The token is good, but not for this (403)."""

    code: ClassVar[str] = "forbidden"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ApiAwayError(Exception):
    """The API does not answer, or not with sense."""

    code: ClassVar[str] = "api_away"


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """Status 2xx, 400 or 409, and the JSON body."""

    status: int
    body: Mapping[str, Any]


class ApiClient:
    """Calls `<audience><path>` and keeps the session's token fresh."""

    def __init__(self, broker: BrokerClient, prover: Prover, clock: Clock) -> None:
        self._audience = broker.side.audience
        self._broker = broker
        self._prover = prover
        self._clock = clock

    def call(
        self, session: WebSession, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> ApiAnswer:
        """Raise `NotSignedInError`, `EndedError`, `ForbiddenError`, `ApiAwayError` or what a refresh raises.

        A token that the API no longer takes may have been revoked because the mandate became
        narrower: one refresh asks the broker, who says what is left. The call is repeated
        once; the API did nothing at a 401.
        """
        sign_in = self._fresh(session)
        answer = self._send(session.key, sign_in.access_token, method, path, body)
        if answer.status == requests.codes.unauthorized:
            sign_in = self._refresh(session, sign_in, str(answer.body.get("reason", "")))
            answer = self._send(session.key, sign_in.access_token, method, path, body)
        return _judge(answer, sign_in)

    def call_under(
        self, session: WebSession, reference: str, power: str, path: str, body: Mapping[str, Any]
    ) -> ApiAnswer:
        """POST for the principal of a mandate, by a token that is exchanged for this one call.

        Whoever signed in as herself stays signed in as herself. Raise `RefusedError`
        when the broker gives no token under this mandate, and what `call` raises.
        """
        sign_in = self._fresh(session)
        exchanged = self._broker.exchange(session.key, sign_in.access_token, reference, power)
        body = {**body, "principal": exchanged.principal}
        return _judge(self._send(session.key, exchanged.access_token, "POST", path, body), sign_in)

    def _fresh(self, session: WebSession) -> SignIn:
        """Who is signed in, with a token that lasts a little longer."""
        sign_in = session.sign_in
        if sign_in is None:
            raise NotSignedInError
        if sign_in.expires_at - self._clock() <= REFRESH_BEFORE:
            return self._refresh(session, sign_in, "")
        return sign_in

    def _refresh(self, session: WebSession, sign_in: SignIn, api_reason: str) -> SignIn:
        """A newer token of the same sign-in; two tabs that ask at once refresh once."""
        with session.lock:
            if session.sign_in is None:
                raise NotSignedInError
            if session.sign_in is not sign_in:
                # Another tab refreshed or switched. After a switch the API compares principals.
                return session.sign_in
            try:
                session.sign_in = self._broker.refresh(session.key, sign_in)
            except RefusedError as error:
                if error.error != "invalid_grant":
                    raise
                # Only the token goes; the session and the other side stay as they are.
                session.sign_in = None
                raise EndedError(sign_in, error.reason or api_reason) from error
            return session.sign_in

    def _send(
        self, key: ECKey, access_token: str, method: str, path: str, body: Mapping[str, Any] | None
    ) -> ApiAnswer:
        try:
            answer = self._prover.send(
                key,
                method,
                f"{self._audience}{path}",
                # The API may have to ask the broker first.
                lambda: {"json": body, "timeout": 2 * TIMEOUT},
                access_token,
            )
            content = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ApiAwayError("the API does not answer") from error
        return ApiAnswer(answer.status_code, content if isinstance(content, dict) else {})


def _judge(answer: ApiAnswer, sign_in: SignIn) -> ApiAnswer:
    reason = str(answer.body.get("reason", ""))
    if answer.status == requests.codes.unauthorized:
        raise EndedError(sign_in, reason)
    if answer.status == requests.codes.forbidden:
        raise ForbiddenError(reason)
    if answer.status == requests.codes.service_unavailable:
        # The guard refuses while the broker's keys or status cannot be had: nothing was done.
        raise BrokerAwayError("the API cannot check tokens now")
    if answer.status < requests.codes.multiple_choices or answer.status in {400, 409}:
        return answer
    raise ApiAwayError("the API does not answer as it should")
