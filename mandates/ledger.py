"""A Merkle tree over the journal (RFC 6962 section 2): who holds a root holds the whole past.

An inclusion proof shows that one entry stands in the tree of a given root; a
consistency proof shows that a later tree only added to an earlier one. Both are
short, and both are checked without the journal, so a rewritten log is found by
anyone who kept an older checkpoint (mandates.md section 8).

Leaves and nodes are hashed with different first bytes: otherwise an inner node
could be passed off as an entry (section 2.1).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves (section 2.1)."""

Span = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""
Subtree = tuple[int, int]
"""A complete subtree of 2**level leaves: (level, how many of its size stand to the left of it)."""


def canonical(value: Any) -> bytes:
    """The one way to write a JSON value: sorted keys, no spaces, UTF-8.

    Raise `ValueError` for NaN and infinity, `TypeError` for what is not JSON.
    Numbers in the journal are whole, so the number rules of RFC 8785 never come up.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed of a tree to add to it: the roots of its complete subtrees.

    One per 1-bit of `size`, largest first; ten million entries need 24 hashes at most.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def closed_by(self, leaf: bytes) -> tuple[bytes, ...]:
        """Roots of the complete subtrees that end with this leaf hash: itself, then of 2, 4, 8, … leaves."""
        closed = [leaf]
        for peak in reversed(self.peaks):
            if not self.size >> (len(closed) - 1) & 1:
                break
            closed.append(node_hash(peak, closed[-1]))
        return tuple(closed)

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after this leaf hash. Subtrees of equal size join, as carries do."""
        return self.joined(self.closed_by(leaf))

    def joined(self, closed: Sequence[bytes]) -> Frontier:
        """The frontier after the leaf whose `closed_by` this is."""
        kept = len(self.peaks) - len(closed) + 1
        return Frontier(self.size + 1, (*self.peaks[:kept], closed[-1]))

    def root(self) -> bytes:
        """Hash of the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes: MTH of section 2.1."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes beside the way from leaf `index` up to the root: PATH of section 2.1.1.

    Raise `IndexError` if there is no such leaf.
    """
    return tuple(root_of(leaves[start:end]) for start, end in inclusion_spans(index, len(leaves)))


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """The leaves under each hash of `inclusion_proof`, in its order; errors as there."""
    if not 0 <= index < size:
        raise IndexError("no such leaf")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return tuple(reversed(spans))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether leaf hash `leaf` stands at `index` in the tree of this size and root.

    RFC 9162 section 2.1.3.2, which gives the algorithm that RFC 6962 leaves out.
    """
    if not 0 <= index < size:
        return False
    place, last, computed = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(beside, computed)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == root


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Hashes that show that the first `old_size` leaves are still there: PROOF of section 2.1.2.

    Empty for a tree that did not grow, and for the empty tree, which every tree
    extends. Raise `IndexError` if the tree was never that large.
    """
    return tuple(root_of(leaves[start:end]) for start, end in consistency_spans(old_size, len(leaves)))


def consistency_spans(old_size: int, size: int) -> tuple[Span, ...]:
    """The leaves under each hash of `consistency_proof`, in its order; errors as there."""
    if not 0 <= old_size <= size:
        raise IndexError("the tree was never that large")
    if old_size == 0:
        return ()
    spans: list[Span] = []
    start, end = 0, size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    # What is left is the end of the old tree; when it is all of it, the verifier has its root.
    known = () if start == 0 else ((start, end),)
    return (*known, *reversed(spans))


def subtrees(span: Span) -> tuple[Subtree, ...]:
    """The complete subtrees side by side that these leaves are, the largest first.

    Of a tree that grows only these never change; `root_of_subtrees` puts them together.
    The span must begin where a subtree as large as itself may begin, as those of proofs do.
    """
    start, end = span
    found: list[Subtree] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return tuple(found)


def root_of_subtrees(roots: Sequence[bytes]) -> bytes:
    """Root over complete subtrees side by side, the largest first."""
    return Frontier(peaks=tuple(roots)).root()


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `size` and `root` only adds to that of `old_size` and `old_root`.

    RFC 9162 section 2.1.4.2.
    """
    if not 0 <= old_size <= size:
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if old_size == size:
        return not proof and old_root == root
    # A power of two is one complete subtree, whose root the verifier holds already.
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        return False
    computed_old, computed = _climb(old_size - 1, size - 1, hashes)
    return computed_old == old_root and computed == root


def _climb(place: int, last: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots as the proof would have them; two empty texts if it is too long or too short."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return b"", b""
        if place & 1 or place == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else (b"", b"")


def checkpoint_body(origin: str, size: int, root: bytes) -> str:
    """What a checkpoint signs (C2SP tlog-checkpoint): origin, size, root, each on a line.

    Raise `ValueError` if `origin` is empty or holds a line break, which would forge a line.
    """
    if not origin or "\n" in origin or "\r" in origin:
        raise ValueError("the origin must be one line")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: name of the log, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes


def read_checkpoint_body(body: str) -> TreeHead:
    """The head that a checkpoint signs; lines after the third are extensions. Raise `ValueError`."""
    origin, size, root, *_ = [*body.split("\n"), "", "", ""]
    if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size:
        raise ValueError("not the text of a checkpoint")
    decoded = base64.b64decode(root, validate=True)
    if len(decoded) != len(EMPTY_ROOT):
        raise ValueError("not the text of a checkpoint")
    return TreeHead(origin, int(size), decoded)


def _split(size: int) -> int:
    """The largest power of two smaller than `size`: where section 2.1 divides a tree."""
    return 1 << (size - 1).bit_length() - 1
