"""Issuing on SQLite: its one writer holds everything off, so there is nothing to lock, nobody to wait for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import ChangedError, PortError, UnavailableError
from broker.records import StatusEntry
from broker.storage.counters import read_counter
from broker.storage.issues import Asked, Outcome
from broker.storage.journal import SqlJournalStore
from broker.storage.status import SqlStatusStore


class SqliteCommitter:
    """`issues.Committer` with the stores that units of work have."""

    def __init__(self, engine: Engine, list_size: int) -> None:
        self._engine = engine
        self._list_size = list_size

    def together(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Each is judged before it writes, so one that is refused leaves nothing behind."""
        try:
            connection = self._engine.connect()
        except PoolTimeoutError:
            raise UnavailableError("every connection to the database is in use") from None
        with connection, connection.begin():
            return [self._one(connection, one) for one in asked]

    def alone(self, asked: Asked) -> StatusEntry:
        """As `together`, of one."""
        (outcome,) = self.together((asked,))
        if isinstance(outcome, StatusEntry):
            return outcome
        raise outcome or UnavailableError("nothing was stored")

    def close(self) -> None:
        """Its connection is the writer's, who closes it."""

    def _one(self, connection: Connection, asked: Asked) -> Outcome:
        issue, now = asked
        found = read_counter(connection, "revision"), read_counter(connection, "registry")
        if found != (issue.revision, issue.registrations):
            return ChangedError("mandates or registrations moved since the judgement")
        try:
            entry = SqlStatusStore(connection, self._list_size).allocate(issue.basis, issue.exp, now)
        except PortError as error:
            return error
        SqlJournalStore(connection).append([issue.event] if issue.event else [], now)
        return entry
