"""A paper that a request rests on: a signed form, a judgment (mandates.md sections 3.5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class Document:
    """A scanned paper, known by what stands on it; two hands that bring the same paper keep it once."""

    sha256: str
    """Of the paper as it was brought, hex."""
    media_type: str
    size: int
    """Bytes, before sealing."""
    sealed_key: str = field(repr=False)
    """The key that the content is sealed under, itself sealed by the vault: without it the paper is gone."""
    content: str = field(repr=False)
    """The paper, sealed."""
    added_by: str
    added_at: Instant
    named_at: Instant | None = None
    """When a request first rested on it; until then it is only a paper on a desk."""
