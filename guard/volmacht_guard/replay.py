"""Proofs that were used, remembered for as long as they could be used again (RFC 9449 section 11.1)."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from threading import Lock
from typing import Protocol

from volmacht_guard import clock as clocks
from volmacht_guard.errors import UnavailableError

MAX_MARKS = 100_000
"""Some 30 MB. A mark lives two minutes at most: room for 800 requests a second."""


class ReplayStore(Protocol):
    """Marks of used proofs, shared by all processes of one service."""

    def claim(self, key: str, ttl: int, issued_at: int) -> bool:
        """Set the mark `key` for `ttl` seconds: True for the first caller only, atomically.

        False also for what was issued before the store began to remember: losing the
        store must not re-open replay. Raise `UnavailableError` when that cannot be
        known now.
        """


class MemoryReplayStore:
    """A `ReplayStore` inside one process, safe between threads.

    A service with several processes hands its guard a store that they share;
    otherwise each of them takes a proof once. Full, it refuses: to drop a mark
    would open a replay to whoever floods it.
    """

    def __init__(self, max_marks: int = MAX_MARKS, clock: Callable[[], int] = clocks.now) -> None:
        self._clock = clock
        self._max_marks = max_marks
        self._began_at = clock()
        self._lock = Lock()
        self._marks: set[str] = set()
        self._expiries: list[tuple[int, str]] = []

    def claim(self, key: str, ttl: int, issued_at: int) -> bool:
        now = self._clock()
        with self._lock:
            while self._expiries and self._expiries[0][0] <= now:
                self._marks.discard(heapq.heappop(self._expiries)[1])
            if key in self._marks or issued_at < self._began_at:
                return False
            if len(self._marks) >= self._max_marks:
                raise UnavailableError("replays_full", "proofs cannot be remembered now")
            self._marks.add(key)
            heapq.heappush(self._expiries, (now + ttl, key))
            return True
