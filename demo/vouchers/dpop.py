"""Proofs of possession (RFC 9449): a token of this service is worth nothing without the session's key."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from demo.clock import Clock
from demo.vouchers.discovery import TIMEOUT


def new_key() -> ECKey:
    """A key for one session. It lives in memory: tokens that outlive it could not be used anyway."""
    return ECKey.generate_key("P-256")


class Prover:
    """Sends requests with a proof, and once more when the server wants its own nonce in it."""

    def __init__(self, http: requests.Session, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._nonces: dict[str, str] = {}

    def send(
        self,
        key: ECKey,
        method: str,
        url: str,
        parts: Callable[[], Mapping[str, Any]],
        access_token: str | None = None,
    ) -> requests.Response:
        """Send `parts()`, options of `requests`, to `url`; raise what `requests` raises.

        `parts` is asked again for the second try, because a client assertion works
        once. A server that asks for a nonce did nothing else (RFC 9449 section 8).
        """
        answer = self._send_once(key, method, url, parts(), access_token)
        return self._send_once(key, method, url, parts(), access_token) if _wants_nonce(answer) else answer

    def _send_once(
        self, key: ECKey, method: str, url: str, parts: Mapping[str, Any], access_token: str | None
    ) -> requests.Response:
        server = urlsplit(url).netloc
        headers = {**parts.get("headers", {}), "DPoP": self._proof(key, method, url, access_token)}
        if access_token is not None:
            headers["Authorization"] = f"DPoP {access_token}"
        options = {"timeout": TIMEOUT, "allow_redirects": False, **parts, "headers": headers}
        answer = self._http.request(method, url, **options)
        # The newest nonce replaces the one before (RFC 9449 section 8.2).
        if "DPoP-Nonce" in answer.headers:
            self._nonces[server] = answer.headers["DPoP-Nonce"]
        return answer

    def _proof(self, key: ECKey, method: str, url: str, access_token: str | None) -> str:
        """One proof for one request (RFC 9449 section 4.2)."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": self._clock(),
        }
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode("ascii")).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
        nonce = self._nonces.get(urlsplit(url).netloc)
        if nonce is not None:
            claims["nonce"] = nonce
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
        return jwt.encode(header, claims, key)


def _wants_nonce(answer: requests.Response) -> bool:
    """The token endpoint says it in its body (section 8), an API in its challenge (section 9)."""
    if answer.status_code not in {requests.codes.bad_request, requests.codes.unauthorized}:
        return False
    told = answer.text + answer.headers.get("WWW-Authenticate", "")
    return "use_dpop_nonce" in told and "DPoP-Nonce" in answer.headers
