"""Who may do what to a mandate that exists: one rule, for doing it and for offering to do it.

Each check says whether this person may take one step now, and what follows from who she is;
`requests` and `endings` run it before they take the step, `acts` runs all of them. So what a
page offers and what is then refused cannot drift apart. Assurance and eligibility are judged
when the step is taken: a stronger login mends the one, nobody here the other.
"""

from __future__ import annotations

from collections.abc import Callable

from mandates.approvals import best_kind, open_groups
from mandates.capacity import Actor, administrators
from mandates.change import check_capacity, check_state
from mandates.errors import NotAllowedError, OwnRequestError, WrongStateError
from mandates.mandate_type import MandateType
from mandates.model import Ending, Instant, Mandate
from mandates.status import LIVING, State, open_suspensions
from mandates.world import World

_PRINCIPALS_SIDE = frozenset({"principal", "administrator"})
"""Hers to lift, or whoever's protects her: one side, whichever of them set it aside."""


def acts(actor: Actor, mandate: Mandate, world: World, now: Instant) -> frozenset[str]:
    """What this person may do to this mandate now, by the names of `lifecycle`; at whatever login it needs.

    The world holds what `lifecycle` needs. Raise `CatalogueError` if the type is in no table.
    """
    return frozenset(act for act, check in _CHECKS.items() if _passes(check, mandate, actor, world, now))


def approval_kind(
    mandate: Mandate, actor: Actor, world: World, now: Instant, *, by_code: bool = False
) -> str:
    """Which of the approvals this person gives: the one that fills most of what is open.

    Raise `WrongStateError`, `OwnRequestError` or `NotAllowedError`.
    """
    check_state(mandate, (State.AWAITING,), now)
    if actor.party == mandate.requested_by:
        raise OwnRequestError("somebody else must approve this request")
    wanted = open_groups(mandate, world, now, ())
    held = check_capacity(actor, mandate, frozenset().union(*wanted), world, now)
    # Four eyes are two people, whatever the number of capacities of one of them.
    if any(approval.by == actor.party for approval in mandate.approvals):
        raise NotAllowedError("you approved already; somebody else must give the other approval")
    usable = held.intersection(world.catalogue.type(mandate.type).activation_code) if by_code else held
    kind = best_kind(open_groups(mandate, world, now), usable)
    if kind is None:
        raise NotAllowedError("this approval was given already, or is not given this way")
    return kind


def check_refusal(mandate: Mandate, actor: Actor, world: World, now: Instant) -> None:
    """Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, (State.AWAITING,), now)
    check_capacity(actor, mandate, world.catalogue.type(mandate.type).refuse_by, world, now)


def check_cancellation(mandate: Mandate, actor: Actor, world: World, now: Instant) -> None:
    """Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, (State.AWAITING,), now)
    cancel_by = world.catalogue.type(mandate.type).cancel_by
    # What is to be passed on was asked by the side that passes it on.
    check_capacity(actor, mandate, (*cancel_by, "origin"), world, now)


def way_to_end(mandate: Mandate, actor: Actor, world: World, now: Instant) -> Ending:
    """How it ends by this person's hand. Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, LIVING, now)
    ways = ways_to_end(world.catalogue.type(mandate.type), mandate)
    anyone = {capacity for allowed in ways.values() for capacity in allowed}
    held = check_capacity(actor, mandate, anyone, world, now)
    if "administrator" in held:
        held |= {"principal"}
    return next(ending for ending, allowed in ways.items() if not held.isdisjoint(allowed))


def ways_to_end(mandate_type: MandateType, mandate: Mandate) -> dict[Ending, tuple[str, ...]]:
    """Each way in which it can end, with the capacities that end it so."""
    origin = ("origin",) if mandate.parent else ()
    return {
        Ending.REVOKED: mandate_type.revoke_by,
        Ending.WAIVED: mandate_type.waive_by,
        Ending.WITHDRAWN: (*mandate_type.withdraw_by, *origin),
    }


def suspending_capacity(mandate: Mandate, actor: Actor, world: World, now: Instant) -> str:
    """In what capacity this person sets it aside. Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, LIVING, now)
    suspend_by = world.catalogue.type(mandate.type).suspend_by
    held = check_capacity(actor, mandate, suspend_by, world, now)
    capacity = next((one for one in suspend_by if one in held), "administrator")
    check_not_aside(mandate, capacity, now)
    return capacity


def check_not_aside(mandate: Mandate, capacity: str, now: Instant) -> None:
    """Raise `WrongStateError` if this capacity has it set aside already."""
    if is_aside(mandate, capacity, now):
        raise WrongStateError("it is set aside already; it can be resumed")


def is_aside(mandate: Mandate, capacity: str, now: Instant) -> bool:
    """Whether this capacity has it set aside now."""
    return any(one.capacity == capacity for one in open_suspensions(mandate, now))


def lifted_capacities(mandate: Mandate, actor: Actor, world: World, now: Instant) -> frozenset[str]:
    """Whose suspensions this person lifts: her own capacity's, and the other's of the principal's side.

    While a legal measure protects the principal whoever administers her affairs speaks for that
    side, also on what she set aside before; after it she does, also on what was set aside for
    her. Raise `WrongStateError` or `NotAllowedError`.
    """
    check_state(mandate, (State.SUSPENDED,), now)
    theirs = frozenset(one.capacity for one in open_suspensions(mandate, now))
    protected = bool(administrators(mandate.principal, world, now))
    # A protected person cannot take up alone what she could not give alone.
    if protected and actor.party == mandate.principal:
        raise NotAllowedError("whoever administers the principal's affairs must take this up again")
    speaks = frozenset({"administrator" if protected else "principal"})
    hers = theirs & _PRINCIPALS_SIDE
    allowed = (theirs - hers) | (speaks if hers else frozenset())
    held = check_capacity(actor, mandate, allowed, world, now)
    return (theirs & held - _PRINCIPALS_SIDE) | (hers if held & speaks else frozenset())


_Check = Callable[[Mandate, Actor, World, Instant], object]
_CHECKS: dict[str, _Check] = {
    "approve": approval_kind,
    "refuse": check_refusal,
    "cancel": check_cancellation,
    "end": way_to_end,
    "suspend": suspending_capacity,
    "resume": lifted_capacities,
}


def _passes(check: _Check, mandate: Mandate, actor: Actor, world: World, now: Instant) -> bool:
    try:
        check(mandate, actor, world, now)
    except (WrongStateError, NotAllowedError, OwnRequestError):
        return False
    return True
