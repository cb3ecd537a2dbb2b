"""Sequencing the journal into its Merkle tree, and proving that nobody rewrote it (mandates.md section 8).

Rows are appended in the transaction of the change. A sequencer gives each its
place in the tree later, so that writers never wait for one another's hashes, and
signs the new head as a C2SP checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.port_errors import ConflictError, PortError
from broker.ports import Services
from broker.records import Checkpoint, JournalEntry, JournalLeaf
from keys.errors import KeyringError, NoteError
from keys.notes import signed_note, verify_note
from mandates import ledger
from mandates.model import Instant

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verification found; an empty list of faults means that all agrees."""

    rows: int
    checkpoints: int
    faults: tuple[str, ...]


def leaf_of(entry: JournalEntry) -> bytes:
    """The leaf hash of a row: over everything that it says, in canonical JSON."""
    said = {
        "seq": entry.seq,
        "at": entry.at,
        "type": entry.type,
        "actor": entry.actor,
        "body": dict(entry.body),
    }
    return ledger.leaf_hash(ledger.canonical(said))


def origin(services: Services) -> str:
    """Name of this log in its checkpoints: the issuer without its scheme (C2SP tlog-checkpoint)."""
    return services.settings.issuer.partition("://")[2] + "/journal"


class Sequencer:
    """Gives rows their place in the tree, a batch a transaction; keeps the tree's frontier in memory."""

    def __init__(self) -> None:
        self._frontier: ledger.Frontier | None = None

    def run(self, services: Services, now: Instant) -> int:
        """Sequence every row that has no leaf and sign the new heads. Returns how many rows were added.

        Raise `ConflictError` when another process sequences at the same moment: one wins,
        the other starts afresh next time.
        """
        added = 0
        try:
            while count := self._batch(services, now):
                added += count
        except PortError:
            self._frontier = None
            raise
        return added

    def _batch(self, services: Services, now: Instant) -> int:
        name = origin(services)
        with services.database.write() as uow:
            waiting = uow.journal.unsequenced(BATCH)
            if not waiting:
                return 0
            frontier = self._frontier or _frontier_of(uow.journal.leaves())
            leaves = []
            for entry in waiting:
                leaf = leaf_of(entry)
                leaves.append(JournalLeaf(frontier.size, entry.seq, leaf.hex()))
                frontier = frontier.append(leaf)
            uow.journal.add_leaves(leaves)
            note = _signed_head(services, name, frontier, now)
            uow.journal.add_checkpoint(Checkpoint(frontier.size, frontier.root().hex(), note, now))
            uow.commit()
        self._frontier = frontier
        return len(waiting)


def _frontier_of(leaves: list[JournalLeaf]) -> ledger.Frontier:
    frontier = ledger.Frontier()
    for leaf in leaves:
        frontier = frontier.append(bytes.fromhex(leaf.hash))
    return frontier


def _signed_head(services: Services, name: str, frontier: ledger.Frontier, now: Instant) -> str:
    key = services.keyring().signing_key("checkpoints", now).private
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyringError("checkpoints are signed with Ed25519 (C2SP signed-note)")
    return signed_note(ledger.checkpoint_body(name, frontier.size, frontier.root()), name, key)


def verify(services: Services, now: Instant) -> Verdict:
    """Recompute every leaf and every checkpoint from the rows themselves."""
    with suppress(ConflictError):  # a running broker was sequencing at the same moment
        Sequencer().run(services, now)
    with services.database.read() as uow:
        entries = list(uow.journal.all())
        leaves = uow.journal.leaves()
        checkpoints = uow.journal.checkpoints()
    rows = {entry.seq: leaf_of(entry) for entry in entries}
    faults = _leaf_faults(leaves, rows)
    # The tree is in the order of the leaves: rows are numbered before they are committed.
    hashes = [rows.get(leaf.seq, b"") for leaf in leaves]
    faults.extend(_checkpoint_faults(services, checkpoints, hashes))
    return Verdict(len(entries), len(checkpoints), tuple(faults))


def _leaf_faults(leaves: list[JournalLeaf], rows: Mapping[int, bytes]) -> list[str]:
    """Leaves whose row is gone or changed, and rows that have no leaf."""
    faults = []
    for place, leaf in enumerate(leaves):
        if leaf.index != place:
            faults.append(f"leaf {leaf.index}: out of order")
        if leaf.seq not in rows:
            faults.append(f"row {leaf.seq}: missing")
        elif rows[leaf.seq].hex() != leaf.hash:
            faults.append(f"row {leaf.seq}: its contents are not what was recorded")
    bare = rows.keys() - {leaf.seq for leaf in leaves}
    faults.extend(f"row {seq}: has no leaf" for seq in sorted(bare))
    return faults


def _checkpoint_faults(services: Services, checkpoints: list[Checkpoint], hashes: list[bytes]) -> list[str]:
    """Checkpoints that the rows do not lead to, in one walk over the leaves."""
    name, faults = origin(services), []
    publics = [
        key for key in services.keyring().public_keys("checkpoints") if isinstance(key, Ed25519PublicKey)
    ]
    frontier = ledger.Frontier()
    for checkpoint in sorted(checkpoints, key=lambda one: one.size):
        for leaf in hashes[frontier.size : checkpoint.size]:
            frontier = frontier.append(leaf)
        body = ledger.checkpoint_body(name, checkpoint.size, frontier.root())
        if frontier.size != checkpoint.size or not _says(checkpoint, name, body, publics):
            faults.append(f"checkpoint of size {checkpoint.size}: does not agree with the rows")
    return faults


def _says(checkpoint: Checkpoint, name: str, body: str, publics: list[Ed25519PublicKey]) -> bool:
    for public in publics:
        try:
            return verify_note(checkpoint.note, name, public) == body
        except NoteError:
            continue
    return False
