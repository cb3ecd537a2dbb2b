"""Which approvals a request needs, and whose is given by whom (mandates.md sections 3 and 4).

What is needed is a list of groups: one approval of each group must be there. A type
with `approvals_mode = "any"` makes one group, with "all" a group for each. Two
things add a group: the principal took the same power away not long ago, or the
law protects her.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mandates.capacity import administrators
from mandates.eligibility import is_minor
from mandates.mandate_type import DAY, MandateType
from mandates.model import Approval, Ending, Instant, Mandate
from mandates.status import open_suspensions
from mandates.world import World

Group = frozenset[str]


def open_groups(
    mandate: Mandate, world: World, now: Instant, approvals: Collection[Approval] | None = None
) -> tuple[Group, ...]:
    """Groups of which no approval was given yet; none left means that the request is complete.

    `approvals` instead of the mandate's own asks what would be left with those. The world must hold
    what the principal gave this representative before, and the measures over the principal.
    """
    given = {one.kind for one in (mandate.approvals if approvals is None else approvals)}
    return tuple(group for group in _groups(mandate, world, now) if group.isdisjoint(given))


def best_kind(groups: Collection[Group], held: Collection[str]) -> str | None:
    """The capacity with which this person fills most of the open groups; None if she fills none."""
    kinds = sorted(held, key=lambda kind: (-sum(kind in group for group in groups), kind))
    return next((kind for kind in kinds if any(kind in group for group in groups)), None)


def _groups(mandate: Mandate, world: World, now: Instant) -> Iterator[Group]:
    mandate_type = world.catalogue.type(mandate.type)
    holders = frozenset[str]() if mandate_type.measure else administrators(mandate.principal, world, now)
    stand_in = {"administrator"} if holders else set[str]()
    for group in _groups_of_type(mandate, mandate_type, world, now):
        # Whoever administers her affairs can give what she could give.
        yield group | stand_in if "principal" in group else group
    # A request is its requester's own consent: an administrator who asks has agreed.
    if holders and mandate.requested_by not in holders:
        yield Group({"administrator"})
    if not holders and _is_minor(mandate, world, now):
        yield Group({"issuer"})


def _groups_of_type(
    mandate: Mandate, mandate_type: MandateType, world: World, now: Instant
) -> Iterator[Group]:
    if mandate_type.approvals_mode == "any" and mandate_type.approvals:
        yield Group(mandate_type.approvals)
    elif mandate_type.approvals_mode == "all":
        yield from (Group({kind}) for kind in mandate_type.approvals)
    if _rests(mandate, mandate_type.rest_days * DAY, world, now):
        yield Group(mandate_type.rest_approvals)


def _rests(mandate: Mandate, rest: int, world: World, now: Instant) -> bool:
    """Whether the principal took the same power from this representative less than `rest` seconds ago."""
    return any(
        at <= now < at + rest
        for earlier in world.given_by(mandate.principal)
        if earlier.id != mandate.id and earlier.representative == mandate.representative
        for at in _taken_at(earlier, mandate.powers, now)
    )


def _taken_at(earlier: Mandate, powers: Collection[str], now: Instant) -> Iterator[Instant]:
    """When she ended or refused it, or one of these powers of it, or until when it was left set aside."""
    if earlier.ended_at is not None and _by_her(earlier):
        yield earlier.ended_at
    for gone in earlier.ended_powers:
        if gone.ending is Ending.REVOKED and gone.power in powers:
            yield gone.at
    # Otherwise the other side could end what she set aside, and ask for it anew.
    over_at = min(now, earlier.valid_until, now if earlier.ended_at is None else earlier.ended_at)
    if open_suspensions(earlier, over_at):
        yield over_at


def _by_her(earlier: Mandate) -> bool:
    """Whether it ended by her hand: her approval of what supersedes it is no objection to it."""
    # A refusal that names nobody came with the code in the letter that was sent to her.
    by_code = earlier.ending is Ending.REFUSED and earlier.ended_by is None
    hers = earlier.ended_by == earlier.principal and earlier.ending is not Ending.SUPERSEDED
    return by_code or hers or earlier.ending is Ending.REVOKED


def _is_minor(mandate: Mandate, world: World, now: Instant) -> bool:
    principal = world.parties.get(mandate.principal)
    return principal is not None and is_minor(principal, now)
