"""What is registered: applications, APIs, and staff of the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mandates.model import Instant


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
    """What it may ask for; `insz_actor` is a mark and no scope: at UserInfo the actor's number, too."""
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
    dpop: bool = False
    """It gets sender-constrained tokens only (`dpop_bound_access_tokens`, RFC 9449 section 5.2)."""
    exchange: bool = False
    """Registered for token exchange (RFC 8693)."""
    jwks_uri: str | None = None
    """Where it publishes its keys, if they are not given as `jwks`."""
    id_token_alg: str = "ES256"  # noqa: S105 - the name of an algorithm
    """What its ID tokens are signed with: `ES256` or `RS256`."""


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
class Registrations:
    """All clients and audiences as they were at one version of the registry."""

    version: int
    clients: Mapping[str, Client]
    audiences: Mapping[str, Audience]

    def find_client(self, client: str) -> Client | None:
        """The client of this id."""
        return self.clients.get(client)

    def find_audience(self, uri: str) -> Audience | None:
        """The audience of this URI; the broker's own are not registered."""
        return self.audiences.get(uri)


@dataclass(frozen=True, slots=True)
class StaffRole:
    """A role of the broker that somebody was given beside what ACM says."""

    party: str
    role: str
    given_at: Instant
    given_by: str
