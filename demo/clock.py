"""The demo's one clock; everything else is handed it, so that tests can turn it."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives now: whole seconds since 1970-01-01T00:00:00Z."""


def system_clock() -> int:
    """Now, by the clock of this machine."""
    return int(time.time())
