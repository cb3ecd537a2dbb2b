"""The keys that a client publishes itself (`jwks_uri`, OpenID Connect Core section 10.1.1), fetched and kept.

An address that somebody registered makes this server open a connection, so it must
not reach what only this server can reach (threats: class 11). What is refused stands in
`guarded_fetch`; here is when a set is fetched, how long it is kept, and what happens
meanwhile (threats: class 17).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.errors import ClientKeysError
from broker.records import Client
from broker.upstream.guarded_fetch import Fetched, FetchError
from keys.errors import KeyringError
from keys.jwks import read_client_jwks
from mandates.model import Instant

DEFAULT_SECONDS = 300
LEAST_SECONDS, MOST_SECONDS = 60, 24 * 3600
"""A copy is fresh for as long as its `Cache-Control` says, within these bounds."""
REFETCH_SECONDS = 30
"""An unknown `kid` fetches a fresh copy again, but no more often than this: invented ones cost nothing."""
FAILED_SECONDS = 10
"""After a failure nobody tries again for so long: a silent server must not hold every thread."""
STALE_SECONDS = 24 * 3600
"""A copy that cannot be renewed serves until here, and no longer: a withdrawn key must die."""
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", re.IGNORECASE)

Fetch = Callable[[str], Fetched]


@dataclass(slots=True)
class _Copy:
    """What is known of one address. Changed by whoever holds `fetching`, read by all."""

    fetching: threading.Lock = field(default_factory=threading.Lock)
    jwks: Mapping[str, Any] | None = None
    kids: frozenset[str] = frozenset()
    fetched_at: Instant = 0
    fresh_until: Instant = 0
    failed_until: Instant = 0

    def answers(self, kid: str | None, now: Instant) -> bool:
        """Whether nothing need be fetched for this key."""
        if self.jwks is None or now >= self.fresh_until:
            return False
        return kid is None or kid in self.kids or now < self.fetched_at + REFETCH_SECONDS

    def serves(self, now: Instant) -> bool:
        """Whether the copy may be used though it could not be renewed."""
        return self.jwks is not None and now < self.fetched_at + STALE_SECONDS


class ClientKeySets:
    """`ports.ClientKeys`: registered sets as they are, published ones by their address."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._copies: dict[str, _Copy] = {}

    def keys_of(self, client: Client, kid: str | None, now: Instant) -> Mapping[str, Any]:
        """Return the client's JWK Set; raise `ClientKeysError` if it cannot be had.

        One thread fetches. The others go on with the copy that there is, or wait for
        that fetch when there is none; it is bounded in time.
        """
        if client.jwks is not None:
            return client.jwks
        if client.jwks_uri is None:
            raise ClientKeysError
        copy = self._copies.setdefault(client.jwks_uri, _Copy())
        if not copy.answers(kid, now) and copy.fetching.acquire(blocking=not copy.serves(now)):
            try:
                if not copy.answers(kid, now) and now >= copy.failed_until:
                    self._renew(copy, client.jwks_uri, now)
            finally:
                copy.fetching.release()
        if copy.jwks is None or not copy.serves(now):
            raise ClientKeysError
        return copy.jwks

    def _renew(self, copy: _Copy, address: str, now: Instant) -> None:
        try:
            fetched = self._fetch(address)
            jwks = read_client_jwks(json.loads(fetched.body))
        except (FetchError, KeyringError, ValueError, RecursionError):
            copy.failed_until = now + FAILED_SECONDS
            return
        copy.kids = frozenset(key["kid"] for key in jwks["keys"] if "kid" in key)
        copy.jwks, copy.fetched_at = jwks, now
        copy.fresh_until = now + _kept(fetched.cache_control)


def _kept(cache_control: str) -> int:
    """Seconds that a set is fresh, as its server says and within our bounds."""
    said = _MAX_AGE.search(cache_control)
    return min(max(int(said[1]), LEAST_SECONDS), MOST_SECONDS) if said else DEFAULT_SECONDS
