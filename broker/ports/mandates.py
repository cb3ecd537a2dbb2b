"""Mandates, with every version that was ever recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from broker.records import (
    MandateVersion,
    Place,
    Snapshot,
    Wanted,
)
from mandates.model import Caseload, Instant, Mandate


class MandateStore(Protocol):
    """Mandates, with every version that was ever recorded. Queries pre-select; `mandates.decide` judges.

    "Stored" below means `source = stored`: powers from claims live with a session and are
    left out unless that session is named.
    """

    def find(self, mandate: str) -> Mandate | None: ...
    def get_many(self, mandates: Iterable[str]) -> dict[str, Mandate]: ...
    def add(self, mandate: Mandate, now: Instant) -> None:
        """Raise `ConflictError` if the id is taken, or if another one runs beside it that may not."""

    def add_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """All or none, in one statement; errors as `add`."""

    def save(self, mandate: Mandate, now: Instant) -> None:
        """Store the next version, and keep the one before it with the instant that superseded it.

        Raise `ConflictError` unless the stored version is one less, or if another mandate of
        the same type between the same two parties runs beside it and may not (`several`).
        """

    def save_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """Raise `ConflictError` if any of them cannot be saved; none is then."""

    def between(self, principal: str, actor: str, session: str | None = None) -> list[Mandate]:
        """Everything that can make a chain principal -> actor.

        That is: mandates principal -> actor, mandates principal -> X for the
        organisations X of which the actor holds a mandate X -> actor, those
        X -> actor themselves, and all that any of them was passed on from. Ended ones
        included; of mandates from claims only those of this session, because no other
        serves it. One query.
        """

    def of_pairs(self, pairs: Iterable[tuple[str, str]]) -> list[Mandate]:
        """Stored mandates and requests (principal, representative), whatever their state. One query."""

    def of_principal(self, principal: str) -> list[Mandate]:
        """What somebody gave; powers of sessions are left out."""

    def of_principals(self, principals: Iterable[str]) -> list[Mandate]:
        """As `of_principal`, of many people. One query."""

    def of_representatives(self, representatives: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Of mandates from claims, those of this session alone."""

    def executors_of(self, actor: str, types: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Mandates of these types of which the actor is the representative, not ended."""

    def of_session(self, session: str) -> list[Mandate]:
        """Mandates with `source = claims` of this session that have not ended."""

    def waiting(
        self, principals: Iterable[str], representatives: Iterable[str], requester: str | None
    ) -> list[Mandate]:
        """Requests neither activated nor ended in which one of these stands, or that she made.

        Oldest first.
        """

    def all_waiting(self, after: tuple[Instant, str] | None, limit: int) -> list[Mandate]:
        """Every such request, for reviewers; oldest first, from after (requested_at, id)."""

    def forebears(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that these were passed on from, at any depth. One query."""

    def descendants(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that was passed on from these, at any depth, ended ones included. One query."""

    def living_of(self, party: str) -> Iterable[Mandate]:
        """Stored ones, not ended and not past their period at `now` is for the caller: she is either party.

        Streamed in the order of ids: a merger may touch 50,000.
        """

    def reach(
        self,
        actor: str,
        organisations: Iterable[str],
        executors: Iterable[str],
        session: str | None,
        wanted: Wanted,
        now: Instant,
        after: Place | None,
        limit: int,
    ) -> list[tuple[Place, Mandate]]:
        """A page of mandates through which the actor may represent somebody, by the principal's name.

        Those to her, those to these organisations, and those to the organisations of these
        executors whose principal is in the executor's caseload. Pre-selected to what can be
        in force now. Costs the same for any page, whatever the number of principals.
        """

    def delegates(
        self, principal: str, wanted: Wanted, now: Instant, after: Place | None, limit: int
    ) -> list[tuple[Place, Mandate]]:
        """A page of what this party gave that can be in force now or later, by the representative's name."""

    def caseloads(self, executors: Iterable[str], principals: Iterable[str]) -> list[Caseload]:
        """Entries of these executors for these principals, removed ones included. One query."""

    def caseload_of(self, executor: str) -> list[Caseload]:
        """Every entry of one executor, removed ones included."""

    def add_to_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> None:
        """Those who are in it already are left as they are."""

    def carry_caseloads(self, heirs: Mapping[str, str], now: Instant) -> None:
        """Give executors the open entries of those that they take over from: old executor -> new."""

    def add_caseloads(self, entries: Iterable[tuple[str, str]], now: Instant) -> None:
        """(executor, principal) pairs, of many executors. One statement."""

    def remove_from_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> int:
        """Returns how many were in it."""

    def versions(self, mandate: str) -> list[MandateVersion]:
        """Every version that was recorded, oldest first."""

    def known_at(
        self, principal: str, known_at: Instant, at: Instant | None = None, actor: str | None = None
    ) -> Snapshot:
        """What this principal gave and the executors of its representatives, as the store knew it then.

        With the parties and caseload entries, of all sessions, of one moment. Of the executors,
        those that could act at `at` (by default the same instant), or all of one actor's if she
        is named.
        """

    def revision(self) -> int:
        """Grows with every commit that changed a mandate, a caseload or a party; inside it not yet."""
