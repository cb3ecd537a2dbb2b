"""Proving that nobody rewrote the journal, from its file and a public key alone.

Nothing here needs a database, settings or our word: a checkpoint is believed
because of its signature, a row because the signed tree contains it, its contents
because they open its commitments. What follows from a fault is not reported as
another: an edited row leaves its leaf standing, and of checkpoints that rewritten
rows do not lead to, the first says where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys.errors import NoteError
from keys.notes import verify_note
from mandates import ledger
from mandates.commitments import CONTENT, ROLES, commitments, leaf_of_commitments, leaf_of_contents
from mandates.ledger import Frontier, TreeHead

VERSION = 1
Signer = tuple[str, Ed25519PublicKey]
"""Name and key that checkpoints must be signed by (`keys.notes.read_verifier_key`)."""
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verification found; an empty list of faults means that all agrees."""

    rows: int
    erased: int
    """Rows whose contents are gone because somebody was forgotten, or their term was over."""
    checkpoints: int
    faults: tuple[str, ...]


def head_of(unverified_note: str, signers: Sequence[Signer]) -> TreeHead | None:
    """The tree head that one of these signed, or None."""
    for name, public in signers:
        try:
            head = ledger.read_checkpoint_body(verify_note(unverified_note, name, public))
        except (NoteError, ValueError):
            continue
        if head.origin == name:
            return head
    return None


class Examination:
    """Reads a journal line by line, and names every fault once."""

    def __init__(self, signers: Sequence[Signer], since: TreeHead | None = None) -> None:
        self.rows = self.erased = self.checkpoints = 0
        self._told = 0
        self._signers = signers
        self._since = since
        self._size: int | None = None
        self._frontier = Frontier()
        self._next = 0
        self._covered = 0
        self._disagreeing = 0

    def faults(self, records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """One line a fault, as soon as it is seen."""
        yield from self._older()
        for number, record in enumerate(records, start=1):
            try:
                yield from list(self._take(record))
            except _MALFORMED:
                yield f"line {number}: is not a line of a journal"
        yield from self._finish()

    def _take(self, record: Mapping[str, Any]) -> Iterator[str]:
        kind = record["kind"]
        if kind == "row":
            yield from self._row(record)
        elif kind == "checkpoint":
            yield from self._checkpoint(record["note"])
        elif kind == "journal" and self._size is None and record["version"] == VERSION:
            self._size = int(record["size"])
        else:
            raise ValueError("unknown kind of line")

    def _row(self, row: Mapping[str, Any]) -> Iterator[str]:
        index, seq, leaf = int(row["index"]), int(row["seq"]), bytes.fromhex(row["leaf"])
        if index > self._next:
            yield f"leaves {self._next} to {index - 1}: missing"
        elif index < self._next:
            yield f"leaf {index}: out of order"
        if "at" not in row:
            yield f"row {seq}: missing"
        elif not is_what_was_recorded(row):
            yield f"row {seq}: its contents are not what was recorded"
        self.erased += is_erased(row)
        self._told += _erasures_told(row)
        self.rows += 1
        self._next = max(self._next, index + 1)
        self._frontier = self._frontier.append(leaf)
        yield from self._older()

    def _checkpoint(self, note: str) -> Iterator[str]:
        self.checkpoints += 1
        head = head_of(note, self._signers)
        if head is None:
            yield f"checkpoint of size {self._next}: is not signed by a key that was given"
        elif (head.size, head.root) == (self._frontier.size, self._frontier.root()):
            self._covered = head.size
        elif self._disagreeing:
            self._disagreeing += 1
        else:
            self._disagreeing = 1
            yield f"checkpoint of size {head.size}: does not agree with the rows"

    def _older(self) -> Iterator[str]:
        since = self._since
        if since and since.size == self._frontier.size and since.root != self._frontier.root():
            yield f"the older checkpoint of size {since.size} is not where this journal began: rewritten"

    def _finish(self) -> Iterator[str]:
        if self._size is None:
            yield "the first line, which says whose journal it is, is missing"
        elif self._size != self.rows:
            yield f"{self.rows} rows where the first line speaks of {self._size}"
        if self._disagreeing > 1:
            yield f"{self._disagreeing - 1} checkpoints after that do not agree either"
        elif self._covered < self._frontier.size and not self._disagreeing:
            yield f"leaves from {self._covered} on: under no checkpoint"
        if self.erased > self._told:
            yield f"{self.erased} rows are blank where the journal tells of {self._told}"
        if self._since and self._since.size > self._frontier.size:
            yield f"shorter than the older checkpoint of size {self._since.size}: rows were dropped"


def is_what_was_recorded(row: Mapping[str, Any]) -> bool:
    """Whether the row makes its leaf, and its contents, as far as they are there, open its commitments.

    The leaf itself is proved by the tree. Raise `KeyError`, `TypeError` or `ValueError`
    if it is no row.
    """
    committed = row["commitments"]
    if committed is None:
        return _makes_old_leaf(row)
    leaf = leaf_of_commitments(
        seq=row["seq"],
        at=row["at"],
        recorded_at=row["recorded_at"],
        type_=row["type"],
        mandate=row["mandate"],
        committed=committed,
    )
    return bool(leaf.hex() == row["leaf"]) and (_is_sealed(row) or _opens(row, committed))


def is_erased(row: Mapping[str, Any]) -> bool:
    """Whether contents of the row are gone. A row that really has none says so in its body."""
    return "body" in row and row["body"] == {}


def _erasures_told(row: Mapping[str, Any]) -> int:
    """How many rows this one says were blanked: nothing disappears without a row that says so."""
    detail = row.get("body", {}).get("detail", {})
    said = row.get("type") == "party.erased" or detail.get("kind") == "journal"
    return int(detail["rows"]) if said and "rows" in detail else 0


def _is_sealed(row: Mapping[str, Any]) -> bool:
    return "body" not in row


def _makes_old_leaf(row: Mapping[str, Any]) -> bool:
    """The leaf of before binds the contents themselves: without them there is nothing to compare."""
    if _is_sealed(row) or is_erased(row):
        return True
    made = leaf_of_contents(
        seq=row["seq"], at=row["at"], type_=row["type"], actor=row["actor"], body=row["body"]
    )
    return bool(made.hex() == row["leaf"])


def _opens(row: Mapping[str, Any], committed: Mapping[str, str | None]) -> bool:
    opened = row["openings"]
    if any((row[role] is None) != (opened[role] is None) for role in ROLES):
        return False  # a party that nothing proves, or an opening of nobody
    made = commitments({role: row[role] for role in ROLES}, row["body"], opened)
    gone = {role for role in ROLES if row[role] is None and committed[role] is not None}
    if any(made[role] != committed[role] for role in ROLES if role not in gone):
        return False
    # Contents go with a party of theirs, never alone; while all are there, they must open too.
    return bool(gone) if is_erased(row) else made[CONTENT] == committed[CONTENT]


def receipt_faults(receipt: Mapping[str, Any], signers: Sequence[Signer]) -> Iterator[str]:
    """Check a receipt (`receipts.receipt_of`): its checkpoint, and each row's place under it."""
    try:
        head = head_of(receipt["checkpoint"], signers)
        if receipt["kind"] != "receipt" or receipt["version"] != VERSION:
            raise ValueError("not a receipt")
        if head is None:
            yield "the checkpoint is not signed by a key that was given"
            return
        for row in receipt["rows"]:
            if row["mandate"] != receipt["mandate"]:
                yield f"row {row['seq']}: is of another mandate"
            if not is_what_was_recorded(row):
                yield f"row {row['seq']}: its contents are not what was recorded"
            proof = [bytes.fromhex(hash_) for hash_ in row["proof"]]
            if not ledger.verify_inclusion(
                bytes.fromhex(row["leaf"]), row["index"], head.size, proof, head.root
            ):
                yield f"row {row['seq']}: does not stand under the checkpoint"
    except _MALFORMED:
        yield "this is not a receipt"
