"""What a token stands on, and what can make a chain: one statement from a status index to a judgement.

As a look (`looks`), with three more kinds of rows; but what is asked is found on the
way: from the place in the list to the grant, its actor and her session, and from the
mandate that was named to its principal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any

from broker.records import Grant, Session, Standing, StatusEntry
from broker.storage.chains import links, squeezed
from broker.storage.columns import read_set, read_tuple
from broker.storage.driver_pool import DriverPool
from broker.storage.looks import LOOK, columns_as, snapshot_of
from broker.storage.rows import MANDATE_COLUMNS
from mandates.model import Level

_NUMBERS = ("valid_from", "valid_until", "requested_at", "lapses_at", "activated_at", "ended_at", "version")
"""Columns of a mandate that are numbers; all others are texts, but for two that are neither."""
_TEXTS = tuple(name for name in MANDATE_COLUMNS if name not in {*_NUMBERS, "whole", "several"})


def _column(name: str) -> str:
    return f'"{name}"' if name in {"index", "grant", "list"} else name


class _Kind:
    """How rows of one kind stand in the columns of a mandate: numbers among numbers, texts among texts."""

    def __init__(self, record: Callable[..., Any], numbers: Collection[str]) -> None:
        names = [one.name for one in fields(record)]  # type: ignore[arg-type]
        free = {True: iter(_NUMBERS), False: iter(_TEXTS)}
        places = [next(free[name in numbers]) for name in names]
        self._columns = dict(zip(places, (_column(name) for name in names), strict=True))
        # The first column says what kind a row is of.
        self.values: Callable[[Sequence[Any]], tuple[Any, ...]] = itemgetter(
            *(MANDATE_COLUMNS.index(place) + 1 for place in places)
        )

    def columns(self, table: str) -> str:
        return columns_as(self._columns, table)


_ENTRY = _Kind(StatusEntry, {"index", "last_exp", "revoked_at", "hops"})
_GRANT = _Kind(Grant, {"level", "created_at", "ended_at"})
_SESSION = _Kind(
    Session,
    {"level", "started_at", "last_seen_at", "expires_at", "claims_at", "ended_at", "auth_time"},
)

_PLACES = {
    "postgresql": ("%(status_list)s", "%(idx)s", "%(mandate)s"),
    "sqlite": (":status_list", ":idx", ":mandate"),
}
_BIT = 'SELECT revoked_at FROM status_entries WHERE list = {list} AND "index" = {index}'
_HERE = """
here AS MATERIALIZED (SELECT * FROM status_entries WHERE list = {list} AND "index" = {index}),
own AS MATERIALIZED (SELECT g.* FROM here CROSS JOIN grants AS g WHERE g.id = here."grant"),
"""
# The joins say their order: from one place in one list everything is one step away. A mandate that
# is not stored leaves a question about nobody, so that the actor herself is answered all the same.
_ASKED = "SELECT m.principal, g.actor, g.session FROM own AS g LEFT JOIN mandates AS m ON m.id = {mandate}"
_STANDING = f"""
UNION ALL SELECT 'entry', {_ENTRY.columns("e")} FROM here AS e
UNION ALL SELECT 'grant', {_GRANT.columns("g")} FROM own AS g
UNION ALL SELECT 'session', {_SESSION.columns("s")} FROM own AS g CROSS JOIN sessions AS s
WHERE s.id = g.session
"""  # noqa: S608 - names of columns, no values


class Standings:
    """Runs the statement straight through the driver."""

    def __init__(self, pool: DriverPool) -> None:
        self._pool = pool
        status_list, index, mandate = _PLACES[pool.dialect]
        places = {"list": status_list, "index": index, "mandate": mandate}
        self._bit = _BIT.format(**places)
        asked = links(pool.dialect, _ASKED.format(**places), _HERE.format(**places))
        self.statement = squeezed(asked + LOOK + _STANDING)

    def is_revoked(self, status_list: str, index: int) -> bool | None:
        """Whether this bit is set; None if the place was never handed out."""
        rows = self._pool.rows(self._bit, {"status_list": status_list, "idx": index})
        return rows[0][0] is not None if rows else None

    def standing(self, status_list: str, index: int, mandate: str | None) -> Standing | None:
        """None if this place was never handed out, or is nobody's any more. Errors as `Looks.look`."""
        keys = {"status_list": status_list, "idx": index, "mandate": mandate}
        rows = self._pool.rows(self.statement, keys)
        kinds = {row[0]: row for row in rows}
        if "grant" not in kinds:
            return None
        return Standing(
            StatusEntry(*_ENTRY.values(kinds["entry"])),
            _grant_of(_GRANT.values(kinds["grant"])),
            _session_of(_SESSION.values(kinds["session"])),
            snapshot_of(row for row in rows if row[0] not in _OWN),
        )


_OWN = frozenset({"entry", "grant", "session"})


def _grant_of(row: Sequence[Any]) -> Grant:
    values = list(row)
    values[5], values[6] = Level(row[5]), read_tuple(row[6])
    return Grant(*values)


def _session_of(row: Sequence[Any]) -> Session:
    values = list(row)
    values[3], values[11] = Level(row[3]), read_set(row[11])
    return Session(*values)
