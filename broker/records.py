"""What passes between flows and stores: frozen values, one a table row or a verified answer.

Parties and mandates are the engine's own (`mandates.model`); these are the broker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mandates.model import Instant, Level, Party


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
    """Self scopes, `obo:` scopes and machine scopes that it knows."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of the journal. `seq` is the order of recording."""

    seq: int
    at: Instant
    type: str
    actor: str | None
    body: Mapping[str, Any]
    """JSON; parties by their UUID, never a name, number, token or code."""


@dataclass(frozen=True, slots=True)
class JournalLeaf:
    """Place of an entry in the Merkle tree, with its hash (hex) (RFC 6962 section 2.1)."""

    index: int
    seq: int
    hash: str


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
