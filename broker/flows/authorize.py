"""From an authorization request to a code: sign in, choose on whose behalf, be judged again.

An *interaction* is one authorization request on its way through one browser. It
lives in the ephemeral store under a random id; losing it costs a new start and
grants nothing. The choice is a POST bound to it (tokens.md section 4.1).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import uuid4

from broker.errors import (
    InteractionGoneError,
    InvalidTargetError,
    JudgedError,
    LevelTooLowError,
    NotFoundHereError,
    SessionEndedError,
)
from broker.flows import world
from broker.flows.claims import IDENTITY_SCOPES, OBO, Chain, actions
from broker.flows.sessions import fingerprint
from broker.ports import Services, UnitOfWork
from broker.records import Audience, Client, Grant, Session
from mandates.decide import Decision, Reason, representations
from mandates.events import Event
from mandates.model import Instant, Level
from mandates.world import World

INTERACTION_SECONDS = 15 * 60
CODE_SECONDS = 60
SPENT_SECONDS = 3600
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
class Interaction:
    """One request in one browser; `session` is set once the person signed in."""

    id: str
    browser: str
    request: AuthorizationRequest
    session: str | None = None
    forced: bool = False
    """The person was sent to sign in afresh because the request asked so."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the chooser: for herself, or along one chain."""

    key: str
    chain: Chain | None
    scopes: tuple[str, ...]


def begin(services: Services, request: AuthorizationRequest, browser: str) -> Interaction:
    """Remember the request under a new random id, for this browser only."""
    interaction = Interaction(secrets.token_urlsafe(24), fingerprint(browser), request)
    _remember(services, interaction)
    return interaction


def resume(services: Services, interaction_id: str, browser: str) -> Interaction:
    """The interaction of this browser. Raise `InteractionGoneError`."""
    stored = services.ephemeral.get("interaction", interaction_id)
    if stored is None or stored["browser"] != fingerprint(browser):
        raise InteractionGoneError
    return _load(interaction_id, stored)


def attach(
    services: Services, interaction: Interaction, session: Session, *, forced: bool = False
) -> Interaction:
    """Tie the interaction to the session that will answer it; another session may not."""
    attached = replace(interaction, session=session.id, forced=interaction.forced or forced)
    _remember(services, attached)
    return attached


def find_audience(services: Services, uow: UnitOfWork, uri: str) -> Audience:
    """A registered audience, or the broker itself for UserInfo. Raise `InvalidTargetError`."""
    issuer = services.settings.issuer
    if uri == issuer:
        return Audience(uri=issuer, name="Volmacht", sector=issuer, scopes=IDENTITY_SCOPES)
    audience = uow.registry.find_audience(uri)
    if audience is None:
        raise InvalidTargetError
    return audience


def choices(services: Services, interaction: Interaction, session: Session, now: Instant) -> list[Choice]:
    """Everything that this person may choose; the chooser shows it, `choose` judges it again."""
    with services.database.read() as uow:
        client = _client(uow, interaction.request.client)
        audience = find_audience(services, uow, interaction.request.audience)
        seen = world.around(services, uow, world.actor_of(session))
    return _choices(services, interaction.request, client, audience, session, seen, now)


def is_weak(request: AuthorizationRequest, session: Session) -> bool:
    """Whether the login is weaker than the request asks; one without any known level always is."""
    return session.level < max(Level[request.level], Level.LOW)


def choose(services: Services, interaction: Interaction, session: Session, key: str, now: Instant) -> str:
    """Judge the choice again, store the grant, and return a code of one use.

    The interaction is taken first, so that of two clicks one counts. Raise
    `InteractionGoneError`, `NotFoundHereError` (not among her choices),
    `LevelTooLowError`.
    """
    if interaction.session != session.id or services.ephemeral.take("interaction", interaction.id) is None:
        raise InteractionGoneError
    request = interaction.request
    if is_weak(request, session):
        raise LevelTooLowError
    with services.database.write() as uow:
        stored = uow.sessions.find(session.id)
        if stored is None or stored.ended_at is not None:
            raise SessionEndedError
        client = _client(uow, request.client)
        audience = find_audience(services, uow, request.audience)
        seen = world.around(services, uow, world.actor_of(session))
        offered = _choices(services, request, client, audience, session, seen, now)
        choice = next((one for one in offered if one.key == key), None)
        if choice is None:
            raise NotFoundHereError
        grant = _grant(request, session, choice, now)
        uow.grants.add(grant)
        uow.grants.remember_consent(session.party, client.id, choice.scopes, now)
        detail = {"client": client.id, "scopes": list(grant.scopes), "audience": grant.audience}
        event = Event(
            "grant.created", now, grant.actor, mandate=grant.mandate, principal=grant.principal, detail=detail
        )
        uow.journal.append([event], now)
        uow.commit()
    return _code(services, request, grant, now)


def needs_page(services: Services, interaction: Interaction, session: Session, offered: list[Choice]) -> bool:
    """Whether the person must see a page before a code is issued.

    She must whenever there is anything to choose or confirm on somebody's behalf, and
    at the first use of a client that is not vetted; an `identifier` that she confirmed
    for this client in this session needs no second page (tokens.md section 4.1).
    """
    with services.database.read() as uow:
        if _confirmed(uow, interaction.request, session, offered):
            return False
        if len(offered) != 1 or offered[0].chain is not None:
            return True
        client = _client(uow, interaction.request.client)
        agreed = uow.grants.consented(session.party, client.id)
    return not client.vetted and not agreed.issuperset(offered[0].scopes)


def _confirmed(
    uow: UnitOfWork, request: AuthorizationRequest, session: Session, offered: list[Choice]
) -> bool:
    if request.identifier is None or len(offered) != 1 or offered[0].chain is None:
        return False
    mandate = offered[0].chain.mandate
    live = uow.grants.live_of_session(session.id)
    return any(grant.client == request.client and grant.mandate == mandate for grant in live)


def take_code(services: Services, code: str) -> dict[str, Any] | None:
    """Claim a code: the first caller gets what it stands for, every later one nothing."""
    return services.ephemeral.take("code", fingerprint(code))


def grant_of_spent_code(services: Services, code: str) -> str | None:
    """The grant of a code that is used or too old.

    A code seen again means that somebody else had it: its grant ends (RFC 9700
    section 4.5; threats: class 3). The mark is set when the code is made, so that
    there is no moment between its use and the mark.
    """
    made = services.ephemeral.get("made_code", fingerprint(code))
    return made["grant"] if made else None


def _choices(
    services: Services,
    request: AuthorizationRequest,
    client: Client,
    audience: Audience,
    session: Session,
    seen: World,
    now: Instant,
) -> list[Choice]:
    offered = []
    identity = tuple(scope for scope in request.scopes if scope in IDENTITY_SCOPES)
    own = tuple(
        s
        for s in request.scopes
        if not s.startswith(OBO) and s not in IDENTITY_SCOPES and s in audience.scopes
    )
    person = seen.parties.get(session.party)
    alive = person is not None and person.deceased_at is None
    if alive and (own or not request.wants_mandate) and request.identifier is None:
        offered.append(Choice(SELF, None, (*identity, *own)))
    if request.wants_mandate and audience.delegation_aware:
        taken: set[str] = set()
        for decision in representations(world.actor_of(session), seen, now):
            choice = _delegated(services, request, client, audience, decision, seen)
            if choice and choice.key not in taken:
                taken.add(choice.key)
                offered.append(replace(choice, scopes=(*identity, *choice.scopes)))
    return offered


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


def _grant(request: AuthorizationRequest, session: Session, choice: Choice, now: Instant) -> Grant:
    chain = choice.chain
    return Grant(
        id=str(uuid4()),
        client=request.client,
        session=session.id,
        actor=session.party,
        principal=chain.principal.id if chain else session.party,
        level=session.level,
        scopes=choice.scopes,
        audience=request.audience,
        created_at=now,
        mandate=chain.mandate if chain else None,
        executor=chain.executor if chain else None,
    )


def _code(services: Services, request: AuthorizationRequest, grant: Grant, now: Instant) -> str:
    code = secrets.token_urlsafe(32)
    record = {
        "grant": grant.id,
        "client": request.client,
        "redirect_uri": request.redirect_uri,
        "code_challenge": request.code_challenge,
        "nonce": request.nonce,
        "issued_at": now,
    }
    services.ephemeral.put("made_code", fingerprint(code), {"grant": grant.id}, SPENT_SECONDS)
    services.ephemeral.put("code", fingerprint(code), record, CODE_SECONDS)
    return code


def _client(uow: UnitOfWork, client_id: str) -> Client:
    client = uow.registry.find_client(client_id)
    if client is None:
        raise InteractionGoneError
    return client


def refused(offered: list[Choice]) -> None:
    """Raise `JudgedError` when there is nothing that this person may do at this service."""
    if not offered:
        raise JudgedError((Reason("no_mandate"),))


def _remember(services: Services, interaction: Interaction) -> None:
    value = asdict(interaction)
    services.ephemeral.put("interaction", interaction.id, value, INTERACTION_SECONDS)


def _load(interaction_id: str, stored: Mapping[str, Any]) -> Interaction:
    fields = dict(stored["request"])
    fields["scopes"] = tuple(fields["scopes"])
    fields["actions"] = tuple(fields["actions"])
    return Interaction(
        interaction_id, stored["browser"], AuthorizationRequest(**fields), stored["session"], stored["forced"]
    )
