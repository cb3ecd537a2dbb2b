"""What was done under mandates: the lines that services post, and the token issues of the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, tuple_

from broker.records import Done, Use, UsePlace
from broker.storage.clauses import one_of, rows_of, skip_taken
from broker.storage.life_tables import uses
from broker.storage.tables import journal
from mandates.model import Instant

ISSUES = ("token.issued", "token.exchanged", "token.refreshed")
"""Journal rows that say that somebody was let in."""


def _older_than(at: ColumnElement[int], seq: ColumnElement[int]) -> ColumnElement[bool]:
    return tuple_(at, seq) < tuple_(bindparam("before_at"), bindparam("before_seq"))


_KNOWN = select(uses.c.jti, uses.c.operation).where(
    uses.c.client == bindparam("by_client"), one_of(uses.c.jti, "jtis")
)
_ADD = skip_taken(insert(uses))
_POSTED = (
    select(uses)
    .where(uses.c.principal == bindparam("whose"), _older_than(uses.c.at, uses.c.seq))
    .order_by(uses.c.at.desc(), uses.c.seq.desc())
    .limit(bindparam("wanted"))
)
_ISSUED = (
    select(journal)
    .where(
        journal.c.principal == bindparam("whose"),
        journal.c.type.in_(ISSUES),
        journal.c.mandate.is_not(None),
        _older_than(journal.c.at, journal.c.seq),
    )
    .order_by(journal.c.at.desc(), journal.c.seq.desc())
    .limit(bindparam("wanted"))
)


class SqlUseStore:
    """`ports.UseStore` in tables `uses` and `journal`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, client: str, jtis: Iterable[str]) -> set[tuple[str, str]]:
        """(jti, operation) that are stored of these. One query."""
        rows = self._connection.execute(_KNOWN, {"by_client": client, "jtis": jtis})
        return {(jti, operation) for jti, operation in rows}

    def add_many(self, uses: Sequence[Use], now: Instant) -> None:
        """Those that are stored already are left as they are."""
        if uses:
            self._connection.execute(_ADD, [row | {"recorded_at": now} for row in rows_of(uses)])

    def posted_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Lines about this principal, newest first."""
        rows = self._connection.execute(_POSTED, _page(principal, before, limit)).mappings()
        return [
            Done(
                row["seq"],
                row["at"],
                "use",
                row["client"],
                row["actor"],
                row["representative"],
                row["mandate"],
                (row["operation"],),
                row["decision"],
            )
            for row in rows
        ]

    def issued_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Tokens that others got to act for this principal, newest first."""
        rows = self._connection.execute(_ISSUED, _page(principal, before, limit)).mappings()
        return [
            Done(
                row["seq"],
                row["at"],
                "token",
                detail.get("client", ""),
                row["actor"],
                row["representative"],
                row["mandate"],
                tuple(detail.get("scopes", ())),
            )
            for row in rows
            for detail in (row["body"].get("detail", {}),)
        ]


def _page(principal: str, before: UsePlace, limit: int) -> dict[str, Any]:
    at, seq = before
    return {"whose": principal, "before_at": at, "before_seq": seq, "wanted": limit}
