"""The broker as its discovery document describes it, fetched when first needed."""

from __future__ import annotations

from threading import Lock
from typing import Any, ClassVar

import requests
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from demo.clock import Clock

TIMEOUT = 5
"""Seconds for each call to the broker."""
FRESH_SECONDS = 600
KEY_REFETCH_SECONDS = 30
"""An unknown `kid` may be a new key, or an attacker's: look again, but not at every token."""


class BrokerAwayError(Exception):
    """The broker does not answer, or not with sense. Nothing is lost; try again later."""

    code: ClassVar[str] = "broker_away"


def http_session() -> requests.Session:
    """A session for this machine's own addresses: no proxy of the environment in between."""
    session = requests.Session()
    session.trust_env = False
    return session


class Discovery:
    """Metadata and keys of one issuer (OpenID Connect Discovery 4), shared between threads."""

    def __init__(self, issuer: str, http: requests.Session, clock: Clock) -> None:
        self.issuer = issuer
        self._http = http
        self._clock = clock
        self._lock = Lock()
        self._metadata: dict[str, Any] = {}
        self._metadata_at = 0
        self._keys: KeySet | None = None
        self._keys_at = 0

    def endpoint(self, name: str) -> str:
        """The address under this metadata name, such as `token_endpoint`. Raise `BrokerAwayError`."""
        with self._lock:
            value = self._fresh_metadata().get(name)
        if not isinstance(value, str):
            raise BrokerAwayError(f"the discovery document has no {name}")
        return value

    def keys(self, kid: str) -> KeySet:
        """The issuer's keys, looked up again if `kid` is not among them. Raise `BrokerAwayError`."""
        jwks_uri = self.endpoint("jwks_uri")
        with self._lock:
            age = self._clock() - self._keys_at
            known = self._keys is not None and any(key.kid == kid for key in self._keys)
            if self._keys is None or age > FRESH_SECONDS or (not known and age > KEY_REFETCH_SECONDS):
                try:
                    self._keys = KeySet.import_key_set(self._fetch(jwks_uri))
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise BrokerAwayError("the broker's keys cannot be read") from error
                self._keys_at = self._clock()
            return self._keys

    def _fresh_metadata(self) -> dict[str, Any]:
        if not self._metadata or self._clock() - self._metadata_at > FRESH_SECONDS:
            metadata = self._fetch(f"{self.issuer}/.well-known/openid-configuration")
            # A document that speaks of another issuer is another's (OpenID Connect Discovery 4.3).
            if metadata.get("issuer") != self.issuer:
                raise BrokerAwayError("the discovery document names another issuer")
            self._metadata, self._metadata_at = metadata, self._clock()
        return self._metadata

    def _fetch(self, url: str) -> Any:
        try:
            answer = self._http.get(url, timeout=TIMEOUT, allow_redirects=False)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise BrokerAwayError("the broker does not answer") from error
        if answer.status_code != requests.codes.ok or not isinstance(body, dict):
            raise BrokerAwayError("the broker does not answer as it should")
        return body
