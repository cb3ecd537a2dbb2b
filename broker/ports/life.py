"""What happens around a mandate: codes, reviews, uses, cascades, files of requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from broker.records import (
    ActivationCode,
    BulkJob,
    BulkRow,
    CascadeRecord,
    Done,
    Message,
    Review,
    Use,
    UsePlace,
)
from mandates.model import Instant


class ActivationStore(Protocol):
    """Activation codes, by keyed hash; one for each mandate and capacity."""

    def put(self, code: ActivationCode) -> None:
        """Store it in the place of the one that this capacity had: a new letter kills the old one.

        Raise `ConflictError` if two are made at the same moment.
        """

    def find(self, code_hash: str) -> ActivationCode | None: ...
    def mark_redeemed(self, code_hash: str, now: Instant) -> None: ...


class ReviewStore(Protocol):
    """Cases for the issuer's reviewers."""

    def add_many(self, reviews: Sequence[Review]) -> None:
        """All or none. Raise `ConflictError` if one of the same mandate and kind is undecided already."""

    def find(self, review: str) -> Review | None: ...
    def queue(self, after: tuple[Instant, str] | None, limit: int) -> list[Review]:
        """Undecided ones, oldest first, from after (opened_at, id)."""

    def decide(self, review: Review) -> None:
        """Store the decision. Raise `ConflictError` if it was decided already."""


class UseStore(Protocol):
    """What was done under mandates: lines that services post, and token issues from the journal."""

    def known(self, client: str, jtis: Iterable[str]) -> set[tuple[str, str]]:
        """(jti, operation) that are stored of these. One query."""

    def add_many(self, uses: Sequence[Use], now: Instant) -> None:
        """Those that are stored already are left as they are."""

    def posted_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Lines about this principal, newest first."""

    def issued_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Tokens that others got to act for this principal, newest first."""


class CascadeStore(Protocol):
    """What happenings changed, until it can no longer be taken back."""

    def add(self, done: CascadeRecord) -> None: ...
    def find(self, cascade: str) -> CascadeRecord | None: ...
    def mark_undone(self, cascade: str, now: Instant) -> None:
        """Raise `ConflictError` if it was undone already."""


class BulkStore(Protocol):
    """Files that somebody brought, row by row, and how far each was applied."""

    def add_job(self, job: BulkJob) -> None: ...
    def add_rows(self, job: str, rows: Sequence[BulkRow]) -> None: ...
    def complete(self, job: str, rows: int) -> None:
        """Every row is stored: from now on the job is seen."""

    def remove(self, job: str) -> None:
        """Rows and all; of a job that was never completed."""

    def remove_unfinished(self, before: Instant) -> None:
        """Jobs begun before this instant that were never completed: their process is gone."""

    def find(self, job: str) -> BulkJob | None:
        """None also while it is not complete."""

    def of_organisation(self, organisation: str, limit: int) -> list[BulkJob]:
        """Complete ones, newest first."""

    def rows_after(self, job: str, line: int, limit: int) -> list[BulkRow]: ...
    def applied(self, keys: Iterable[str]) -> set[str]:
        """Which of these row keys a mandate was made of, in whatever job. One query."""

    def first_lines(self, job: str, keys: Iterable[str], pairs: Iterable[str]) -> dict[str, int]:
        """Key or pair -> first line of the job that has it. One query."""

    def advance(self, job: BulkJob, applied_to: int, rows: int) -> None:
        """So many more rows are applied, up to this line, from `job.applied_to` on.

        Raise `ConflictError` if another run moved on meanwhile. Nobody else does before the commit.
        """

    def judged(self, job: str, rows: Sequence[BulkRow]) -> None:
        """Store verdicts. Raise `ConflictError` if a row key was applied by another job meanwhile."""

    def validated(self, job: str, now: Instant) -> None: ...
    def finished(self, job: str, now: Instant) -> None:
        """The last row was applied."""

    def counts(self, job: str) -> dict[str, int]:
        """Verdict -> how many rows have it."""


class OutboxStore(Protocol):
    """What must be told to somebody, committed with the change that it tells of."""

    def post(self, messages: Sequence[Message]) -> None: ...
    def tell(self, messages: Sequence[Message]) -> None:
        """As `post`, for the people among the parties that they are for; organisations get none."""

    def of_party(self, party: str, topic: str, before: int | None, limit: int) -> list[Message]:
        """Newest first, from before this number on."""

    def waiting(self, topic: str, limit: int) -> list[Message]:
        """Not delivered yet, oldest first."""
