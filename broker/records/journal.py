"""The journal and its tree (mandates.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of the journal. `seq` is the order of recording."""

    seq: int
    at: Instant
    recorded_at: Instant
    type: str
    actor: str | None
    mandate: str | None
    principal: str | None
    representative: str | None
    body: Mapping[str, Any]
    """JSON; parties by their UUID, never a name, number, token or code. Empty once it was erased."""
    commitments: Mapping[str, str | None] | None
    """What its leaf is made of (`mandates.commitments`); None for a row of before there were any."""


@dataclass(frozen=True, slots=True)
class JournalLeaf:
    """Place of an entry in the Merkle tree, with its hash (hex) (RFC 6962 section 2.1)."""

    index: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class JournalNode:
    """Root (hex) of a complete subtree of 2**`level` leaves, the `index`-th of its size from the left."""

    level: int
    index: int
    hash: str


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """A leaf with its row; the row is None if somebody took it away."""

    leaf: JournalLeaf
    entry: JournalEntry | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: `note` is the whole C2SP signed note."""

    size: int
    root: str
    note: str
    at: Instant
