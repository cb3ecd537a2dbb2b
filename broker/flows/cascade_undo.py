"""What it takes to undo a cascade: kept when it is done, put back when somebody was wrong.

Only what the cascade itself changed comes back. A mandate that somebody touched since,
and a fact about the party that somebody corrected, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from broker.days import after_last_instant, day_of
from broker.flows import happenings
from broker.ports import UnitOfWork
from broker.records import CascadeRecord, Session
from mandates import cascade
from mandates.cascade import Happening, Plan
from mandates.events import Event
from mandates.model import Ending, Instant, Mandate, Party, Recognition

_END = ("ended_at", "ended_by", "ending", "grounds")


def record_of(
    plan: Plan, before: Party, mandates: Mapping[str, Mandate], by: Session | None, now: Instant
) -> CascadeRecord:
    """What it takes to undo it: the party's facts, each mandate's version, and ends fixed for later."""
    fixed = [mandates[one.id] for one in plan.changed if mandates[one.id].ended_at is not None]
    return CascadeRecord(
        id=str(uuid4()),
        cause=plan.happening.cause.value,
        party=before.id,
        done_at=now,
        done_by=by.party if by else None,
        body={
            "happening": asdict(plan.happening),
            "party": {
                "deceased_at": before.deceased_at,
                "ceased_at": before.ceased_at,
                "successor": before.successor,
                "recognitions": [asdict(one) for one in before.recognitions],
            },
            "changed": {one.id: one.version - 1 for one in plan.changed},
            "fixed": {one.id: {name: getattr(one, name) for name in _END} for one in fixed},
            "successors": [one.id for one in plan.successors],
        },
    )


def taken_back(uow: UnitOfWork, done: CascadeRecord, now: Instant) -> tuple[Mandate, ...]:
    """Raise `UndoTooLateError` once the day in Brussels on which it was done is over."""
    body = done.body
    current = uow.mandates.get_many([*body["changed"], *body["successors"]])
    pairs = [
        (_as_before(current[key], version, body["fixed"].get(key)), current[key])
        for key, version in body["changed"].items()
    ]
    successors = [current[key] for key in body["successors"]]
    # Somebody may have asked anew meanwhile: what took a place keeps it.
    since = uow.mandates.of_pairs((one.principal, one.representative) for _, one in pairs)
    return cascade.undo(pairs, successors, after_last_instant(day_of(done.done_at)), now, since)


def _as_before(current: Mandate, version: int, fixed: Mapping[str, Any] | None) -> Mandate:
    open_end: dict[str, Any] = {"ended_at": None, "ended_by": None, "ending": None, "grounds": ""}
    end = open_end if fixed is None else {**fixed, "ending": fixed["ending"] and Ending(fixed["ending"])}
    return replace(current, version=version, **end)


def restore(uow: UnitOfWork, done: CascadeRecord, happening: Happening, now: Instant) -> None:
    """Give the party the facts of before, unless somebody corrected them since."""
    party, facts = uow.parties.get(done.party), done.body["party"]
    recognitions = tuple(Recognition(**one) for one in facts["recognitions"])
    before = replace(party, **(facts | {"recognitions": recognitions}))
    if party == happenings.with_fact(before, happening) != before:
        uow.parties.save(before, now)


def undone(done: CascadeRecord, back: Iterable[Mandate], by: Session | None, now: Instant) -> Event:
    """The one event that names everything that came back, and what had taken its place."""
    detail = {
        "cascade": done.id,
        "restored": [one.id for one in back if one.id in done.body["changed"]],
        "ended": [one.id for one in back if one.id not in done.body["changed"]],
    }
    return Event("cascade.undone", now, by.party if by else None, principal=done.party, detail=detail)
