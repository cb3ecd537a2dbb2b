"""The one place where this package asks what time it is."""

from __future__ import annotations

import time


def now() -> int:
    """Return the seconds since 1970-01-01T00:00:00Z: what claims are compared with."""
    return int(time.time())


def monotonic() -> float:
    """Return seconds that never run backwards: for waiting and for the age of caches."""
    return time.monotonic()
