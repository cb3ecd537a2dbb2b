"""From what was judged to a token response: the one place where tokens about people are made.

Code, refresh and exchange judge each in their own way; what they may give is put into
claims, bound, looked at once more and signed here and nowhere else (tokens.md sections 1
and 3). The last look is the invariant that no other rule may be trusted with: a token
whose `sub` is not the human who signed in names that human in `act`, or is never signed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from broker.errors import InvalidTargetError, ProofMissingError
from broker.flows import claims, registry, status_lists
from broker.ports import Services
from broker.records import Audience, Basis, Client, Grant, Registrations, Session, StatusEntry
from keys.tokens import sign
from mandates.events import Event
from mandates.model import Instant, Party

MAX_TOKEN = 4096
"""Characters that an access token stays under (tokens.md section 3): it fits any header, and any form."""

ID_TOKEN_KEYS = {"ES256": "tokens", "RS256": "id_tokens_rs256"}
"""What a client registered for its ID tokens -> purpose of the key that signs them."""


class ImpersonationError(Exception):
    """A token was about to say that somebody else signed in: a fault of ours, found before it did harm."""

    code = "impersonation"


class OversizedTokenError(Exception):
    """A token that no service could carry: a registration of ours names too much."""

    code = "oversized_token"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a grant amounts to at this instant: who is at the keyboard, and along which chain she acts."""

    grant: Grant
    session: Session
    actor: Party
    chain: claims.Chain | None


@dataclass(frozen=True, slots=True)
class Order:
    """Who is given a token, for which API, with what in it."""

    client: Client
    audience: Audience
    scopes: frozenset[str]
    """In the access token: delegated ones only, or none of them."""
    granted: frozenset[str]
    """As the response says: with those that the ID token answers."""
    jkt: str | None
    """Thumbprint of the key that the token is bound to."""
    hops: int = 0
    """How often it was narrowed on its way here."""
    until: Instant | None = None
    """End of the token that it was made from."""


def find_audience(services: Services, registered: Registrations, uri: str) -> Audience:
    """A registered audience, or one of the broker's own. Raise `InvalidTargetError`."""
    issuer = services.settings.issuer
    own = registry.own_audiences(issuer) if uri.startswith(issuer) else ()
    audience = next((one for one in own if one.uri == uri), None) or registered.find_audience(uri)
    if audience is None:
        raise InvalidTargetError
    return audience


def carried(
    services: Services, scopes: frozenset[str], audience: Audience, *, delegated: bool
) -> frozenset[str]:
    """Of these scopes, those that a token for this audience may hold.

    A delegated one holds `obo:` scopes only, a self token none of them (tokens.md section 1);
    identity is asked at UserInfo and nowhere else (section 3).
    """
    at_user_info = audience.uri == services.settings.issuer
    return frozenset(
        scope
        for scope in scopes & audience.scopes
        if scope.startswith(claims.OBO) is delegated and (scope in claims.IDENTITY_SCOPES) is at_user_info
    )


def expiry(services: Services, judged: Judged, order: Order, now: Instant) -> Instant:
    """At most five minutes, and not past the session, any link of the chain, or the token it is made from."""
    ends = (
        now + services.settings.access_token_seconds,
        judged.session.expires_at,
        judged.chain.decision.not_after if judged.chain else None,
        order.until,
    )
    return min(end for end in ends if end is not None)


def basis(judged: Judged, order: Order) -> Basis:
    """What the token's status index speaks of (tokens.md section 6)."""
    chain = judged.chain
    return Basis(
        judged.grant.id,
        order.client.id,
        order.audience.uri,
        chain.mandate if chain else None,
        chain.executor if chain else None,
        order.hops,
    )


def used(kind: str, judged: Judged, order: Order, now: Instant) -> Event:
    """The journal's row about a token: who may do what, for whom, through which client."""
    chain = judged.chain
    return Event(
        kind,
        now,
        judged.grant.actor,
        mandate=chain.mandate if chain else None,
        principal=chain.principal.id if chain else judged.grant.actor,
        representative=chain.representative.id if chain else None,
        detail={
            "client": order.client.id,
            "audience": order.audience.uri,
            "scopes": sorted(order.granted),
        },
    )


def respond(
    services: Services, judged: Judged, order: Order, entry: StatusEntry, now: Instant, exp: Instant
) -> dict[str, Any]:
    """The token response (RFC 6749 section 5.1) without ID token: access token, and the mandate as granted.

    Raise `ProofMissingError` for a client that must prove a key and did not.
    """
    if order.client.dpop and order.jkt is None:
        raise ProofMissingError
    response: dict[str, Any] = {
        "access_token": _access_token(services, judged, order, entry, now, exp),
        "token_type": "DPoP" if order.jkt else "Bearer",
        "expires_in": exp - now,
        "scope": " ".join(sorted(order.granted)),
    }
    if judged.chain:
        # The client's own names for the parties; in the token stand the audience's.
        granted = claims.mandate_entry(
            services.vault, order.client.sector, order.audience.uri, judged.chain, order.scopes
        )
        response["authorization_details"] = [granted]
    return response


def id_token(
    services: Services, judged: Judged, order: Order, nonce: str | None, now: Instant, exp: Instant
) -> str:
    """The ID token: always about the human who signed in, and signed as the client registered."""
    client = order.client
    unsigned = claims.id_token(
        services.vault,
        issuer=services.settings.issuer,
        client=client,
        session=judged.session,
        grant=judged.grant,
        actor=judged.actor,
        chain=judged.chain,
        scopes=order.granted,
        nonce=nonce,
        now=now,
        exp=exp,
    )
    if unsigned["sub"] != _human(services, judged, client.sector):
        raise ImpersonationError
    return sign(unsigned, services.keyring().signing_key(ID_TOKEN_KEYS[client.id_token_alg], now), "JWT")


def _access_token(
    services: Services, judged: Judged, order: Order, entry: StatusEntry, now: Instant, exp: Instant
) -> str:
    issuer = services.settings.issuer
    unsigned = claims.access_token(
        services.vault,
        issuer=issuer,
        client=order.client,
        session=judged.session,
        grant=judged.grant,
        actor=judged.actor,
        chain=judged.chain,
        audience=order.audience,
        scopes=order.scopes,
        status_uri=status_lists.uri(issuer, entry.list),
        index=entry.index,
        jkt=order.jkt,
        jti=secrets.token_urlsafe(16),
        now=now,
        exp=exp,
    )
    _check_actor(unsigned, _human(services, judged, order.audience.sector))
    token = sign(unsigned, services.keyring().signing_key("tokens", now), "at+jwt")
    if len(token) >= MAX_TOKEN:
        raise OversizedTokenError
    return token


def _human(services: Services, judged: Judged, sector: str) -> str:
    """Who signed in, by the session and by nothing that was judged since."""
    return services.vault.pseudonym("p-", sector, judged.session.party)


def _check_actor(unsigned: dict[str, Any], human: str) -> None:
    """Raise `ImpersonationError` unless the human who signed in is `act`, or there is none and she is `sub`.

    The broker delegates and never impersonates (tokens.md section 1, sentence 4; RFC 8693
    section 1.1). And a token with an actor is one that a service ignorant of `act` must
    refuse: it holds `obo:` scopes only (sentence 3).
    """
    delegated = "act" in unsigned
    scopes = unsigned["scope"].split()
    speaker = unsigned["act"]["sub"] if delegated else unsigned["sub"]
    if speaker != human or (delegated and unsigned["sub"] == human):
        raise ImpersonationError
    if any(scope.startswith(claims.OBO) is not delegated for scope in scopes) or (delegated and not scopes):
        raise ImpersonationError
