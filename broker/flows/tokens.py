"""Redeeming codes and refreshing: everything is judged again, every time.

A token response stands on a grant; a grant stands on a live session and, when it
is delegated, on the very chain that it was issued on. Narrower chain, narrower
answer; chain gone, `invalid_grant` with the engine's reason (tokens.md section 4).
A client may ask for less than it was granted, never for more.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from broker.errors import (
    InvalidDetailsError,
    InvalidGrantError,
    InvalidScopeError,
    InvalidTargetError,
    JudgedError,
    SessionEndedError,
)
from broker.flows import claims, codes, issuing, revocation, rotation, world
from broker.flows.issuing import Judged, Order
from broker.flows.sessions import fingerprint, is_live
from broker.port_errors import ConflictError
from broker.ports import Services, UnitOfWork
from broker.records import Client, Grant, RefreshToken
from mandates.capacity import Actor
from mandates.decide import Reason, Request, decide
from mandates.model import Instant


class Details(Protocol):
    """The one mandate entry of `authorization_details` (RFC 9396), well formed, of this client."""

    @property
    def identifier(self) -> str | None: ...
    @property
    def mandate_type(self) -> str | None: ...
    @property
    def locations(self) -> tuple[str, ...]: ...
    @property
    def actions(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Less:
    """Of all that was granted, what a client asks for now; whatever is left out stays as granted."""

    scope: frozenset[str] | None = None
    resources: tuple[str, ...] = ()
    details: Details | None = None


def redeem(
    services: Services,
    client: Client,
    record: dict[str, Any],
    now: Instant,
    *,
    resources: Sequence[str] = (),
    details: Details | None = None,
    jkt: str | None = None,
) -> dict[str, Any]:
    """The token response for a claimed code of this client (RFC 6749 section 4.1.4).

    `jkt` is the key that the request proved: a code that was bound to one serves no other
    (RFC 9449 section 10). Raise `InvalidGrantError`, `InvalidTargetError`, `InvalidDetailsError`,
    `JudgedError`, `SessionEndedError`.
    """
    if record.get("dpop_jkt") not in {None, jkt}:
        raise InvalidGrantError
    with services.database.write() as uow:
        judged, left = _judge(services, uow, _live_grant(uow, record["grant"]), now)
        order = _order(services, client, judged, left, Less(None, tuple(resources), details), jkt)
        response = _respond(services, uow, judged, order, now, nonce=record["nonce"])
        bound_to = jkt if order.client.auth == "none" else None
        response["refresh_token"] = _new_refresh_token(uow, judged, bound_to, now)
        # The refresh token opens the grant's own audience, whatever this access token is for.
        own = _order(services, client, judged, left, Less(), jkt)
        opened = [order] if order.audience == own.audience else [own, order]
        uow.journal.append([issuing.used("token.issued", judged, one, now) for one in opened], now)
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
    details: Details | None = None,
    jkt: str | None = None,
) -> dict[str, Any]:
    """The token response for a refresh token (RFC 6749 section 6); how often it serves: `rotation`.

    Raise `InvalidGrantError`, `InvalidScopeError`, `InvalidTargetError`, `InvalidDetailsError`,
    `JudgedError`, `SessionEndedError`, `ProofMissingError`.
    """
    with services.database.write() as uow:
        token = uow.grants.find_refresh_token(fingerprint(unverified_token))
        grant = uow.grants.find(token.grant) if token else None
        if token is None or grant is None or grant.client != client.id or token.expires_at <= now:
            raise InvalidGrantError
        try:
            successor = rotation.use(services, uow, client, token, unverified_token, jkt, now)
        except rotation.ReusedError:
            if grant.ended_at is None:
                revocation.end_grants(uow, [grant], "refresh token used twice", now)
                uow.commit()
            raise InvalidGrantError from None
        judged, left = _judge(services, uow, _live_grant(uow, grant.id), now)
        order = _order(services, client, judged, left, Less(scope, tuple(resources), details), jkt)
        response = _respond(services, uow, judged, order, now)
        if order.audience.uri != grant.audience:
            uow.journal.append([issuing.used("token.refreshed", judged, order, now)], now)
        if successor is not None:
            response["refresh_token"] = successor
        uow.sessions.touch(judged.session.id, now)
        uow.commit()
    return response


def _live_grant(uow: UnitOfWork, grant_id: str) -> Grant:
    grant = uow.grants.find(grant_id)
    if grant is None or grant.ended_at is not None:
        raise InvalidGrantError
    return grant


def _judge(services: Services, uow: UnitOfWork, grant: Grant, now: Instant) -> tuple[Judged, frozenset[str]]:
    """What the grant amounts to, session and chain as they are now; and the scopes that are left of it.

    The chain is locked until the commit, and what is registered after it: the catalogue that
    judges is the one that is in force until then.
    """
    session = uow.sessions.find(grant.session)
    if session is None or not is_live(session, services.settings, now):
        raise SessionEndedError
    actor = Actor(party=grant.actor, level=grant.level, session=session.id)
    request = Request(actor, grant.principal, mandate=grant.mandate, executor=grant.executor)
    locked = world.between(services, uow, grant.principal, actor)
    _hold_registry(services, uow)
    seen = replace(locked, catalogue=services.catalogue())
    decision = decide(request, seen, now)
    if not decision.permitted:
        raise JudgedError(decision.reasons)
    granted, human = frozenset(grant.scopes), seen.parties[grant.actor]
    if grant.mandate is None:
        return Judged(grant, session, human, None), granted
    acting = decision.acting
    chain = claims.Chain(decision, seen.parties[acting.principal], seen.parties[acting.representative])
    powers = claims.opened(seen.catalogue.type(acting.type), decision.powers, grant.audience)
    left = claims.IDENTITY_SCOPES | {claims.OBO + power for power in powers}
    return Judged(grant, session, human, chain), granted & left


def _order(
    services: Services,
    client: Client,
    judged: Judged,
    left: frozenset[str],
    less: Less,
    jkt: str | None,
) -> Order:
    """What is given of it to this client, as registered now, for the audience that it asks for."""
    registered = services.registrations()
    known = registered.find_client(client.id)
    grant, issuer = judged.grant, services.settings.issuer
    if known is None or grant.audience not in {*known.audiences, issuer}:
        raise InvalidGrantError
    delegated = judged.chain is not None
    left &= known.scopes
    if judged.chain and judged.chain.kind not in known.mandate_types:
        raise JudgedError((Reason("mandate_type_not_registered"),))
    # For an API identity goes with a power; at UserInfo, who the principal is is all that is asked.
    if delegated and grant.audience != issuer and not claims.actions(left - claims.IDENTITY_SCOPES):
        raise JudgedError((Reason("power_not_granted"),))
    audience = issuing.find_audience(services, registered, _target(issuer, grant, less))
    if delegated and not audience.delegation_aware:
        raise InvalidTargetError
    wanted = _narrowed(services, known, judged, audience.uri, left, less)
    scopes = issuing.carried(services, wanted, audience, delegated=delegated)
    if not scopes and (delegated or audience.uri != grant.audience):
        raise InvalidScopeError  # nobody gets an actor without a power, nor an empty second token
    return Order(known, audience, scopes, scopes | (wanted & claims.SIGN_IN_SCOPES), jkt)


def _hold_registry(services: Services, uow: UnitOfWork) -> None:
    """Know what is registered, the catalogue too, as it is at this moment and stays until the commit."""
    if uow.registry.hold() != services.registrations().version:
        services.registrations.renew()


def _target(issuer: str, grant: Grant, less: Less) -> str:
    """The grant's audience, or the broker itself for who she is (RFC 8707 section 2.2).

    Asked for another one, or for two, it is never silently the first.
    """
    locations = less.details.locations if less.details else ()
    if less.resources and locations and less.resources != locations:
        raise InvalidTargetError
    asked = less.resources or locations
    if not asked:
        return grant.audience
    known = (
        {grant.audience, issuer} if claims.IDENTITY_SCOPES.intersection(grant.scopes) else {grant.audience}
    )
    if len(asked) != 1 or asked[0] not in known:
        raise InvalidTargetError
    return asked[0]


def _narrowed(
    services: Services, client: Client, judged: Judged, audience: str, left: frozenset[str], less: Less
) -> frozenset[str]:
    """What is asked of what is left: never wider than the grant (RFC 6749 section 6, RFC 9396 section 6)."""
    granted = frozenset(judged.grant.scopes)
    if less.scope is not None:
        if not less.scope <= granted:
            raise InvalidScopeError
        left &= less.scope
    if less.details is None:
        return left
    if judged.chain is None:
        raise InvalidDetailsError
    own = claims.mandate_entry(services.vault, client.sector, audience, judged.chain, granted)
    details = less.details
    named = details.identifier in {None, own["identifier"]} and details.mandate_type in {
        None,
        judged.chain.kind,
    }
    if not named or not set(details.actions) <= set(own["actions"]):
        raise InvalidDetailsError
    if not details.actions:
        return left
    return left & (claims.SIGN_IN_SCOPES | {claims.OBO + action for action in details.actions})


def _respond(
    services: Services,
    uow: UnitOfWork,
    judged: Judged,
    order: Order,
    now: Instant,
    *,
    nonce: str | None = None,
) -> dict[str, Any]:
    exp = issuing.expiry(services, judged, order, now)
    try:
        entry = uow.status.allocate(issuing.basis(judged, order), exp, now)
    except ConflictError:
        raise InvalidGrantError from None  # it ended since it was looked at
    response = issuing.respond(services, judged, order, entry, now, exp)
    if "openid" in order.granted:
        response["id_token"] = issuing.id_token(services, judged, order, nonce, now, exp)
    return response


def _new_refresh_token(uow: UnitOfWork, judged: Judged, jkt: str | None, now: Instant) -> str:
    token = secrets.token_urlsafe(32)
    uow.grants.add_refresh_token(
        RefreshToken(fingerprint(token), judged.grant.id, now, judged.session.expires_at, jkt=jkt)
    )
    return token
