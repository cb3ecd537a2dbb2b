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
from mandates.model import Instant, Level, Mandate, Party
from mandates.status import State, status_of
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Change:
    """The mandate as it is now, and what happened: to be stored in one transaction."""

    mandate: Mandate
    events: tuple[Event, ...]


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
    """The capacities of this person, of which one is allowed; raise `NotAllowedError` if none is."""
    held = capacities(actor, mandate, world, now)
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
