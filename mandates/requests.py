"""How a mandate begins: asked, renewed or passed on; then approved, refused or taken back.

All of this makes power larger, so it needs the type's assurance and eligible
parties, judged anew at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mandates import terms
from mandates.approvals import open_groups
from mandates.capacity import Actor
from mandates.chain import lineage
from mandates.change import (
    Change,
    check_assurance,
    check_capacity,
    check_eligible,
    ended,
    event,
    next_version,
)
from mandates.errors import (
    DuplicateError,
    NotPassableError,
    NotRenewableError,
    OwnRequestError,
)
from mandates.events import Event
from mandates.mandate_type import DAY, MandateType
from mandates.model import Approval, Ending, Evidence, Instant, Mandate, Party, Source
from mandates.permitted import approval_kind, check_cancellation, check_refusal
from mandates.status import LIVING, State, open_suspensions, status_of
from mandates.world import World


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
    whole: bool = True,
) -> Change:
    """Ask for a mandate; where nothing needs approval it is active at once.

    `whole` False makes an executor for a caseload, which is empty at first. Raise
    `CatalogueError`, `NotAllowedError`, `AssuranceTooLowError`, `NotEligibleError`,
    `OwnRequestError`, `InvalidPeriodError`, `InvalidPowersError`,
    `EvidenceRequiredError` or `DuplicateError`, in this order: who may not ask
    learns nothing of the parties.
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
        whole=whole or not mandate_type.executor,
        several=mandate_type.several,
    )
    check_capacity(actor, draft, mandate_type.request_by, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    check_eligible(mandate_type, principal, representative, now)
    _check_not_to_oneself(mandate_type, draft)
    return _submit(
        _with_terms(draft, mandate_type, powers, valid_from, valid_until, principal, now), world, now
    )


def renew(
    old: Mandate,
    *,
    id: str,  # noqa: A002 - the model's word
    actor: Actor,
    world: World,
    now: Instant,
    powers: Sequence[str] | None = None,
    valid_until: Instant | None = None,
    evidence: Evidence | None = None,
    at_once: bool = False,
) -> Change:
    """Ask for what follows a mandate: the same powers and evidence unless said otherwise.

    It begins when the old one ends, or `at_once`: the old one is then superseded when the
    new one is approved. Nothing is stored before the Change is: shown first, it is the
    preview of what it replaces. Raise `NotRenewableError`, and what `request_mandate` raises.
    """
    mandate_type = world.catalogue.type(old.type)
    state = status_of(old, now).state
    if old.source is not Source.STORED or state not in LIVING:
        raise NotRenewableError("only a mandate that still runs is renewed; request a new one")
    if old.parent is not None:
        raise NotRenewableError("what was passed on is not renewed; pass it on anew")
    if not old.valid_until - mandate_type.renew_days * DAY <= now:
        msg = f"this type is renewed in the last {mandate_type.renew_days} days before its end"
        raise NotRenewableError(msg)
    valid_from = now if at_once else old.valid_until
    # Other papers are no approval: whoever was typed stays under the name that was typed.
    papers = replace(evidence or old.evidence, typed_name=old.evidence.typed_name)
    draft = replace(_fresh(old, id, actor, papers, world, now), replaces=old.id, whole=old.whole)
    # The old one counts: a request of her own would be hers to handle outside her caseload.
    check_capacity(actor, old, mandate_type.request_by, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    principal, representative = world.parties.get(old.principal), world.parties.get(old.representative)
    check_eligible(mandate_type, principal, representative, now)
    _check_not_to_oneself(mandate_type, draft)
    asked = old.powers_at(now) if powers is None else powers
    return _submit(
        _with_terms(draft, mandate_type, asked, valid_from, valid_until, principal, now), world, now
    )


def pass_on(
    origin: Mandate,
    *,
    id: str,  # noqa: A002 - the model's word
    representative: Party,
    powers: Sequence[str],
    valid_until: Instant | None,
    actor: Actor,
    evidence: Evidence,
    world: World,
    now: Instant,
) -> Change:
    """Ask to pass on what one holds: the same principal and type, never more powers nor time.

    It waits for the approvals of the type, like any request. Raise `NotPassableError`
    (the type's depth is used up, a power or time that the origin does not have), and what
    `request_mandate` raises.
    """
    mandate_type = world.catalogue.type(origin.type)
    check_capacity(actor, origin, mandate_type.pass_on_by, world, now)
    check_assurance(actor, mandate_type.level_to_give)
    if origin.source is not Source.STORED or status_of(origin, now).state is not State.ACTIVE:
        raise NotPassableError("only a stored mandate in force can be passed on")
    if _times_passed_on(origin, world) >= mandate_type.depth:
        msg = f"this type can be passed on {mandate_type.depth} times at most"
        raise NotPassableError(msg)
    if not set(powers) <= set(origin.powers_at(now)):
        raise NotPassableError("pass on powers that you hold, and no others")
    until = origin.valid_until if valid_until is None else valid_until
    if until > origin.valid_until:
        raise NotPassableError("it cannot last longer than the mandate that you hold")
    if representative.id == origin.representative:
        raise NotPassableError("it is held there already")
    principal = world.parties.get(origin.principal)
    check_eligible(mandate_type, principal, representative, now)
    fresh = _fresh(origin, id, actor, evidence, world, now)
    draft = replace(fresh, representative=representative.id, parent=origin.id)
    return _submit(_with_terms(draft, mandate_type, powers, now, until, principal, now), world, now)


def approve(
    mandate: Mandate,
    actor: Actor,
    world: World,
    now: Instant,
    *,
    by_code: bool = False,
    grounds: str = "",
) -> Change:
    """Give one of the approvals that the request waits for; the last one activates it.

    `by_code`: the person redeemed an activation code that was sent to her. Raise
    `WrongStateError`, `OwnRequestError`, `NotAllowedError`, `AssuranceTooLowError`,
    `NotEligibleError` (someone may have died since) or `DuplicateError`.
    """
    mandate_type = world.catalogue.type(mandate.type)
    kind = approval_kind(mandate, actor, world, now, by_code=by_code)
    check_assurance(actor, mandate_type.level_to_give)
    parties = (world.parties.get(mandate.principal), world.parties.get(mandate.representative))
    check_eligible(mandate_type, *parties, now)

    approvals = (*mandate.approvals, Approval(kind=kind, by=actor.party, at=now))
    complete = not open_groups(mandate, world, now, approvals)
    approved = next_version(mandate, approvals=approvals, activated_at=now if complete else None)
    detail: dict[str, Any] = {"approval": kind} | ({"by_code": True} if by_code else {})
    version = world.catalogue.version
    happened = event(
        "approved",
        approved,
        at=now,
        actor=actor.party,
        catalogue_version=version,
        grounds=grounds,
        **detail,
    )
    if not complete:
        return Change(approved, (happened,))
    return _activated(approved, actor.party, world, now, [happened])


def refuse(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Turn a waiting request down. Raise `WrongStateError` or `NotAllowedError`."""
    check_refusal(mandate, actor, world, now)
    return ended(mandate, Ending.REFUSED, actor.party, world, grounds=grounds, now=now)


def cancel(mandate: Mandate, actor: Actor, world: World, grounds: str, now: Instant) -> Change:
    """Take a waiting request back. Raise `WrongStateError` or `NotAllowedError`."""
    check_cancellation(mandate, actor, world, now)
    return ended(mandate, Ending.CANCELLED, actor.party, world, grounds=grounds, now=now)


def _fresh(
    old: Mandate, identifier: str, actor: Actor, evidence: Evidence, world: World, now: Instant
) -> Mandate:
    """A draft between the same parties, of the same type, with nothing of the old one's life."""
    return Mandate(
        id=identifier,
        type=old.type,
        principal=old.principal,
        representative=old.representative,
        powers=(),
        valid_from=now,
        valid_until=now,
        requested_at=now,
        requested_by=actor.party,
        catalogue_version=world.catalogue.version,
        evidence=evidence,
        several=old.several,
        parent=old.parent,
    )


def _check_not_to_oneself(mandate_type: MandateType, draft: Mandate) -> None:
    """Where nobody else approves, nobody takes: the mandate would outlive the role it was taken under."""
    if not mandate_type.approvals and draft.representative == draft.requested_by:
        raise OwnRequestError("somebody else must request a mandate for you")


def _with_terms(
    draft: Mandate,
    mandate_type: MandateType,
    powers: Sequence[str],
    valid_from: Instant,
    valid_until: Instant | None,
    principal: Party | None,
    now: Instant,
) -> Mandate:
    """The draft with its period and powers, filled in and checked."""
    latest = principal.adult_at if principal and mandate_type.until_adult else None
    valid_from, valid_until = terms.period(mandate_type, valid_from, valid_until, now, latest)
    asked = terms.powers(mandate_type, powers)
    terms.check_evidence(mandate_type, draft.evidence)
    return replace(draft, powers=asked, valid_from=valid_from, valid_until=valid_until)


def _submit(request: Mandate, world: World, now: Instant) -> Change:
    """The request waits for its approvals, or is active if nothing asks one."""
    mandate_type = world.catalogue.type(request.type)
    _check_not_double(request, world, now)
    facts: dict[str, Any] = {
        "powers": list(request.powers),
        "valid_from": request.valid_from,
        "valid_until": request.valid_until,
        "evidence_sha256": request.evidence.sha256,
    }
    facts |= {key: at for key in ("parent", "replaces") if (at := getattr(request, key))}
    facts |= {} if request.whole else {"whole": False}
    actor, version = request.requested_by, request.catalogue_version
    if open_groups(request, world, now):
        lapses_at = min(now + mandate_type.lapse_days * DAY, request.valid_until)
        request = replace(request, lapses_at=lapses_at)
        return Change(
            request, (event("requested", request, at=now, actor=actor, catalogue_version=version, **facts),)
        )
    happened = event("requested", request, at=now, actor=actor, catalogue_version=version, **facts)
    return _activated(replace(request, activated_at=now), actor, world, now, [happened])


def _activated(mandate: Mandate, actor: str, world: World, now: Instant, before: list[Event]) -> Change:
    """In force from its first day on; what it replaces is superseded at that moment."""
    _check_not_double(mandate, world, now)
    version = world.catalogue.version
    events = [*before, event("activated", mandate, at=now, actor=actor, catalogue_version=version)]
    others: tuple[Mandate, ...] = ()
    old = world.get(mandate.replaces) if mandate.replaces else None
    if old is not None:
        # What somebody set aside is not taken up by renewing it.
        mandate = replace(mandate, suspensions=open_suspensions(old, now))
    if old is not None and status_of(old, now).state in LIVING and mandate.valid_from < old.valid_until:
        change = ended(
            old, Ending.SUPERSEDED, actor, world, grounds="", now=now, at=max(now, mandate.valid_from)
        )
        events += change.events
        others = (*change.others, change.mandate)
    return Change(mandate, tuple(events), others)


def _check_not_double(request: Mandate, world: World, now: Instant) -> None:
    """Raise `DuplicateError` if the same thing runs or waits between these two for part of that time."""
    if request.several:
        return
    for other in world.given_by(request.principal):
        same = (other.type, other.representative, other.parent) == (
            request.type,
            request.representative,
            request.parent,
        )
        if not same or other.source is not Source.STORED or other.id in {request.id, request.replaces}:
            continue
        until = other.valid_until if other.ended_at is None else min(other.valid_until, other.ended_at)
        waits = request.activated_at is None and status_of(other, now).state is State.AWAITING
        runs = other.activated_at is not None and until > now
        overlaps = other.valid_from < request.valid_until and request.valid_from < until
        if (waits or runs) and overlaps:
            raise DuplicateError("the same mandate runs or waits already; renew it, or end it first")


def _times_passed_on(mandate: Mandate, world: World) -> int:
    passed_on, complete = lineage(mandate, world)
    if not complete:
        raise NotPassableError("what it was passed on from is not known")
    return len(passed_on) - 1
