"""One bit of one list (tokens.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One bit of one list: (grant, audience) -> (list, index)."""

    list: str
    index: int
    grant: str
    audience: str
    last_exp: Instant
    """Latest `exp` of a token that carries this index."""
    revoked_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class StatusList:
    """An audience's list of `size` bits; `version` grows whenever a bit is set."""

    id: str
    audience: str
    size: int
    version: int
    created_at: Instant
    decoys: tuple[int, ...] = ()
    """Indices whose bit is set for nobody, so that the list does not tell how many were revoked."""
