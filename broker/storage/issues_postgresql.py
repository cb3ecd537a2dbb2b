"""Issuing on PostgreSQL: two round trips for a whole group, and none in which it waits for a lock.

The first locks and reads, the second writes and commits (`status` tells why in this
order). Rows that somebody else holds are skipped, and those who need them go alone; alone,
the same statements wait. It is written in the driver's own SQL and sent through `libpq`, on
connections of its own, for SQLAlchemy would take longer than the database.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import ChangedError, ConflictError, PortError, UnavailableError
from broker.records import Basis, StatusEntry, StatusList
from broker.storage.columns import JSON_OBJECT, row_of
from broker.storage.driver_pool import DriverPool
from broker.storage.issues import Asked, CrossedError, Outcome
from broker.storage.journal import entry_row, parties_of
from broker.storage.libpq import Libpq
from broker.storage.open_lists import OpenLists
from mandates.events import Event
from mandates.model import Instant

_DRAWS = 32
"""Indices that are drawn for one issue: at three quarters full, all are taken once in 10**4 times."""
_REMEMBERED = 5
"""Seconds that the open list of an audience is remembered; it is a five minutes' work to fill a quarter."""

_BEGIN, _COMMIT, _ROLLBACK = "BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT", "ROLLBACK"
# The three come in this order, because an Append runs its parts one after the other.
_LOCK = """
SELECT 'mandate', id, NULL FROM (
  SELECT id FROM mandates WHERE id = ANY (%(mandates)s) ORDER BY id FOR SHARE{skip}) AS m
UNION ALL SELECT 'registry', NULL, value FROM (
  SELECT value FROM counters WHERE name = 'registry' FOR SHARE{skip}) AS r
UNION ALL SELECT 'grant', id, NULL FROM (
  SELECT id FROM grants WHERE id = ANY (%(grants)s) AND ended_at IS NULL ORDER BY id FOR SHARE{skip}) AS g
"""
_LOCK_WAITING, _LOCK_SKIPPING = _LOCK.format(skip=""), _LOCK.format(skip=" SKIP LOCKED")
_READ = """
SELECT '', value::text FROM counters WHERE name = 'revision'
UNION ALL SELECT id, salt FROM parties WHERE id = ANY (%(parties)s) AND salt IS NOT NULL
"""
# Rows come as one JSON text: one parameter, however many rows and columns.
# Not NOT EXISTS: the planner would make a join of it, and read the whole list for it.
_STORE = """
INSERT INTO status_entries (list, "index", "grant", client, audience, mandate, executor, hops, last_exp)
SELECT a.list, (
    SELECT drawn FROM unnest(a.draws) AS drawn
    WHERE (SELECT TRUE FROM status_entries AS e WHERE e.list = a.list AND e."index" = drawn) IS NULL LIMIT 1
  ), a."grant", a.client, a.audience, a.mandate, a.executor, a.hops, a.exp
FROM json_to_recordset(%(rows)s) AS a (
  list text, draws integer[], "grant" text, client text, audience text, mandate text, executor text,
  hops integer, exp bigint
)
ON CONFLICT ("grant", audience, client, COALESCE(mandate, ''), COALESCE(executor, ''), hops)
  WHERE revoked_at IS NULL
  DO UPDATE SET last_exp = GREATEST(status_entries.last_exp, EXCLUDED.last_exp)
RETURNING list, "index", "grant", audience, last_exp, revoked_at, client, mandate, executor, hops
"""
_APPEND = """
INSERT INTO journal (at, recorded_at, type, actor, mandate, principal, representative, body, commitments)
SELECT * FROM json_to_recordset(%(rows)s) AS a (
  at bigint, recorded_at bigint, type text, actor text, mandate text, principal text, representative text,
  body text, commitments text
)
"""
_CROSSED = (
    psycopg.errors.UniqueViolation,  # two processes drew the same index
    psycopg.errors.NotNullViolation,  # all that was drawn is taken
    psycopg.errors.ForeignKeyViolation,  # the remembered list went
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the first round trip locked and read."""

    mandates: frozenset[str]
    grants: frozenset[str]
    registry: int | None
    """None: somebody is changing it."""
    revision: int
    salts: Mapping[str, str]

    def judge(self, asked: Asked) -> PortError | None:
        """What forbids this issue; `ConflictError` if something that it rests on was not locked."""
        issue, _ = asked
        held = self.grants.issuperset((issue.basis.grant,)) and self.mandates.issuperset(issue.chain)
        if self.registry is None or not held:
            return ConflictError("this grant has ended, or is not stored")
        if (self.revision, self.registry) != (issue.revision, issue.registrations):
            return ChangedError("mandates or registrations moved since the judgement")
        return None


class PostgresCommitter:
    """`issues.Committer` straight through psycopg."""

    def __init__(self, engine: Engine, write: Engine, list_size: int) -> None:
        self._pool = DriverPool(engine)
        self._write = write
        self._list_size = list_size
        self._open: dict[str, tuple[Instant, StatusList]] = {}

    def together(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Those whose rows somebody holds go alone, as do all if two crossed each other."""
        refused, entries = self._store(asked, _LOCK_SKIPPING)
        return [
            entries[one[0].basis] if not error else None if isinstance(error, ConflictError) else error
            for one, error in zip(asked, refused, strict=True)
        ]

    def alone(self, asked: Asked) -> StatusEntry:
        """Waits for whoever holds what it rests on, ten seconds at most."""
        self._open.pop(asked[0].basis.audience, None)
        (error,), entries = self._store((asked,), _LOCK_WAITING)
        if error:
            raise error
        return entries[asked[0].basis]

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._pool.close()

    def _store(
        self, asked: Sequence[Asked], lock: str
    ) -> tuple[list[PortError | None], dict[Basis, StatusEntry]]:
        """What forbids each, or None; and the entries of those that nothing forbids."""
        lists = {one.basis.audience: self._open_list(one.basis.audience, now) for one, now in asked}
        with self._pool.connection() as driver:
            try:
                found = _lock_and_read(driver, asked, lock)
                refused = [found.judge(one) for one in asked]
                good = [one for one, error in zip(asked, refused, strict=True) if not error]
                return refused, _write(driver, good, lists, found.salts)
            except _CROSSED:
                raise CrossedError("another writer was at the same rows") from None

    def _open_list(self, audience: str, now: Instant) -> StatusList:
        """The audience's open list, opened in a transaction of its own if need be."""
        at, known = self._open.get(audience, (0, None))
        if known is None or not 0 <= now - at < _REMEMBERED:
            try:
                with self._write.begin() as connection:
                    known = OpenLists(connection, self._list_size).open(audience, now, sure=True)
            except PoolTimeoutError:
                raise UnavailableError("every connection to the database is in use") from None
            self._open[audience] = now, known
        return known


def _lock_and_read(driver: Libpq, asked: Sequence[Asked], lock: str) -> _Found:
    """The first round trip: begin, lock what the judgements rest on, and only then read."""
    locks = {
        "mandates": sorted({mandate for issue, _ in asked for mandate in issue.chain}),
        "grants": sorted({issue.basis.grant for issue, _ in asked}),
    }
    events = [issue.event for issue, _ in asked if issue.event]
    named = {party for event in events for party in parties_of(event).values() if party}
    _, rows, read = driver.rows_of_all([(_BEGIN, {}), (lock, locks), (_READ, {"parties": sorted(named)})])
    (_, revision), *salts = read
    return _Found(
        mandates=frozenset(key for what, key, _ in rows if what == "mandate"),
        grants=frozenset(key for what, key, _ in rows if what == "grant"),
        registry=next((value for what, _, value in rows if what == "registry"), None),
        revision=int(revision),
        salts=dict(salts),
    )


def _write(
    driver: Libpq, good: Sequence[Asked], lists: Mapping[str, StatusList], salts: Mapping[str, str]
) -> dict[Basis, StatusEntry]:
    """The second round trip: store, and commit."""
    if not good:
        driver.rows(_ROLLBACK, {})
        return {}
    events = [(issue.event, now) for issue, now in good if issue.event]
    store = (_STORE, {"rows": json.dumps(_entry_rows(good, lists))})
    append = [(_APPEND, {"rows": json.dumps(_journal_rows(events, salts))})] if events else []
    stored, *_ = driver.rows_of_all([store, *append, (_COMMIT, {})])
    entries = [StatusEntry(*row) for row in stored]
    return {entry.basis: entry for entry in entries}


def _entry_rows(good: Sequence[Asked], lists: Mapping[str, StatusList]) -> list[dict[str, Any]]:
    """A row for each basis, in an order that all processes keep: two of them never wait in a ring."""
    exps: dict[Basis, Instant] = {}
    for issue, _ in good:
        exps[issue.basis] = max(issue.exp, exps.get(issue.basis, 0))
    taken: dict[str, set[int]] = {audience: set(lists[audience].decoys) for audience in lists}
    return [
        row_of(basis)
        | {"list": lists[basis.audience].id, "exp": exp}
        | {"draws": _draw(lists[basis.audience].size, taken[basis.audience])}
        for basis, exp in sorted(exps.items(), key=_in_order)
    ]


def _in_order(item: tuple[Basis, Instant]) -> tuple[str, ...]:
    basis, _ = item
    return (
        basis.grant,
        basis.audience,
        basis.client,
        basis.mandate or "",
        basis.executor or "",
        str(basis.hops),
    )


def _draw(size: int, taken: set[int]) -> list[int]:
    """Random indices of a list in the order drawn, none drawn before; those are in `taken` from now on."""
    numbers = memoryview(secrets.token_bytes(8 * _DRAWS)).cast("Q")
    fresh = [index for index in dict.fromkeys(number % size for number in numbers) if index not in taken]
    taken.update(fresh)
    return fresh


def _journal_rows(events: Sequence[tuple[Event, Instant]], salts: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [entry_row(event, salts, now) for event, now in events]
    return [row | {name: JSON_OBJECT.write(row[name]) for name in ("body", "commitments")} for row in rows]
