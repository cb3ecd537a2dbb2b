"""What a person agreed to, service by service, and how she takes it back (tokens.md section 4.1).

To withdraw is to end what stands on it, in the same transaction: her live grants of that
client end, their bits are set and their refresh tokens give nothing more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from broker.errors import NotFoundHereError
from broker.flows import revocation
from broker.flows.claims import IDENTITY_SCOPES, OBO
from broker.ports import Services, UnitOfWork
from broker.records import Client, Consent, Grant, Session
from mandates.events import Event
from mandates.model import Instant

WITHDRAWN = "consent withdrawn"
TOLD = ("profile", "insz", "obo:profile", "obo:insz")
"""The scopes that tell who people are: whoever signed in, and whom she acts for."""


@dataclass(frozen=True, slots=True)
class AgreedService:
    """A service that a person let in: since when, and for what."""

    client: Client
    since: Instant
    own: tuple[str, ...]
    """Powers for herself."""
    for_others: tuple[str, ...]
    """Powers for those whom she represents."""
    told: frozenset[str]
    """What the service gets to know (`told`)."""


def told(client: Client, scopes: Collection[str]) -> frozenset[str]:
    """What a service gets to know by these scopes, as those of `TOLD`.

    The ID token names everybody in the chain for `profile`, and a client with the mark
    `insz_actor` is told the actor's number beside the principal's (tokens.md section 3).
    """
    known = {one for one in TOLD if one in scopes}
    if "profile" in known and any(one.startswith(OBO) for one in scopes):
        known.add("obo:profile")
    if "obo:insz" in known and "insz_actor" in client.scopes:
        known.add("insz")
    return frozenset(known)


def services_of(services: Services, session: Session) -> list[AgreedService]:
    """The services that this person agreed to, by name. One that is gone took its consents with it."""
    with services.database.read() as uow:
        by_client = {
            client: list(given)
            for client, given in groupby(uow.grants.consents_of(session.party), lambda one: one.client)
        }
        found = [client for client in uow.registry.clients() if client.id in by_client]
    agreed = [_agreed(client, by_client[client.id]) for client in found]
    return sorted(agreed, key=lambda one: (one.client.name.casefold(), one.client.id))


def withdraw(services: Services, session: Session, client_id: str, now: Instant) -> None:
    """Forget what she agreed to for this client, and end her live grants of it.

    Raise `NotFoundHereError` if she agreed to nothing: a service without consent has no grant of hers.
    """
    with services.database.write() as uow:
        if not uow.grants.withdraw_consent(session.party, client_id):
            raise NotFoundHereError
        revocation.end_grants(uow, _hers(uow, session.party, client_id), WITHDRAWN, now)
        event = Event(
            "consent.withdrawn", now, session.party, principal=session.party, detail={"client": client_id}
        )
        uow.journal.append([event], now)
        uow.commit()


def _hers(uow: UnitOfWork, party: str, client_id: str) -> list[Grant]:
    """Grants in which she is the one at the keyboard, for herself or for others."""
    return [one for one in uow.grants.live_of_party(party) if (one.actor, one.client) == (party, client_id)]


def _agreed(client: Client, given: list[Consent]) -> AgreedService:
    scopes = sorted({one.scope for one in given})
    powers = [one for one in scopes if one not in IDENTITY_SCOPES]
    return AgreedService(
        client,
        since=min(one.at for one in given),
        own=tuple(one for one in powers if not one.startswith(OBO)),
        for_others=tuple(one.removeprefix(OBO) for one in powers if one.startswith(OBO)),
        told=told(client, scopes),
    )
