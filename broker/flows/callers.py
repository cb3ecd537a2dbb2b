"""Who calls the REST API: a person through a client, or a program for itself; and what they call things.

A token says what the client may do for the person. Who she is, for which organisation she
signed in and what roles she has stand in her session, which the token's status index leads to;
what she may do is the engine's to judge (tokens.md section 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from broker.errors import NotFoundHereError, SessionEndedError
from broker.flows import claims, status_lists
from broker.flows.sessions import is_live
from broker.ports import Services, UnitOfWork
from broker.records import Client, Session
from keys.errors import PseudonymError
from keys.vault import Vault
from mandates.model import Instant, Party
from volmacht_guard import VerifiedToken

ORGANISATION = "iso6523-actorid-upis::0208:"
"""How organisations are called outside: the enterprise number in the European scheme."""
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The nil UUID (RFC 9562 section 5.9): an id that no party has."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, at the level of the token, and the client that calls for her."""

    session: Session
    client: Client


@dataclass(frozen=True, slots=True)
class References:
    """What parties and mandates are called in one client's sector."""

    vault: Vault
    sector: str

    def mandate(self, mandate: str) -> str:
        """The `m-...` of a mandate."""
        return self.vault.pseudonym("m-", self.sector, mandate)

    def party(self, party: Party) -> str:
        """The `p-...` of a person, the enterprise number of an organisation."""
        return claims.subject(self.vault, self.sector, party)

    def mandate_id(self, unverified_reference: str) -> str:
        """The mandate behind an `m-...`. Raise `NotFoundHereError` for what is none of this sector."""
        return self._opened(unverified_reference, "m-")

    def person_id(self, unverified_reference: str) -> str:
        """The person behind a `p-...`, stored or not. Raise `NotFoundHereError`."""
        return self._opened(unverified_reference, "p-")

    def _opened(self, unverified_reference: str, prefix: str) -> str:
        try:
            return self.vault.resolve(unverified_reference, prefix, self.sector)
        except PseudonymError:
            raise NotFoundHereError from None


def person_behind(services: Services, token: VerifiedToken, now: Instant) -> Person:
    """The person of a self token, with her session. Raise `SessionEndedError` once that is over."""
    with services.database.read() as uow:
        entry = status_lists.find_entry(services, uow, token)
        grant = uow.grants.find(entry.grant) if entry else None
        session = uow.sessions.find(grant.session) if grant else None
        client = uow.registry.find_client(token.client_id)
    if grant is None or session is None or client is None or grant.ended_at is not None:
        raise SessionEndedError
    if not is_live(session, services.settings, now):
        raise SessionEndedError
    return Person(replace(session, level=grant.level), client)


def program_behind(services: Services, token: VerifiedToken) -> Client:
    """The client of a machine token. Raise `SessionEndedError` if its registration is gone.

    Its tokens have no status index; this is where an end of a registration reaches them.
    """
    with services.database.read() as uow:
        client = uow.registry.find_client(token.client_id)
    if client is None or not token.scopes <= client.scopes:
        raise SessionEndedError
    return client


def references(services: Services, client: Client) -> References:
    """How this client calls parties and mandates."""
    return References(services.vault, client.sector)


def party_id(services: Services, client: Client, unverified_reference: str) -> str:
    """The party that a client means by a reference. Raise `NotFoundHereError`."""
    with services.database.read() as uow:
        return party_of(services, uow, client, unverified_reference).id


def party_of(services: Services, uow: UnitOfWork, client: Client, unverified_reference: str) -> Party:
    """The party that a client means by a reference, stored. Raise `NotFoundHereError`."""
    if unverified_reference.startswith(ORGANISATION):
        found = uow.parties.find_by_kbo(unverified_reference.removeprefix(ORGANISATION))
    else:
        person = references(services, client).person_id(unverified_reference)
        found = uow.parties.get_many([person]).get(person)
    if found is None:
        raise NotFoundHereError
    return found


def party_ids(services: Services, client: Client, unverified_references: Iterable[str]) -> dict[str, str]:
    """The party that each reference means; for one that nobody has, an id that nobody has.

    For questions, where "unknown" and "gave you nothing" must be one answer. One query in all.
    """
    called, wanted = references(services, client), set(unverified_references)
    numbers = {one: one.removeprefix(ORGANISATION) for one in wanted if one.startswith(ORGANISATION)}
    with services.database.read() as uow:
        organisations = uow.parties.find_by_kbos(numbers.values()) if numbers else {}
    found = {one: organisations[kbo].id for one, kbo in numbers.items() if kbo in organisations}
    for one in wanted - numbers.keys():
        with suppress(NotFoundHereError):
            found[one] = called.person_id(one)
    return {one: found.get(one, NOBODY) for one in wanted}
