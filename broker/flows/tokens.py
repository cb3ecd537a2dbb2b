"""Issuing and refreshing tokens: everything is judged again, every time.

A token response stands on a grant; a grant stands on a live session and, when it
is delegated, on the very chain that it was issued on. Narrower chain, narrower
answer; chain gone, `invalid_grant` with the engine's reason (tokens.md section 4).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from broker.errors import (
    InvalidGrantError,
    InvalidScopeError,
    InvalidTargetError,
    JudgedError,
    SessionEndedError,
)
from broker.flows import claims, codes, registry, revocation, status_lists, world
from broker.flows.sessions import fingerprint, is_live
from broker.ports import Services, UnitOfWork
from broker.records import Audience, Client, Grant, RefreshToken, Session
from keys.tokens import sign
from mandates.capacity import Actor
from mandates.decide import Reason, Request, decide
from mandates.events import Event
from mandates.model import Instant, Party


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a grant still amounts to at this instant."""

    grant: Grant
    session: Session
    actor: Party
    chain: claims.Chain | None
    scopes: tuple[str, ...]


def redeem(
    services: Services,
    client: Client,
    record: dict[str, Any],
    now: Instant,
    *,
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """The token response for a claimed code of this client (RFC 6749 section 4.1.4)."""
    with services.database.write() as uow:
        judged = _judge(services, uow, client, record["grant"], now)
        _check_target(judged.grant, resources)
        response = _respond(services, uow, client, judged, now, nonce=record["nonce"])
        response["refresh_token"] = _new_refresh_token(uow, judged, now)
        uow.journal.append([_used("token.issued", judged, now)], now)
        uow.commit()
    return response


def code_reused(services: Services, code: str, now: Instant) -> None:
    """End the grant of a code that was seen before."""
    grant_id = codes.grant_of_spent_code(services, code)
    if grant_id is None:
        return
    with services.database.write() as uow:
        grant = uow.grants.find(grant_id)
        if grant and grant.ended_at is None:
            revocation.end_grants(uow, [grant], "code used twice", now)
            uow.commit()


def refresh(
    services: Services,
    client: Client,
    unverified_token: str,
    now: Instant,
    *,
    scope: frozenset[str] | None = None,
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """The token response for a refresh token (RFC 6749 section 6).

    Confidential clients keep theirs (FAPI 2.0 section 5.3.2.1); public clients get a
    new one each time, and one that is seen twice ends its family (RFC 9700 section
    4.14). Raise `InvalidGrantError`, `JudgedError`, `SessionEndedError`.
    """
    token_hash = fingerprint(unverified_token)
    with services.database.write() as uow:
        token = uow.grants.find_refresh_token(token_hash)
        grant = uow.grants.find(token.grant) if token else None
        if token is None or grant is None or grant.client != client.id or token.expires_at <= now:
            raise InvalidGrantError
        _check_target(grant, resources)
        rotate = client.auth == "none"
        if rotate and not uow.grants.use_refresh_token(token_hash, now):
            revocation.end_grants(uow, [grant], "refresh token used twice", now)
            uow.commit()
            raise InvalidGrantError
        judged = _judge(services, uow, client, grant.id, now)
        response = _respond(services, uow, client, judged, now, narrowed=scope)
        if rotate:
            response["refresh_token"] = _new_refresh_token(uow, judged, now)
        uow.sessions.touch(judged.session.id, now)
        uow.commit()
    return response


def _check_target(grant: Grant, resources: Sequence[str]) -> None:
    """A grant is for one audience; asked for another, it is never silently the first one."""
    if resources and list(resources) != [grant.audience]:
        raise InvalidTargetError


def _judge(services: Services, uow: UnitOfWork, client: Client, grant_id: str, now: Instant) -> _Judged:
    """What the grant still amounts to: session, client registration and chain as they are now."""
    grant = uow.grants.find(grant_id)
    if grant is None or grant.ended_at is not None:
        raise InvalidGrantError
    session = uow.sessions.find(grant.session)
    if session is None or not is_live(session, services.settings, now):
        raise SessionEndedError
    if grant.audience not in {*client.audiences, services.settings.issuer}:
        raise InvalidGrantError
    actor = Actor(party=grant.actor, level=grant.level, session=session.id)
    request = Request(actor, grant.principal, mandate=grant.mandate, executor=grant.executor)
    seen = world.between(services, uow, grant.principal, actor)
    decision = decide(request, seen, now)
    if not decision.permitted:
        raise JudgedError(decision.reasons)
    registered = tuple(scope for scope in grant.scopes if scope in client.scopes)
    if grant.mandate is None:
        return _Judged(grant, session, seen.parties[grant.actor], None, registered)
    acting = decision.acting
    if acting.type not in client.mandate_types:
        raise JudgedError((Reason("mandate_type_not_registered"),))
    powers = claims.opened(seen.catalogue.type(acting.type), decision.powers, grant.audience)
    left = claims.IDENTITY_SCOPES | {claims.OBO + power for power in powers}
    scopes = tuple(scope for scope in registered if scope in left)
    if not claims.actions(frozenset(scopes)):
        raise JudgedError((Reason("power_not_granted"),))
    chain = claims.Chain(decision, seen.parties[acting.principal], seen.parties[acting.representative])
    return _Judged(grant, session, seen.parties[grant.actor], chain, scopes)


def _respond(
    services: Services,
    uow: UnitOfWork,
    client: Client,
    judged: _Judged,
    now: Instant,
    *,
    nonce: str | None = None,
    narrowed: frozenset[str] | None = None,
) -> dict[str, Any]:
    """The token response (RFC 6749 section 5.1): access token, ID token, the mandate as granted."""
    audience = registry.find_audience(services, uow, judged.grant.audience)
    if judged.chain and not audience.delegation_aware:
        raise InvalidTargetError
    scopes = _narrowed(judged, audience, narrowed)
    exp = _expiry(services, judged, now)
    response: dict[str, Any] = {
        "access_token": _access_token(services, uow, judged, audience, scopes, now, exp),
        "token_type": "Bearer",
        "expires_in": exp - now,
        "scope": " ".join(sorted(scopes)),
    }
    if "openid" in scopes:
        response["id_token"] = _id_token(services, client, judged, scopes, nonce, now, exp)
    if judged.chain:
        granted = claims.mandate_entry(services.vault, client.sector, audience.uri, judged.chain, scopes)
        response["authorization_details"] = [granted]
    return response


def _narrowed(judged: _Judged, audience: Audience, asked: frozenset[str] | None) -> frozenset[str]:
    """What was asked of the grant (RFC 6749 section 6): never wider, never an actor without a power."""
    granted = frozenset(judged.scopes)
    if asked is not None and not asked <= frozenset(judged.grant.scopes):
        raise InvalidScopeError
    scopes = granted if asked is None else granted & asked
    if judged.chain and not claims.actions(scopes & audience.scopes):
        raise InvalidScopeError
    return scopes


def _expiry(services: Services, judged: _Judged, now: Instant) -> Instant:
    """At most five minutes, the end of the session, and the end of every link of the chain."""
    exp = min(now + services.settings.access_token_seconds, judged.session.expires_at)
    not_after = judged.chain.decision.not_after if judged.chain else None
    return exp if not_after is None else min(exp, not_after)


def _access_token(
    services: Services,
    uow: UnitOfWork,
    judged: _Judged,
    audience: Audience,
    scopes: frozenset[str],
    now: Instant,
    exp: Instant,
) -> str:
    entry = uow.status.allocate(judged.grant.id, audience.uri, exp, now)
    unsigned = claims.access_token(
        services.vault,
        issuer=services.settings.issuer,
        grant=judged.grant,
        actor=judged.actor,
        chain=judged.chain,
        audience=audience,
        scopes=_for_audience(scopes, audience.scopes, delegated=judged.chain is not None),
        status_uri=status_lists.uri(services.settings.issuer, entry.list),
        entry=entry,
        jti=secrets.token_urlsafe(16),
        now=now,
        exp=exp,
    )
    return sign(unsigned, services.keyring().signing_key("tokens", now), "at+jwt")


def _id_token(
    services: Services,
    client: Client,
    judged: _Judged,
    scopes: frozenset[str],
    nonce: str | None,
    now: Instant,
    exp: Instant,
) -> str:
    unsigned = claims.id_token(
        services.vault,
        issuer=services.settings.issuer,
        client=client,
        session=judged.session,
        grant=judged.grant,
        actor=judged.actor,
        chain=judged.chain,
        scopes=scopes,
        nonce=nonce,
        now=now,
        exp=exp,
    )
    return sign(unsigned, services.keyring().signing_key("tokens", now), "JWT")


def _for_audience(scopes: frozenset[str], known: frozenset[str], *, delegated: bool) -> frozenset[str]:
    """A delegated access token carries `obo:` scopes only; a self token none of them."""
    return frozenset(s for s in scopes & known if s.startswith(claims.OBO) is delegated)


def _new_refresh_token(uow: UnitOfWork, judged: _Judged, now: Instant) -> str:
    token = secrets.token_urlsafe(32)
    uow.grants.add_refresh_token(
        RefreshToken(fingerprint(token), judged.grant.id, now, judged.session.expires_at)
    )
    return token


def _used(kind: str, judged: _Judged, now: Instant) -> Event:
    grant = judged.grant
    return Event(
        kind,
        now,
        grant.actor,
        mandate=grant.mandate,
        principal=grant.principal,
        representative=judged.chain.representative.id if judged.chain else None,
        detail={"client": grant.client, "audience": grant.audience, "scopes": list(judged.scopes)},
    )
