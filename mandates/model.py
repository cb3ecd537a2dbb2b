"""The values that the engine speaks of. All are frozen; a change is a new value.

A *mandate* is one edge of one graph: a principal gives powers to a
representative. That a member of staff acts for an organisation (an *executor*)
is an edge of the same kind, of a type that the catalogue marks as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

Instant = int
"""Seconds since 1970-01-01T00:00:00Z."""


class Level(IntEnum):
    """Assurance of a login, in the order of eIDAS (Regulation 910/2014 article 8)."""

    NONE = 0
    LOW = 1
    SUBSTANTIAL = 2
    HIGH = 3


class PartyKind(StrEnum):
    """A natural person, or an organisation that acts through people."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Source(StrEnum):
    """Where a mandate comes from: stored by somebody's act, or read from ACM claims."""

    STORED = "stored"
    CLAIMS = "claims"


class Ending(StrEnum):
    """How a mandate or a request came to its end, and by whose hand."""

    REFUSED = "refused"  # a request, by an approver
    CANCELLED = "cancelled"  # a request, by its requester
    REVOKED = "revoked"  # by the principal
    WAIVED = "waived"  # by the representative
    WITHDRAWN = "withdrawn"  # by an officer or manager
    SUPERSEDED = "superseded"  # by a newer mandate
    CASCADED = "cascaded"  # by something that happened elsewhere
    SESSION_ENDED = "session_ended"  # a mandate of the session, with that session


@dataclass(frozen=True, slots=True)
class Party:
    """A person or an organisation. National numbers stay in the vault, never here."""

    id: str
    """UUID, never shown outside the broker."""
    kind: PartyKind
    name: str
    kbo: str | None = None
    """Enterprise number, 10 digits; organisations only."""
    org_kinds: frozenset[str] = frozenset()
    """Such as `ocmw`, `recognised_company`, `voucher_issuer`."""
    deceased_at: Instant | None = None
    ceased_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval that was given: in which capacity, by whom, when."""

    kind: str
    """`principal`, `second_officer`, `issuer` or `representative`."""
    by: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the request rests on: a note, and the SHA-256 (hex) of a document if there is one."""

    note: str = ""
    sha256: str | None = None
    typed_name: str = ""
    """The person's name as the requester typed it: all that she may read until somebody else approved."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """One edge: `principal` gives `powers` to `representative` for a period.

    Stored facts only. What the clock makes of them (scheduled, active, expired,
    lapsed) is computed by `status.status_of`, never written.
    """

    id: str
    type: str
    principal: str
    representative: str
    powers: tuple[str, ...]
    valid_from: Instant
    valid_until: Instant
    requested_at: Instant
    requested_by: str
    catalogue_version: str
    source: Source = Source.STORED
    session: str | None = None
    """For `Source.CLAIMS`: the broker session that it lives and dies with."""
    parent: str | None = None
    """The mandate that this one was passed on from."""
    evidence: Evidence = Evidence()
    approvals: tuple[Approval, ...] = ()
    lapses_at: Instant | None = None
    """When a request that still waits comes to nothing."""
    activated_at: Instant | None = None
    """When the last needed approval came in; None while it waits."""
    suspended_at: Instant | None = None
    ended_at: Instant | None = None
    ended_by: str | None = None
    ending: Ending | None = None
    grounds: str = ""
    """Why it ended or was suspended, in the words of who did it."""
    version: int = 1
    """Grows with every change; two writers cannot both win."""
