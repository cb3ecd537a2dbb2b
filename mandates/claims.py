"""Mandates that come from the claims of a login, and go with its session.

An executor or a legal representative whose role stands in the claims becomes a
stored mandate of `Source.CLAIMS`: it has identifier, status, journal and path
like any other, and serves that session only (mandates.md section 3).
"""

from __future__ import annotations

from mandates.catalogue import Catalogue
from mandates.change import Change, check_eligible, check_state, event, next_version
from mandates.errors import InvalidPeriodError, NotAllowedError
from mandates.events import Event
from mandates.mandate_type import DAY
from mandates.model import Ending, Instant, Mandate, Party, Source
from mandates.status import State


def claim_mandate(
    *,
    id: str,  # noqa: A002 - the model's word
    type_key: str,
    principal: Party,
    representative: Party,
    session: str,
    catalogue: Catalogue,
    now: Instant,
    until: Instant,
) -> Change:
    """A mandate with all powers of its type, active at once, for one session.

    `until` is when the claims are too old to rest power on, or the session's end
    if that is earlier. The caller has verified the claims; the engine decides
    what they are worth. Raise `CatalogueError`, `NotAllowedError` (the type does
    not come from claims), `NotEligibleError` or `InvalidPeriodError`.
    """
    mandate_type = catalogue.type(type_key)
    if not mandate_type.ex_officio_roles:
        raise NotAllowedError("this type does not come from claims; request it")
    # A mandate of no session would be of every request that forgot to name its own.
    if not session:
        raise NotAllowedError("a mandate from claims needs the session that brought them")
    check_eligible(mandate_type, principal, representative, now)
    if not now < until <= now + mandate_type.longest_days * DAY:
        raise InvalidPeriodError("the claims are too old or last too long; sign in again")
    mandate = Mandate(
        id=id,
        type=type_key,
        principal=principal.id,
        representative=representative.id,
        powers=tuple(mandate_type.powers),
        valid_from=now,
        valid_until=until,
        requested_at=now,
        requested_by=representative.id,
        catalogue_version=catalogue.version,
        source=Source.CLAIMS,
        session=session,
        activated_at=now,
    )
    return Change(mandate, (_activated(mandate),))


def _activated(mandate: Mandate) -> Event:
    # The session stays out of the event: its identifier is derived from the cookie.
    return event(
        "activated",
        mandate,
        at=mandate.valid_from,
        actor=mandate.representative,
        catalogue_version=mandate.catalogue_version,
        source=Source.CLAIMS.value,
        powers=list(mandate.powers),
        valid_from=mandate.valid_from,
        valid_until=mandate.valid_until,
    )


def end_with_session(mandate: Mandate, now: Instant) -> Change:
    """End a mandate from claims because its session ended.

    Raise `NotAllowedError` for a stored mandate, which outlives sessions, and
    `WrongStateError` for one that somebody ended. One that ran out meanwhile may
    be ended, so that none is left open; its status stays expired.
    """
    if mandate.source is not Source.CLAIMS:
        raise NotAllowedError("a stored mandate does not end with a session")
    check_state(mandate, (State.SCHEDULED, State.ACTIVE, State.SUSPENDED, State.EXPIRED), now)
    ended = next_version(mandate, ended_at=now, ending=Ending.SESSION_ENDED)
    happened = event("session_ended", ended, at=now, actor=None, catalogue_version=mandate.catalogue_version)
    return Change(ended, (happened,))
