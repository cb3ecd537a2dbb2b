"""National numbers to people, for services that know people by number (tokens.md section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from broker.errors import InvalidTypedNumberError
from broker.flows import parties
from broker.ports import Services
from broker.records import Client
from mandates.events import Event
from mandates.model import Instant, Party


def people(services: Services, client: Client, typed: Sequence[str], now: Instant) -> list[Party | None]:
    """Who has each of these numbers, in their order; None for nobody and for what is no number.

    A journal row for each person that is found, and one for the batch with how many were asked: who
    tries numbers is seen. Nobody is recorded by being asked for.
    """
    numbers = [_checked(services, one) for one in typed]
    with services.database.write() as uow:
        known = parties.find_people(services, uow, {number for number in numbers if number})
        found = [known.get(number) if number else None for number in numbers]
        events = [_resolved(client, party, now) for party in {p.id: p for p in found if p}.values()]
        asked = {"client": client.id, "asked": len(typed), "found": len(events)}
        uow.journal.append([Event("numbers.resolved", now, None, detail=asked), *events], now)
        uow.commit()
    return found


def _checked(services: Services, typed: str) -> str | None:
    with suppress(InvalidTypedNumberError):
        return services.numbers.insz(typed)
    return None


def _resolved(client: Client, party: Party, now: Instant) -> Event:
    return Event("number.resolved", now, None, principal=party.id, detail={"client": client.id})
