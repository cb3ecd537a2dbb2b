"""The issuer looks again: at a random few of what became active, and at what somebody reported.

Which ones are drawn nobody can foresee, so an officer must expect it of every request
(mandates.md section 4). Who approved a mandate does not review it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from broker.errors import NotFoundHereError
from broker.flows import revocation, standing
from broker.flows.seen import Seen, views
from broker.flows.standing import Standing
from broker.ports import Services, UnitOfWork
from broker.records import Review, Session
from mandates.capacity import REVIEWER
from mandates.change import Change, changed, check_assurance, check_eligible, check_state, ended, next_version
from mandates.endings import set_aside
from mandates.errors import NotAllowedError, OwnRequestError, WrongStateError
from mandates.events import Event
from mandates.mandate_type import MandateType
from mandates.model import Ending, Instant, Level, Mandate
from mandates.status import LIVING, open_suspensions, status_of

Outcome = Literal["confirm", "withdraw", "resume"]
"""In order; not in order, so that it ends unless it has; in order, and what the report set aside goes on."""
MISUSE = "misuse reported"
"""Grounds of the suspension that a report opens."""
LONGEST = 200
"""Cases of a page at most."""
_PRINCIPALS_SIDE = ("principal", "administrator", "manager")


@dataclass(frozen=True, slots=True)
class Case:
    """A review with the mandate that it is about, as this reviewer sees it."""

    review: Review
    seen: Seen


def sample(uow: UnitOfWork, mandate: Mandate, kind: MandateType, now: Instant) -> None:
    """Draw whether this mandate, which just became active, is reviewed."""
    sample_many(uow, [(mandate, kind)], now)


def sample_many(uow: UnitOfWork, active: Iterable[tuple[Mandate, MandateType]], now: Instant) -> None:
    """As `sample`, for a whole file in one statement."""
    drawn = [one for one, kind in active if secrets.randbelow(100) < kind.sample_percent]
    _open(uow, [Review(str(uuid4()), one.id, "sample", now) for one in drawn], {one.id: one for one in drawn})


def report_misuse(services: Services, session: Session, mandate_id: str, text: str, now: Instant) -> Review:
    """The principal's side says that a mandate is misused: it is set aside at once, and a case is opened.

    Also for a mandate that is over: what was done stays done. Raise `NotFoundHereError`,
    `NotAllowedError`, `WrongStateError` for a request, `ConflictError` if a case waits.
    """
    with services.database.write() as uow:
        found = standing.towards(services, uow, session, mandate_id, now)
        capacity = next((one for one in _PRINCIPALS_SIDE if one in found.capacities), None)
        if capacity is None:
            raise NotAllowedError("the principal's side reports misuse")
        if found.mandate.activated_at is None:
            raise WrongStateError("a request is refused, not reported")
        review = Review(str(uuid4()), mandate_id, "misuse", now, session.party, text.strip())
        _set_aside(uow, found, capacity, now)
        _open(uow, [review], {mandate_id: found.mandate})
        uow.commit()
    return review


def queue(
    services: Services, session: Session, after: tuple[Instant, str] | None, limit: int, now: Instant
) -> list[Case]:
    """Undecided cases, oldest first; the next page begins after (opened_at, id) of the last one.

    Raise `NotAllowedError` for anybody but a reviewer.
    """
    _check_reviewer(session)
    with services.database.read() as uow:
        found = uow.reviews.queue(after, max(1, min(limit, LONGEST)))
        mandates = uow.mandates.get_many(one.mandate for one in found)
        rows = {row.mandate.id: row for row in views(services, uow, session, mandates.values(), now)}
    return [Case(one, rows[one.mandate]) for one in found]


def decide(
    services: Services, session: Session, case: str, outcome: Outcome, grounds: str, now: Instant
) -> Mandate:
    """Close a case, with what follows for the mandate; returns the mandate as it is now.

    Who asked for it, approved it or reported it does not judge it. Raise
    `NotFoundHereError`, `NotAllowedError`, `OwnRequestError`, `AssuranceTooLowError`,
    `ConflictError` if it was decided already, and for what the outcome does
    `WrongStateError` or `NotEligibleError`.
    """
    _check_reviewer(session)
    with services.database.write() as uow:
        review = uow.reviews.find(case)
        if review is None:
            raise NotFoundHereError
        found = standing.towards(services, uow, session, review.mandate, now)
        _check_four_eyes(found, review)
        check_assurance(found.actor, Level.SUBSTANTIAL)
        change = _follow(found, review, outcome, grounds, now)
        if change is not None:
            revocation.record(uow, change, now)
        uow.reviews.decide(
            replace(review, decided_at=now, decided_by=session.party, outcome=outcome, grounds=grounds)
        )
        uow.journal.append(
            [_event("review.decided", review, found.mandate, session.party, grounds, now, outcome)], now
        )
        uow.commit()
    return change.mandate if change else found.mandate


def _check_reviewer(session: Session) -> None:
    if REVIEWER not in session.staff:
        raise NotAllowedError("this is for the issuer's reviewers")


def _check_four_eyes(found: Standing, review: Review) -> None:
    mandate = found.mandate
    hands = {mandate.requested_by, review.opened_by, *(one.by for one in mandate.approvals)}
    if found.actor.party in hands or "issuer" not in found.capacities:
        raise OwnRequestError("somebody who had no part in this mandate must review it")


def _follow(found: Standing, review: Review, outcome: Outcome, grounds: str, now: Instant) -> Change | None:
    """What the outcome does to the mandate; None if it does nothing."""
    living = status_of(found.mandate, now).state in LIVING
    if outcome == "confirm" or (outcome == "withdraw" and not living):
        return None
    check_state(found.mandate, LIVING, now)
    if outcome == "withdraw":
        # The type says who ends it from day to day; the issuer's review ends any of them.
        return ended(found.mandate, Ending.WITHDRAWN, found.actor.party, found.seen, grounds=grounds, now=now)
    return _resumed(found, review, grounds, now)


def _resumed(found: Standing, review: Review, grounds: str, now: Instant) -> Change:
    """Lift what reports set aside, and nothing else. Raise `WrongStateError` if it is lifted already."""
    mandate, parties = found.mandate, found.seen.parties
    opened = [one for one in open_suspensions(mandate, now) if one.grounds == MISUSE]
    if not opened:
        raise WrongStateError("what the report set aside was taken up again already")
    check_eligible(found.kind, parties.get(mandate.principal), parties.get(mandate.representative), now)
    lifted = tuple(replace(one, until=now) if one in opened else one for one in mandate.suspensions)
    resumed = next_version(mandate, suspensions=lifted)
    return changed(
        "resumed", resumed, found.actor.party, found.seen, grounds=grounds, now=now, review=review.id
    )


def _set_aside(uow: UnitOfWork, found: Standing, capacity: str, now: Instant) -> None:
    """In the capacity of who reported, unless it is over or set aside in it already."""
    mandate = found.mandate
    aside = {one.capacity for one in open_suspensions(mandate, now)}
    if status_of(mandate, now).state in LIVING and capacity not in aside:
        change = set_aside(mandate, capacity, found.actor.party, found.seen, MISUSE, now)
        revocation.record(uow, change, now)


def _open(uow: UnitOfWork, reviews: list[Review], mandates: dict[str, Mandate]) -> None:
    uow.reviews.add_many(reviews)
    events = [
        _event("review.opened", one, mandates[one.mandate], one.opened_by, "", one.opened_at)
        for one in reviews
    ]
    if events:
        uow.journal.append(events, events[0].at)


def _event(
    name: str,
    review: Review,
    mandate: Mandate,
    actor: str | None,
    grounds: str,
    now: Instant,
    outcome: str = "",
) -> Event:
    """Without the words of a report: they are the reporter's, and stand with the case."""
    detail = {"review": review.id, "kind": review.kind} | ({"outcome": outcome} if outcome else {})
    return Event(name, now, actor, mandate.id, mandate.principal, mandate.representative, grounds, detail)
