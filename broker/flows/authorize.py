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

from broker.errors import InteractionGoneError, LevelTooLowError, NotFoundHereError, SessionEndedError
from broker.flows.choices import AuthorizationRequest, Choice, chosen, is_weak
from broker.flows.codes import issue_code
from broker.flows.sessions import SignedIn, fingerprint
from broker.ports import Services
from broker.records import Grant, Session
from mandates.events import Event
from mandates.model import Instant

INTERACTION_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request in one browser; `session` is set once the person signed in."""

    id: str
    browser: str
    request: AuthorizationRequest
    session: str | None = None
    forced: bool = False
    """She was sent to sign in afresh for this request and came back as `session`: once is enough."""
    afresh: bool = False
    """She did sign in afresh, as far as the upstream tells."""


def begin(services: Services, request: AuthorizationRequest, browser: str) -> Interaction:
    """Remember the request under a new random id, for this browser only."""
    interaction = Interaction(secrets.token_urlsafe(24), fingerprint(browser), request)
    services.ephemeral.put("interaction", interaction.id, asdict(interaction), INTERACTION_SECONDS)
    return interaction


def resume(services: Services, interaction_id: str, browser: str) -> Interaction:
    """The interaction of this browser. Raise `InteractionGoneError`."""
    stored = services.ephemeral.get("interaction", interaction_id)
    if stored is None or stored["browser"] != fingerprint(browser):
        raise InteractionGoneError
    return _load(interaction_id, stored)


def attach(services: Services, interaction: Interaction, session: Session) -> Interaction:
    """Tie the interaction to the session that will answer it; another session may not.

    What one session proved does not count for another one. Raise `InteractionGoneError`.
    """
    if interaction.session == session.id:
        return interaction
    return _tie(services, replace(interaction, session=session.id, forced=False, afresh=False))


def back(services: Services, interaction: Interaction, signed_in: SignedIn) -> Interaction:
    """She is back from the upstream with a new session. Raise `InteractionGoneError`."""
    attached = replace(
        interaction, session=signed_in.session.id, forced=signed_in.forced, afresh=signed_in.afresh
    )
    return _tie(services, attached)


def _tie(services: Services, attached: Interaction) -> Interaction:
    stored = services.ephemeral.replace("interaction", attached.id, asdict(attached), INTERACTION_SECONDS)
    if not stored:
        raise InteractionGoneError  # answered in another tab: it does not come back
    return attached


def shortfall(interaction: Interaction, session: Session | None, now: Instant) -> str | None:
    """What the login lacks for the request, as the OAuth error for it; None if nothing.

    `prompt=login`, the level and `max_age` (OpenID Connect Core section 3.1.2.1, RFC 9470
    section 5). An age that nobody stated is not known, so it is not young; `max_age=0` is
    younger than any login but one made for this request.
    """
    if session is None:
        return "login_required"
    request = interaction.request
    afresh = interaction.afresh and interaction.session == session.id
    if "login" in request.prompts and not afresh:
        return "login_required"
    if is_weak(request, session):
        return LevelTooLowError.code
    if request.max_age is None:
        return None
    stated = session.auth_time
    young = stated is not None and (afresh or now - stated < request.max_age)
    return None if young else LevelTooLowError.code


def refuse(services: Services, interaction: Interaction) -> None:
    """The person does not go on: the interaction is over. Raise `InteractionGoneError` if it was already."""
    if services.ephemeral.take("interaction", interaction.id) is None:
        raise InteractionGoneError


def choose(services: Services, interaction: Interaction, session: Session, key: str, now: Instant) -> str:
    """Judge the choice again, store the grant, and return a code of one use.

    The interaction is taken first, so that of two clicks one counts. Raise
    `InteractionGoneError`, `NotFoundHereError` (not among her choices),
    `LevelTooLowError`, `SessionEndedError`.
    """
    if interaction.session != session.id or services.ephemeral.take("interaction", interaction.id) is None:
        raise InteractionGoneError
    if shortfall(interaction, session, now) is not None:
        raise LevelTooLowError
    request = interaction.request
    with services.database.write() as uow:
        stored = uow.sessions.find(session.id)
        if stored is None or stored.ended_at is not None:
            raise SessionEndedError
        choice = chosen(services, uow, request, session, key, now)
        if choice is None:
            raise NotFoundHereError
        grant = _grant(request, session, choice, now)
        uow.grants.add(grant)
        known = uow.grants.consented(session.party, request.client)
        uow.grants.remember_consent(session.party, request.client, set(choice.scopes) - known, now)
        detail = {"client": request.client, "scopes": list(grant.scopes), "audience": grant.audience}
        event = Event(
            "grant.created", now, grant.actor, mandate=grant.mandate, principal=grant.principal, detail=detail
        )
        uow.journal.append([event], now)
        uow.commit()
    return issue_code(services, request, grant, now)


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


def _load(interaction_id: str, stored: Mapping[str, Any]) -> Interaction:
    fields = dict(stored["request"])
    fields["scopes"] = tuple(fields["scopes"])
    fields["actions"] = tuple(fields["actions"])
    return Interaction(
        interaction_id,
        stored["browser"],
        AuthorizationRequest(**fields),
        stored["session"],
        stored["forced"],
        stored["afresh"],
    )
