"""What a person may choose in one authorization request: herself, or a chain to somebody else.

The chooser shows these lines; `authorize.choose` makes them again and takes the one
that was chosen from what is true then (tokens.md section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.errors import InteractionGoneError
from broker.flows import issuing, lists, world
from broker.flows.claims import IDENTITY_SCOPES, OBO, Chain, actions, identity, opened
from broker.ports import Services, UnitOfWork
from broker.records import Audience, Client, Session, Wanted
from keys.errors import PseudonymError
from mandates.decide import Decision, Request, decide
from mandates.model import Instant, Level, Party

SELF = "self"
LINES = 100
"""Principals on one page of the chooser; the others are searched, or paged to."""


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
    """Values of OpenID Connect Core section 3.1.2.1, separated by spaces."""
    max_age: int | None = None
    """Seconds since the person signed in at the upstream, at most (OpenID Connect Core section 3.1.2.1)."""
    dpop_jkt: str | None = None
    """Thumbprint of the only key that may redeem the code (RFC 9449 section 10)."""

    @property
    def prompts(self) -> frozenset[str]:
        """`prompt`, value by value."""
        return frozenset(self.prompt.split())


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
    next: str | None = None
    """Where the next page of lines begins."""
    incomplete: tuple[str, ...] = ()
    """Sources that could not be asked: somebody may be missing from the lines."""
    parties: Mapping[str, Party] = field(default_factory=dict)
    """Whom the lines were made from, by id."""


def offer(
    services: Services,
    uow: UnitOfWork,
    request: AuthorizationRequest,
    session: Session,
    now: Instant,
    *,
    name: str = "",
    after: str | None = None,
) -> Offer:
    """What this person may choose now: herself, and a page of others, by name.

    Raise `InteractionGoneError`, `InvalidTargetError`, `InvalidPlaceError`.
    """
    client, audience = _registered(services, request)
    page = lists.Page((), {}, None)
    if request.wants_mandate and audience.delegation_aware:
        page = _page(services, uow, request, client, session, name, after, now)
    others = (
        _delegated(services, request, client, audience, decision, page.parties) for decision in page.rows
    )
    herself = () if name or after else _herself(uow, request, audience, session)
    lines = tuple(line for line in (*herself, *others) if line is not None)
    return Offer(client, audience, lines, page.next, page.incomplete, page.parties)


def chosen(
    services: Services,
    uow: UnitOfWork,
    request: AuthorizationRequest,
    session: Session,
    key: str,
    now: Instant,
) -> Choice | None:
    """The line with this key, made from what is true now; None if she may not choose it.

    Raise `InteractionGoneError`, `InvalidTargetError`.
    """
    if uow.registry.hold() != services.registrations().version:
        services.registrations.renew()
    client, audience = _registered(services, request)
    if key == SELF:
        return next(iter(_herself(uow, request, audience, session)), None)
    if not (request.wants_mandate and audience.delegation_aware):
        return None
    page = _one(services, uow, client, session, key, now)
    return next(
        (_delegated(services, request, client, audience, one, page.parties) for one in page.rows), None
    )


def is_weak(request: AuthorizationRequest, session: Session) -> bool:
    """Whether the login is weaker than the request asks; one without any known level always is."""
    return session.level < max(Level[request.level], Level.LOW)


def needs_page(uow: UnitOfWork, request: AuthorizationRequest, session: Session, offered: Offer) -> bool:
    """Whether the person must see a page before a code is issued.

    She must whenever there is anything to choose or confirm on somebody's behalf, and
    at the first use of a client that is not vetted; an `identifier` that she confirmed for
    this client in this session, with all that is asked now and for the same API, needs no
    second page (tokens.md section 4.1).
    """
    (first, *more) = offered.choices
    if more:
        return True
    if first.chain is None:
        agreed = uow.grants.consented(session.party, offered.client.id)
        return not offered.client.vetted and not agreed.issuperset(first.scopes)
    if request.identifier is None:
        return True
    return not any(
        grant.client == request.client
        and (grant.mandate, grant.audience) == (first.chain.mandate, request.audience)
        and set(first.scopes) <= set(grant.scopes)
        for grant in uow.grants.live_of_session(session.id)
    )


def _registered(services: Services, request: AuthorizationRequest) -> tuple[Client, Audience]:
    registered = services.registrations()
    client = registered.find_client(request.client)
    # Removed while the person was on her way, or an address that nobody may be sent to any more.
    if client is None or request.redirect_uri not in client.redirect_uris:
        raise InteractionGoneError
    return client, issuing.find_audience(services, registered, request.audience)


def _herself(
    uow: UnitOfWork, request: AuthorizationRequest, audience: Audience, session: Session
) -> tuple[Choice, ...]:
    powers = frozenset(one for one in audience.scopes - IDENTITY_SCOPES if not one.startswith(OBO))
    own = tuple(scope for scope in request.scopes if scope in powers)
    if request.identifier is not None or (request.wants_mandate and not own):
        return ()
    alive = uow.parties.get(session.party).deceased_at is None
    return (Choice(SELF, None, identity(request.scopes, delegated=False) + own),) if alive else ()


def _page(
    services: Services,
    uow: UnitOfWork,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    name: str,
    after: str | None,
    now: Instant,
) -> lists.Page:
    """A page of those whom she may represent; the one that was named, if one was."""
    if request.identifier is not None:
        return _one(services, uow, client, session, request.identifier, now)
    wanted = Wanted(type=request.mandate_type, name=name)
    return lists.reach_of(services, uow, session, wanted, after, LINES, now)


def _one(
    services: Services, uow: UnitOfWork, client: Client, session: Session, key: str, now: Instant
) -> lists.Page:
    """The mandate of this reference, judged for this person: a page of one line or none."""
    try:
        identifier = services.vault.resolve(key, "m-", client.sector)
    except PseudonymError:
        return lists.Page((), {}, None)
    mandate = uow.mandates.find(identifier)
    if mandate is None:
        return lists.Page((), {}, None)
    actor = world.actor_of(session)
    seen = world.between(services, uow, mandate.principal, actor)
    decision = decide(Request(actor, mandate.principal, mandate=mandate.id), seen, now)
    return lists.Page((decision,) if decision.permitted else (), dict(seen.parties), None)


def _delegated(
    services: Services,
    request: AuthorizationRequest,
    client: Client,
    audience: Audience,
    decision: Decision,
    parties: Mapping[str, Party],
) -> Choice | None:
    """A chain as a choice, if type, powers and identifier are within what was asked and registered."""
    acting = decision.acting
    key = services.vault.pseudonym("m-", client.sector, acting.mandate)
    if acting.type not in client.mandate_types or request.mandate_type not in {None, acting.type}:
        return None
    if request.identifier not in {None, key}:
        return None
    wanted = actions(frozenset(request.scopes) & audience.scopes)
    if request.actions:
        wanted &= frozenset(request.actions)
    wanted &= opened(services.catalogue().type(acting.type), decision.powers, audience.uri)
    powers = tuple(OBO + power for power in decision.powers if power in wanted)
    known = identity(request.scopes, delegated=True)
    # At UserInfo a mandate opens who the principal is, and no power; elsewhere no power means no line.
    if not powers and not any(scope.startswith(OBO) and scope in audience.scopes for scope in known):
        return None
    scopes = known + powers
    return Choice(key, Chain(decision, parties[acting.principal], parties[acting.representative]), scopes)
