"""What happens around a mandate: codes, reviews, uses, cascades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """A code that was sent or handed over, known by its keyed hash (mandates.md section 6).

    It has no end of its own: it approves while the request waits, and pauses or ends while
    the mandate lives.
    """

    hash: str
    mandate: str
    capacity: str
    """For whom: `principal` or `representative`."""
    issued_at: Instant
    issued_by: str
    redeemed_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A mandate that the issuer looks at again: drawn at random, or because somebody reported misuse."""

    id: str
    mandate: str
    kind: str
    """`sample` or `misuse`."""
    opened_at: Instant
    opened_by: str | None = None
    text: str = ""
    """What was reported, in the words of who did."""
    decided_at: Instant | None = None
    decided_by: str | None = None
    outcome: str | None = None
    grounds: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One operation that a service did, or refused, under a mandate: its audit line, resolved."""

    client: str
    jti: str
    operation: str
    mandate: str
    principal: str
    actor: str
    representative: str
    decision: str
    """`permit` or `deny`."""
    at: Instant


UsePlace = tuple[Instant, int]
"""Where a page of uses begins: when it was done, and its number in its table."""


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done in somebody's name, as she sees it."""

    seq: int
    at: Instant
    kind: str
    """`token`: a service was let in; `use`: what the service then did."""
    client: str
    actor: str | None
    representative: str | None
    mandate: str | None
    operations: tuple[str, ...]
    decision: str = "permit"


@dataclass(frozen=True, slots=True)
class CascadeRecord:
    """What one happening changed, kept so that it can be taken back the same day."""

    id: str
    cause: str
    party: str
    done_at: Instant
    done_by: str | None
    body: Mapping[str, Any]
    """JSON: the happening, the party's facts before, each mandate's version and end before, successors."""
    undone_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that must be told, written in the transaction of what it tells of."""

    at: Instant
    topic: str
    """`notice` for a person; `status-changed` and `session-revoked` for services (tokens.md section 6)."""
    body: Mapping[str, Any]
    """JSON; no name, number, token or code."""
    party: str | None = None
    mandate: str | None = None
    seq: int = 0
    """The order of posting; the database's."""
    delivered_at: Instant | None = None
