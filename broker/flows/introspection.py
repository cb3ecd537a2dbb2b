"""What a token is worth right now: for services (RFC 7662), for people (UserInfo), and its end (RFC 7009).

Tokens are verified by the guard that voucher services use, with our keys and the
status handed in. A token that is unknown, foreign, expired or revoked answers
`{"active": false}` and nothing else.
"""

from __future__ import annotations

from typing import Any

from broker.errors import NotFoundHereError
from broker.flows import claims, revocation
from broker.flows.sessions import fingerprint
from broker.ports import Services, UnitOfWork
from broker.records import Client, Grant
from mandates.model import Instant
from volmacht_guard import GuardError, VerifiedToken

EVERYONE = frozenset({"self", "delegated"})


def introspect(services: Services, client: Client, unverified_token: str) -> dict[str, Any]:
    """The answer for a client that serves the token's audience; `act` is never left out."""
    if not client.serves:
        return {"active": False}
    try:
        token = services.guard(services.settings.issuer).authenticate(
            unverified_token, serves=EVERYONE, audiences=client.serves
        )
    except GuardError:
        return {"active": False}
    answer: dict[str, Any] = {
        "active": True,
        "iss": services.settings.issuer,
        "aud": token.audience,
        "sub": token.subject,
        "client_id": token.client_id,
        "scope": " ".join(sorted(token.scopes)),
        "token_type": "Bearer",
        "exp": token.expires_at,
        "jti": token.jti,
        "acr": token.acr,
    }
    if token.actor and token.mandate:
        answer["act"] = {"iss": token.actor.issuer, "sub": token.actor.subject}
        answer["authorization_details"] = [
            {
                "type": claims.MANDATE_TYPE,
                "identifier": token.mandate.identifier,
                "mandate_type": token.mandate.mandate_type,
                "locations": [token.audience],
                "actions": sorted(token.mandate.actions),
                "principal": token.mandate.principal.subject,
                "representative": token.mandate.representative,
                "not_after": token.mandate.not_after,
            }
        ]
    return answer


def revoke(services: Services, client: Client, unverified_token: str, now: Instant) -> None:
    """End the grant behind a refresh or access token of this client; anything else changes nothing."""
    with services.database.write() as uow:
        found = uow.grants.find_refresh_token(fingerprint(unverified_token))
        grant = uow.grants.find(found.grant) if found else _grant_of(services, uow, client, unverified_token)
        if grant and grant.client == client.id and grant.ended_at is None:
            revocation.end_grants(uow, [grant], "revoked by the service", now)
            uow.commit()


def user_info(services: Services, token: VerifiedToken) -> dict[str, Any]:
    """Claims about the signed-in human, in the sector of the client (OIDC Core section 5.3)."""
    with services.database.read() as uow:
        grant = grant_of_status(services, uow, token)
        client = uow.registry.find_client(token.client_id)
        if grant is None or client is None:
            raise NotFoundHereError
        party = uow.parties.get(grant.actor)
    answer: dict[str, Any] = {"sub": claims.subject(services.vault, client.sector, party)}
    if "profile" in token.scopes:
        answer["name"] = party.name
    return answer


def _grant_of(services: Services, uow: UnitOfWork, client: Client, unverified_token: str) -> Grant | None:
    audiences = (*client.audiences, services.settings.issuer)
    try:
        token = services.guard(services.settings.issuer).authenticate(
            unverified_token, serves=EVERYONE, audiences=audiences
        )
    except GuardError:
        return None
    return grant_of_status(services, uow, token)


def grant_of_status(services: Services, uow: UnitOfWork, token: VerifiedToken) -> Grant | None:
    """The status index leads from a token to its grant; the token itself names no session."""
    if token.status is None:
        return None
    prefix = f"{services.settings.issuer}/status/"
    entry = uow.status.entry(token.status.uri.removeprefix(prefix), token.status.index)
    return uow.grants.find(entry.grant) if entry else None
