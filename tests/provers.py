"""Proofs of possession (RFC 9449) as a client makes them, and as an attacker bends them."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import requests
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

DROP = object()
"""As a claim or parameter: leave it out."""


class Prover:
    """One DPoP key, and the nonce that the server asked for last."""

    def __init__(self, key: ECKey | None = None) -> None:
        self.key = key or ECKey.generate_key("P-256")
        self.nonce: str | None = None

    @property
    def jkt(self) -> str:
        """RFC 7638 thumbprint of the key."""
        return str(self.key.thumbprint())

    def proof(
        self,
        method: str,
        url: str,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        signer: ECKey | None = None,
        **claims: Any,
    ) -> str:
        """A good proof for this request, but for what `header` and `claims` change."""
        body = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            body["ath"] = b64(hashlib.sha256(token.encode()).digest())
        if self.nonce is not None:
            body["nonce"] = self.nonce
        top = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)} | (header or {})
        return sign_raw(kept(top), kept(body | claims), signer or self.key)

    def send(self, attempt: Callable[[], requests.Response]) -> requests.Response:
        """The answer to `attempt`, made once more if the server wanted its own nonce in the proof."""
        answer = attempt()
        return attempt() if self.learn(answer) else answer

    def learn(self, answer: requests.Response) -> bool:
        """Keep the server's newest nonce; whether it was the lack of one that made it refuse."""
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        told = answer.headers.get("WWW-Authenticate", "") + answer.text
        return answer.status_code in {400, 401} and "use_dpop_nonce" in told


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """Without what was given as `DROP`."""
    return {name: value for name, value in values.items() if value is not DROP}


def sign_raw(header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    """A JWS with any header at all, signed with ES256 by this key."""
    signed = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return signed + "." + b64(JWSRegistry.algorithms["ES256"].sign(signed.encode(), key))
