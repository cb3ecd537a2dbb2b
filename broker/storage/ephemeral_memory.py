"""The ephemeral store inside one process: for exactly one gunicorn worker, and for tests.

Values are kept as JSON text, so that nobody can change a stored value through
the object that was put in, and nothing fits here that Redis would refuse.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from broker.port_errors import UnavailableError
from broker.ports import Clock, Mark
from mandates.model import Instant

MAX_ENTRIES = 200_000
"""Some 100 MB as a rule. A replay mark lives a minute or ten: room for 300 requests a second."""
ANYBODYS = frozenset({"login", "interaction", "tries", "par"})
"""Kinds that whoever opens a page, or has a public client's name, fills: they get half of the room,
so that a flood of sign-ins that nobody finishes leaves the other half to codes and replay marks."""


class MemoryStore:
    """`ports.EphemeralStore` in a dictionary, safe between threads.

    Bounded: when it is full of live entries it raises `UnavailableError`. To
    drop one instead would forget a replay mark, and open a replay by flooding.
    """

    def __init__(self, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._epoch = clock()
        self._lock = Lock()
        self._entries: dict[tuple[str, str], tuple[Instant, str]] = {}
        self._anybodys = 0
        # Every (expiry, key) that was ever true; stale pairs are skipped when they come up.
        self._expiries: list[tuple[Instant, tuple[str, str]]] = []

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> None:
        """Store for `ttl` seconds (at least 1, else `ValueError`), over what was there."""
        text = json.dumps(dict(value))
        with self._lock:
            self._store((kind, key), text, ttl)

    def replace(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> bool:
        """Store only if the key is there, in one atomic step: what was taken does not come back."""
        text = json.dumps(dict(value))
        with self._lock:
            if self._live((kind, key)) is None:
                return False
            self._store((kind, key), text, ttl)
            return True

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        with self._lock:
            return _read(self._live((kind, key)))

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one atomic step: of two callers one gets it."""
        with self._lock:
            text = self._live((kind, key))
            self._drop((kind, key))
            return _read(text)

    def claim(self, kind: str, key: str, ttl: int) -> bool:
        """Set if absent, atomically: True for the first caller within `ttl` seconds only."""
        with self._lock:
            return self._claim(kind, key, ttl)

    def claim_all(self, marks: Sequence[Mark]) -> tuple[bool, Instant]:
        """Claim every mark: whether all were free, and the epoch."""
        with self._lock:
            claimed = [self._claim(*mark) for mark in marks]
            return all(claimed), self._epoch

    def epoch(self) -> Instant:
        """When this process began to remember."""
        return self._epoch

    def ping(self) -> None:
        """Raise nothing: it is here as long as the process is."""

    def _claim(self, kind: str, key: str, ttl: int) -> bool:
        if self._live((kind, key)) is not None:
            return False
        self._store((kind, key), "{}", ttl)
        return True

    def _live(self, key: tuple[str, str]) -> str | None:
        expires_at, text = self._entries.get(key, (0, ""))
        return text if self._clock() < expires_at else None

    def _store(self, key: tuple[str, str], text: str, ttl: int) -> None:
        if ttl < 1:
            raise ValueError("a time to live is at least one second")
        self._forget_expired()
        if key not in self._entries:
            self._make_sure_of_room(key[0])
            self._anybodys += key[0] in ANYBODYS
        expires_at = self._clock() + ttl
        self._entries[key] = (expires_at, text)
        heapq.heappush(self._expiries, (expires_at, key))
        self._bound_expiries()

    def _make_sure_of_room(self, kind: str) -> None:
        full = len(self._entries) >= self._max_entries
        if full or (kind in ANYBODYS and self._anybodys >= self._max_entries // 2):
            raise UnavailableError("the ephemeral store is full")

    def _drop(self, key: tuple[str, str]) -> None:
        if self._entries.pop(key, None) is not None:
            self._anybodys -= key[0] in ANYBODYS

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            expires_at, key = heapq.heappop(self._expiries)
            if self._entries.get(key, (None, ""))[0] == expires_at:
                self._drop(key)

    def _bound_expiries(self) -> None:
        """Build the heap anew when most of it is stale: entries taken or replaced long before they expire."""
        if len(self._expiries) > 2 * self._max_entries:
            self._expiries = [(expires_at, key) for key, (expires_at, _) in self._entries.items()]
            heapq.heapify(self._expiries)


def _read(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))
