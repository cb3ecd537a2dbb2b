"""Which principals a member of staff handles, where an executor is not for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, insert, select, update

from broker.storage.clauses import columns_of, one_of, skip_taken
from broker.storage.engine_tables import caseloads
from broker.storage.reader import MandateReader
from mandates.model import Caseload, Instant

_ENTRIES = select(*columns_of(caseloads, Caseload)).order_by(caseloads.c.seq)
_OF_BOTH = _ENTRIES.where(
    one_of(caseloads.c.executor, "executors"), one_of(caseloads.c.principal, "principals")
)
_OF_ONE = _ENTRIES.where(caseloads.c.executor == bindparam("executor"))
_ADD = skip_taken(insert(caseloads))
_HELD = _ENTRIES.where(one_of(caseloads.c.executor, "executors"), caseloads.c.removed_at.is_(None))
_REMOVE = (
    update(caseloads)
    .where(
        caseloads.c.executor == bindparam("of_executor"),
        one_of(caseloads.c.principal, "principals"),
        caseloads.c.removed_at.is_(None),
    )
    .values(removed_at=bindparam("now"))
)


class CaseloadQueries(MandateReader):
    """Table `caseloads`: an entry is added and removed, never changed; the database refuses it."""

    def caseloads(self, executors: Iterable[str], principals: Iterable[str]) -> list[Caseload]:
        """Entries of these executors for these principals, removed ones included. One query."""
        rows = self._connection.execute(_OF_BOTH, {"executors": executors, "principals": principals})
        return [Caseload(*row) for row in rows]

    def caseload_of(self, executor: str) -> list[Caseload]:
        """Every entry of one executor, removed ones included, oldest first."""
        return [Caseload(*row) for row in self._connection.execute(_OF_ONE, {"executor": executor})]

    def add_to_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> None:
        """Those who are in it already are left as they are. `NotFoundError` for an unknown one."""
        self.add_caseloads(((executor, principal) for principal in principals), now)

    def add_caseloads(self, entries: Iterable[tuple[str, str]], now: Instant) -> None:
        """(executor, principal) pairs, of many executors; as `add_to_caseload`."""
        rows = [{"executor": one, "principal": other, "added_at": now} for one, other in sorted(set(entries))]
        if rows and self._connection.execute(_ADD, rows).rowcount:
            self._revision.changed()

    def carry_caseloads(self, heirs: Mapping[str, str], now: Instant) -> None:
        """Give executors the open entries of those that they take over from: old executor -> new."""
        held = [Caseload(*row) for row in self._connection.execute(_HELD, {"executors": heirs})]
        rows = [
            {"executor": heirs[one.executor], "principal": one.principal, "added_at": now} for one in held
        ]
        if rows and self._connection.execute(_ADD, rows).rowcount:
            self._revision.changed()

    def remove_from_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> int:
        """Returns how many were in it."""
        keys = {"of_executor": executor, "principals": principals, "now": now}
        removed = self._connection.execute(_REMOVE, keys).rowcount
        if removed:
            self._revision.changed()
        return removed
