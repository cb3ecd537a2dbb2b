"""The journal: append-only by database rule, written in the transaction of the change itself.

`seq` is the order in which rows were numbered. On PostgreSQL two transactions
may commit in the other order, so no reader may take the highest `seq` that it
saw for "everything up to here": entries without a leaf are kept in a table of
their own by triggers, and only a leaf takes them out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, insert, select

from broker.records import Checkpoint, JournalEntry, JournalLeaf
from broker.storage.clauses import rows_of, select_record
from broker.storage.tables import journal, journal_checkpoints, journal_leaves, journal_pending
from mandates.events import Event
from mandates.model import Instant

_BATCH = 500
"""Rows that a streaming reader holds in memory."""

_ENTRIES = select_record(journal, JournalEntry)
_APPEND = insert(journal)
_TAIL = _ENTRIES.order_by(journal.c.seq.desc()).limit(bindparam("wanted"))
_TAIL_OF_MANDATE = _TAIL.where(journal.c.mandate == bindparam("about"))
_ALL = _ENTRIES.order_by(journal.c.seq)
_UNSEQUENCED = (
    _ENTRIES.join(journal_pending, journal_pending.c.seq == journal.c.seq)
    .order_by(journal_pending.c.seq)
    .limit(bindparam("wanted"))
)
_ADD_LEAVES = insert(journal_leaves)
_LEAVES = select(journal_leaves.c.index, journal_leaves.c.seq, journal_leaves.c.hash).order_by(
    journal_leaves.c.index
)
_ADD_CHECKPOINT = insert(journal_checkpoints)
_CHECKPOINTS = select_record(journal_checkpoints, Checkpoint).order_by(journal_checkpoints.c.size)


class SqlJournalStore:
    """`ports.JournalStore` in tables `journal`, `journal_leaves` and `journal_checkpoints`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, events: Sequence[Event], now: Instant) -> None:
        """Record what happened at each event's own instant, as recorded at `now`; in their order."""
        rows = [
            {
                "at": event.at,
                "recorded_at": now,
                "type": event.type,
                "actor": event.actor,
                "mandate": event.mandate,
                "body": event.body(),
            }
            for event in events
        ]
        if rows:
            self._connection.execute(_APPEND, rows)

    def tail(self, limit: int, mandate: str | None = None) -> list[JournalEntry]:
        """Newest first; of one mandate if it is named."""
        if mandate is None:
            rows = self._connection.execute(_TAIL, {"wanted": limit})
        else:
            rows = self._connection.execute(_TAIL_OF_MANDATE, {"wanted": limit, "about": mandate})
        return [JournalEntry(**row) for row in rows.mappings()]

    def all(self) -> Iterable[JournalEntry]:
        """Oldest first, streamed: years of journal do not fit in memory. Read it inside the unit of work."""
        rows = self._connection.execute(_ALL, execution_options={"yield_per": _BATCH})
        for row in rows.mappings():
            yield JournalEntry(**row)

    def unsequenced(self, limit: int) -> list[JournalEntry]:
        """Entries that have no leaf yet, oldest first."""
        rows = self._connection.execute(_UNSEQUENCED, {"wanted": limit})
        return [JournalEntry(**row) for row in rows.mappings()]

    def add_leaves(self, leaves: Sequence[JournalLeaf]) -> None:
        """Raise `ConflictError` if an index or an entry has its leaf already: one sequencer wins."""
        if leaves:
            self._connection.execute(_ADD_LEAVES, rows_of(leaves))

    def leaves(self) -> list[JournalLeaf]:
        """In the order of the tree."""
        return [JournalLeaf(*row) for row in self._connection.execute(_LEAVES)]

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Raise `ConflictError` if this size was signed already: two heads of one size are a split view."""
        self._connection.execute(_ADD_CHECKPOINT, rows_of((checkpoint,)))

    def checkpoints(self) -> list[Checkpoint]:
        """Oldest first."""
        return [Checkpoint(**row) for row in self._connection.execute(_CHECKPOINTS).mappings()]
