"""What may happen next to a mandate: old value and instant in, new value and events out.

Whatever makes power larger (request, approve, resume) needs the type's
assurance and eligible parties, judged anew. Whatever makes it smaller needs the
capacity alone: nobody should have to find a stronger card to end a mandate.

`claims.py` tells how a mandate comes from the claims of a login instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mandates import terms
from mandates.capacity import Actor
from mandates.change import (
    Change,
    check_assurance,
    check_capacity,
    check_eligible,
    check_state,
    event,
    next_version,
)
from mandates.claims import claim_mandate, end_with_session
from mandates.errors import NotAllowedError, OwnRequestError
from mandates.mandate_type import DAY, MandateType
from mandates.model import Approval, Ending, Evidence, Instant, Mandate, Party
from mandates.status import State
from mandates.world import World

__all__ = [
    "Change",
    "approve",
    "cancel",
    "claim_mandate",
    "end",
    "end_with_session",
    "refuse",
    "request_mandate",
    "resume",
    "suspend",
]

_LIVING = (State.SCHEDULED, State.ACTIVE, State.SUSPENDED)


def request_mandate(
    *,
    id: str,  # noqa: A002 - the model's word
    type_key: str,
    principal: Party,
    representative: Party,
    powers: Sequence[str],
    valid_from: Instant,
    valid_until: Instant | None,
    actor: Actor,
    evidence: Evidence,
    world: World,
    now: Instant,
) -> Change:
    """Ask for a mandate; where the type needs no approval it is active at once.

    Raise `CatalogueError`, `NotAllowedError`, `AssuranceTooLowError`,
    `NotEligibleError`, `OwnRequestError`, `InvalidPeriodError`,
    `InvalidPowersError` or `EvidenceRequiredError`, in this order: who may not
    ask learns nothing of the parties.
    """
    mandate_type = world.catalogue.type(type_key)
    draft = Mandate(
        id=id,
        type=type_key,
        principal=principal.id,
        representative=representative.id,
        powers=(),
        valid_from=valid_from,
        valid_until=valid_from,
        requested_at=now,
        requested_by=actor.party,
        catalogue_version=world.catalogue.version,
        evidence=evidence,
    )
    check_capacity(actor, draft, mandate_type.request_by, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    check_eligible(mandate_type, principal, representative, now)
    _check_not_to_oneself(mandate_type, draft)
    valid_from, valid_until = terms.period(mandate_type, valid_from, valid_until, now)
    asked = terms.powers(mandate_type, powers)
    terms.check_evidence(mandate_type, evidence)
    request = replace(draft, powers=asked, valid_from=valid_from, valid_until=valid_until)
    return _submit(request, mandate_type, now)


def approve(mandate: Mandate, actor: Actor, world: World, now: Instant) -> Change:
    """Give one of the approvals that the request waits for; the last one activates it.

    Raise `WrongStateError`, `OwnRequestError`, `NotAllowedError`,
    `AssuranceTooLowError` or `NotEligibleError` (someone may have died since the request).
    """
    mandate_type = world.catalogue.type(mandate.type)
    check_state(mandate, (State.AWAITING,), now)
    if actor.party == mandate.requested_by:
        raise OwnRequestError("somebody else must approve this request")
    held = check_capacity(actor, mandate, mandate_type.approvals, world, now)
    kind = _approval_kind(mandate, mandate_type, actor, held)
    check_assurance(actor, mandate_type.level_to_give)
    parties = (world.parties.get(mandate.principal), world.parties.get(mandate.representative))
    check_eligible(mandate_type, *parties, now)

    approvals = (*mandate.approvals, Approval(kind=kind, by=actor.party, at=now))
    complete = _is_complete(mandate_type, approvals)
    approved = next_version(mandate, approvals=approvals, activated_at=now if complete else None)
    version = world.catalogue.version
    events = [
        event("approved", approved, at=now, actor=actor.party, catalogue_version=version, approval=kind)
    ]
    if complete:
        events.append(event("activated", approved, at=now, actor=actor.party, catalogue_version=version))
    return Change(approved, tuple(events))


def refuse(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Turn a waiting request down. Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, (State.AWAITING,), now)
    check_capacity(actor, mandate, world.catalogue.type(mandate.type).refuse_by, world, now)
    return _ended(mandate, Ending.REFUSED, actor, world, grounds=grounds, now=now)


def cancel(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Take a waiting request back. Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, (State.AWAITING,), now)
    check_capacity(actor, mandate, world.catalogue.type(mandate.type).cancel_by, world, now)
    return _ended(mandate, Ending.CANCELLED, actor, world, grounds=grounds, now=now)


def end(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """End a mandate, also one that is suspended or still to begin.

    By the actor's capacity it is revoked (the principal's side), waived (the
    representative's) or withdrawn (a manager). Raise `WrongStateError` or `NotAllowedError`.
    """
    mandate_type = world.catalogue.type(mandate.type)
    check_state(mandate, _LIVING, now)
    ways = {
        Ending.REVOKED: mandate_type.revoke_by,
        Ending.WAIVED: mandate_type.waive_by,
        Ending.WITHDRAWN: mandate_type.withdraw_by,
    }
    anyone = {capacity for allowed in ways.values() for capacity in allowed}
    held = check_capacity(actor, mandate, anyone, world, now)
    ending = next(ending for ending, allowed in ways.items() if not held.isdisjoint(allowed))
    return _ended(mandate, ending, actor, world, grounds=grounds, now=now)


def suspend(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Set a mandate aside until it is resumed. Raise `WrongStateError` or `NotAllowedError`."""
    check_state(mandate, (State.SCHEDULED, State.ACTIVE), now)
    check_capacity(actor, mandate, world.catalogue.type(mandate.type).suspend_by, world, now)
    suspended = next_version(mandate, suspended_at=now, grounds=grounds)
    return _changed("suspended", suspended, actor, world, grounds=grounds, now=now)


def resume(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Take a suspended mandate up again; its period has run on meanwhile.

    Raise `WrongStateError`, `NotAllowedError`, `AssuranceTooLowError` or `NotEligibleError`.
    """
    mandate_type = world.catalogue.type(mandate.type)
    check_state(mandate, (State.SUSPENDED,), now)
    check_capacity(actor, mandate, mandate_type.suspend_by, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    parties = (world.parties.get(mandate.principal), world.parties.get(mandate.representative))
    check_eligible(mandate_type, *parties, now)
    resumed = next_version(mandate, suspended_at=None, grounds="")
    return _changed("resumed", resumed, actor, world, grounds=grounds, now=now)


def _check_not_to_oneself(mandate_type: MandateType, draft: Mandate) -> None:
    """Where nobody else approves, nobody takes: the mandate would outlive the role it was taken under."""
    if not mandate_type.approvals and draft.representative == draft.requested_by:
        raise OwnRequestError("somebody else must request a mandate for you")


def _submit(request: Mandate, mandate_type: MandateType, now: Instant) -> Change:
    """The request waits for its approvals, or is active if the type asks none."""
    if mandate_type.approvals:
        lapses_at = min(now + mandate_type.lapse_days * DAY, request.valid_until)
        request = replace(request, lapses_at=lapses_at)
        names = ["requested"]
    else:
        request = replace(request, activated_at=now)
        names = ["requested", "activated"]
    facts: dict[str, Any] = {
        "powers": list(request.powers),
        "valid_from": request.valid_from,
        "valid_until": request.valid_until,
        "evidence_sha256": request.evidence.sha256,
    }
    actor, version = request.requested_by, request.catalogue_version
    return Change(
        request,
        tuple(
            event(name, request, at=now, actor=actor, catalogue_version=version, **facts) for name in names
        ),
    )


def _approval_kind(mandate: Mandate, mandate_type: MandateType, actor: Actor, held: frozenset[str]) -> str:
    """Which of the approvals this person gives: the first that she can and that is still open."""
    # Four eyes are two people, whatever the number of capacities of one of them.
    if any(approval.by == actor.party for approval in mandate.approvals):
        raise NotAllowedError("you approved already; somebody else must give the other approval")
    given = {approval.kind for approval in mandate.approvals}
    for kind in mandate_type.approvals:
        if kind in held and kind not in given:
            return kind
    raise NotAllowedError("this approval was given already; another one is awaited")


def _is_complete(mandate_type: MandateType, approvals: Sequence[Approval]) -> bool:
    given = {approval.kind for approval in approvals}
    if mandate_type.approvals_mode == "any":
        return not given.isdisjoint(mandate_type.approvals)
    return given.issuperset(mandate_type.approvals)


def _ended(
    mandate: Mandate, ending: Ending, actor: Actor, world: World, *, grounds: str, now: Instant
) -> Change:
    ended = next_version(mandate, ended_at=now, ended_by=actor.party, ending=ending, grounds=grounds)
    return _changed(ending.value, ended, actor, world, grounds=grounds, now=now)


def _changed(
    name: str, mandate: Mandate, actor: Actor, world: World, *, grounds: str, now: Instant
) -> Change:
    version = world.catalogue.version
    happened = event(name, mandate, at=now, actor=actor.party, catalogue_version=version, grounds=grounds)
    return Change(mandate, (happened,))
