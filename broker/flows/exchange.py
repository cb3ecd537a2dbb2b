"""Token exchange (RFC 8693): a new token from what somebody already has, never a wider one.

What the subject token *is* decides what is asked (tokens.md section 4):

- a mandate reference: the person of the actor token acts for a principal who is absent
  and may never have logged in. A reference is no credential: the right comes from the
  mandate, judged now, and one that is unknown answers as one that is not hers;
- an access token that this service received: the same person acts for the same party at
  the next service, with the same powers or fewer.

Both end with the engine's own decision on what one statement read, and with a status
index and a journal row that are durable before anything is signed. If something changed
between the reading and the storing, it is judged again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from broker.errors import (
    ExchangeRefusedError,
    InvalidScopeError,
    InvalidTargetError,
    ProofMissingError,
)
from broker.flows import claims, issuing, received, world
from broker.flows.callers import NOBODY
from broker.flows.issuing import Judged, Order
from broker.flows.received import Received
from broker.port_errors import ChangedError, ConflictError, UnavailableError
from broker.ports import Services
from broker.records import Audience, Client, Issue, Registrations, Standing
from keys.errors import PseudonymError
from mandates.capacity import Actor
from mandates.decide import Reason, Request, decide
from mandates.model import Instant
from mandates.world import World

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 -- a name of RFC 8693 section 3
MAX_HOPS = 4
"""How often a token may be narrowed on its way from service to service."""
TRIES = 8
"""How often something is judged that keeps changing."""
RELIED_ON = ("auth", "jwks", "jwks_uri", "secret_sha256", "exchange", "serves")
"""What was believed of the caller before the judgement: who it is, and whose tokens it brings."""
NOT_HERS = "The subject_token is no mandate under which the actor may act."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who exchanges, and what it proved with this request."""

    client: Client
    proof_jkt: str | None = None
    """Key of its DPoP proof."""
    assertion_jkt: str | None = None
    """Key that signed its client assertion."""

    @property
    def key(self) -> str:
        """What the result is bound to: the caller's own key. Raise `ProofMissingError` if it proved none."""
        key = self.proof_jkt or self.assertion_jkt
        if key is None:
            raise ProofMissingError
        return key


@dataclass(frozen=True, slots=True)
class Asked:
    """One exchange as it was sent; nothing of it is believed yet."""

    subject_token: str
    targets: tuple[str, ...]
    """`resource` and `audience`, together."""
    scope: frozenset[str] | None = None
    actor_token: str = ""
    actor_proof: str | None = None
    """The DPoP proof that came to the caller's API with the actor token."""


Judge = Callable[[Standing, Registrations], tuple[Judged, Order]]


def mandate_bound(services: Services, caller: Caller, asked: Asked, now: Instant) -> dict[str, Any]:
    """The token response for a mandate reference: a delegated token, bound to the actor token's grant.

    Raise `ExchangeRefusedError`, `InvalidTargetError`, `InvalidScopeError`, `ProofMissingError`,
    `UnavailableError` where something changes without end.
    """
    jkt = caller.key
    try:
        mandate = services.vault.resolve(asked.subject_token, "m-", caller.client.sector)
    except PseudonymError:
        mandate = NOBODY  # goes the same way as one that is stored, to the same answer
    actor = received.actor_token(services, caller.client, asked.actor_token, mandate, now)
    received.check_possession(services, actor, asked.actor_token, caller.proof_jkt, asked.actor_proof, now)

    def judge(standing: Standing, registered: Registrations) -> tuple[Judged, Order]:
        client, audience = _target(services, registered, caller.client, asked, delegated=True)
        scopes = _delegated_scopes(services, client, audience, asked.scope)
        seen = world.of_snapshot(services.catalogue(), standing.snapshot)
        found = seen.get(mandate)
        request = Request(_actor(standing), found.principal if found else NOBODY, mandate=mandate)
        judged = _judged(standing, request, seen, client, now)
        if judged.chain is None or not scopes <= _opened(seen, judged.chain, audience):
            raise InvalidScopeError
        return judged, Order(client, audience, scopes, scopes, jkt, standing.entry.hops)

    return _issued(services, actor, judge, now)


def narrow(services: Services, caller: Caller, asked: Asked, now: Instant) -> dict[str, Any]:
    """The token response for an access token that the caller received: the same parties, no wider.

    Raise as `mandate_bound`.
    """
    jkt = caller.key
    source = received.subject_token(services, caller.client, asked.subject_token, now)
    held, delegated = source.token.scopes, source.token.acting

    def judge(standing: Standing, registered: Registrations) -> tuple[Judged, Order]:
        client, audience = _target(services, registered, caller.client, asked, delegated=delegated)
        entry = standing.entry
        if entry.hops >= MAX_HOPS:
            raise ExchangeRefusedError("The subject_token was passed on too often.")
        seen = world.of_snapshot(services.catalogue(), standing.snapshot)
        judged = _judged(standing, _same_chain(standing, seen), seen, client, now)
        left = issuing.carried(services, held & client.scopes, audience, delegated=delegated)
        if judged.chain:
            left &= _opened(seen, judged.chain, audience)
        scopes = left if asked.scope is None else asked.scope
        if not scopes or not scopes <= left:
            raise InvalidScopeError
        return judged, Order(client, audience, scopes, scopes, jkt, entry.hops + 1, source.token.expires_at)

    return _issued(services, source, judge, now)


def _target(
    services: Services, registered: Registrations, client: Client, asked: Asked, *, delegated: bool
) -> tuple[Client, Audience]:
    """The caller as registered now, and the one audience that it names and may ask for.

    Raise `InvalidTargetError` (RFC 8693 section 2.2.2), also for a delegated token to an API that
    is not known to understand `act`; `UnavailableError` for a caller that proved itself by a
    registration that is not the one in force any more: a second request is judged by that one.
    """
    known = registered.find_client(client.id)
    if known is None or len(asked.targets) != 1 or asked.targets[0] not in known.audiences:
        raise InvalidTargetError
    if any(getattr(known, what) != getattr(client, what) for what in RELIED_ON):
        raise UnavailableError("the caller was registered anew a moment ago")
    audience = issuing.find_audience(services, registered, asked.targets[0])
    if delegated and not audience.delegation_aware:
        raise InvalidTargetError
    return known, audience


def _delegated_scopes(
    services: Services, client: Client, audience: Audience, asked: frozenset[str] | None
) -> frozenset[str]:
    """All that was asked, if client and audience have it for others. Raise `InvalidScopeError`."""
    scopes = asked or frozenset()
    if not scopes or scopes != issuing.carried(services, scopes & client.scopes, audience, delegated=True):
        raise InvalidScopeError
    return scopes


def _opened(seen: World, chain: claims.Chain, audience: Audience) -> frozenset[str]:
    """The delegated scopes that the mandate opens at this audience."""
    powers = claims.opened(seen.catalogue.type(chain.kind), chain.decision.powers, audience.uri)
    return frozenset(claims.OBO + power for power in powers)


def _actor(standing: Standing) -> Actor:
    """The person of the grant, as strong as she signed in for it."""
    return Actor(party=standing.grant.actor, level=standing.grant.level, session=standing.session.id)


def _same_chain(standing: Standing, seen: World) -> Request:
    """Ask for what the source token says, along the very chain that its status speaks of."""
    entry, actor = standing.entry, _actor(standing)
    if entry.mandate is None:
        return Request(actor, actor.party)
    found = seen.get(entry.mandate)
    principal = found.principal if found else NOBODY
    return Request(actor, principal, mandate=entry.mandate, executor=entry.executor)


def _judged(standing: Standing, request: Request, seen: World, client: Client, now: Instant) -> Judged:
    """The engine's decision on what was read, for a client that works with this type of mandate.

    Raise `ExchangeRefusedError`: with the engine's reason about a mandate that has to do with
    the actor, and with one and the same sentence about any other and about none.
    """
    decision = decide(request, seen, now)
    if decision.reasons == (Reason("no_mandate"),):
        raise ExchangeRefusedError(NOT_HERS)
    if not decision.permitted:
        raise ExchangeRefusedError("The mandate engine refused.", decision.reasons[0].code)
    grant, session = standing.grant, standing.session
    human = seen.parties[grant.actor]
    if not decision.path:
        return Judged(grant, session, human, None)
    acting = decision.acting
    if acting.type not in client.mandate_types:
        raise ExchangeRefusedError("The mandate engine refused.", "mandate_type_not_registered")
    chain = claims.Chain(decision, seen.parties[acting.principal], seen.parties[acting.representative])
    return Judged(grant, session, human, chain)


def _issued(services: Services, source: Received, judge: Judge, now: Instant) -> dict[str, Any]:
    """Judge, store, sign; and judge again what changed between the first two."""
    standing = source.standing
    for _ in range(TRIES):
        registered = services.registrations()
        judged, order = judge(standing, registered)
        exp = issuing.expiry(services, judged, order, now)
        issue = Issue(
            issuing.basis(judged, order),
            exp,
            tuple(link.mandate for link in judged.chain.decision.path) if judged.chain else (),
            standing.snapshot.revision,
            registered.version,
            issuing.used("token.exchanged", judged, order, now),
        )
        try:
            entry = services.database.issue(issue, now)
        except ConflictError:
            raise ExchangeRefusedError(f"The {source.kind} is refused: the token was revoked.") from None
        except ChangedError:
            services.registrations.renew()
            standing = received.again(services, source, now)
            continue
        response = issuing.respond(services, judged, order, entry, now, exp)
        return response | {"issued_token_type": ACCESS_TOKEN}
    raise UnavailableError("what this token would stand on keeps changing")
