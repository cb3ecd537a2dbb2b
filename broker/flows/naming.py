"""How a requester names a party, and the party that is meant (mandates.md section 6).

By number anybody can be named, so a number must answer alike whether or not anybody
has it: the form, the file and the API all come through here or do the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.errors import NotFoundHereError
from broker.flows import parties
from broker.ports import Services, UnitOfWork
from broker.records import Session
from mandates.model import Instant, Party


@dataclass(frozen=True, slots=True)
class Named:
    """How a requester names a party: exactly one way."""

    insz: str = ""
    """National number as typed, with `name` as typed."""
    name: str = ""
    kbo: str = ""
    """Enterprise number as typed."""
    party: str = ""
    """Party id, from a reference that she was given."""
    me: bool = False
    organisation: bool = False
    """The organisation that she signed in for."""


ME, MY_ORGANISATION = Named(me=True), Named(organisation=True)


def known_beforehand(uow: UnitOfWork, session: Session, *named: Named) -> dict[str, Party]:
    """The parties that need no looking up: the person, her organisation, and those named by their id."""
    ids = {session.party, session.organisation, *(one.party for one in named)}
    return uow.parties.get_many(one for one in ids if one)


def resolve(
    services: Services,
    uow: UnitOfWork,
    session: Session,
    named: Named,
    known: Mapping[str, Party],
    now: Instant,
) -> Party:
    """The party that is meant, to be judged by. Raise `InvalidTypedNumberError`, `NotFoundHereError`."""
    if named.insz:
        person = parties.find_or_add_person(services, uow, named.insz, named.name, now)
        if person.id == session.party:
            return person  # of herself she knows all there is
        # What needs no approval is active at once for the dead too, as for a number that nobody has:
        # deciding denies it, so nobody can ever use it.
        return parties.as_if_new(services, person, services.numbers.insz(named.insz))
    if named.kbo:
        found = uow.parties.find_by_kbo(services.numbers.kbo(named.kbo))
    else:
        wanted = session.party if named.me else session.organisation if named.organisation else named.party
        found = known.get(wanted or "")
    if found is None:
        raise NotFoundHereError
    return found
