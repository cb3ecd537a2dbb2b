"""The SQL database as the flows see it: units of work, and a schema that is brought up to date."""

from __future__ import annotations

from collections.abc import Sequence

from broker.records import Issue, Question, Snapshot, Standing, StatusEntry
from broker.storage.driver_pool import DriverPool
from broker.storage.engines import Engines, engines_for
from broker.storage.issues import Committer, Issues
from broker.storage.issues_postgresql import PostgresCommitter
from broker.storage.issues_sqlite import SqliteCommitter
from broker.storage.looks import Looks
from broker.storage.migrations import is_current, upgrade
from broker.storage.standings import Standings
from broker.storage.transactions import beginnings
from broker.storage.unit_of_work import SqlUnitOfWork
from mandates.model import Instant

STATUS_LIST_SIZE = 2**20
"""Bits in one status list (tokens.md section 6)."""


class SqlDatabase:
    """`ports.Database` on SQLite (`sqlite:////abs/path/volmacht.db`) or PostgreSQL (`postgresql://…`).

    Safe to share between threads, not between processes: make one per worker.
    `status_list_size` is for tests, who cannot fill a million bits.
    """

    def __init__(self, url: str, *, status_list_size: int = STATUS_LIST_SIZE, connections: int = 10) -> None:
        self._engines = engines_for(url, connections)
        self._begin_write, self._begin_read = beginnings(self._engines)
        self._status_list_size = status_list_size
        self._pool = DriverPool(self._engines.look)
        self._looks, self._standings = Looks(self._pool), Standings(self._pool)
        self._committer = _committer(self._engines, status_list_size)
        self._issues = Issues(self._committer)

    def write(self) -> SqlUnitOfWork:
        """Return a transaction that may write. On SQLite the only one of its moment."""
        return SqlUnitOfWork(self._begin_write, writes=True, status_list_size=self._status_list_size)

    def read(self) -> SqlUnitOfWork:
        """Return a consistent view that never writes; the database refuses if it tries."""
        return SqlUnitOfWork(self._begin_read, writes=False, status_list_size=self._status_list_size)

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Return everything that can make the chains asked about: one statement, one moment."""
        return self._looks.look(questions)

    def is_revoked(self, status_list: str, index: int) -> bool | None:
        """Return whether this bit is set, None if it was never handed out; one statement."""
        return self._standings.is_revoked(status_list, index)

    def standing(self, status_list: str, index: int, mandate: str | None) -> Standing | None:
        """Return what a token stands on, and what can make a chain from a mandate; one statement."""
        return self._standings.standing(status_list, index, mandate)

    def issue(self, issue: Issue, now: Instant) -> StatusEntry:
        """Store the index of a judged token and its journal row; durable when it returns.

        Raise `ChangedError`, `ConflictError`; `UnavailableError` if the database is away or too
        busy.
        """
        return self._issues.issue(issue, now)

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
        self._pool.close()
        self._committer.close()
        self._engines.dispose()


def _committer(engines: Engines, list_size: int) -> Committer:
    if engines.issue.dialect.name == "postgresql":
        return PostgresCommitter(engines.issue, engines.write, list_size)
    return SqliteCommitter(engines.issue, list_size)
