"""A client says that it needs a token no more (RFC 7009).

A token of a sign-in at this client ends the sign-in's grant, with all that descends from it:
who throws away one of its tokens has signed out. What was got by exchange stands on a grant
too, often on another client's, but says nothing about it: a back end that has done what it
exchanged a token for loses that token alone. Whatever else is sent changes nothing, and the
answer is the same: nobody learns here whether a token exists.
"""

from __future__ import annotations

from broker.flows import registry, revocation, status_lists
from broker.flows.sessions import fingerprint
from broker.ports import Services, UnitOfWork
from broker.records import Basis, Client, Grant, StatusEntry
from mandates.events import Event
from mandates.model import Instant
from volmacht_guard import GuardError, VerifiedToken

_OF_PEOPLE = frozenset({"self", "delegated"})
"""A program's token has no index and lives five minutes: there is nothing to end."""
_REASON = "revoked by the service"


def revoke(services: Services, client: Client, unverified_token: str, now: Instant) -> None:
    """End what stands behind a refresh or access token of this client."""
    token = _verified(services, unverified_token)
    with services.database.write() as uow:
        if token is not None:
            _end_access(services, uow, client, token, now)
        else:
            found = uow.grants.find_refresh_token(fingerprint(unverified_token))
            _end_grant(uow, client, uow.grants.find(found.grant) if found else None, now)
        uow.commit()


class _Unasked:
    """A status that is not asked: a token whose bit is set already still leads to its grant."""

    def check(self, uri: str, index: int, now: Instant) -> None:
        """Everything passes."""


def _verified(services: Services, unverified_token: str) -> VerifiedToken | None:
    """The access token, for whatever audience; a bound one needs no proof, for the client is known."""
    issuer = services.settings.issuer
    own = (audience.uri for audience in registry.own_audiences(issuer))
    audiences = {*services.registrations().audiences, *own}
    try:
        return services.guard(issuer, _Unasked()).authenticate(
            unverified_token, serves=_OF_PEOPLE, audiences=audiences, bound=True
        )
    except GuardError:
        return None


def _end_access(
    services: Services, uow: UnitOfWork, client: Client, token: VerifiedToken, now: Instant
) -> None:
    entry = status_lists.find_entry(services, uow, token)
    grant = uow.grants.find(entry.grant) if entry else None
    if entry is None or grant is None or token.client_id != client.id:
        return
    if entry.basis == Basis(grant.id, grant.client, entry.audience, grant.mandate, grant.executor):
        _end_grant(uow, client, grant, now)
    elif uow.status.revoke_entry(entry.list, entry.index, now):
        uow.journal.append([_token_revoked(grant, entry, now)], now)


def _end_grant(uow: UnitOfWork, client: Client, grant: Grant | None, now: Instant) -> None:
    if grant is not None and grant.client == client.id and grant.ended_at is None:
        revocation.end_grants(uow, [grant], _REASON, now)


def _token_revoked(grant: Grant, entry: StatusEntry, now: Instant) -> Event:
    return Event(
        "token.revoked",
        now,
        grant.actor,
        mandate=entry.mandate,
        grounds=_REASON,
        detail={"client": entry.client, "audience": entry.audience},
    )
