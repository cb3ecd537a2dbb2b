"""The ephemeral store on Redis or Valkey, for any number of workers.

Every step is one command of the server, so it is atomic without a script:
`SET … NX EX` claims, `GETDEL` takes. Keys are hashed: codes and request URIs
then do not stand in the server's key space, logs and monitors, and a long `jti`
costs no more than a short one.

The server must run with `maxmemory-policy noeviction`: one that evicts forgets
replay marks without losing its epoch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from broker.port_errors import UnavailableError
from broker.ports import Clock, Mark
from broker.storage.redis_connections import RedisConnections
from mandates.model import Instant

_PREFIX = "volmacht:"
_EPOCH = _PREFIX + "epoch"
_CONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 1.0
"""A token request waits for this server several times; a slow one is as good as one that is away."""


class RedisStore:
    """`ports.EphemeralStore` at a `redis://`, `rediss://` or `unix://` URL, safe between threads.

    Every method raises `UnavailableError` when the server is away, slow, full
    or read-only; the error never quotes the URL, which may hold a password.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        # No retries: a command whose answer was lost may have been carried out,
        # and a claim that is sent again would find its own mark.
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._connections = RedisConnections(self._redis)

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> None:
        """Store for `ttl` seconds (at least 1, else `ValueError`), over what was there."""
        self._ask("SET", _name(kind, key), json.dumps(dict(value)), "EX", _seconds(ttl))

    def replace(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> bool:
        """Store only if the key is there, in one atomic step: what was taken does not come back."""
        return self._ask("SET", _name(kind, key), json.dumps(dict(value)), "EX", _seconds(ttl), "XX") == "OK"

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return _read(self._ask("GET", _name(kind, key)))

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one atomic step: of two callers one gets it."""
        return _read(self._ask("GETDEL", _name(kind, key)))

    def claim(self, kind: str, key: str, ttl: int) -> bool:
        """Set if absent, atomically: True for the first caller within `ttl` seconds only."""
        return self._ask("SET", _name(kind, key), "{}", "EX", _seconds(ttl), "NX") == "OK"

    def claim_all(self, marks: Sequence[Mark]) -> tuple[bool, Instant]:
        """Claim every mark in one round trip: whether all were free, and the epoch read after."""
        now = self._clock()
        claims = [("SET", _name(kind, key), "{}", "EX", _seconds(ttl), "NX") for kind, key, ttl in marks]
        with _reached():
            *claimed, earlier = self._connections.answers([*claims, ("SET", _EPOCH, now, "NX", "GET")])
        return all(one == "OK" for one in claimed), now if earlier is None else int(earlier)

    def epoch(self) -> Instant:
        """When the server began to remember; a server that was emptied begins anew.

        Claim first, then compare with the epoch: a server that is emptied
        between the two is then noticed.
        """
        now = self._clock()
        with _reached():
            earlier = self._redis.set(_EPOCH, now, nx=True, get=True)
        return now if earlier is None else int(str(earlier))

    def ping(self) -> None:
        """Raise `UnavailableError` if the server is away."""
        with _reached():
            self._redis.ping()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _ask(self, *command: str | int) -> Any:
        """Send one command and return its answer."""
        with _reached():
            return self._connections.answers([command])[0]


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise UnavailableError(f"the ephemeral store is away ({type(error).__name__})") from None


def _name(kind: str, key: str) -> str:
    return f"{_PREFIX}{kind}:{hashlib.sha256(key.encode()).hexdigest()}"


def _seconds(ttl: int) -> int:
    if ttl < 1:
        raise ValueError("a time to live is at least one second")
    return ttl


def _read(text: Any) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))
