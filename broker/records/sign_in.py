"""A person at the keyboard: sessions, grants, and what an upstream said of her."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mandates.model import Instant, Level


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
    auth_time: Instant | None = None
    """When the person proved who she is; only if the upstream stated it, or a forced login proved it."""


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
    jkt: str | None = None
    """Thumbprint of the key that it is bound to (RFC 9449 section 5): a public client's, with DPoP."""
    successor: str | None = None
    """Hash of the token that it was rotated into."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One scope that a person was shown for a client, and agreed to."""

    client: str
    scope: str
    at: Instant


@dataclass(frozen=True, slots=True)
class UpstreamLogin:
    """What an upstream said of a person, verified."""

    issuer: str
    subject: str
    name: str
    level: Level
    issued_at: Instant
    id_token: str
    auth_time: Instant | None = None
    """When it says that she proved who she is, if it says so and that can be true."""
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
