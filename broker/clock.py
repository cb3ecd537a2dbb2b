"""The one clock. Everything below the edge is told `now`."""

import time

from mandates.model import Instant


def system_clock() -> Instant:
    """Whole seconds since 1970-01-01T00:00:00Z."""
    return int(time.time())
