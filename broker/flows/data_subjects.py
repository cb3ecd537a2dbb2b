"""The rights of the people in the records: to see everything, and to be forgotten (GDPR articles 15 and 17).

Forgetting takes names, numbers, identities and texts, and the salt without which
nobody can tell who stood in a journal row. What remains is an empty party with an
identifier that means nothing, so that other people's mandates and the tree keep
their shape.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from broker.errors import FlowError, NotFoundHereError
from broker.flows.retention import Retention
from broker.ports import Services, UnitOfWork
from mandates.events import Event
from mandates.model import Instant, Party, PartyKind
from mandates.status import State, status_of

_LIVING = frozenset({State.AWAITING, State.SCHEDULED, State.ACTIVE, State.SUSPENDED})


class ErasureRefusedError(FlowError):
    """Something still rests on the person; the text says what, and what would mend it."""

    code: ClassVar[str] = "erasure_refused"


def export_of(services: Services, party_id: str, *, with_number: bool, now: Instant) -> dict[str, Any]:
    """Everything that is kept about one party, as JSON values; journalled.

    Her national number only if asked for, and the journal says that it was.
    Raise `NotFoundHereError` if there is no such party.
    """
    with services.database.write() as uow:
        _known(uow, party_id)
        kept: dict[str, Any] = {"party": party_id, "at": now}
        sealed = uow.parties.insz_sealed(party_id)
        if with_number and sealed:
            kept["national_number"] = services.vault.open(sealed, f"insz:{party_id}").decode()
        kept |= uow.data_subjects.rows_of(party_id)
        contact = uow.contacts.find(party_id)
        if contact is not None:
            kept["address"] = services.vault.open(contact.address_sealed, f"address:{party_id}").decode()
        kept["journal"] = [asdict(row) for row in uow.journal.of_party(party_id)]
        event = Event(
            "party.exported", now, None, principal=party_id, detail={"number": "national_number" in kept}
        )
        uow.journal.append([event], now)
        uow.commit()
    return kept


def erase(
    services: Services, party_id: str, terms: Retention, *, by: str, now: Instant, apply: bool
) -> dict[str, int]:
    """Forget a person. Returns how many rows of each table are touched.

    Without `apply` everything is done and then rolled back: the answer is what would
    happen, not an estimate. Raise `NotFoundHereError`, or `ErasureRefusedError` while a
    mandate or session of hers lives, or her term is not over.
    """
    with services.database.write() as uow:
        party = _known(uow, party_id)
        _refuse_while_needed(uow, party, terms, now)
        touched = uow.data_subjects.erase(party_id, by, now)
        # Names nobody: an erasure that says whose would undo itself.
        uow.journal.append([Event("party.erased", now, None, detail={"rows": touched["journal"]})], now)
        if apply:
            uow.commit()
    return touched


def _known(uow: UnitOfWork, party_id: str) -> Party:
    party = uow.parties.get_many([party_id]).get(party_id)
    if party is None or uow.data_subjects.is_erased(party_id):
        raise NotFoundHereError("no such party, or she was erased before")
    return party


def _refuse_while_needed(uow: UnitOfWork, party: Party, terms: Retention, now: Instant) -> None:
    if party.kind is not PartyKind.PERSON:
        raise ErasureRefusedError("an organisation is not erased: report that it ceased")
    if uow.data_subjects.live_sessions(party.id, now):
        raise ErasureRefusedError("she is signed in: wait until her sessions have ended")
    statuses = [status_of(mandate, now) for mandate in uow.data_subjects.mandates_of(party.id)]
    living = sum(status.state in _LIVING for status in statuses)
    if living:
        raise ErasureRefusedError(f"{living} mandate(s) or request(s) of hers live: end them first")
    last = max((status.since for status in statuses), default=None)
    if last is not None and now < last + terms.erasure.seconds:
        raise ErasureRefusedError(
            f"her last mandate ended less than {terms.erasure.days} days ago: its records are still needed"
        )
