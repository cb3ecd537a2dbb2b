"""How a unit of work begins and ends: through SQLAlchemy on SQLite, with `prepared` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import UnavailableError
from broker.storage.engines import Engines
from broker.storage.prepared import PreparedConnection

_WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Transaction(Protocol):
    """One transaction under way."""

    @property
    def connection(self) -> Any:
        """SQLAlchemy's `Connection`, or what has all of it that the stores use."""

    @property
    def is_active(self) -> bool:
        """Whether it is still under way."""

    def commit(self) -> None: ...
    def close(self) -> None:
        """Take back what was not committed."""


class CoreTransaction:
    """On a connection of SQLAlchemy's."""

    def __init__(self, engine: Engine) -> None:
        """Begin. Raise `UnavailableError` if the database is away or stays locked."""
        try:
            self.connection = engine.connect()
        except PoolTimeoutError:
            raise UnavailableError("every connection to the database is in use") from None
        try:
            self._transaction = self.connection.begin()
        except BaseException:  # whatever it was, it is raised again; the connection goes back
            self.connection.close()
            raise

    @property
    def is_active(self) -> bool:
        return self._transaction.is_active

    def commit(self) -> None:
        self._transaction.commit()

    def close(self) -> None:
        self.connection.close()


def beginnings(engines: Engines) -> tuple[Callable[[], Transaction], Callable[[], Transaction]]:
    """Return what begins a transaction that may write, and one that only reads."""
    if engines.units is None:
        return partial(CoreTransaction, engines.write), partial(CoreTransaction, engines.read)
    return (
        partial(PreparedConnection, engines.units, _WRITE),
        partial(PreparedConnection, engines.units, _READ),
    )
