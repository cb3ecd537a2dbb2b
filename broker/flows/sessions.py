"""Signing in through an upstream, and the session that follows (tokens.md section 4).

The way out and the way back are tied to one browser: the upstream's state is
claimed once, and only by the browser that set out (threats: classes 4, 12, 15).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from broker.errors import IdentityConflictError, InteractionGoneError
from broker.flows import identities, revocation, staff
from broker.ports import Services, UnitOfWork
from broker.records import Session, UpstreamLogin
from config.settings import Settings
from mandates.change import Change
from mandates.claims import claim_mandate
from mandates.events import Event
from mandates.ex_officio import claimed_types
from mandates.model import Instant, Level, Party

LOGIN_SECONDS = 15 * 60
CLAIMS_SECONDS = 2 * 3600
"""Powers from ACM claims count two hours from ACM's `iat` (tokens.md section 4)."""
TOUCH_SECONDS = 60
ROUNDING_SECONDS = 2
"""Four instants in whole seconds make two periods; each may be off by one."""
ISSUER_KIND = "voucher_issuer"
"""Only its people can have staff roles of the broker."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; `secret` is the cookie's value and is stored nowhere."""

    secret: str
    session: Session
    return_to: str
    forced: bool
    """The upstream was asked to sign her in afresh, whatever session it had."""
    afresh: bool
    """It was, and says nothing to the contrary."""


def fingerprint(secret: str) -> str:
    """What is stored of a cookie's secret: its SHA-256 (hex)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def start(
    services: Services,
    *,
    browser: str,
    return_to: str,
    redirect_uri: str,
    force: bool = False,
    level: Level = Level.NONE,
    max_age: int | None = None,
) -> str:
    """The upstream address to send this browser to. What must come back is remembered under the state.

    Raise `UpstreamError`, `LevelTooLowError` if the upstream has no means of this level.
    """
    state = secrets.token_urlsafe(32)
    request = services.upstream.start(
        state=state, redirect_uri=redirect_uri, force=force, level=level, max_age=max_age
    )
    memory = {
        "asked_at": services.clock(),
        "upstream": services.upstream.issuer,
        "browser": fingerprint(browser),
        "return_to": return_to,
        "redirect_uri": redirect_uri,
        "forced": force,
        "memory": dict(request.memory),
    }
    services.ephemeral.put("login", fingerprint(state), memory, LOGIN_SECONDS)
    return request.url


def finish(
    services: Services,
    *,
    browser: str,
    unverified_response: Mapping[str, str],
    previous: str | None,
    now: Instant,
) -> SignedIn:
    """Redeem the upstream's answer and open a session; the previous one of this browser ends.

    Raise `InteractionGoneError` (unknown or used state, another browser),
    `UpstreamError`, `UnknownOrganisationError`, `IdentityConflictError`.
    """
    memory = services.ephemeral.take("login", fingerprint(unverified_response.get("state", "")))
    if memory is None or memory["browser"] != fingerprint(browser):
        raise InteractionGoneError
    login = services.upstream.finish(unverified_response, memory["memory"], memory["redirect_uri"], now)
    secret = secrets.token_urlsafe(32)
    try:
        session = _opened(services, secret, login, previous, now)
    except IdentityConflictError as conflict:
        # Nothing of the login is kept; that it was tried goes to review (mandates.md section 2).
        _tell_conflict(services, conflict, login, now)
        raise
    afresh = memory["forced"] and _can_be_afresh(login, now - memory["asked_at"])
    return SignedIn(secret, session, memory["return_to"], memory["forced"], afresh)


def _can_be_afresh(login: UpstreamLogin, since_asked: int) -> bool:
    """Whether she can have signed in after we asked; what the upstream does not state, it does not deny.

    Two periods are compared, each by one clock: that the clocks agree is not needed.
    """
    if login.auth_time is None:
        return True
    return login.issued_at - login.auth_time <= since_asked + ROUNDING_SECONDS


def _opened(
    services: Services, secret: str, login: UpstreamLogin, previous: str | None, now: Instant
) -> Session:
    """The session of this login, in the place of the previous one, with all that it brings."""
    with services.database.write() as uow:
        party = identities.party_of(services, uow, login, now)
        organisation = identities.organisation_of(services, uow, login)
        opened = open_session(services.settings, secret, party, organisation, login, now)
        session = replace(opened, staff=staff.roles_of(uow, party.id, opened.staff))
        uow.sessions.add(session)
        detail = {"upstream": login.issuer, "level": login.level.name.lower()}
        started = Event("session.started", now, party.id, detail=detail)
        powers = _claimed(services, session, party, organisation, login, now)
        for power in powers:
            uow.mandates.add(power.mandate, now)
        uow.journal.append([started, *(event for power in powers for event in power.events)], now)
        before = uow.sessions.find(fingerprint(previous)) if previous else None
        if before is not None and before.ended_at is None:
            revocation.close_session(uow, before, "signed in again", now)
        uow.commit()
    return session


def _tell_conflict(
    services: Services, conflict: IdentityConflictError, login: UpstreamLogin, now: Instant
) -> None:
    """Leave a trace for the reviewers, in a unit of its own; the number and the upstream's `sub` stay out."""
    event = Event(
        "party.identity_conflict",
        now,
        conflict.claimant,
        principal=conflict.holder,
        detail={"upstream": login.issuer},
    )
    with services.database.write() as uow:
        uow.journal.append([event], now)
        uow.commit()


def current(services: Services, secret: str | None, now: Instant) -> Session | None:
    """The live session of this cookie, if any; its idle time starts again."""
    if not secret:
        return None
    identifier = fingerprint(secret)
    with services.database.read() as uow:
        session = uow.sessions.find(identifier)
    if session is None or not is_live(session, services.settings, now):
        return None
    if now - session.last_seen_at >= TOUCH_SECONDS:
        with services.database.write() as uow:
            uow.sessions.touch(identifier, now)
            uow.commit()
    return session


def is_live(session: Session, settings: Settings, now: Instant) -> bool:
    """Not ended, within eight hours of its start, and used within the last thirty minutes."""
    idle = now - session.last_seen_at >= settings.idle_seconds
    return session.ended_at is None and now < session.expires_at and not idle


def claims_are_old(session: Session, now: Instant) -> bool:
    """Whether an organisation's powers rest on claims of more than two hours ago: ACM is then asked again."""
    return session.organisation is not None and now - session.claims_at >= CLAIMS_SECONDS


def open_session(
    settings: Settings,
    secret: str,
    party: Party,
    organisation: Party | None,
    login: UpstreamLogin,
    now: Instant,
) -> Session:
    """A session of this login, not stored yet."""
    return Session(
        id=fingerprint(secret),
        sid=secrets.token_urlsafe(16),
        party=party.id,
        level=login.level,
        upstream=login.issuer,
        upstream_sub=login.subject,
        started_at=now,
        last_seen_at=now,
        expires_at=now + settings.session_seconds,
        claims_at=login.issued_at,
        auth_time=login.auth_time,
        organisation=organisation.id if organisation else None,
        staff=login.staff if organisation and ISSUER_KIND in organisation.kinds_at(now) else frozenset(),
    )


def claim_powers(
    services: Services,
    uow: UnitOfWork,
    session: Session,
    person: Party,
    organisation: Party | None,
    login: UpstreamLogin,
    now: Instant,
) -> None:
    """Store each power that the claims carry as a mandate of this session (mandates.md section 3)."""
    for change in _claimed(services, session, person, organisation, login, now):
        revocation.record(uow, change, now, new=True)


def _claimed(
    services: Services,
    session: Session,
    person: Party,
    organisation: Party | None,
    login: UpstreamLogin,
    now: Instant,
) -> list[Change]:
    """A mandate of this session for each power that the claims carry."""
    if organisation is None:
        return []
    catalogue = services.catalogue()
    claimed = []
    for key, code in claimed_types(catalogue, login.roles):
        kinds = catalogue.type(key).principal_org_kinds
        # A role of another organisation than the one she signed in for, or of one that is
        # not of the right kind (not recognised, not an OCMW), gives nothing.
        if code != organisation.kbo or (kinds and not kinds & organisation.kinds_at(now)):
            continue
        change = claim_mandate(
            id=str(uuid4()),
            type_key=key,
            principal=organisation,
            representative=person,
            session=session.id,
            catalogue=catalogue,
            now=now,
            until=min(login.issued_at + CLAIMS_SECONDS, session.expires_at),
        )
        claimed.append(change)
    return claimed
