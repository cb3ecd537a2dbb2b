"""What was known at an earlier instant: the second time axis (mandates.md section 1).

The database keeps every version when the next one is stored. A version was
known from `recorded_at` until `superseded_at`, half-open; the one that nobody
superseded stands in the table itself. To see the world of then is to read both
tables with one more condition.

An executor of one session lives a day at most (a check in the schema says so),
so whoever asks who could act on a day in 2024 reads the sessions of that day,
and not those of ten years.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, cast, null, select, union_all

from broker.records import MandateVersion, Snapshot
from broker.storage.clauses import columns_of
from broker.storage.engine_tables import mandate_history, mandates
from broker.storage.looks import caseload_columns, party_columns, revision_columns, snapshot_of
from broker.storage.reader import MandateReader
from broker.storage.rows import MANDATE_COLUMNS
from mandates.model import Instant, Mandate

_superseded = mandate_history.c.superseded_at
_VERSIONS = union_all(
    select(
        *columns_of(mandates, Mandate),
        mandates.c.recorded_at,
        cast(null(), BigInteger).label("superseded_at"),
    ).where(mandates.c.id == bindparam("mandate")),
    select(*columns_of(mandate_history, Mandate), mandate_history.c.recorded_at, _superseded).where(
        mandate_history.c.id == bindparam("mandate")
    ),
).order_by("version")

_SESSION_DAY = 86_400
"""Seconds that a power of a session lasts at most (check `session_day`, migration 0005)."""


def _then(condition: str) -> str:
    """Versions of mandates that were known then, current and superseded ones, for one condition on `m`."""
    columns = ", ".join(f"m.{name}" for name in MANDATE_COLUMNS)
    return (
        f"SELECT {columns} FROM {{source}} CROSS JOIN mandates AS m "  # noqa: S608 - names, no values
        f"WHERE {condition} AND m.recorded_at <= :known_at "
        f"UNION ALL SELECT {columns} FROM {{source}} CROSS JOIN mandate_history AS m "
        f"WHERE {condition} AND m.recorded_at <= :known_at AND m.superseded_at > :known_at"
    )


_GIVEN = _then("m.principal = giver.id AND m.session IS NULL").format(
    source="(SELECT :principal AS id) AS giver"
)
_HELD = _then(
    "m.principal = organisation.id AND m.session IS NULL AND (m.representative = :actor "
    "OR (CAST(:actor AS text) IS NULL AND m.valid_from <= :at AND :at < m.valid_until))"
).format(source="organisation")
_CLAIMED = _then(
    "m.principal = giver.id AND m.session IS NOT NULL AND m.valid_from > :day_before AND m.valid_from <= :at "
    "AND (CAST(:actor AS text) IS NULL OR m.representative = :actor)"
).format(source="(SELECT id FROM organisation UNION SELECT :principal) AS giver")
_THEN = f"""
WITH given AS MATERIALIZED ({_GIVEN}),
organisation AS MATERIALIZED (
  SELECT p.id FROM (SELECT DISTINCT representative FROM given) AS named CROSS JOIN parties AS p
  WHERE p.id = named.representative AND p.kind = 'organisation'
),
held AS MATERIALIZED ({_HELD} UNION ALL {_CLAIMED}),
found AS MATERIALIZED (SELECT * FROM given UNION ALL SELECT * FROM held),
named AS MATERIALIZED (
  SELECT principal AS id FROM found UNION SELECT representative FROM found
  UNION SELECT :principal UNION SELECT :actor
)
SELECT 'mandate' AS what, found.* FROM found
UNION ALL SELECT 'party', {party_columns("p")} FROM named CROSS JOIN parties AS p
WHERE p.id = named.id AND p.recorded_at <= :known_at
UNION ALL SELECT 'party', {party_columns("p")} FROM named CROSS JOIN party_history AS p
WHERE p.id = named.id AND p.recorded_at <= :known_at AND p.superseded_at > :known_at
UNION ALL SELECT 'caseload', {caseload_columns("c")} FROM held CROSS JOIN (
  SELECT executor, principal, added_at, CASE WHEN removed_at <= :known_at THEN removed_at END AS removed_at
  FROM caseloads WHERE added_at <= :known_at
) AS c WHERE c.executor = held.id AND c.principal = :principal AND NOT held.whole
UNION ALL SELECT 'revision', {revision_columns("r")} FROM counters AS r WHERE r.name = 'revision'
"""  # noqa: S608 - names of columns, no values


@cache
def then_statement(dialect: str) -> str:
    """Return the statement of `known_at` in the SQL of `postgresql` or `sqlite`."""
    if dialect == "sqlite":
        return _THEN
    typed = {"principal": "text", "actor": "text"}
    return re.sub(r":(\w+)", lambda one: f"CAST(%({one[1]})s AS {typed.get(one[1], 'bigint')})", _THEN)


def then_parameters(
    principal: str, known_at: Instant, at: Instant | None, actor: str | None
) -> dict[str, Any]:
    """Return what it takes."""
    at = known_at if at is None else at
    return {
        "principal": principal,
        "actor": actor,
        "known_at": known_at,
        "at": at,
        "day_before": at - _SESSION_DAY,
    }


class HistoryQueries(MandateReader):
    """Every version that was recorded, and the world as it was known at an instant."""

    def versions(self, mandate: str) -> list[MandateVersion]:
        """Every version that was recorded, oldest first."""
        rows: Sequence[Any] = self._connection.execute(_VERSIONS, {"mandate": mandate}).all()
        return [MandateVersion(Mandate(*row[:-2]), row[-2], row[-1]) for row in rows]

    def known_at(
        self, principal: str, known_at: Instant, at: Instant | None = None, actor: str | None = None
    ) -> Snapshot:
        """What this principal gave and the executors of its representatives, as it was known then.

        Executors that could act at `at` (by default the same instant), of all sessions; of
        this actor alone, whatever their period, if she is named. With the parties and
        caseload entries as they were known then. One statement.
        """
        keys = then_parameters(principal, known_at, at, actor)
        return snapshot_of(self._rows(then_statement(self._dialect), keys))
