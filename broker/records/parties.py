"""What is kept of a party beside the engine's own value."""

from __future__ import annotations

from dataclasses import dataclass

from mandates.model import Instant, Party


@dataclass(frozen=True, slots=True)
class NewParty:
    """A party to be stored, with its national number already sealed and indexed."""

    party: Party
    insz_index: str | None = None
    insz_sealed: str | None = None


@dataclass(frozen=True, slots=True)
class VaultedValue:
    """A text that stands under a data key of the vault, with what is needed to make it under another."""

    key: str
    """Primary key of its row."""
    text: str
    """The sealed value itself, or the index of a national number."""
    sealed: str | None
    """The sealed value behind it: the same one, or the number's."""
    purpose: str
    """What `sealed` was sealed for."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where letters to a person go, sealed by the vault, and who says so."""

    party: str
    address_sealed: str
    source: str
    recorded_at: Instant
