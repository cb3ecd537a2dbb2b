"""Mandates: stored, saved, and found one by one or as a chain.

The queries pre-select; whether a mandate is in force is for `mandates.status`
alone. They stand by family: chains here, `lists`, `caseloads`, `history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

from sqlalchemy import Executable, ScalarSelect, bindparam, case, func, insert, select, update

from broker.port_errors import ConflictError
from broker.records import Question
from broker.storage.caseloads import CaseloadQueries
from broker.storage.chains import asking, links, pairs, squeezed
from broker.storage.clauses import one_of, one_or_many, row_of, rows_of, select_record, skip_taken
from broker.storage.engine_tables import mandates, parties
from broker.storage.history import HistoryQueries
from broker.storage.lists import ListQueries
from broker.storage.rows import MANDATE_COLUMNS, mandate_of
from mandates.model import Instant, Mandate

_m = mandates.c
_MANDATES = select_record(mandates, Mandate)
_GET_MANY = _MANDATES.where(one_of(_m.id, "ids")).order_by(_m.id)
# FOR NO KEY UPDATE: two writers wait for each other, foreign keys do not wait. In the order of
# identifiers, so that they never wait in a ring. SQLite has one writer and no need of it.
_LOCK_MANY = _GET_MANY.with_for_update(key_share=True, of=mandates)
_LOCKS = {
    True: {"postgresql": " FOR NO KEY UPDATE OF m", "sqlite": ""},
    False: {"postgresql": "", "sqlite": ""},
}
_COLUMNS = ", ".join(f"m.{name}" for name in MANDATE_COLUMNS)
_BETWEEN = f" SELECT {_COLUMNS} FROM mandates AS m WHERE m.id IN (SELECT id FROM link) ORDER BY m.id"  # noqa: S608 - names, no values

_given_from = select(_m.parent.label("id")).where(one_of(_m.id, "ids"), _m.parent.is_not(None))
_above = _given_from.cte("above", recursive=True)
_above = _above.union(select(_m.parent).where(_m.id == _above.c.id, _m.parent.is_not(None)))
_FOREBEARS = _MANDATES.where(_m.id.in_(select(_above.c.id))).order_by(_m.id)
_passed_on = select(_m.id).where(one_of(_m.parent, "ids"), _m.parent.is_not(None))
_below = _passed_on.cte("below", recursive=True)
_below = _below.union(select(_m.id).where(_m.parent == _below.c.id, _m.parent.is_not(None)))
_DESCENDANTS = _MANDATES.where(_m.id.in_(select(_below.c.id))).order_by(_m.id)


def _party(column: str, key: str, **lock: bool) -> ScalarSelect[Any]:
    """What a list sorts by, as it is when the mandate is stored.

    Locked, because a renaming in this moment cannot see this mandate yet: one waits for the
    other. The principal's lock is the one that the rule on mandates beside each other takes.
    """
    found = select(parties.c[column]).where(parties.c.id == bindparam(key)).with_for_update(**lock)
    return found.scalar_subquery()


_of_parties = {
    "principal_kind": func.coalesce(_party("kind", "of_principal", key_share=True), "person"),
    "principal_key": func.coalesce(_party("name_key", "of_principal", key_share=True), ""),
    "representative_key": func.coalesce(_party("name_key", "of_representative", read=True), ""),
}
_ADD = skip_taken(insert(mandates).values(_of_parties))
# Neither the parties and the type of a mandate ever change, nor where it came from: the database refuses it.
_FIXED = {
    *("id", "type", "principal", "representative", "requested_at", "requested_by"),
    *("source", "session", "parent", "replaces", "several"),
}
_CHANGEABLE = tuple(name for name in MANDATE_COLUMNS if name not in _FIXED)
_now = bindparam("now")
_SAVE = (
    update(mandates)
    .where(_m.id == bindparam("mandate"), _m.version == bindparam("stored_version"))
    .values({name: bindparam(f"new_{name}", type_=_m[name].type) for name in _CHANGEABLE})
    # Another machine's clock may be ahead of ours; what is recorded later never seems to be earlier.
    .values(recorded_at=case((_m.recorded_at > _now, _m.recorded_at), else_=_now))
    .execution_options(preserve_rowcount=True)
)


@cache
def _between(dialect: str, *, writes: bool) -> str:
    return squeezed(links(dialect) + _BETWEEN + _LOCKS[writes][dialect])


class SqlMandateStore(ListQueries, CaseloadQueries, HistoryQueries):
    """`ports.MandateStore` in tables `mandates`, `mandate_history` and `caseloads`.

    In a write unit on PostgreSQL, `find`, `get_many` and `between` lock what
    they return: a mandate that a token is being issued on cannot end until the
    issue is committed, and then its ending sees the new grant and its bits.
    """

    def find(self, mandate: str) -> Mandate | None:
        return self.get_many((mandate,)).get(mandate)

    def get_many(self, mandates: Iterable[str]) -> dict[str, Mandate]:
        """One query, whatever the number; unknown ids are left out."""
        statement = _LOCK_MANY if self._writes else _GET_MANY
        return {found.id: found for found in self._list(statement, ids=mandates)}

    def add(self, mandate: Mandate, now: Instant) -> None:
        """Raise `ConflictError` if the id is taken or another one runs beside it that may not.

        `NotFoundError` if a party or the parent is not stored.
        """
        self.add_many((mandate,), now)

    def add_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """All or none, in one statement; errors as `add`."""
        rows = [
            row
            | {
                "recorded_at": now,
                "of_principal": row["principal"],
                "of_representative": row["representative"],
            }
            for row in rows_of(mandates)
        ]
        self._write(_ADD, rows)

    def save(self, mandate: Mandate, now: Instant) -> None:
        """Store the next version; the database keeps the one before it.

        Raise `ConflictError` unless the stored version is one less, or if another one runs
        beside it that may not.
        """
        self.save_many((mandate,), now)

    def save_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """All or none; errors as `save`. What ends makes room first for what begins."""
        rows = [
            {"mandate": one.id, "stored_version": one.version - 1, "now": now}
            | {f"new_{name}": value for name, value in row_of(one).items() if name in _CHANGEABLE}
            for one in sorted(mandates, key=lambda one: one.ended_at is None)
        ]
        self._write(_SAVE, rows)

    def between(self, principal: str, actor: str, session: str | None = None) -> list[Mandate]:
        """Everything that can make a chain principal -> actor in a session, ended ones included; one query.

        Mandates principal -> actor, mandates principal -> X for the organisations X that gave the
        actor a mandate, those X -> actor, and what any of them was passed on from.
        """
        rows = self._rows(
            _between(self._dialect, writes=self._writes),
            asking(self._dialect, [Question(principal, actor, session)]),
        )
        return [mandate_of(row) for row in rows]

    def of_pairs(self, pairs_asked: Iterable[tuple[str, str]]) -> list[Mandate]:
        """Stored mandates and requests (principal, representative), whatever their state. One query."""
        questions = [Question(principal, representative) for principal, representative in set(pairs_asked)]
        if not questions:
            return []
        rows = self._rows(pairs(self._dialect, _COLUMNS), asking(self._dialect, questions))
        return [mandate_of(row) for row in rows]

    def forebears(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that these were passed on from, at any depth. One query."""
        return self._list(_FOREBEARS, ids=mandates)

    def descendants(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that was passed on from these, at any depth, ended ones included. One query."""
        return self._list(_DESCENDANTS, ids=mandates)

    def revision(self) -> int:
        """Grows with every commit that changed a mandate, a caseload or a party."""
        return self._revision.read()

    def _write(self, statement: Executable, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        # One row stands or falls by itself; of many, the ones before the one that fails are taken back.
        with self._connection.begin_nested() if len(rows) > 1 else nullcontext():
            written = self._connection.execute(statement, one_or_many(rows)).rowcount
            if written != len(rows):
                raise ConflictError("a mandate is stored already, or another hand changed it first")
        self._revision.changed()
