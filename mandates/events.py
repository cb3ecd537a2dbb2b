"""What happened, in the past participle: `mandate.requested`, `mandate.revoked`.

The core returns events beside the changed mandate; the shell writes both in one
transaction (mandates.md section 5). Parties stand in them by UUID only: a
journal is kept for years and read by many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one mandate, by whose hand and on what grounds."""

    type: str
    at: Instant
    actor: str | None
    """Party id of the person who did it; None when no person did (a session ended)."""
    mandate: str | None = None
    principal: str | None = None
    representative: str | None = None
    grounds: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only; among them the catalogue version that allowed it."""

    def body(self) -> dict[str, Any]:
        """Its contents: what the journal does not keep in columns of their own."""
        return {"grounds": self.grounds, "detail": dict(self.detail)}
