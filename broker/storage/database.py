"""The SQL database as the flows see it: units of work, and a schema that is brought up to date."""

from __future__ import annotations

from collections.abc import Sequence

from broker.records import Question, Snapshot
from broker.storage.engines import engines_for
from broker.storage.looks import Looks
from broker.storage.migrations import is_current, upgrade
from broker.storage.unit_of_work import SqlUnitOfWork

STATUS_LIST_SIZE = 2**20
"""Bits in one status list (tokens.md section 6)."""


class SqlDatabase:
    """`ports.Database` on SQLite (`sqlite:////abs/path/volmacht.db`) or PostgreSQL (`postgresql://…`).

    Safe to share between threads, not between processes: make one per worker.
    `status_list_size` is for tests, who cannot fill a million bits.
    """

    def __init__(self, url: str, *, status_list_size: int = STATUS_LIST_SIZE, connections: int = 10) -> None:
        self._engines = engines_for(url, connections)
        self._status_list_size = status_list_size
        self._looks = Looks(self._engines.look)

    def write(self) -> SqlUnitOfWork:
        """Return a transaction that may write. On SQLite the only one of its moment."""
        return SqlUnitOfWork(self._engines.write, writes=True, status_list_size=self._status_list_size)

    def read(self) -> SqlUnitOfWork:
        """Return a consistent view that never writes; the database refuses if it tries."""
        return SqlUnitOfWork(self._engines.read, writes=False, status_list_size=self._status_list_size)

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Return everything that can make the chains asked about: one statement, one moment."""
        return self._looks.look(questions)

    def upgrade(self) -> None:
        """Bring the schema to the newest migration: all of it or, if one fails, nothing."""
        with self._engines.write.begin() as connection:
            upgrade(connection)

    def schema_is_current(self) -> bool:
        """Whether the newest migration ran. A newer schema than this program knows is not current."""
        with self._engines.read.begin() as connection:
            return is_current(connection)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._looks.close()
        self._engines.dispose()
