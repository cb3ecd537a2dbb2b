"""Connections that are used straight through the driver, where a tenth of a millisecond counts.

SQLAlchemy's pool opens and counts them; between two uses they wait here, and the last
one comes first: asking the pool would cost a tenth of a decision.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import UnavailableError
from broker.storage.engines import port_error
from broker.storage.libpq import Libpq


class DriverPool:
    """Of one engine; safe between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.dialect = engine.dialect.name
        self._idle: deque[PoolProxiedConnection] = deque()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection, given back if nothing went wrong with it and dropped otherwise.

        The driver's own on SQLite, a `Libpq` on PostgreSQL. Raise the port's error for the
        driver's, `UnavailableError` if the database is away or too busy.
        """
        connection = self._take()
        try:
            yield self._spoken_to(connection)
        except (sqlite3.Error, psycopg.Error) as error:
            # Whatever it was, the next one gets a fresh connection.
            connection.invalidate()
            raise port_error(error) or error from None
        except BaseException:  # raised again: it was cut off half way
            connection.invalidate()
            raise
        self._idle.append(connection)

    def rows(self, statement: str, keys: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Run one statement, prepared, outside any transaction."""
        with self.connection() as driver:
            if self.dialect == "postgresql":
                rows: list[Sequence[Any]] = driver.rows(statement, keys)
                return rows
            return list(driver.execute(statement, keys))

    def close(self) -> None:
        """Give the connections back that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().close()

    def _spoken_to(self, connection: PoolProxiedConnection) -> Any:
        driver: Any = connection.driver_connection
        if self.dialect != "postgresql":
            return driver
        known = connection.info
        if "libpq" not in known:
            known["libpq"] = Libpq(driver)
        return known["libpq"]

    def _take(self) -> PoolProxiedConnection:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._engine.raw_connection()
        except PoolTimeoutError:
            raise UnavailableError("every connection to the database is in use") from None
