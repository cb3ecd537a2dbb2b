"""A session for an act on the command line: whoever runs the machine acts as somebody, and it shows.

Flows take the session of a person. An operator has none here, so one is made, with the
claims that she says the person has: stored and journalled like any sign-in, with who did it in
its detail, and ended with the command, so that powers, grants and journal stay true.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from broker.errors import NotFoundHereError, UnknownOrganisationError
from broker.flows import revocation, sessions, staff
from broker.ports import Services, UnitOfWork
from broker.records import Session, UpstreamLogin
from mandates.events import Event
from mandates.model import Instant, Level, Party, PartyKind

BY = "command line"


@contextmanager
def standing_in(
    services: Services,
    party: str,
    *,
    level: Level,
    organisation: str | None,
    roles: tuple[str, ...],
    now: Instant,
) -> Iterator[Session]:
    """A session of this person for as long as the block runs.

    `party` is a party id, or `issuer|subject` of an identity; `organisation` an enterprise number;
    `roles` as ACM writes them. Raise `NotFoundHereError`, `UnknownOrganisationError`.
    """
    with services.database.write() as uow:
        person = _person(uow, party)
        for_whom = _organisation(services, uow, organisation)
        login = UpstreamLogin(BY, person.id, person.name, level, now, "", roles=roles)
        session = sessions.open_session(
            services.settings, secrets.token_urlsafe(32), person, for_whom, login, now
        )
        session = replace(session, staff=staff.roles_of(uow, person.id, session.staff))
        uow.sessions.add(session)
        detail = {"upstream": BY, "level": level.name.lower(), "by": BY}
        uow.journal.append([Event("session.started", now, person.id, detail=detail)], now)
        sessions.claim_powers(services, uow, session, person, for_whom, login, now)
        uow.commit()
    try:
        yield session
    finally:
        revocation.end_session(services, session.id, "the command is over", now)


def _person(uow: UnitOfWork, said: str) -> Party:
    issuer, bar, subject = said.partition("|")
    found = uow.parties.find_by_identity(issuer, subject) if bar else uow.parties.get_many([said]).get(said)
    if found is None or found.kind is not PartyKind.PERSON:
        raise NotFoundHereError("nobody is known by this id or identity")
    return found


def _organisation(services: Services, uow: UnitOfWork, said: str | None) -> Party | None:
    if said is None:
        return None
    found = uow.parties.find_by_kbo(services.numbers.kbo(said))
    if found is None or found.ceased_at is not None:
        raise UnknownOrganisationError
    return found
