"""Numbers that grow by one with every change: the revision of the mandates, the version of the registry.

A row, not a sequence: whoever raises it holds it until commit, so a reader who
sees a number sees every change up to it.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from broker.storage.tables import counters

_RAISE = (
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)
_READ = select(counters.c.value).where(counters.c.name == bindparam("counter"))
_HOLD = _READ.with_for_update(read=True)


def raise_counter(connection: Connection, name: str) -> int:
    """Add one; return the new value."""
    value: int = connection.execute(_RAISE, {"counter": name}).scalar_one()
    return value


def read_counter(connection: Connection, name: str) -> int:
    """Return the value as this transaction sees it."""
    value: int = connection.execute(_READ, {"counter": name}).scalar_one()
    return value


def hold_counter(connection: Connection, name: str) -> int:
    """Return the newest value; whoever would raise it waits until this transaction is over."""
    value: int = connection.execute(_HOLD, {"counter": name}).scalar_one()
    return value
