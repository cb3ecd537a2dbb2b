"""What a person may choose in one authorization request: herself, or a chain to somebody else.

The chooser shows these lines; `authorize.choose` makes them again and takes the one
that was chosen from what is true then (tokens.md section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from broker.errors import InteractionGoneError
from broker.flows import registry, world
from broker.flows.claims import IDENTITY_SCOPES, OBO, Chain, actions
from broker.ports import Services, UnitOfWork
from broker.records import Audience, Client, Session
from mandates.decide import Decision, representations
from mandates.model import Instant, Level
from mandates.world import World

SELF = "self"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request that passed every protocol check."""

    client: str
    redirect_uri: str
    scopes: tuple[str, ...]
    audience: str
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    level: str = Level.NONE.name
    """Least level asked for, by the name of `mandates.model.Level`."""
    wants_mandate: bool = False
    """A mandate entry or an `obo:` scope was asked: the chooser opens."""
    identifier: str | None = None
    mandate_type: str | None = None
    actions: tuple[str, ...] = ()
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the chooser: for herself, or along one chain."""

    key: str
    chain: Chain | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The lines of one request, with the service and the API that they are for."""

    client: Client
    audience: Audience
    choices: tuple[Choice, ...]

    def find(self, key: str) -> Choice | None:
        """The line with this key, if it is offered."""
        return next((choice for choice in self.choices if choice.key == key), None)


def offer(
    services: Services, uow: UnitOfWork, request: AuthorizationRequest, session: Session, now: Instant
) -> Offer:
    """Everything that this person may choose now. Raise `InteractionGoneError`, `InvalidTargetError`."""
    client = uow.registry.find_client(request.client)
    if client is None:
        raise InteractionGoneError  # removed while the person was on her way
    audience = registry.find_audience(services, uow, request.audience)
    seen = world.around(services, uow, world.actor_of(session))
    identity = tuple(scope for scope in request.scopes if scope in IDENTITY_SCOPES)
    # Two executors of one organisation are one line; the engine names the better one first.
    lines: dict[str, Choice] = {}
    for line in (
        *_herself(request, audience, session, seen),
        *_others(services, request, client, audience, session, seen, now),
    ):
        lines.setdefault(line.key, replace(line, scopes=(*identity, *line.scopes)))
    return Offer(client, audience, tuple(lines.values()))


def is_weak(request: AuthorizationRequest, session: Session) -> bool:
    """Whether the login is weaker than the request asks; one without any known level always is."""
    return session.level < max(Level[request.level], Level.LOW)


def needs_page(uow: UnitOfWork, request: AuthorizationRequest, session: Session, offered: Offer) -> bool:
    """Whether the person must see a page before a code is issued.

    She must whenever there is anything to choose or confirm on somebody's behalf, and
    at the first use of a client that is not vetted; an `identifier` that she confirmed
    for this client in this session needs no second page (tokens.md section 4.1).
    """
    (first, *more) = offered.choices
    if more:
        return True
    if first.chain is None:
        agreed = uow.grants.consented(session.party, offered.client.id)
        return not offered.client.vetted and not agreed.issuperset(first.scopes)
    live = uow.grants.live_of_session(session.id)
    confirmed = any(grant.client == request.client and grant.mandate == first.chain.mandate for grant in live)
    return request.identifier is None or not confirmed


def _herself(
    request: AuthorizationRequest, audience: Audience, session: Session, seen: World
) -> tuple[Choice, ...]:
    own = tuple(
        scope
        for scope in request.scopes
        if scope in audience.scopes and not scope.startswith(OBO) and scope not in IDENTITY_SCOPES
    )
    person = seen.parties.get(session.party)
    alive = person is not None and person.deceased_at is None
    if not alive or request.identifier is not None or (request.wants_mandate and not own):
        return ()
    return (Choice(SELF, None, own),)


def _others(
    services: Services,
    request: AuthorizationRequest,
    client: Client,
    audience: Audience,
    session: Session,
    seen: World,
    now: Instant,
) -> Iterator[Choice]:
    if not (request.wants_mandate and audience.delegation_aware):
        return
    for decision in representations(world.actor_of(session), seen, now):
        choice = _delegated(services, request, client, audience, decision, seen)
        if choice is not None:
            yield choice


def _delegated(
    services: Services,
    request: AuthorizationRequest,
    client: Client,
    audience: Audience,
    decision: Decision,
    seen: World,
) -> Choice | None:
    """A chain as a choice, if type, powers and identifier are within what was asked and registered."""
    first = decision.path[0]
    key = services.vault.pseudonym("m-", client.sector, first.mandate)
    if first.type not in client.mandate_types or request.mandate_type not in {None, first.type}:
        return None
    if request.identifier not in {None, key}:
        return None
    wanted = actions(frozenset(request.scopes) & audience.scopes)
    if request.actions:
        wanted &= frozenset(request.actions)
    scopes = tuple(OBO + power for power in decision.powers if power in wanted)
    if not scopes:
        return None
    chain = Chain(decision, seen.parties[first.principal], seen.parties[first.representative])
    return Choice(key, chain, scopes)
