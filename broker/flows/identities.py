"""Who a login makes somebody: the party behind an upstream's words (mandates.md section 2).

Accounts are taken over by linking (threats: class 7), so the rules are few: a known identity
wins, a national number counts once and from a strong login of the authoritative upstream
only, and what cannot be both goes to a reviewer.
"""

from __future__ import annotations

from dataclasses import replace

from broker.errors import IdentityConflictError, UnknownOrganisationError
from broker.flows import parties
from broker.ports import Services, UnitOfWork
from broker.records import UpstreamLogin
from mandates.events import Event
from mandates.model import Instant, Level, Party


def party_of(services: Services, uow: UnitOfWork, login: UpstreamLogin, now: Instant) -> Party:
    """A known (iss, sub) wins; else the INSZ, once, from a strong login (mandates.md section 2)."""
    insz = services.numbers.insz(login.insz) if login.insz and login.level >= Level.SUBSTANTIAL else None
    known = uow.parties.find_by_identity(login.issuer, login.subject)
    if known is not None:
        if insz and uow.parties.insz_sealed(known.id) is None:
            known = _complete(services, uow, known, insz, now)
        return _renamed(uow, known, login.name, now)
    indexes = parties.insz_indexes(services, uow, insz) if insz else ()
    party = uow.parties.find_by_insz_index(*indexes)
    if party is None:
        party = parties.add_person(services, uow, name=login.name, insz=insz, now=now)
    elif any(issuer == login.issuer for issuer, _ in uow.parties.identities(party.id)):
        raise IdentityConflictError(party.id)
    uow.parties.add_identity(login.issuer, login.subject, party.id, now)
    event = Event("party.claimed", now, party.id, principal=party.id, detail={"upstream": login.issuer})
    uow.journal.append([event], now)
    return _renamed(uow, party, login.name, now)


def _complete(services: Services, uow: UnitOfWork, party: Party, insz: str, now: Instant) -> Party:
    """A person whose first login was too weak to bring her number brings it now.

    Somebody who holds it already is perhaps she, known by number alone: whether two
    records are one person is for a reviewer, not for a login.
    """
    indexes = parties.insz_indexes(services, uow, insz)
    holder = uow.parties.find_by_insz_index(*indexes)
    if holder is not None:
        raise IdentityConflictError(holder.id, party.id)
    uow.parties.set_insz(party.id, indexes[0], services.vault.seal(insz.encode(), f"insz:{party.id}"))
    complete = replace(party, adult_at=services.numbers.adult_at(insz))
    uow.parties.save(complete, now)
    return complete


def _renamed(uow: UnitOfWork, party: Party, name: str, now: Instant) -> Party:
    """The upstream knows a person's name better than who typed it."""
    if not name or name == party.name:
        return party
    renamed = replace(party, name=name)
    uow.parties.save(renamed, now)
    return renamed


def organisation_of(services: Services, uow: UnitOfWork, login: UpstreamLogin) -> Party | None:
    """The organisation that she signed in for, if any. Raise `UnknownOrganisationError`."""
    if not login.organisation_code:
        return None
    code = login.organisation_code
    organisation = uow.parties.find_by_kbo(services.numbers.kbo(code)) if code.isdigit() else None
    if organisation is None or organisation.ceased_at is not None:
        raise UnknownOrganisationError
    return organisation
