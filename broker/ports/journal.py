"""The append-only record, and what the law asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from broker.records import (
    Checkpoint,
    JournalEntry,
    JournalLeaf,
    JournalNode,
    PlacedEntry,
)
from mandates.commitments import Openings
from mandates.events import Event
from mandates.ledger import Subtree
from mandates.model import Instant, Mandate


class JournalStore(Protocol):
    """Append-only, by database rule."""

    def append(self, events: Sequence[Event], now: Instant) -> None: ...
    def tail(self, limit: int, mandate: str | None = None, before: int | None = None) -> list[JournalEntry]:
        """Newest first; of one mandate if it is named; those before this `seq` if one is."""

    def unsequenced(self, limit: int) -> list[JournalEntry]:
        """Entries that have no leaf yet, oldest first."""

    def add_leaves(self, leaves: Sequence[JournalLeaf]) -> None: ...
    def add_nodes(self, nodes: Sequence[JournalNode]) -> None: ...
    def tree_size(self) -> int:
        """How many leaves there are."""

    def nodes_at(self, level: int) -> int:
        """How many subtrees of this level are kept."""

    def hashes(self, runs: Sequence[tuple[int, int, int]]) -> dict[Subtree, bytes]:
        """Of these runs (level, first, end), every subtree that is kept; leaves are of level 0."""

    def placed(self, start: int, end: int) -> list[PlacedEntry]:
        """Leaves `start <= index < end` with their rows, in the order of the tree."""

    def placed_of_mandate(self, mandate: str) -> list[PlacedEntry]:
        """As `placed`, of one mandate."""

    def stray(self, limit: int) -> list[int]:
        """`seq` of rows that have no leaf and do not wait for one: slipped in past the triggers."""

    def openings(self, entries: Sequence[JournalEntry]) -> list[Openings]:
        """What each of these is opened with (`mandates.commitments`). One query."""

    def of_party(self, party: str) -> Iterable[JournalEntry]:
        """Rows in which she stands, oldest first, streamed."""

    def add_checkpoint(self, checkpoint: Checkpoint) -> None: ...
    def checkpoints(self, above: int, upto: int) -> list[Checkpoint]:
        """Of sizes `above < size <= upto`, smallest first."""

    def newest_checkpoint(self) -> Checkpoint | None: ...


class DataSubjectStore(Protocol):
    """What is kept of a person, over all tables: shown to her, and erased."""

    def rows_of(self, party: str) -> dict[str, list[dict[str, Any]]]:
        """Table -> rows that refer to the party, as JSON values; secrets, hashes and the journal left out."""

    def mandates_of(self, party: str) -> list[Mandate]:
        """In which she is principal or representative, whatever their state and source."""

    def live_sessions(self, party: str, now: Instant) -> int:
        """How many of her sessions have neither ended nor reached their end."""

    def is_erased(self, party: str) -> bool: ...
    def erase(self, party: str, by: str, now: Instant) -> dict[str, int]:
        """Record the erasure, and blank or remove all that tells who she was. Table -> rows touched."""


class RetentionStore(Protocol):
    """What is past its term (`flows.retention`)."""

    def stale(self, kind: str, before: Instant) -> int:
        """How many things of this kind came to their end before that instant."""

    def blank_before(self, before: Instant, limit: int) -> int:
        """Of the journal rows that `clear_stale` takes next, how many an erasure made blank."""

    def clear_stale(self, kind: str, before: Instant, now: Instant, limit: int) -> int:
        """Let at most so many of them go; returns how many."""
