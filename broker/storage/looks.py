"""What one statement tells of some questions: mandates, parties, caseloads and the revision, of one moment.

It runs outside any transaction, which would cost two round trips more; a single
statement sees a single moment anyway. Its rows are of four kinds in columns that
they share, each in columns of its own type: cheaper than four answers, and than
one answer in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from broker.records import Question, Snapshot
from broker.storage.chains import asking, links
from broker.storage.columns import read_recognitions
from broker.storage.driver_pool import DriverPool
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


def columns_as(of: dict[str, str], table: str) -> str:
    """Columns of a row of another kind, each in the place of a column of a mandate."""
    return ", ".join(f"{table}.{of[name]}" if name in of else "NULL" for name in MANDATE_COLUMNS)


def party_columns(table: str) -> str:
    """Columns of a row of kind `party`."""
    return columns_as(_PARTY, table)


def caseload_columns(table: str) -> str:
    """Columns of a row of kind `caseload`."""
    return columns_as(_CASELOAD, table)


def revision_columns(table: str) -> str:
    """Columns of a row of kind `revision`."""
    return columns_as(_REVISION, table)


LOOK = f"""
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
"""What follows `chains.links`."""


class Looks:
    """Runs the statement on connections of its own, straight through the driver."""

    def __init__(self, pool: DriverPool) -> None:
        self._pool = pool
        self.statement = links(pool.dialect) + LOOK

    def parameters(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Return what the statement takes."""
        return asking(self._pool.dialect, questions)

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Answer from one moment. Raise `UnavailableError` if the database is away or too busy."""
        return snapshot_of(self._pool.rows(self.statement, self.parameters(questions)))


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
