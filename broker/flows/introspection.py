"""What a token is worth right now, for the service that it is meant for (RFC 7662, RFC 9701).

Tokens are verified by the guard that voucher services use, with our keys and the
status read in one statement. A token that is unknown, foreign, expired, revoked or
malformed answers `{"active": false}` and nothing else, and so does every refresh
token: those are between a client and the broker, and say nothing to a service.

A caller hears what the token itself says, in the sector of an audience that it
serves: names of another sector cannot stand in the answer, because they do not
stand in the token.
"""

from __future__ import annotations

from typing import Any

from broker.flows import claims
from broker.ports import Services
from broker.records import Client
from keys.tokens import sign
from mandates.model import Instant
from volmacht_guard import GuardError, VerifiedToken

KINDS = frozenset({"self", "delegated", "machine"})
TYPE = "token-introspection+jwt"
"""Type of a signed answer, and what a caller accepts to get one (RFC 9701 section 4)."""
_INACTIVE = {"active": False}


def introspect(services: Services, client: Client, unverified_token: str) -> dict[str, Any]:
    """The answer for a client that serves the token's audience; `act` is never left out.

    A bound token needs no proof here: the service saw it, and compares it with `cnf`
    (RFC 9449 section 6.2).
    """
    if not client.serves:
        return dict(_INACTIVE)
    try:
        token = services.guard(services.settings.issuer).authenticate(
            unverified_token, serves=KINDS, audiences=client.serves, bound=True
        )
    except GuardError:
        return dict(_INACTIVE)
    # The guard forgives clocks that differ from ours; this one wrote `exp` (RFC 7662 section 4).
    over = token.expires_at <= services.clock()
    if over or (token.kind == "machine" and not _is_registered(services, token)):
        return dict(_INACTIVE)
    return _told(token)


def signed(services: Services, client: Client, answer: dict[str, Any], now: Instant) -> str:
    """The answer as a JWT for this caller alone (RFC 9701 section 5).

    Neither `sub` nor `exp` at the top, and a type of its own: it must never pass for
    an access token.
    """
    unsigned = {
        "iss": services.settings.issuer,
        "aud": client.id,
        "iat": now,
        "token_introspection": answer,
    }
    return sign(unsigned, services.keyring().signing_key("tokens", now), TYPE)


def _is_registered(services: Services, token: VerifiedToken) -> bool:
    """Whether a program may still do this: its tokens have no index, so a removal reaches them here."""
    client = services.registrations().find_client(token.client_id)
    return client is not None and token.scopes <= client.scopes


def _told(token: VerifiedToken) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "active": True,
        "iss": token.issuer,
        "aud": token.audience,
        "sub": token.subject,
        "client_id": token.client_id,
        "scope": " ".join(sorted(token.scopes)),
        "token_type": "Bearer" if token.jkt is None else "DPoP",
        "iat": token.issued_at,
        "exp": token.expires_at,
        "jti": token.jti,
    }
    if token.acr is not None:
        answer["acr"] = token.acr
    if token.auth_time is not None:
        answer["auth_time"] = token.auth_time
    if token.jkt is not None:
        answer["cnf"] = {"jkt": token.jkt}
    return answer | _of_the_mandate(token)


def _of_the_mandate(token: VerifiedToken) -> dict[str, Any]:
    """Who acts and under what (RFC 8693 section 4.1, RFC 9396 section 9.2); nothing in a self token."""
    if token.actor is None or token.mandate is None:
        return {}
    entry = {
        "type": claims.MANDATE_TYPE,
        "identifier": token.mandate.identifier,
        "mandate_type": token.mandate.mandate_type,
        "locations": [token.audience],
        "actions": sorted(token.mandate.actions),
        "principal": token.mandate.principal.subject,
        "representative": token.mandate.representative,
        "not_after": token.mandate.not_after,
    }
    return {
        "act": {"iss": token.actor.issuer, "sub": token.actor.subject},
        "authorization_details": [entry],
    }
