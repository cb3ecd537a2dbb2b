"""What one statement tells of some questions: mandates, parties, caseloads and the revision, of one moment.

It runs outside any transaction, which would cost two round trips more; a single
statement sees a single moment anyway. Its rows are of four kinds in columns that
they share, each in columns of its own type: cheaper than four answers, and than
one answer in JSON.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import UnavailableError
from broker.records import Question, Snapshot
from broker.storage.chains import asking, links
from broker.storage.columns import read_recognitions
from broker.storage.engines import port_error
from broker.storage.rows import MANDATE_COLUMNS, mandate_of
from mandates.model import Caseload, Mandate, Party, PartyKind

_known_as = lru_cache(maxsize=4096)(read_recognitions)
"""There are few kinds of organisations; thousands of them share one text."""
_KINDS = {str(kind): kind for kind in PartyKind}

# How the other three kinds stand in the columns of a mandate: text among text, numbers among numbers.
_PARTY = {
    "id": "id",
    "type": "kind",
    "principal": "name",
    "representative": "kbo",
    "powers": "ovo",
    "valid_from": "adult_at",
    "valid_until": "deceased_at",
    "requested_at": "ceased_at",
    "requested_by": "recognitions",
    "catalogue_version": "successor",
}
_CASELOAD = {"id": "executor", "type": "principal", "valid_from": "added_at", "valid_until": "removed_at"}
_REVISION = {"valid_from": "value"}


def _columns(of: dict[str, str], table: str) -> str:
    return ", ".join(f"{table}.{of[name]}" if name in of else "NULL" for name in MANDATE_COLUMNS)


def party_columns(table: str) -> str:
    """Columns of a row of kind `party`."""
    return _columns(_PARTY, table)


def caseload_columns(table: str) -> str:
    """Columns of a row of kind `caseload`."""
    return _columns(_CASELOAD, table)


def revision_columns(table: str) -> str:
    """Columns of a row of kind `revision`."""
    return _columns(_REVISION, table)


_LOOK = f"""
SELECT 'mandate' AS what, {", ".join(f"m.{name}" for name in MANDATE_COLUMNS)}
FROM link CROSS JOIN mandates AS m WHERE m.id = link.id
UNION ALL SELECT 'party', {party_columns("p")}
FROM (
  SELECT principal AS id FROM asked UNION SELECT actor FROM asked
  UNION SELECT principal FROM link UNION SELECT representative FROM link
) AS named CROSS JOIN parties AS p WHERE p.id = named.id
UNION ALL SELECT 'caseload', {caseload_columns("c")}
FROM (SELECT DISTINCT executor, asked FROM through WHERE NOT whole) AS part CROSS JOIN caseloads AS c
WHERE c.executor = part.executor AND c.principal = part.asked
UNION ALL SELECT 'revision', {revision_columns("r")} FROM counters AS r WHERE r.name = 'revision'
"""  # noqa: S608 - names of columns, no values


class Looks:
    """Runs the statement on connections of its own, straight through the driver."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        self.statement = links(self._dialect) + _LOOK
        # Checked out and waiting, the last one first: asking the pool costs a tenth of a decision.
        self._idle: deque[PoolProxiedConnection] = deque()

    def parameters(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Return what the statement takes."""
        return asking(self._dialect, questions)

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Answer from one moment. Raise `UnavailableError` if the database is away or too busy."""
        connection = self._take()
        try:
            rows = self._run(connection.driver_connection, self.parameters(questions))
        except (sqlite3.Error, psycopg.Error) as error:
            # Whatever it was, the next one gets a fresh connection.
            connection.invalidate()
            raise port_error(error) or error from None
        except BaseException:  # raised again: it was cut off half way
            connection.invalidate()
            raise
        self._idle.append(connection)
        return snapshot_of(rows)

    def close(self) -> None:
        """Give the connections back that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> PoolProxiedConnection:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._engine.raw_connection()
        except PoolTimeoutError:
            raise UnavailableError("every connection to the database is in use") from None

    def _run(self, driver: Any, keys: dict[str, Any]) -> list[Sequence[Any]]:
        if self._dialect == "postgresql":
            return list(driver.execute(self.statement, keys, prepare=True))
        return list(driver.execute(self.statement, keys))


def snapshot_of(rows: Iterable[Sequence[Any]]) -> Snapshot:
    """Sort the four kinds of rows apart."""
    parties: dict[str, Party] = {}
    mandates: list[Mandate] = []
    caseloads: list[Caseload] = []
    revision = 0
    for what, *row in rows:
        if what == "mandate":
            mandates.append(mandate_of(row))
        elif what == "party":
            parties[row[0]] = _party_of(row)
        elif what == "caseload":
            caseloads.append(Caseload(row[0], row[1], row[5], row[6]))
        else:
            revision = row[5]
    return Snapshot(parties, tuple(mandates), tuple(caseloads), revision)


def _party_of(row: Sequence[Any]) -> Party:
    party, kind, name, kbo, ovo, adult_at, deceased_at, ceased_at, recognitions, successor = row[:10]
    known = _known_as(recognitions) if recognitions else ()
    return Party(party, _KINDS[kind], name, kbo, ovo, known, adult_at, deceased_at, ceased_at, successor)
