"""Telling people: whoever gives or holds a mandate hears of each step that somebody else took.

The notice is written with the change, so that none is lost and none tells of what never
happened (mandates.md section 4: the principal is always notified). She reads it here;
letters and messages are delivered from the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from broker.ports import Services, UnitOfWork
from broker.records import Message, Session
from mandates.events import Event
from mandates.model import Instant, Mandate

TOPIC = "notice"
STEPS = frozenset(
    f"mandate.{step}"
    for step in (
        "requested",
        "activated",
        "refused",
        "cancelled",
        "revoked",
        "waived",
        "withdrawn",
        "superseded",
        "cascaded",
        "suspended",
        "resumed",
        "power_ended",
    )
)
"""What people hear of. Of several steps in one transaction they hear of the last."""


def tell(uow: UnitOfWork, events: Iterable[Event], now: Instant) -> None:
    """Write a notice for each person in these events who did not do it herself."""
    last = {event.mandate: event for event in events if event.type in STEPS and event.mandate}
    uow.outbox.tell(
        [
            _notice(event.type, party, event.mandate, event.detail.get("mandate_type"), now)
            for event in last.values()
            for party in (event.principal, event.representative)
            if party and party != event.actor
        ]
    )


def tell_of(uow: UnitOfWork, what: str, mandates: Iterable[Mandate], now: Instant) -> None:
    """Write a notice for each person in these mandates, of something that nobody of them did."""
    uow.outbox.tell(
        [
            _notice(what, party, mandate.id, mandate.type, now)
            for mandate in mandates
            for party in (mandate.principal, mandate.representative)
        ]
    )


def of_person(services: Services, session: Session, before: int | None, limit: int) -> list[Message]:
    """What this person was told, newest first, from before this number on."""
    with services.database.read() as uow:
        return uow.outbox.of_party(session.party, TOPIC, before, limit)


def _notice(what: str, party: str, mandate: str | None, mandate_type: str | None, now: Instant) -> Message:
    return Message(now, TOPIC, {"type": what, "mandate_type": mandate_type}, party, mandate)
