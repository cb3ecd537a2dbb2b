"""Logging for one process: one line an event, times in UTC, nothing personal.

What is logged is written by hand, field by field; requests, tokens, codes and
claims are never handed to a logger as a whole (threats: class 27).
"""

from __future__ import annotations

import logging
import time


def configure(level: str) -> None:
    """Send every logger to standard error at `level`. Calling it twice changes nothing."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(level)
    # urllib3 and requests name full addresses at debug level: codes would stand in them.
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
