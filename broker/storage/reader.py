"""What the families of queries on mandates share: the connection, and how rows are run and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable

from broker.storage.revision import Revision
from mandates.model import Mandate


class MandateReader:
    """One transaction's view of the mandates; the families of queries build on it."""

    def __init__(self, connection: Connection, revision: Revision, *, writes: bool) -> None:
        self._connection = connection
        self._revision = revision
        self._writes = writes
        self._dialect = connection.dialect.name

    def _list(self, statement: Executable, **keys: Any) -> list[Mandate]:
        """Run a statement that selects the columns of `Mandate`."""
        return [Mandate(*row) for row in self._connection.execute(statement, keys)]

    def _rows(self, statement: str, keys: Mapping[str, Any]) -> list[Sequence[Any]]:
        """Run a statement in the driver's own SQL."""
        return list(self._connection.exec_driver_sql(statement, dict(keys)))
