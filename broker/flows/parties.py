"""Parties by the numbers that people type: found without being shown, made when unknown.

National numbers are checked, indexed by a keyed hash and sealed in one step; past
this file nobody sees one.
"""

from __future__ import annotations

from uuid import uuid4

from broker.ports import Services, UnitOfWork
from broker.records import NewParty
from mandates.events import Event
from mandates.model import Instant, Party, PartyKind


def insz_index(services: Services, insz: str) -> str:
    """The keyed index of a checked national number."""
    return services.vault.index(insz, "insz")


def find_or_add_person(
    services: Services, uow: UnitOfWork, typed_insz: str, name: str, now: Instant
) -> Party:
    """The person with this national number; recorded under `name` if nobody has it yet.

    The caller learns nothing from the answer that she did not type: the name given
    is not compared, and the one on record is not shown (mandates.md section 4).
    Raise `InvalidTypedNumberError` when the check digits do not agree.
    """
    insz = services.numbers.insz(typed_insz)
    index = insz_index(services, insz)
    known = uow.parties.find_by_insz_index(index)
    return known or add_person(services, uow, name=name, insz=insz, now=now)


def add_person(services: Services, uow: UnitOfWork, *, name: str, insz: str | None, now: Instant) -> Party:
    """Record a person; `insz` must have passed `services.numbers.insz`."""
    party = Party(id=str(uuid4()), kind=PartyKind.PERSON, name=name.strip())
    uow.parties.add(
        NewParty(
            party,
            insz_index=insz_index(services, insz) if insz else None,
            insz_sealed=services.vault.seal(insz.encode(), f"insz:{party.id}") if insz else None,
        ),
        now,
    )
    return party


def import_organisation(
    services: Services, *, typed_kbo: str, name: str, kinds: frozenset[str], source: str, now: Instant
) -> Party:
    """Record an organisation and what it is recognised as, with the source that says so.

    A known enterprise number changes name and kinds; nothing happens when they are
    the same already. Raise `InvalidTypedNumberError`.
    """
    kbo = services.numbers.kbo(typed_kbo)
    with services.database.write() as uow:
        known = uow.parties.find_by_kbo(kbo)
        party = Party(
            id=known.id if known else str(uuid4()),
            kind=PartyKind.ORGANISATION,
            name=name,
            kbo=kbo,
            org_kinds=kinds,
            ceased_at=known.ceased_at if known else None,
        )
        if party == known:
            return party
        if known:
            uow.parties.save(party)
        else:
            uow.parties.add(NewParty(party), now)
        event = Event(
            "organisation.imported",
            now,
            None,
            principal=party.id,
            detail={"kinds": sorted(kinds), "source": source},
        )
        uow.journal.append([event], now)
        uow.commit()
    return party
