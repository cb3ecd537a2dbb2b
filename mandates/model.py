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
class Recognition:
    """What an organisation is, since when and until when, and who says so."""

    kind: str
    """Such as `ocmw`, `recognised_company`, `voucher_issuer`."""
    since: Instant = 0
    until: Instant | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A person or an organisation. National numbers stay in the vault, never here."""

    id: str
    """UUID, never shown outside the broker."""
    kind: PartyKind
    name: str
    kbo: str | None = None
    """Enterprise number, 10 digits; organisations only."""
    ovo: str | None = None
    """OVO code, for organisations of the Flemish government that have one."""
    recognitions: tuple[Recognition, ...] = ()
    adult_at: Instant | None = None
    """When she turns or turned eighteen; None if nobody said, and for organisations."""
    deceased_at: Instant | None = None
    ceased_at: Instant | None = None
    successor: str | None = None
    """Party id of the organisation that it merged into."""

    def kinds_at(self, now: Instant) -> frozenset[str]:
        """What the organisation is recognised as at this instant."""
        return frozenset(
            one.kind
            for one in self.recognitions
            if one.since <= now and (one.until is None or now < one.until)
        )


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
class Suspension:
    """A time during which a mandate is set aside; open while nobody lifted it.

    Several may be open at once: what one capacity set aside, another does not take up again.
    """

    at: Instant
    by: str | None
    """Party id; None when no person did it."""
    capacity: str
    """In what capacity; whoever lifts it needs the same one."""
    grounds: str = ""
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class PowerEnding:
    """One power of a mandate that ended before the mandate itself."""

    power: str
    at: Instant
    by: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Caseload:
    """One principal whom a member of staff handles, for an executor that is not for all."""

    executor: str
    """Mandate id of the executor edge."""
    principal: str
    added_at: Instant
    removed_at: Instant | None = None


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
    """The mandate that this one was passed on from: same principal and type, another representative."""
    replaces: str | None = None
    """The mandate that this one takes over from: a renewal, or a legal succession."""
    whole: bool = True
    """For an executor: for all principals of the organisation; False: for its caseload only."""
    several: bool = False
    """Whether its type lets another one run beside it between the same two parties."""
    evidence: Evidence = Evidence()
    approvals: tuple[Approval, ...] = ()
    lapses_at: Instant | None = None
    """When a request that still waits comes to nothing."""
    activated_at: Instant | None = None
    """When the last needed approval came in; None while it waits."""
    suspensions: tuple[Suspension, ...] = ()
    """Oldest first, lifted ones included."""
    ended_powers: tuple[PowerEnding, ...] = ()
    ended_at: Instant | None = None
    ended_by: str | None = None
    ending: Ending | None = None
    grounds: str = ""
    """Why it ended, in the words of who did it."""
    version: int = 1
    """Grows with every change; two writers cannot both win."""

    @property
    def typed_name(self) -> str:
        """The only name that the person in it goes by until somebody else approved; empty from then on.

        A number with any name would else be a question "whose is this?" (mandates.md section 4).
        """
        return "" if self.approvals else self.evidence.typed_name

    def powers_at(self, now: Instant) -> tuple[str, ...]:
        """The powers that have not ended one by one by this instant."""
        gone = {one.power for one in self.ended_powers if one.at <= now}
        return tuple(power for power in self.powers if power not in gone)
