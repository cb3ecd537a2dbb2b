"""What happenings changed, so that it can be taken back the same day."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, update

from broker.port_errors import ConflictError
from broker.records import CascadeRecord
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.life_tables import cascades
from mandates.model import Instant

_FIND = select_record(cascades, CascadeRecord).where(cascades.c.id == bindparam("cascade"))
_ADD = skip_taken(insert(cascades))
_UNDO = (
    update(cascades)
    .where(cascades.c.id == bindparam("cascade"), cascades.c.undone_at.is_(None))
    .values(undone_at=bindparam("now"))
)


class SqlCascadeStore:
    """`ports.CascadeStore` in table `cascades`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, done: CascadeRecord) -> None:
        """Raise `NotFoundError` if the party is not stored."""
        insert_new(self._connection, _ADD, row_of(done), "this cascade")

    def find(self, cascade: str) -> CascadeRecord | None:
        row = self._connection.execute(_FIND, {"cascade": cascade}).mappings().one_or_none()
        return None if row is None else CascadeRecord(**row)

    def mark_undone(self, cascade: str, now: Instant) -> None:
        """Raise `ConflictError` if it was undone already: of two hands one wins."""
        if self._connection.execute(_UNDO, {"cascade": cascade, "now": now}).rowcount != 1:
            raise ConflictError("this was undone already")
