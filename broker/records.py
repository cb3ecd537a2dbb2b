"""What passes between flows and stores: frozen values, one a table row or a verified answer.

Parties and mandates are the engine's own (`mandates.model`); these are the broker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mandates.model import Caseload, Instant, Level, Mandate, Party


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one person at the broker (tokens.md section 4)."""

    id: str
    """SHA-256 (hex) of the cookie's secret; the secret itself is stored nowhere."""
    sid: str
    """Random public identifier, the `sid` of ID tokens."""
    party: str
    level: Level
    upstream: str
    """Issuer that signed the person in."""
    upstream_sub: str
    started_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    """The eight hours; thirty minutes without use end it earlier."""
    claims_at: Instant
    """`iat` of the upstream ID token: powers from its claims count two hours from here."""
    organisation: str | None = None
    """Party id of the organisation that the person signed in for, if any."""
    staff: frozenset[str] = frozenset()
    """Staff roles of the broker: `reviewer`, `support`, `operator`."""
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One authorization: actor, client, session, level, and a mandate or self.

    Every refresh that descends from it belongs to it. `mandate` is None when the
    person acts for herself; `executor` is the second link of a chain through an
    organisation. Together they are the chain it was judged on.
    """

    id: str
    client: str
    session: str
    actor: str
    principal: str
    level: Level
    scopes: tuple[str, ...]
    """As granted, over all audiences; `openid` and `profile` among them."""
    audience: str
    created_at: Instant
    mandate: str | None = None
    executor: str | None = None
    ended_at: Instant | None = None
    ended_reason: str = ""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, known by its SHA-256 (hex)."""

    hash: str
    grant: str
    issued_at: Instant
    expires_at: Instant
    used_at: Instant | None = None
    """Set when it was rotated away; seen again after that, its whole family ends."""


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


@dataclass(frozen=True, slots=True)
class Client:
    """A registered OAuth application. Empty means no."""

    id: str
    name: str
    profile: str
    """`fapi` (PAR, private_key_jwt), `compatible` or `public`."""
    auth: str
    """`private_key_jwt`, `client_secret_basic` or `none`."""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    audiences: tuple[str, ...] = ()
    """Audiences that it may ask tokens for; the first is the default if it is the only one."""
    serves: tuple[str, ...] = ()
    """Audiences that this client *is*: it may introspect tokens for them."""
    mandate_types: tuple[str, ...] = ()
    sector: str = ""
    vetted: bool = False
    """Registered without the page that shows service, powers and data at first use."""
    jwks: Mapping[str, Any] | None = None
    secret_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """An API that tokens are issued for."""

    uri: str
    name: str
    sector: str
    delegation_aware: bool = False
    """Only then may it ever receive a token with `act` (tokens.md section 1)."""
    scopes: frozenset[str] = frozenset()
    """Self scopes and `obo:` scopes that it knows."""
    machine_scopes: frozenset[str] = frozenset()
    """What a program may be given here for itself, with client credentials; never a power."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of the journal. `seq` is the order of recording."""

    seq: int
    at: Instant
    recorded_at: Instant
    type: str
    actor: str | None
    mandate: str | None
    principal: str | None
    representative: str | None
    body: Mapping[str, Any]
    """JSON; parties by their UUID, never a name, number, token or code. Empty once it was erased."""
    commitments: Mapping[str, str | None] | None
    """What its leaf is made of (`mandates.commitments`); None for a row of before there were any."""


@dataclass(frozen=True, slots=True)
class JournalLeaf:
    """Place of an entry in the Merkle tree, with its hash (hex) (RFC 6962 section 2.1)."""

    index: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class JournalNode:
    """Root (hex) of a complete subtree of 2**`level` leaves, the `index`-th of its size from the left."""

    level: int
    index: int
    hash: str


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """A leaf with its row; the row is None if somebody took it away."""

    leaf: JournalLeaf
    entry: JournalEntry | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: `note` is the whole C2SP signed note."""

    size: int
    root: str
    note: str
    at: Instant


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
class UpstreamLogin:
    """What an upstream said of a person, verified."""

    issuer: str
    subject: str
    name: str
    level: Level
    issued_at: Instant
    id_token: str
    insz: str | None = None
    organisation_code: str | None = None
    roles: tuple[str, ...] = ()
    """As `Right-Context:CODE` or `Right:CODE`, in the case that ACM sent."""
    staff: frozenset[str] = frozenset()
    """Staff roles that the roles above mean, by table; they count for the voucher issuer's people only."""


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A person sent upstream: where to, and what to remember until she comes back."""

    url: str
    memory: Mapping[str, Any]
    """State, nonce and PKCE verifier; stored, never shown."""


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
class Contact:
    """Where letters to a person go, sealed by the vault, and who says so."""

    party: str
    address_sealed: str
    source: str
    recorded_at: Instant


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
class StaffRole:
    """A role of the broker that somebody was given beside what ACM says."""

    party: str
    role: str
    given_at: Instant
    given_by: str


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
