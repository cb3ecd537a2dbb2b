"""Papers that requests rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from broker.records import Document
from mandates.model import Instant


class DocumentStore(Protocol):
    """Sealed papers, by their SHA-256. They go with the texts of the mandates that name them."""

    def put(self, document: Document) -> None:
        """Keep it; one that is kept already stays, and its term begins anew if nobody named it yet."""

    def find(self, sha256: str) -> Document | None: ...
    def name(self, sha256: str, now: Instant) -> bool:
        """A request rests on it from now on. Whether it is kept."""

    def name_many(self, sha256s: Iterable[str], now: Instant) -> None:
        """As `name`, for a whole file in one statement; those that are not kept are left out."""

    def kept(self, sha256s: Iterable[str]) -> set[str]:
        """Which of these are kept. One query."""
