"""Where letters to a person go, and who says so. Never what a requester typed (mandates.md section 6)."""

from __future__ import annotations

from broker.errors import InvalidHappeningError, NotFoundHereError, SourceMissingError
from broker.flows import happenings
from broker.ports import Services
from broker.records import Contact, Session
from mandates.events import Event
from mandates.model import Instant, PartyKind


def report_address(
    services: Services,
    party: str,
    address: str,
    source: str,
    now: Instant,
    *,
    by: Session | None = None,
    dry_run: bool = False,
) -> None:
    """Put an address on record; the journal says that it was, and by whose word, not what it is.

    `by` None is the command line; otherwise a reviewer, never of herself. `dry_run` checks the same
    and stores nothing. Raise `NotAllowedError`, `AssuranceTooLowError`, `NotFoundHereError`,
    `SourceMissingError`, `InvalidHappeningError` for an organisation or an empty address.
    """
    happenings.check_reviewer(by, about=party)
    if not source.strip():
        raise SourceMissingError("say who or which register says so")
    with services.database.write() as uow:
        found = uow.parties.get_many([party]).get(party)
        if found is None:
            raise NotFoundHereError
        if found.kind is not PartyKind.PERSON or not address.strip():
            raise InvalidHappeningError("an address is that of a person")
        sealed = services.vault.seal(address.strip().encode(), purpose(party))
        uow.contacts.put(Contact(party, sealed, source.strip(), now))
        actor, detail = by.party if by else None, {"source": source.strip()}
        event = Event("party.address_recorded", now, actor, principal=party, detail=detail)
        uow.journal.append([event], now)
        if not dry_run:
            uow.commit()


def purpose(party: str) -> str:
    """What an address is sealed for: it opens for no other person."""
    return f"address:{party}"
