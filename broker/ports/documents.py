"""Papers that requests rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from broker.records import Document
from mandates.model import Instant


class DocumentStore(Protocol):
    """Sealed papers, by their SHA-256. They go with the texts of the mandates that name them."""

    def put(self, document: Document) -> None:
        """Keep it; one that is kept already stays as it is, and is counted from now if nobody named it yet."""

    def find(self, sha256: str) -> Document | None: ...
    def name(self, sha256: str, now: Instant) -> bool:
        """A request rests on it from now on. Whether it is kept."""

    def name_many(self, sha256s: Iterable[str], now: Instant) -> set[str]:
        """As `name`, for a whole file in one statement; returns those that are kept."""
