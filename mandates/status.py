"""THE answer to "is this mandate in force at this instant?".

A mandate stores facts; the clock makes a state of them, and no sweep ever
writes one (mandates.md section 5). Intervals are half-open: at `valid_until`
it is over, at `lapses_at` a request has lapsed.

Facts that lie after `now` have not happened yet, so the same record answers for
an earlier instant too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mandates.model import Ending, Instant, Mandate, Source, Suspension


class State(StrEnum):
    """Where a mandate is in its life. Endings carry the names of `Ending`."""

    AWAITING = "awaiting"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    REVOKED = "revoked"
    WAIVED = "waived"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    CASCADED = "cascaded"
    SESSION_ENDED = "session_ended"


LIVING = (State.SCHEDULED, State.ACTIVE, State.SUSPENDED)
"""Approved and not over: there is something to end."""


@dataclass(frozen=True, slots=True)
class Status:
    """A state, and since when."""

    state: State
    since: Instant


def in_force(mandate: Mandate, now: Instant, session: str | None = None) -> bool:
    """Whether the mandate gives its powers now, to someone in this session.

    One that comes from claims serves the session that brought it and no other
    (mandates.md section 3).
    """
    return status_of(mandate, now).state is State.ACTIVE and serves_session(mandate, session)


def serves_session(mandate: Mandate, session: str | None) -> bool:
    """Whether it may be used in this session: a stored one in any, a claimed one in its own."""
    return mandate.source is Source.STORED or (session is not None and mandate.session == session)


def open_suspensions(mandate: Mandate, now: Instant) -> tuple[Suspension, ...]:
    """The suspensions that nobody lifted by now, oldest first."""
    return tuple(
        one for one in mandate.suspensions if one.at <= now and (one.until is None or now < one.until)
    )


def status_of(mandate: Mandate, now: Instant) -> Status:
    """The state at `now`, and since when it has been so."""
    if mandate.activated_at is None or now < mandate.activated_at:
        return _status_of_request(mandate, now)
    ended = _end_of(mandate, mandate.valid_until, now)
    if ended is not None:
        return ended
    if mandate.valid_until <= now:
        return Status(State.EXPIRED, mandate.valid_until)
    suspended = open_suspensions(mandate, now) if mandate.suspensions else ()
    if suspended:
        return Status(State.SUSPENDED, suspended[0].at)
    if now < mandate.valid_from:
        return Status(State.SCHEDULED, mandate.activated_at)
    lifted = [one.until for one in mandate.suspensions if one.until is not None and one.until <= now]
    return Status(State.ACTIVE, max(mandate.valid_from, mandate.activated_at, *lifted))


def _status_of_request(mandate: Mandate, now: Instant) -> Status:
    waits_until = mandate.valid_until
    if mandate.lapses_at is not None:
        waits_until = min(waits_until, mandate.lapses_at)
    ended = _end_of(mandate, waits_until, now)
    if ended is not None:
        return ended
    if waits_until <= now:
        return Status(State.LAPSED, waits_until)
    return Status(State.AWAITING, mandate.requested_at)


def _end_of(mandate: Mandate, close: Instant, now: Instant) -> Status | None:
    """How somebody ended it by `now`, while there was still something to end; else None."""
    ended_at = mandate.ended_at
    if ended_at is None or now < ended_at or close <= ended_at:
        return None
    # A record that does not say how it ended was ended from elsewhere.
    ending = mandate.ending or Ending.CASCADED
    return Status(State(ending.value), ended_at)
