"""Sequencing the journal into its Merkle tree (mandates.md section 8).

Rows are appended in the transaction of the change. A sequencer gives each its
place in the tree later, so that writers never wait for one another's hashes, and
signs the new head as a C2SP checkpoint. Beside the leaves it keeps the roots of
complete subtrees, so that neither it nor a proof ever reads the whole tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.port_errors import JournalDamagedError, PortError
from broker.ports import JournalStore, Services
from broker.records import Checkpoint, JournalEntry, JournalLeaf, JournalNode
from keys.errors import KeyringError
from keys.notes import signed_note, verifier_key
from mandates import ledger
from mandates.commitments import leaf_of_commitments, leaf_of_contents
from mandates.ledger import Frontier, Span, Subtree
from mandates.model import Instant

BATCH = 1000
STRIDE = 8
"""Every so many levels the roots of complete subtrees are kept (C2SP tlog-tiles has the same height)."""


def leaf_of(entry: JournalEntry) -> bytes:
    """The leaf hash of a row: over its commitments, or over all that it says if it is one of before."""
    if entry.commitments is None:
        return leaf_of_contents(
            seq=entry.seq, at=entry.at, type_=entry.type, actor=entry.actor, body=entry.body
        )
    return leaf_of_commitments(
        seq=entry.seq,
        at=entry.at,
        recorded_at=entry.recorded_at,
        type_=entry.type,
        mandate=entry.mandate,
        committed=entry.commitments,
    )


def origin(services: Services) -> str:
    """Name of this log in its checkpoints: the issuer without its scheme (C2SP tlog-checkpoint)."""
    return services.settings.issuer.partition("://")[2] + "/journal"


def verifier_keys(services: Services) -> list[str]:
    """Every key that signed checkpoints, as an offline verifier is given it; withdrawn ones too."""
    publics = services.keyring().public_keys("checkpoints")
    name = origin(services)
    return [verifier_key(name, public) for public in publics if isinstance(public, Ed25519PublicKey)]


def roots_of(journal: JournalStore, spans: Sequence[Span]) -> list[bytes]:
    """The roots over these leaves, from a few hundred hashes of the tree, whatever its size.

    Raise `JournalDamagedError` if any is missing.
    """
    parts = [ledger.subtrees(span) for span in spans]
    stored = journal.hashes([_run(subtree) for trees in parts for subtree in trees])
    try:
        return [ledger.root_of_subtrees([_root(stored, one) for one in trees]) for trees in parts]
    except KeyError:
        raise JournalDamagedError("hashes of the journal's tree are missing") from None


def _run(subtree: Subtree) -> tuple[int, int, int]:
    """Where the kept hashes stand that a subtree is made of: (level, first, end)."""
    level, index = subtree
    above = level % STRIDE
    return level - above, index << above, (index + 1) << above


def _root(stored: dict[Subtree, bytes], subtree: Subtree) -> bytes:
    level, first, end = _run(subtree)
    return ledger.root_of([stored[level, index] for index in range(first, end)])


def _tree_so_far(journal: JournalStore) -> Frontier:
    size = journal.tree_size()
    trees = ledger.subtrees((0, size))
    return Frontier(size, tuple(roots_of(journal, [(i << level, i + 1 << level) for level, i in trees])))


class Sequencer:
    """Gives rows their place in the tree, a batch a transaction; keeps the tree's frontier in memory."""

    def __init__(self) -> None:
        self._frontier: Frontier | None = None

    def run(self, services: Services, now: Instant) -> int:
        """Sequence every row that has no leaf and sign the new heads. Returns how many rows were added.

        Raise `ConflictError` when another process sequences at the same moment: one wins,
        the other starts afresh next time. Raise `JournalDamagedError`.
        """
        added = 0
        try:
            if self._frontier is None:
                self._start(services)
            while count := self._batch(services, now):
                added += count
        except PortError:
            self._frontier = None
            raise
        return added

    def _start(self, services: Services) -> None:
        """Find the tree as the newest checkpoint left it; never build upon another.

        Whoever changed the tree behind our back would otherwise get our signature under it.
        """
        with services.database.write() as uow:
            _build_nodes(uow.journal)
            frontier, newest = _tree_so_far(uow.journal), uow.journal.newest_checkpoint()
            signed = (newest.size, newest.root) if newest else (0, ledger.EMPTY_ROOT.hex())
            if (frontier.size, frontier.root().hex()) != signed:
                raise JournalDamagedError("the journal's tree is not what the newest checkpoint signed")
            uow.commit()
        self._frontier = frontier

    def _batch(self, services: Services, now: Instant) -> int:
        name, frontier = origin(services), self._frontier or Frontier()
        with services.database.write() as uow:
            waiting = uow.journal.unsequenced(BATCH)
            if not waiting:
                return 0
            leaves, nodes = [], []
            for entry in waiting:
                leaf = leaf_of(entry)
                leaves.append(JournalLeaf(frontier.size, entry.seq, leaf.hex()))
                frontier, made = _grown(frontier, leaf)
                nodes.extend(made)
            uow.journal.add_leaves(leaves)
            uow.journal.add_nodes(nodes)
            note = _signed_head(services, name, frontier, now)
            uow.journal.add_checkpoint(Checkpoint(frontier.size, frontier.root().hex(), note, now))
            uow.commit()
        self._frontier = frontier
        return len(waiting)


def _grown(frontier: Frontier, leaf: bytes) -> tuple[Frontier, list[JournalNode]]:
    """The tree with one leaf more, and the nodes to keep that it completes."""
    closed = frontier.closed_by(leaf)
    nodes = [
        JournalNode(level, frontier.size >> level, closed[level].hex())
        for level in range(STRIDE, len(closed), STRIDE)
    ]
    return frontier.joined(closed), nodes


def _build_nodes(journal: JournalStore) -> None:
    """Nodes over the leaves of a journal that was begun without them; nothing to do otherwise."""
    size = journal.tree_size()
    if size >> STRIDE == 0 or journal.nodes_at(STRIDE):
        return
    frontier = Frontier()
    for start in range(0, size, BATCH):
        nodes = []
        for _, leaf in sorted(journal.hashes([(0, start, min(start + BATCH, size))]).items()):
            frontier, made = _grown(frontier, leaf)
            nodes.extend(made)
        journal.add_nodes(nodes)


def _signed_head(services: Services, name: str, frontier: Frontier, now: Instant) -> str:
    key = services.keyring().signing_key("checkpoints", now).private
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyringError("checkpoints are signed with Ed25519 (C2SP signed-note)")
    return signed_note(ledger.checkpoint_body(name, frontier.size, frontier.root()), name, key)
