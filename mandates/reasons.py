"""Why not: stable codes, each with what would mend it (mandates.md section 7).

| code | what mends it |
|---|---|
| `no_mandate` | a mandate; or signing in for the organisation that holds one |
| `mandate_awaiting`, `awaiting_<approval>` | the approvals in `needs` |
| `mandate_scheduled` | patience |
| `mandate_suspended` | resuming it |
| `mandate_expired`, `mandate_<ending>`, `mandate_lapsed` | a new mandate |
| `session_only` | signing in again: it came from the claims of another session (`chain` shows none such) |
| `executor_missing`, `executor_ended`, `executor_suspended` | an executor mandate of the organisation |
| `not_in_caseload` | the principal in the caseload of this executor |
| `passed_on_missing`, `passed_on_too_far`, `passed_on_<state>` | what it was passed on from, in force |
| `actor_deceased`, `principal_deceased`, `representative_deceased`, `organisation_ceased` | nothing |
| `principal_adult` | nothing: she acts for herself now |
| `party_unknown`, `party_kind`, `organisation_kind`, `same_party` | another type, or a corrected register |
| `type_unknown` | the type's table in the catalogue |
| `assurance_too_low` | a login at the level in `needs` |
| `power_not_granted` | a mandate with the power in `needs` |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mandates.mandate_type import CAPACITIES
from mandates.model import Instant, Mandate, Source
from mandates.status import State, serves_session, status_of


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way."""

    code: str
    since: Instant | None = None
    needs: str = ""


_NEVER_BEGAN = frozenset({State.AWAITING, State.SCHEDULED, State.REFUSED, State.CANCELLED, State.LAPSED})


def why_mandate_fails(
    mandate: Mandate, waits_for: Iterable[frozenset[str]], session: str | None, now: Instant
) -> tuple[Reason, ...]:
    """What keeps this mandate from being in force for this session; empty if nothing does.

    `waits_for` are the groups of approvals that are open (`approvals.open_groups`).
    """
    status = status_of(mandate, now)
    if status.state is State.AWAITING:
        return (_why_awaiting(mandate, waits_for),)
    if status.state is not State.ACTIVE:
        return (Reason(f"mandate_{status.state.value}", since=status.since),)
    return () if serves_session(mandate, session) else (Reason("session_only"),)


def why_origin_fails(origin: Mandate, now: Instant) -> tuple[Reason, ...]:
    """What keeps a mandate that was passed on from carrying the later ones; empty if nothing does.

    One that came from claims serves a session and is never passed on (mandates.md section 3).
    """
    if origin.source is not Source.STORED:
        return (Reason("passed_on_missing"),)
    status = status_of(origin, now)
    if status.state is State.ACTIVE:
        return ()
    return (Reason(f"passed_on_{status.state.value}", since=status.since),)


def why_executor_fails(executor: Mandate, session: str | None, now: Instant) -> tuple[Reason, ...]:
    """What keeps this executor mandate from being in force for this session; empty if nothing does."""
    status = status_of(executor, now)
    if status.state in _NEVER_BEGAN:
        return (Reason("executor_missing"),)
    if status.state is State.SUSPENDED:
        return (Reason("executor_suspended", since=status.since),)
    if status.state is not State.ACTIVE:
        return (Reason("executor_ended", since=status.since),)
    return () if serves_session(executor, session) else (Reason("session_only"),)


def _why_awaiting(mandate: Mandate, waits_for: Iterable[frozenset[str]]) -> Reason:
    wanted = frozenset[str]().union(*waits_for)
    kinds = [kind for kind in CAPACITIES if kind in wanted]
    code = f"awaiting_{kinds[0]}" if len(kinds) == 1 else "mandate_awaiting"
    return Reason(code, since=mandate.requested_at, needs=" ".join(kinds))
