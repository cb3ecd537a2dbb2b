"""Values that live for a while under a key that nobody can guess."""

from __future__ import annotations

import secrets
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shelf(Generic[Value]):
    """A dictionary whose entries last `lifetime` seconds; safe to share between threads.

    In memory on purpose: codes and sign-ons of a simulation may be lost at a restart.
    """

    def __init__(self, lifetime: int) -> None:
        self._lifetime = lifetime
        self._values: dict[str, tuple[int, Value]] = {}
        self._lock = Lock()

    def put(self, value: Value, now: int) -> str:
        """Keep `value`; return its new key (256 random bits)."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._sweep(now)
            self._values[key] = (now + self._lifetime, value)
        return key

    def find(self, key: str, now: int) -> Value | None:
        """The value, unless it is unknown or its time is over."""
        with self._lock:
            self._sweep(now)
            entry = self._values.get(key)
        return entry[1] if entry else None

    def take(self, key: str, now: int) -> Value | None:
        """As `find`, and it is gone: of two callers one gets it."""
        with self._lock:
            self._sweep(now)
            entry = self._values.pop(key, None)
        return entry[1] if entry else None

    def claim(self, key: str, value: Value, now: int) -> bool:
        """Keep `value` under a given key; False if that key is taken."""
        with self._lock:
            self._sweep(now)
            if key in self._values:
                return False
            self._values[key] = (now + self._lifetime, value)
        return True

    def _sweep(self, now: int) -> None:
        for key in [key for key, (until, _) in self._values.items() if until <= now]:
            del self._values[key]
