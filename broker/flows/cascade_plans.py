"""What a happening would change: loaded whole, in a fixed number of queries, and planned by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from broker.ports import Services, UnitOfWork
from mandates import cascade
from mandates.cascade import Cause, Happening, Plan
from mandates.model import Instant, Mandate
from mandates.status import open_suspensions


def open_of(uow: UnitOfWork, party: str) -> dict[str, Mandate]:
    """What this party stands in, and what was passed on from it; locked where the unit writes.

    Read once more under the lock: of 50,000 some change while they are streamed, and one
    conflict would send the whole of it back.
    """
    own = [one.id for one in uow.mandates.living_of(party)]
    passed_on = uow.mandates.descendants(own) if own else []
    return uow.mandates.get_many({*own, *(one.id for one in passed_on)}) if own else {}


def planned(
    services: Services, uow: UnitOfWork, happening: Happening, mandates: Mapping[str, Mandate], now: Instant
) -> Plan:
    """What this happening changes of these mandates; after a merger also what takes their place."""
    beside = uow.mandates.living_of(happening.successor) if happening.successor else ()
    seen = dict(mandates) | {one.id: one for one in beside if one.id not in mandates}
    return cascade.plan(happening, seen.values(), services.catalogue(), now, lambda: str(uuid4()))


def planned_for_measure(services: Services, uow: UnitOfWork, measure: Mandate, now: Instant) -> Plan:
    """One that a measure set aside already is not set aside twice: a court may name two administrators."""
    happening = Happening(Cause.MEASURE, measure.principal, now, "legal measure")
    free = [
        one
        for one in open_of(uow, measure.principal).values()
        if all(held.capacity != cascade.MEASURE for held in open_suspensions(one, now))
    ]
    return cascade.plan(happening, free, services.catalogue(), now)
