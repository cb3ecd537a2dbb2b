"""What is asked of the engine's store, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mandates.model import Caseload, Instant, Mandate, Party


@dataclass(frozen=True, slots=True)
class Question:
    """Whose affairs, whose hands, in which session: what a chain is looked up by."""

    principal: str
    actor: str
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store knows for some questions, all of one moment."""

    parties: Mapping[str, Party]
    mandates: tuple[Mandate, ...]
    caseloads: tuple[Caseload, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; None and empty mean that all will do."""

    type: str | None = None
    power: str | None = None
    organisation: str | None = None
    """Party id: the representative organisation that one acts through, or the principal that one acts for."""
    name: str = ""
    """Beginning of any word of the name at the other end, whatever its case and accents."""


Place = tuple[str, str]
"""Where a page of a list begins: the sort key of the name, and the mandate's id."""


@dataclass(frozen=True, slots=True)
class MandateVersion:
    """One version of a mandate as it was recorded: the second time axis (mandates.md section 1)."""

    mandate: Mandate
    recorded_at: Instant
    superseded_at: Instant | None
