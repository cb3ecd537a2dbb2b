"""What every step in the life of a mandate shares: its result, and the gates before it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from mandates.capacity import Actor, capacities
from mandates.eligibility import why_not_eligible
from mandates.errors import AssuranceTooLowError, NotAllowedError, NotEligibleError, WrongStateError
from mandates.events import Event
from mandates.mandate_type import MandateType
from mandates.model import Ending, Instant, Level, Mandate, Party
from mandates.status import State, status_of
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Change:
    """The mandate as it is now, and what happened: to be stored in one transaction."""

    mandate: Mandate
    events: tuple[Event, ...]
    others: tuple[Mandate, ...] = ()
    """Further mandates that changed with it: one that is superseded, those that were passed on
    from it. To be stored before `mandate`, which may take the place of one of them."""


def next_version(mandate: Mandate, **changes: Any) -> Mandate:
    """The mandate with these facts changed, one version on."""
    return replace(mandate, version=mandate.version + 1, **changes)


def event(
    name: str,
    mandate: Mandate,
    *,
    at: Instant,
    actor: str | None,
    catalogue_version: str,
    grounds: str = "",
    **detail: Any,
) -> Event:
    """`mandate.<name>`, with the catalogue version that allowed it."""
    return Event(
        type=f"mandate.{name}",
        at=at,
        actor=actor,
        mandate=mandate.id,
        principal=mandate.principal,
        representative=mandate.representative,
        grounds=grounds,
        detail={"mandate_type": mandate.type, "catalogue_version": catalogue_version, **detail},
    )


def check_state(mandate: Mandate, allowed: Collection[State], now: Instant) -> None:
    """Raise `WrongStateError` unless the mandate is in one of these states."""
    state = status_of(mandate, now).state
    if state not in allowed:
        msg = f"the mandate is {state.value}; it must be {' or '.join(sorted(allowed))}"
        raise WrongStateError(msg)


def check_capacity(
    actor: Actor, mandate: Mandate, allowed: Collection[str], world: World, now: Instant
) -> frozenset[str]:
    """The capacities of this person, of which one is allowed; raise `NotAllowedError` if none is.

    Whoever administers the principal's affairs under a legal measure may do what she may.
    """
    held = capacities(actor, mandate, world, now)
    if "administrator" in held and "principal" in allowed:
        return held
    if held.isdisjoint(allowed):
        msg = f"this can be done only as {' or '.join(sorted(allowed)) or 'nobody'}"
        raise NotAllowedError(msg)
    return held


def check_assurance(actor: Actor, needed: Level) -> None:
    """Raise `AssuranceTooLowError` if the login is weaker than this."""
    if actor.level < needed:
        raise AssuranceTooLowError(needed)


def check_eligible(
    mandate_type: MandateType, principal: Party | None, representative: Party | None, now: Instant
) -> None:
    """Raise `NotEligibleError`, with the codes of `reasons`, unless both may stand in such a mandate."""
    if principal is None or representative is None:
        raise NotEligibleError("party_unknown: a party of the mandate is not known")
    obstacles = why_not_eligible(mandate_type, principal, representative, now)
    if obstacles:
        codes = ", ".join(f"{reason.code} {reason.needs}".strip() for reason in obstacles)
        msg = f"this type of mandate is not for these two parties: {codes}"
        raise NotEligibleError(msg)


def changed(
    name: str,
    mandate: Mandate,
    actor: str | None,
    world: World,
    *,
    grounds: str,
    now: Instant,
    **detail: Any,
) -> Change:
    """A mandate that changed, with the one event that says so."""
    version = world.catalogue.version
    happened = event(name, mandate, at=now, actor=actor, catalogue_version=version, grounds=grounds, **detail)
    return Change(mandate, (happened,))


def ended(
    mandate: Mandate,
    ending: Ending,
    actor: str | None,
    world: World,
    *,
    grounds: str,
    now: Instant,
    at: Instant | None = None,
    **detail: Any,
) -> Change:
    """A mandate that ends at `at` (now), and with it all that follows from it, and nothing else.

    What follows is what was passed on from it and, unless this one makes place for it, its
    renewal that waits or is still to begin: who ends a mandate does not mean for two months.
    """
    at = now if at is None else at
    over = next_version(mandate, ended_at=at, ended_by=actor, ending=ending, grounds=grounds)
    change = changed(ending.value, over, actor, world, grounds=grounds, now=now, **detail)
    events, others = list(change.events), []
    for passed in followers(mandate, world, renewals=ending is not Ending.SUPERSEDED):
        if not _has_end_before(passed, at):
            cascaded = next_version(passed, ended_at=at, ended_by=actor, ending=Ending.CASCADED)
            detail = {"origin": mandate.id}
            events += changed("cascaded", cascaded, actor, world, grounds="", now=now, **detail).events
            others.append(cascaded)
    return Change(over, tuple(events), tuple(others))


def followers(mandate: Mandate, world: World, *, renewals: bool) -> tuple[Mandate, ...]:
    """All in view that was passed on from this one, at any depth, or with `renewals` renews it."""
    found: dict[str, Mandate] = {}
    origins = {mandate.id}
    while origins:
        next_ones = {
            one.id: one
            for one in world.given_by(mandate.principal)
            if one.parent in origins or (renewals and one.replaces in origins)
        }
        origins = next_ones.keys() - found.keys()
        found |= next_ones
    return tuple(found.values())


def _has_end_before(mandate: Mandate, at: Instant) -> bool:
    """Whether it is over by then, whatever happens."""
    if mandate.ended_at is not None and mandate.ended_at <= at:
        return True
    if mandate.activated_at is None and mandate.lapses_at is not None and mandate.lapses_at <= at:
        return True
    return mandate.valid_until <= at
