"""An upstream's discovery document and keys, fetched within bounds and kept as long as they may be.

Keys rotate: an unknown `kid` causes one new fetch, at most one in half a minute, so
that random `kid`s cannot make us hammer the upstream (threats: class 17).
"""

from __future__ import annotations

import threading
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.errors import UpstreamError
from broker.ports import Clock
from broker.upstream.connection import UpstreamConnection
from mandates.model import Instant

REFETCH_SECONDS = 30
METADATA_SECONDS = 3600
GIVE_UP_SECONDS = 5
"""After a failure nobody tries again for so long: a silent upstream must not hold every thread."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class UpstreamMetadata:
    """Discovery and JWKS of one issuer; thread-safe, one fetch at a time."""

    def __init__(self, issuer: str, connection: UpstreamConnection, clock: Clock) -> None:
        self.issuer = issuer
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._document: dict[str, Any] | None = None
        self._document_until: Instant = 0
        self._keys: KeySet | None = None
        self._keys_until: Instant = 0
        self._keys_fetched: Instant = 0
        self._given_up_until: Instant = 0

    def document(self) -> dict[str, Any]:
        """The discovery document; its `issuer` is exactly ours. Raise `UpstreamError`."""
        with self._lock:
            if self._document is None or self._clock() >= self._document_until:
                found, _ = self._fetch(f"{self.issuer}/.well-known/openid-configuration")
                if found.get("issuer") != self.issuer:
                    raise UpstreamError("the discovery document names another issuer")
                if not all(isinstance(found.get(name), str) for name in ENDPOINTS):
                    raise UpstreamError("the discovery document lacks an endpoint")
                self._document = found
                self._document_until = self._clock() + METADATA_SECONDS
            return self._document

    def keys(self, kid: str | None) -> KeySet:
        """The key set, fetched anew when it is old or does not know `kid`. Raise `UpstreamError`."""
        address = self.document()["jwks_uri"]
        with self._lock:
            now = self._clock()
            known = self._keys is not None and any(key.kid == kid for key in self._keys.keys)
            stale = self._keys is None or now >= self._keys_until
            if stale or (not known and now - self._keys_fetched >= REFETCH_SECONDS):
                body, seconds = self._fetch(address)
                try:
                    self._keys = KeySet.import_key_set(body)  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError) as error:
                    raise UpstreamError("the upstream's keys cannot be read") from error
                self._keys_fetched, self._keys_until = now, now + seconds
            if self._keys is None:
                raise UpstreamError("the upstream has no keys")
            return self._keys

    def _fetch(self, address: str) -> tuple[dict[str, Any], int]:
        if self._clock() < self._given_up_until:
            raise UpstreamError("the upstream did not answer a moment ago")
        try:
            return self._connection.get(address)
        except UpstreamError:
            self._given_up_until = self._clock() + GIVE_UP_SECONDS
            raise
