"""Sealed papers that requests rest on, in table `documents`."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, func, insert, select, update

from broker.records import Document
from broker.storage.clauses import one_of, row_of, select_record, skip_taken
from broker.storage.life_tables import documents
from mandates.model import Instant

_FIND = select_record(documents, Document).where(documents.c.sha256 == bindparam("wanted"))
_ADD = skip_taken(insert(documents))
_BROUGHT_AGAIN = (
    update(documents)
    .where(documents.c.sha256 == bindparam("wanted"), documents.c.named_at.is_(None))
    .values(added_at=bindparam("now"))
)
_NAME = (
    update(documents)
    .where(one_of(documents.c.sha256, "wanted"))
    .values(named_at=func.coalesce(documents.c.named_at, bindparam("now")))
)
_KEPT = select(documents.c.sha256).where(one_of(documents.c.sha256, "wanted"))


class SqlDocumentStore:
    """`ports.DocumentStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, document: Document) -> None:
        """Keep it; the term of one that was brought before and never named begins anew."""
        if self._connection.execute(_ADD, row_of(document)).rowcount != 1:
            self._connection.execute(_BROUGHT_AGAIN, {"wanted": document.sha256, "now": document.added_at})

    def find(self, sha256: str) -> Document | None:
        row = self._connection.execute(_FIND, {"wanted": sha256}).mappings().one_or_none()
        return None if row is None else Document(**row)

    def name(self, sha256: str, now: Instant) -> bool:
        return self._connection.execute(_NAME, {"wanted": (sha256,), "now": now}).rowcount == 1

    def name_many(self, sha256s: Iterable[str], now: Instant) -> None:
        self._connection.execute(_NAME, {"wanted": sha256s, "now": now})

    def kept(self, sha256s: Iterable[str]) -> set[str]:
        return set(self._connection.execute(_KEPT, {"wanted": sha256s}).scalars())
