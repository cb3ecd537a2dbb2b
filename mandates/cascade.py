"""What ends elsewhere because of something that happened: shown first, then done, in one event.

A death, a member of staff who leaves, an organisation that ceases or merges, a lost
recognition, a court's measure. `plan` says what would change; nothing is stored before
somebody confirmed that plan. One event names all of it, and the same day it can be
taken back (mandates.md sections 3 and 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mandates.catalogue import Catalogue
from mandates.change import next_version
from mandates.errors import UndoTooLateError
from mandates.events import Event
from mandates.model import Ending, Instant, Mandate, Source, Suspension

MEASURE = "administrator"
"""The capacity in which a legal measure sets conflicting mandates aside."""


class Cause(StrEnum):
    """Why many mandates change at once."""

    DEATH = "death"
    LEAVER = "leaver"
    CEASED = "ceased"
    MERGED = "merged"
    RECOGNITION_LOST = "recognition_lost"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, to whom, since when, and who says so."""

    cause: Cause
    party: str
    """Who died, ceased, merged, lost a recognition, left, or is protected by a measure."""
    at: Instant
    """When it takes effect; never after `now`."""
    source: str
    """Register, letter or person that says so."""
    organisation: str | None = None
    """For a leaver: the organisation that she leaves."""
    successor: str | None = None
    """For a merger: the organisation that takes over, with legal succession."""
    kind: str | None = None
    """For a lost recognition: which one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a happening changes: mandates that end or are set aside, and those that take their place."""

    happening: Happening
    changed: tuple[Mandate, ...]
    successors: tuple[Mandate, ...]

    def event(self, actor: str | None, catalogue_version: str, now: Instant) -> Event:
        """The one event that names everything that changed."""
        cause = self.happening
        return Event(
            f"cascade.{cause.cause.value}",
            now,
            actor,
            principal=cause.party,
            representative=cause.successor or cause.organisation,
            grounds=cause.source,
            detail={
                "at": cause.at,
                "catalogue_version": catalogue_version,
                "suspended" if cause.cause is Cause.MEASURE else "ended": [one.id for one in self.changed],
                "successors": {one.replaces: one.id for one in self.successors},
                **({"kind": cause.kind} if cause.kind else {}),
            },
        )


def plan(
    happening: Happening,
    mandates: Iterable[Mandate],
    catalogue: Catalogue,
    now: Instant,
    new_id: Callable[[], str] | None = None,
) -> Plan:
    """What this happening changes of these mandates, of which the party is on either side.

    The mandates are all that are open in which the party stands, with what was passed on
    from them; for a merger also those of the successor, for where it holds or gives the same
    already, nothing is taken over. `new_id` names what takes their place after a merger;
    without it a merger ends them like a cessation.
    """
    candidates = [mandate for mandate in mandates if _is_open(mandate, now)]
    touched = _touched(happening, candidates, catalogue)
    changed = tuple(_changed(happening, mandate, now) for mandate in touched)
    if happening.cause is not Cause.MERGED or not happening.successor or new_id is None:
        return Plan(happening, changed, ())
    running = {_place(one) for one in candidates if one.activated_at is not None and not one.several}
    found = (_taken_over(happening, mandate, new_id, now) for mandate in touched)
    successors = tuple(one for one in found if one is not None and _place(one) not in running)
    return Plan(happening, changed, successors)


def undo(
    done: Iterable[tuple[Mandate, Mandate]],
    successors: Iterable[Mandate],
    day_ends_at: Instant,
    now: Instant,
    since: Iterable[Mandate] = (),
) -> tuple[Mandate, ...]:
    """The mandates as they were before the cascade, one version on, and its successors ended.

    `done` pairs each mandate as it was before with what it is now; `day_ends_at` is when the
    day on which the cascade was done ends where the office is. What somebody changed since
    stays as it is, and so does what was replaced by it; `since` are the mandates between the
    same parties that were made since: what they take the place of does not come back. Raise
    `UndoTooLateError`.
    """
    if not now < day_ends_at:
        raise UndoTooLateError("this can be undone until midnight of the day on which it was done")
    done, successors = tuple(done), tuple(successors)
    settled = {one.replaces for one in successors if one.version > 1}
    mine = {before.id for before, _ in done}
    taken = {_place(one) for one in since if one.id not in mine and _is_open(one, now) and not one.several}
    gone = [
        next_version(one, ended_at=now, ending=Ending.CASCADED, grounds="undone")
        for one in successors
        if one.version == 1
    ]
    back = [
        replace(before, version=current.version + 1)
        for before, current in done
        if current.version == before.version + 1 and before.id not in settled and _place(before) not in taken
    ]
    return (*gone, *back)


def _is_open(mandate: Mandate, now: Instant) -> bool:
    """Whether there is anything left to end; a power of a session goes with its session."""
    lapsed = mandate.activated_at is None and mandate.lapses_at is not None and mandate.lapses_at <= now
    ended = mandate.ended_at is not None and mandate.ended_at <= now
    return mandate.source is Source.STORED and not ended and not lapsed and now < mandate.valid_until


def _place(mandate: Mandate) -> tuple[str, str, str, str | None]:
    """What only one mandate at a time may be, unless its type lets several run."""
    return mandate.type, mandate.principal, mandate.representative, mandate.parent


def _touched(happening: Happening, mandates: list[Mandate], catalogue: Catalogue) -> list[Mandate]:
    """Those that it concerns, and all that was passed on from them, in the order in which they came."""
    touched = {one.id for one in mandates if _concerns(happening, one, catalogue)}
    size = -1
    while size != len(touched):
        size = len(touched)
        touched |= {one.id for one in mandates if one.parent in touched}
    return [one for one in mandates if one.id in touched]


def _concerns(happening: Happening, mandate: Mandate, catalogue: Catalogue) -> bool:
    sides = (mandate.principal, mandate.representative)
    if happening.party not in sides:
        return False
    if happening.cause is Cause.LEAVER:
        return sides == (happening.organisation, happening.party)
    if happening.cause is Cause.RECOGNITION_LOST:
        kind = catalogue.types.get(mandate.type)
        if kind is None:
            return True
        needs = (
            kind.principal_org_kinds
            if happening.party == mandate.principal
            else kind.representative_org_kinds
        )
        return happening.kind in needs
    if happening.cause is Cause.MEASURE:
        kind = catalogue.types.get(mandate.type)
        given = happening.party == mandate.principal and mandate.activated_at is not None
        return given and not (kind and kind.measure)
    return True


def _changed(happening: Happening, mandate: Mandate, now: Instant) -> Mandate:
    grounds = happening.cause.value
    if happening.cause is Cause.MEASURE:
        return next_version(
            mandate, suspensions=(*mandate.suspensions, Suspension(now, None, MEASURE, grounds))
        )
    # It ended in law when it happened; what was done meanwhile stands in the journal.
    at = max(happening.at, mandate.activated_at or mandate.requested_at)
    return next_version(mandate, ended_at=at, ended_by=None, ending=Ending.CASCADED, grounds=grounds)


def _taken_over(
    happening: Happening, mandate: Mandate, new_id: Callable[[], str], now: Instant
) -> Mandate | None:
    """The same mandate with the successor in the place of the party that merged; approvals stay given."""
    if happening.successor in {mandate.principal, mandate.representative}:
        return None
    # What was passed on is passed on anew: its origin is another mandate now.
    if mandate.parent is not None or mandate.activated_at is None:
        return None
    swap = {happening.party: happening.successor or ""}
    return replace(
        mandate,
        id=new_id(),
        principal=swap.get(mandate.principal, mandate.principal),
        representative=swap.get(mandate.representative, mandate.representative),
        replaces=mandate.id,
        valid_from=max(mandate.valid_from, now),
        version=1,
    )
