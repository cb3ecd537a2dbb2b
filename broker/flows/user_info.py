"""Claims about people, for a client that they let in (OpenID Connect Core section 5.3).

`sub` is always the human who signed in, as in the ID token, also when she acts for somebody
else: `represents` then says for whom (tokens.md section 3). The national number leaves the
broker here and nowhere else: to clients that are registered for it, in a grant with the
scope for it, and with a journal row that is committed before the answer leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broker.errors import NotFoundHereError
from broker.flows import claims, status_lists
from broker.ports import Services, UnitOfWork
from broker.records import Client, Grant, StatusEntry
from mandates.events import Event
from mandates.model import Instant, Party
from volmacht_guard import VerifiedToken

NUMBER = "insz"
ACTOR_NUMBER = "insz_actor"
"""Mark on a client: in delegated grants it gets the actor's number beside the principal's."""


@dataclass(frozen=True, slots=True)
class _About:
    """Who stands behind a token, and the client that holds it."""

    client: Client
    entry: StatusEntry
    actor: Party
    principal: Party
    representative: Party


def user_info(services: Services, token: VerifiedToken, now: Instant) -> dict[str, Any]:
    """What the client may know. Raise `NotFoundHereError` for a grant or client that is gone."""
    client = services.registrations().find_client(token.client_id)
    if client is None:
        raise NotFoundHereError
    wanted = _numbers(token, client)
    with services.database.write() if wanted else services.database.read() as uow:
        about = _behind(services, uow, token, client)
        answer = _named(services, token, about)
        if wanted:
            answer |= _numbered(services, uow, about, wanted, now)
            uow.commit()
    return answer


def _numbers(token: VerifiedToken, client: Client) -> tuple[str, ...]:
    """Which numbers the token and the registration, as it is now, let this client read."""
    scope = NUMBER if token.mandate is None else claims.OBO + NUMBER
    if scope not in token.scopes & client.scopes:
        return ()
    if token.mandate is not None and ACTOR_NUMBER in client.scopes:
        return NUMBER, ACTOR_NUMBER
    return (NUMBER,)


def _behind(services: Services, uow: UnitOfWork, token: VerifiedToken, client: Client) -> _About:
    entry = status_lists.find_entry(services, uow, token)
    grant = uow.grants.find(entry.grant) if entry else None
    if entry is None or grant is None:
        raise NotFoundHereError
    principal, representative = _represented(uow, grant, entry)
    parties = uow.parties.get_many({grant.actor, principal, representative})
    return _About(client, entry, parties[grant.actor], parties[principal], parties[representative])


def _represented(uow: UnitOfWork, grant: Grant, entry: StatusEntry) -> tuple[str, str]:
    """Who is represented and by whom; in a self token the human herself, twice.

    The entry names the mandate and not the grant, on which tokens for others may stand.
    """
    if entry.mandate is None:
        return grant.actor, grant.actor
    mandate = uow.mandates.find(entry.mandate)
    if mandate is None:
        raise NotFoundHereError
    return mandate.principal, mandate.representative


def _named(services: Services, token: VerifiedToken, about: _About) -> dict[str, Any]:
    sector = about.client.sector
    answer: dict[str, Any] = {"sub": claims.subject(services.vault, sector, about.actor)}
    delegated = token.mandate is not None
    named = (claims.OBO + "profile" if delegated else "profile") in token.scopes
    if named:
        answer["name"] = about.actor.name
    if delegated:
        organisation = about.representative if about.entry.executor else None
        answer["represents"] = claims.represented(
            services.vault, token.issuer, sector, about.principal, organisation, named=named
        )
    return answer


def _numbered(
    services: Services, uow: UnitOfWork, about: _About, wanted: tuple[str, ...], now: Instant
) -> dict[str, str]:
    """The numbers of those who have one, each with its journal row; the schema gives organisations none."""
    whose = {NUMBER: about.principal, ACTOR_NUMBER: about.actor}
    sealed = uow.parties.insz_sealed_many({whose[name].id for name in wanted})
    found = {name: whose[name] for name in wanted if whose[name].id in sealed}
    uow.journal.append([_read(about, name, party, now) for name, party in found.items()], now)
    return {
        name: services.vault.open(sealed[party.id], f"insz:{party.id}").decode()
        for name, party in found.items()
    }


def _read(about: _About, name: str, party: Party, now: Instant) -> Event:
    return Event(
        "insz.read",
        now,
        about.actor.id,
        mandate=about.entry.mandate,
        principal=party.id,
        detail={"client": about.client.id, "claim": name},
    )
