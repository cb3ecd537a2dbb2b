"""Tokens for programs that act for themselves (tokens.md section 3d).

Such a token speaks of nobody: `sub` is the `client_id`, and it has no actor, no level,
no mandate and no status index. What cannot be revoked must be short and may do
little: five minutes, and only scopes that its audience marks as a program's own,
which are never a power over somebody's affairs. It is judged on registrations that are at
most a second old, without a question to the database, and leaves no row in the journal:
such a token is no power; what its program does with it is recorded where it does it.
"""

from __future__ import annotations

import secrets
from typing import Any

from broker.errors import InvalidScopeError, InvalidTargetError, ProofMissingError
from broker.flows import issuing
from broker.flows.claims import IDENTITY_SCOPES, OBO
from broker.ports import Services
from broker.records import Audience, Client
from keys.tokens import sign
from keys.vault import PREFIXES
from mandates.model import Instant

PARTY_PREFIXES = (*PREFIXES, "iso6523-actorid-upis::")
"""How `sub` begins in tokens about people and organisations."""


def issue(
    services: Services,
    client: Client,
    audience_uri: str,
    asked: frozenset[str],
    now: Instant,
    *,
    jkt: str | None = None,
) -> dict[str, Any]:
    """The token response for client credentials (RFC 6749 section 4.4.3); no refresh token.

    `jkt` is the key that the request proved, to which the token is bound. Raise
    `InvalidTargetError` for an audience that knows no machine scopes, `InvalidScopeError`
    unless every scope asked is one that both the client and the audience have for programs,
    `ProofMissingError` for a client that must prove a key and did not.
    """
    # A program called like a person would be taken for her (RFC 9700 section 4.15).
    if client.id.startswith(PARTY_PREFIXES):
        raise InvalidTargetError
    if client.dpop and jkt is None:
        raise ProofMissingError
    audience = issuing.find_audience(services, services.registrations(), audience_uri)
    scopes = _scopes(services, client, audience, asked)
    exp = now + services.settings.access_token_seconds
    unsigned = _claims(services, client, audience, scopes, now, exp)
    if jkt is not None:
        unsigned["cnf"] = {"jkt": jkt}
    return {
        "access_token": sign(unsigned, services.keyring().signing_key("tokens", now), "at+jwt"),
        "token_type": "DPoP" if jkt else "Bearer",
        "expires_in": exp - now,
        "scope": " ".join(sorted(scopes)),
    }


def _scopes(services: Services, client: Client, audience: Audience, asked: frozenset[str]) -> frozenset[str]:
    if not audience.machine_scopes:
        raise InvalidTargetError
    powers = {power for kind in services.catalogue().types.values() for power in kind.powers}
    # The registration may be wrong; a power in a program's hand is refused all the same.
    never = IDENTITY_SCOPES | powers | {scope for scope in asked if scope.startswith(OBO)}
    if not asked or not asked <= (client.scopes & audience.machine_scopes) - never:
        raise InvalidScopeError
    return asked


def _claims(
    services: Services, client: Client, audience: Audience, scopes: frozenset[str], now: Instant, exp: Instant
) -> dict[str, Any]:
    return {
        "iss": services.settings.issuer,
        "aud": audience.uri,
        "client_id": client.id,
        "sub": client.id,
        "iat": now,
        "exp": exp,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(sorted(scopes)),
    }
