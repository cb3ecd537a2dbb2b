"""How a mandate becomes smaller, stops for a while, or ends, and takes what was passed on with it.

Whatever makes power smaller needs the capacity alone: nobody should have to find a
stronger card to end a mandate. Taking it up again makes power larger, and is judged anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Literal

from mandates.capacity import Actor
from mandates.change import (
    Change,
    changed,
    check_assurance,
    check_eligible,
    check_state,
    ended,
    followers,
    next_version,
)
from mandates.errors import InvalidPowersError, NotAllowedError
from mandates.model import Ending, Instant, Mandate, PowerEnding, Suspension
from mandates.permitted import (
    check_not_aside,
    is_aside,
    lifted_capacities,
    suspending_capacity,
    way_to_end,
    ways_to_end,
)
from mandates.status import LIVING, State, open_suspensions, status_of
from mandates.world import World

CodeAct = Literal["refuse", "suspend", "end"]
"""All that an activation code does without a login (mandates.md section 6)."""


def end(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """End a mandate, also one that is suspended or still to begin, with all that follows from it.

    By the actor's capacity it is revoked (the principal's side), waived (the
    representative's) or withdrawn (a manager, or whoever passed it on). Raise
    `WrongStateError` or `NotAllowedError`.
    """
    ending = way_to_end(mandate, actor, world, now)
    return ended(mandate, ending, actor.party, world, grounds=grounds, now=now)


def end_power(mandate: Mandate, power: str, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """End one power of several, here and in the renewal that is to follow; the last one ends the mandate.

    Raise `InvalidPowersError` if the mandate does not have it (any more), and what `end` raises.
    """
    ending = way_to_end(mandate, actor, world, now)
    if power not in mandate.powers_at(now):
        raise InvalidPowersError("the mandate does not have this power")
    gone = PowerEnding(power, now, actor.party, ending)
    first, *later = (
        _without(one, gone, world, grounds)
        for one in (mandate, *_renewals_ahead(mandate, world, now))
        if power in one.powers_at(now)
    )
    return _together(first, later)


def suspend(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Set a mandate aside until the same capacity takes it up again.

    Raise `WrongStateError` or `NotAllowedError`.
    """
    capacity = suspending_capacity(mandate, actor, world, now)
    return set_aside(mandate, capacity, actor.party, world, grounds, now)


def resume(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Take up what one's own capacity set aside; the period has run on meanwhile.

    What another capacity set aside stays so, but the principal and whoever administers her
    affairs are one side (`permitted.lifted_capacities`). Raise `WrongStateError`, `NotAllowedError`,
    `AssuranceTooLowError` or `NotEligibleError`.
    """
    mandate_type = world.catalogue.type(mandate.type)
    mine = lifted_capacities(mandate, actor, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    parties = (world.parties.get(mandate.principal), world.parties.get(mandate.representative))
    check_eligible(mandate_type, *parties, now)
    first, *later = (
        changed("resumed", _lifted(one, mine, now), actor.party, world, grounds=grounds, now=now)
        for one in (mandate, *_renewals_ahead(mandate, world, now))
        if any(open_one.capacity in mine for open_one in open_suspensions(one, now))
    )
    return _together(first, later)


def by_code(
    mandate: Mandate, act: CodeAct, capacity: str, world: World, grounds: str, now: Instant
) -> Change:
    """What the holder of a letter's code may do without signing in: refuse, pause or end, and no more.

    `capacity` is the one that the code was sent to. Nobody is named as who did it: whoever held
    the letter. Raise `WrongStateError` or `NotAllowedError`.
    """
    mandate_type = world.catalogue.type(mandate.type)
    _check_in(capacity, mandate_type.activation_code)
    if act == "refuse":
        check_state(mandate, (State.AWAITING,), now)
        _check_in(capacity, mandate_type.refuse_by)
        return ended(mandate, Ending.REFUSED, None, world, grounds=grounds, now=now, by_code=True)
    check_state(mandate, LIVING, now)
    if act == "suspend":
        _check_in(capacity, mandate_type.suspend_by)
        return set_aside(mandate, capacity, None, world, grounds, now)
    ways = ways_to_end(mandate_type, mandate)
    ending = next((ending for ending, allowed in ways.items() if capacity in allowed), None)
    if ending is None:
        raise NotAllowedError("the code does not do this; sign in")
    return ended(mandate, ending, None, world, grounds=grounds, now=now, by_code=True)


def set_aside(
    mandate: Mandate, capacity: str, by: str | None, world: World, grounds: str, now: Instant
) -> Change:
    """Open a suspension in this capacity, also of the renewal that is to follow.

    Raise `WrongStateError` if it has one open.
    """
    check_not_aside(mandate, capacity, now)
    opened = Suspension(now, by, capacity, grounds)
    first, *later = (
        changed(
            "suspended",
            next_version(one, suspensions=(*one.suspensions, opened)),
            by,
            world,
            grounds=grounds,
            now=now,
            capacity=capacity,
        )
        for one in (mandate, *_renewals_ahead(mandate, world, now))
        if not is_aside(one, capacity, now)
    )
    return _together(first, later)


def _without(mandate: Mandate, gone: PowerEnding, world: World, grounds: str) -> Change:
    """The mandate without this power, or ended if it was the last one."""
    if mandate.powers_at(gone.at) == (gone.power,):
        return ended(mandate, gone.ending, gone.by, world, grounds=grounds, now=gone.at)
    smaller = next_version(mandate, ended_powers=(*mandate.ended_powers, gone))
    return changed("power_ended", smaller, gone.by, world, grounds=grounds, now=gone.at, power=gone.power)


def _lifted(mandate: Mandate, mine: Collection[str], now: Instant) -> Mandate:
    suspensions = tuple(
        replace(one, until=now) if one.until is None and one.capacity in mine else one
        for one in mandate.suspensions
    )
    return next_version(mandate, suspensions=suspensions)


def _renewals_ahead(mandate: Mandate, world: World, now: Instant) -> tuple[Mandate, ...]:
    """Approved already, and to begin when this one ends: what is done to this one is meant for them too."""
    after_it = followers(mandate, world, renewals=True)
    return tuple(one for one in after_it if one.replaces is not None and status_of(one, now).state in LIVING)


def _together(first: Change, later: Iterable[Change]) -> Change:
    """One change of all; what went along with one that ended is over already."""
    for change in later:
        if all(one.id != change.mandate.id for one in first.others):
            others = (*first.others, *change.others, change.mandate)
            first = Change(first.mandate, (*first.events, *change.events), others)
    return first


def _check_in(capacity: str, allowed: tuple[str, ...]) -> None:
    if capacity not in allowed:
        raise NotAllowedError("the code does not do this; sign in")
