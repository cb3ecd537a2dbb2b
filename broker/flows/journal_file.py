"""The journal as a file that proves itself: one JSON object a line, in the order of the tree.

The first line says whose journal it is; then come the rows, each with its leaf,
and every checkpoint right after the last row that it covers. So a reader needs no
more memory for ten million rows than for ten (`journal_verify` is that reader).

A row carries its contents and the openings of its own parties. A sealed file
leaves both out: it proves that nothing was added, dropped or moved, and tells of
nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from broker.flows.journal import BATCH, Sequencer, origin, verifier_keys
from broker.flows.journal_verify import VERSION, Examination, Verdict
from broker.port_errors import ConflictError, JournalDamagedError
from broker.ports import JournalStore, Services
from broker.records import Checkpoint, JournalEntry, PlacedEntry
from keys.notes import read_verifier_key
from mandates.commitments import ROLES, Openings
from mandates.model import Instant

MAX_FAULTS = 1000
Record = dict[str, Any]
_ALL = 2**62


def header(services: Services, size: int) -> Record:
    """The first line. Its keys say what to ask for, not what to trust."""
    return {
        "kind": "journal",
        "version": VERSION,
        "origin": origin(services),
        "keys": verifier_keys(services),
        "size": size,
    }


def records(services: Services, *, sealed: bool = False) -> Iterator[Record]:
    """Every line of the file, of one moment, read a batch at a time."""
    with services.database.read() as uow:
        size = uow.journal.tree_size()
        yield header(services, size)
        for start in range(0, size, BATCH):
            end = min(start + BATCH, size)
            rows = row_records(uow.journal, uow.journal.placed(start, end), sealed=sealed)
            yield from _woven(rows, uow.journal.checkpoints(start, end))
        # A checkpoint of more rows than there are stands at the end: the reader names it.
        yield from _woven([], uow.journal.checkpoints(size, _ALL))


def row_records(journal: JournalStore, placed: list[PlacedEntry], *, sealed: bool = False) -> list[Record]:
    """Lines of these rows, opened with one query."""
    entries = [one.entry for one in placed if one.entry is not None]
    opened = {} if sealed else dict(zip((e.seq for e in entries), journal.openings(entries), strict=True))
    return [
        _leaf_record(one)
        | (_facts(one.entry) if one.entry else {})
        | (_contents(one.entry, opened[one.entry.seq]) if one.entry and not sealed else {})
        for one in placed
    ]


def _woven(rows: list[Record], checkpoints: list[Checkpoint]) -> Iterator[Record]:
    """Each checkpoint after the last row that it covers."""
    waiting = iter(checkpoints)
    following = next(waiting, None)
    for row in rows:
        while following and following.size <= row["index"]:
            yield _checkpoint_record(following)
            following = next(waiting, None)
        yield row
    while following:
        yield _checkpoint_record(following)
        following = next(waiting, None)


def _checkpoint_record(checkpoint: Checkpoint) -> Record:
    return {"kind": "checkpoint", "note": checkpoint.note}


def _leaf_record(placed: PlacedEntry) -> Record:
    """All that is known of a row that somebody took away."""
    leaf = placed.leaf
    return {"kind": "row", "index": leaf.index, "seq": leaf.seq, "leaf": leaf.hash}


def _facts(entry: JournalEntry) -> Record:
    return {
        "at": entry.at,
        "recorded_at": entry.recorded_at,
        "type": entry.type,
        "mandate": entry.mandate,
        "commitments": None if entry.commitments is None else dict(entry.commitments),
    }


def _contents(entry: JournalEntry, opened: Openings) -> Record:
    """A row of before names its parties in its body, where its leaf has them."""
    said: Record = {"actor": entry.actor, "body": dict(entry.body)}
    if entry.commitments is None:
        return said
    return said | {role: getattr(entry, role) for role in ROLES} | {"openings": dict(opened)}


def verify(services: Services, now: Instant) -> Verdict:
    """Read the whole journal from the database as an offline verifier would, and look for rows beside it."""
    with suppress(ConflictError, JournalDamagedError):  # a running broker was sequencing; or see below
        Sequencer().run(services, now)
    examination = Examination([read_verifier_key(key) for key in verifier_keys(services)])
    faults = list(islice(examination.faults(records(services)), MAX_FAULTS))
    with services.database.read() as uow:
        faults.extend(f"row {seq}: has no leaf" for seq in uow.journal.stray(MAX_FAULTS))
    return Verdict(examination.rows, examination.erased, examination.checkpoints, tuple(faults))
