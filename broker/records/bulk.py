"""One file of requests, and its rows (mandates.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class BulkJob:
    """One file that somebody brought for her organisation; the file itself is not kept."""

    id: str
    organisation: str
    requester: str
    kind: str
    """`mandates`, `staff`, `vms-mandaten` or `vms-mandaatuitvoerders`."""
    name: str
    """What the file was called."""
    sha256: str
    """Of the file, hex."""
    sealed_key: str = field(repr=False)
    """The key that its rows are sealed under, itself sealed: when it goes, they are gone."""
    created_at: Instant
    rows: int = 0
    complete: bool = False
    """Whether every row is stored; until then nobody sees the job."""
    validated_at: Instant | None = None
    applied_to: int = 0
    """Line up to which it was applied; 0 before the first."""
    applied_rows: int = 0
    """How many rows that are."""
    applied_at: Instant | None = None
    """When the last row was applied."""


@dataclass(frozen=True, slots=True)
class BulkRow:
    """One row of such a file."""

    line: int
    """In the file, from 1, where the row begins; the titles stand above."""
    key: str | None
    """Keyed index of the row key that somebody typed, within her organisation."""
    pair: str | None
    """Keyed index of type, principal and representative; None for a row that cannot be read."""
    sealed: str
    """What was typed, sealed for this line alone; after applying only the row key is left."""
    verdict: str = ""
    """`accepted`, `needs_approval`, `duplicate` or `refused`; empty before it was judged."""
    code: str = ""
    """Why it was refused or is a duplicate; stable."""
    column: str = ""
    """Where the fault stands, if it stands in one column."""
    needs: str = ""
    """The approvals of which it needs one or all, as the type says; in words between spaces."""
    mandate: str | None = None
    """What was made of it; None until it was applied."""
