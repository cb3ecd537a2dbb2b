"""Cases for the issuer's reviewers: drawn at random, or opened by a report of misuse."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, tuple_, update

from broker.port_errors import ConflictError
from broker.records import Review
from broker.storage.clauses import rows_of, select_record, skip_taken
from broker.storage.life_tables import reviews
from mandates.model import Instant

_FIND = select_record(reviews, Review).where(reviews.c.id == bindparam("review"))
_QUEUE = (
    select_record(reviews, Review)
    .where(
        reviews.c.decided_at.is_(None),
        tuple_(reviews.c.opened_at, reviews.c.id) > tuple_(bindparam("after_at"), bindparam("after_id")),
    )
    .order_by(reviews.c.opened_at, reviews.c.id)
    .limit(bindparam("wanted"))
)
_ADD = skip_taken(insert(reviews))
_DECISION = ("decided_at", "decided_by", "outcome", "grounds")
_DECIDE = (
    update(reviews)
    .where(reviews.c.id == bindparam("review"), reviews.c.decided_at.is_(None))
    .values({name: bindparam(f"new_{name}") for name in _DECISION})
)


class SqlReviewStore:
    """`ports.ReviewStore` in table `reviews`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_many(self, reviews: Sequence[Review]) -> None:
        """All or none: raise `ConflictError` if one of the same mandate and kind is undecided already."""
        if reviews and self._connection.execute(_ADD, rows_of(reviews)).rowcount != len(reviews):
            raise ConflictError("a case about this mandate is open already")

    def find(self, review: str) -> Review | None:
        row = self._connection.execute(_FIND, {"review": review}).mappings().one_or_none()
        return None if row is None else Review(**row)

    def queue(self, after: tuple[Instant, str] | None, limit: int) -> list[Review]:
        """Undecided ones, oldest first."""
        at, key = after or (-1, "")
        rows = self._connection.execute(_QUEUE, {"after_at": at, "after_id": key, "wanted": limit})
        return [Review(**row) for row in rows.mappings()]

    def decide(self, review: Review) -> None:
        """Raise `ConflictError` if it was decided already: of two reviewers one wins."""
        values = {f"new_{name}": getattr(review, name) for name in _DECISION}
        if self._connection.execute(_DECIDE, {"review": review.id, **values}).rowcount != 1:
            raise ConflictError("this case was decided by another hand")
