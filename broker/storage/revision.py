"""The revision of what decisions rest on: a number that grows with every committed change.

A caller may ask for an answer "at least as fresh as" a revision that it was
given. So whoever sees a number must see every change up to it, and that is why
this is a row and not a sequence: its lock puts the commits in order. The lock
is taken by the very last statement before COMMIT, once a transaction: whoever
works long on a file of mandates holds nobody up, and as it is always the last
lock, nobody waits in a ring.
"""

from __future__ import annotations

from sqlalchemy import Connection

from broker.storage.counters import raise_counter, read_counter

_REVISION = "revision"


class Revision:
    """Of one transaction: whether it changed something, and the number that this change is given."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changed = False

    def changed(self) -> None:
        """Say that a mandate, a caseload or a party was written."""
        self._changed = True

    def read(self) -> int:
        """Return the number as this transaction sees it; its own changes are not counted yet."""
        return read_counter(self._connection, _REVISION)

    def settle(self) -> int | None:
        """Raise the number if something changed, and return it. Nothing may be written after this."""
        return raise_counter(self._connection, _REVISION) if self._changed else None
