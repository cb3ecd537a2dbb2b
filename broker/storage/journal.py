"""The journal: append-only by database rule, written in the transaction of the change itself.

`seq` is the order in which rows were numbered. On PostgreSQL two transactions
may commit in the other order, so no reader may take the highest `seq` that it
saw for "everything up to here": entries without a leaf are kept in a table of
their own by triggers, and only a leaf takes them out of it.

A row says what happened; its leaf is made of commitments to that. Both are
written here, because the secret salts of the parties never leave this room but
as openings of single rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, func, insert, or_, select

from broker.records import Checkpoint, JournalEntry, JournalLeaf, JournalNode, PlacedEntry
from broker.storage.clauses import columns_of, one_of, one_or_many, rows_of, select_record
from broker.storage.tables import (
    journal,
    journal_checkpoints,
    journal_leaves,
    journal_nodes,
    journal_pending,
    parties,
)
from mandates import commitments
from mandates.commitments import Openings
from mandates.events import Event
from mandates.ledger import Subtree
from mandates.model import Instant

_BATCH = 500
"""Rows that a streaming reader holds in memory."""
_RUNS = 200
"""Runs of hashes in one query: SQLite bounds the depth of an expression at 1,000."""

_ENTRIES = select_record(journal, JournalEntry)
_APPEND = insert(journal).inline()
_SALTS = select(parties.c.id, parties.c.salt).where(one_of(parties.c.id, "ids"), parties.c.salt.is_not(None))
_TAIL = (
    _ENTRIES.where(journal.c.seq < bindparam("before"))
    .order_by(journal.c.seq.desc())
    .limit(bindparam("wanted"))
)
_NO_END = 2**62
_TAIL_OF_MANDATE = _TAIL.where(journal.c.mandate == bindparam("about"))
_OF_PARTY = _ENTRIES.where(
    or_(*(journal.c[role] == bindparam("party") for role in commitments.ROLES))
).order_by(journal.c.seq)
_UNSEQUENCED = (
    _ENTRIES.join(journal_pending, journal_pending.c.seq == journal.c.seq)
    .order_by(journal_pending.c.seq)
    .limit(bindparam("wanted"))
)
_LEAF = {f"leaf_{name}": journal_leaves.c[name] for name in ("index", "seq", "hash")}
_PLACED = (
    select(*(column.label(name) for name, column in _LEAF.items()), *columns_of(journal, JournalEntry))
    .select_from(journal_leaves.outerjoin(journal, journal.c.seq == journal_leaves.c.seq))
    .order_by(journal_leaves.c.index)
)
_PLACED_BETWEEN = _PLACED.where(
    journal_leaves.c.index >= bindparam("start"), journal_leaves.c.index < bindparam("end")
)
_PLACED_OF_MANDATE = _PLACED.where(journal.c.mandate == bindparam("about"))
_STRAY = (
    select(journal.c.seq)
    .outerjoin(journal_leaves, journal_leaves.c.seq == journal.c.seq)
    .outerjoin(journal_pending, journal_pending.c.seq == journal.c.seq)
    .where(journal_leaves.c.seq.is_(None), journal_pending.c.seq.is_(None))
    .order_by(journal.c.seq)
    .limit(bindparam("wanted"))
)
_ADD_LEAVES = insert(journal_leaves)
_ADD_NODES = insert(journal_nodes)
_TREE_SIZE = select(func.coalesce(func.max(journal_leaves.c.index) + 1, 0))
_NODES_AT = select(func.coalesce(func.max(journal_nodes.c.index) + 1, 0)).where(
    journal_nodes.c.level == bindparam("level")
)
_ADD_CHECKPOINT = insert(journal_checkpoints)
_CHECKPOINTS = select_record(journal_checkpoints, Checkpoint)
_CHECKPOINTS_BETWEEN = _CHECKPOINTS.where(
    journal_checkpoints.c.size > bindparam("above"), journal_checkpoints.c.size <= bindparam("upto")
).order_by(journal_checkpoints.c.size)
_NEWEST_CHECKPOINT = _CHECKPOINTS.order_by(journal_checkpoints.c.size.desc()).limit(1)


class SqlJournalStore:
    """`ports.JournalStore` in the tables `journal` and `journal_…`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, events: Sequence[Event], now: Instant) -> None:
        """Record what happened at each event's own instant, as recorded at `now`; in their order."""
        if not events:
            return
        salts = self._salts(events)
        self._connection.execute(_APPEND, one_or_many([entry_row(event, salts, now) for event in events]))

    def tail(self, limit: int, mandate: str | None = None, before: int | None = None) -> list[JournalEntry]:
        """Newest first; of one mandate if it is named; those before this `seq` if one is."""
        keys = {"wanted": limit, "before": _NO_END if before is None else before}
        if mandate is None:
            rows = self._connection.execute(_TAIL, keys)
        else:
            rows = self._connection.execute(_TAIL_OF_MANDATE, keys | {"about": mandate})
        return [JournalEntry(**row) for row in rows.mappings()]

    def of_party(self, party: str) -> Iterable[JournalEntry]:
        """Oldest first, streamed: an officer stands in very many. Read it inside the unit of work."""
        rows = self._connection.execute(_OF_PARTY, {"party": party}, execution_options={"yield_per": _BATCH})
        for row in rows.mappings():
            yield JournalEntry(**row)

    def openings(self, entries: Sequence[JournalEntry]) -> list[Openings]:
        """What each of these entries is opened with, made in one query from the salts of their parties."""
        salts = self._salts(entries)
        return [
            commitments.openings(parties_of(one), salts, one.at, one.type, one.mandate) for one in entries
        ]

    # --- the tree ---

    def unsequenced(self, limit: int) -> list[JournalEntry]:
        """Entries that have no leaf yet, oldest first."""
        rows = self._connection.execute(_UNSEQUENCED, {"wanted": limit})
        return [JournalEntry(**row) for row in rows.mappings()]

    def add_leaves(self, leaves: Sequence[JournalLeaf]) -> None:
        """Raise `ConflictError` if an index or an entry has its leaf already: one sequencer wins."""
        if leaves:
            self._connection.execute(_ADD_LEAVES, rows_of(leaves))

    def add_nodes(self, nodes: Sequence[JournalNode]) -> None:
        """Raise `ConflictError` if one is stored already."""
        if nodes:
            self._connection.execute(_ADD_NODES, rows_of(nodes))

    def tree_size(self) -> int:
        """How many leaves there are, counted by the last one's place."""
        return int(self._connection.execute(_TREE_SIZE).scalar_one())

    def nodes_at(self, level: int) -> int:
        """How many subtrees of this level are kept, counted by the last one's place."""
        return int(self._connection.execute(_NODES_AT, {"level": level}).scalar_one())

    def hashes(self, runs: Sequence[tuple[int, int, int]]) -> dict[Subtree, bytes]:
        """Of these runs (level, first, end), every subtree that is kept. Two queries for 200 runs."""
        leaves, nodes = journal_leaves.c, journal_nodes.c
        found: dict[Subtree, bytes] = {}
        wanted = sorted(set(runs))
        for some in (wanted[at : at + _RUNS] for at in range(0, len(wanted), _RUNS)):
            low = [(leaves.index >= first) & (leaves.index < end) for level, first, end in some if not level]
            high = [
                and_(nodes.level == level, nodes.index >= first, nodes.index < end)
                for level, first, end in some
                if level
            ]
            if low:
                rows = self._connection.execute(select(leaves.index, leaves.hash).where(or_(*low)))
                found.update({(0, index): bytes.fromhex(hash_) for index, hash_ in rows})
            if high:
                rows = self._connection.execute(
                    select(nodes.level, nodes.index, nodes.hash).where(or_(*high))
                )
                found.update({(level, index): bytes.fromhex(hash_) for level, index, hash_ in rows})
        return found

    def placed(self, start: int, end: int) -> list[PlacedEntry]:
        """Leaves `start <= index < end` with their rows, in the order of the tree."""
        rows = self._connection.execute(_PLACED_BETWEEN, {"start": start, "end": end})
        return [_placed(row) for row in rows.mappings()]

    def placed_of_mandate(self, mandate: str) -> list[PlacedEntry]:
        """Those of one mandate, in the order of the tree; rows that wait for their leaf are left out."""
        rows = self._connection.execute(_PLACED_OF_MANDATE, {"about": mandate})
        return [_placed(row) for row in rows.mappings()]

    def stray(self, limit: int) -> list[int]:
        """`seq` of rows that have no leaf and do not wait for one."""
        return list(self._connection.execute(_STRAY, {"wanted": limit}).scalars())

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Raise `ConflictError` if this size was signed already: two heads of one size are a split view."""
        self._connection.execute(_ADD_CHECKPOINT, rows_of((checkpoint,)))

    def checkpoints(self, above: int, upto: int) -> list[Checkpoint]:
        """Of sizes `above < size <= upto`, smallest first."""
        rows = self._connection.execute(_CHECKPOINTS_BETWEEN, {"above": above, "upto": upto})
        return [Checkpoint(**row) for row in rows.mappings()]

    def newest_checkpoint(self) -> Checkpoint | None:
        row = self._connection.execute(_NEWEST_CHECKPOINT).mappings().one_or_none()
        return None if row is None else Checkpoint(**row)

    def _salts(self, rows: Sequence[Event] | Sequence[JournalEntry]) -> dict[str, str]:
        named = {party for row in rows for party in parties_of(row).values() if party}
        if not named:
            return {}
        return {row.id: row.salt for row in self._connection.execute(_SALTS, {"ids": named})}


def parties_of(row: Event | JournalEntry) -> dict[str, str | None]:
    """Role -> party, of those whose salts a row is committed with."""
    return {role: getattr(row, role) for role in commitments.ROLES}


def entry_row(event: Event, salts: Mapping[str, str], now: Instant) -> dict[str, Any]:
    """The row of an event, with its commitments; `salts` by party."""
    parties, body = parties_of(event), event.body()
    opened = commitments.openings(parties, salts, event.at, event.type, event.mandate)
    return {
        "at": event.at,
        "recorded_at": now,
        "type": event.type,
        "mandate": event.mandate,
        **parties,
        "body": body,
        "commitments": commitments.commitments(parties, body, opened),
    }


def _placed(row: RowMapping) -> PlacedEntry:
    values = dict(row)
    leaf = JournalLeaf(*(values.pop(name) for name in _LEAF))
    return PlacedEntry(leaf, JournalEntry(**values) if values["seq"] is not None else None)
