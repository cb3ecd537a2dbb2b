"""One bit of one list (tokens.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class Basis:
    """What one status index speaks of: the tokens of one client, on one chain of one grant, for one audience.

    A grant's own tokens name its client, its chain and no hop. Exchanged ones name the client
    that asked, the chain that was judged, and how often a token was narrowed before. So what
    ends a client, a link or one exchanged token reaches exactly its tokens.
    """

    grant: str
    client: str
    audience: str
    mandate: str | None = None
    executor: str | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One bit of one list, and what it speaks of."""

    list: str
    index: int
    grant: str
    """Empty once the grant was let go: the bit stays set, and is nobody's."""
    audience: str
    last_exp: Instant
    """Latest `exp` of a token that carries this index."""
    revoked_at: Instant | None = None
    client: str = ""
    mandate: str | None = None
    executor: str | None = None
    hops: int = 0

    @property
    def basis(self) -> Basis:
        """What it speaks of."""
        return Basis(self.grant, self.client, self.audience, self.mandate, self.executor, self.hops)


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
