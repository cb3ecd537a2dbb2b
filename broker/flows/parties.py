"""Parties by the numbers that people type: found without being shown, made when unknown.

National numbers are checked, indexed by a keyed hash and sealed in one step; past
this file nobody sees one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import uuid4

from broker.ports import Services, UnitOfWork
from broker.records import NewParty, Session
from mandates.model import Instant, Mandate, Party, PartyKind


def insz_indexes(services: Services, uow: UnitOfWork, insz: str) -> tuple[str, ...]:
    """The keyed indexes of a checked national number: first the one to store.

    While the index key is replaced she may still stand under the old one, which comes
    second; otherwise there is one. They hold for this unit of work alone.
    """
    return services.vault.number_indexes(insz, uow.vault_keys.all())


def find_or_add_person(
    services: Services, uow: UnitOfWork, typed_insz: str, name: str, now: Instant
) -> Party:
    """The person with this national number; recorded under `name` if nobody has it yet.

    The caller learns nothing from the answer that she did not type: the name given
    is not compared, and the one on record is not shown (mandates.md section 4).
    Raise `InvalidTypedNumberError` when the check digits do not agree.
    """
    insz = services.numbers.insz(typed_insz)
    known = uow.parties.find_by_insz_index(*insz_indexes(services, uow, insz))
    return known or add_person(services, uow, name=name, insz=insz, now=now)


def as_if_new(services: Services, found: Party, insz: str) -> Party:
    """Somebody named by this checked number, as she would be judged had nobody recorded her before.

    What her number tells by itself counts, such as when she comes of age. What our record says does
    not: a death that shows in the answer to a request would tell whoever types a number that it is
    known, and more (mandates.md section 4). Approving and deciding judge the record itself.
    """
    return replace(found, deceased_at=None, adult_at=services.numbers.adult_at(insz))


def as_typed(mandate: Mandate, party: Party, viewer: Session) -> Party:
    """The party of a mandate as whoever typed her may know her, until somebody else approved.

    Under the name that was typed, and without a death that our record knows of (`as_if_new`). She
    herself sees her own name.
    """
    typed = mandate.typed_name
    hidden = typed and party.kind is PartyKind.PERSON and party.id != viewer.party
    return replace(party, name=typed, deceased_at=None) if hidden else party


def add_person(services: Services, uow: UnitOfWork, *, name: str, insz: str | None, now: Instant) -> Party:
    """Record a person; `insz` must have passed `services.numbers.insz`."""
    party = person(services, name, insz)
    uow.parties.add(_new(services, uow, party, insz) if insz else NewParty(party), now)
    return party


def person(services: Services, name: str, insz: str | None) -> Party:
    """Somebody who is not recorded yet; nothing is stored."""
    adult_at = services.numbers.adult_at(insz) if insz else None
    return Party(id=str(uuid4()), kind=PartyKind.PERSON, name=name.strip(), adult_at=adult_at)


def find_people(services: Services, uow: UnitOfWork, numbers: Iterable[str]) -> dict[str, Party]:
    """Checked national number -> person, for many at once; those who are not recorded are left out."""
    by_index = {index: insz for insz in numbers for index in insz_indexes(services, uow, insz)}
    found = uow.parties.find_by_insz_indexes(by_index)
    return {by_index[index]: party for index, party in found.items()}


def add_people(services: Services, uow: UnitOfWork, people: Mapping[str, Party], now: Instant) -> None:
    """Record many, each under her checked national number. Raise `ConflictError` if one is taken."""
    uow.parties.add_many([_new(services, uow, party, insz) for insz, party in people.items()], now)


def _new(services: Services, uow: UnitOfWork, party: Party, insz: str) -> NewParty:
    return NewParty(
        party,
        insz_index=insz_indexes(services, uow, insz)[0],
        insz_sealed=services.vault.seal(insz.encode(), f"insz:{party.id}"),
    )
