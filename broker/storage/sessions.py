"""Sign-ins at the broker. Redis may cache them; this is what counts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, update

from broker.records import Session
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.tables import sessions
from mandates.model import Instant

_FIND = select_record(sessions, Session).where(sessions.c.id == bindparam("session"))
_FIND_LOCKED = _FIND.with_for_update(key_share=True)
_LIVE_OF_PARTY = (
    select_record(sessions, Session)
    .where(sessions.c.party == bindparam("whose"), sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id)
)
_LIVE_OF_ORGANISATION = (
    select_record(sessions, Session)
    .where(sessions.c.organisation == bindparam("whose"), sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id)
)
_ADD = skip_taken(insert(sessions))
_LIVE = (sessions.c.id == bindparam("session"), sessions.c.ended_at.is_(None))
# Two requests of one browser may overtake each other: last use only moves forward.
_TOUCH = (
    update(sessions)
    .where(*_LIVE, sessions.c.last_seen_at < bindparam("now"))
    .values(last_seen_at=bindparam("now"))
)
_END = update(sessions).where(*_LIVE).values(ended_at=bindparam("now"))


class SqlSessionStore:
    """`ports.SessionStore` in table `sessions`.

    In a write unit on PostgreSQL `find` locks the session: it cannot end
    between the judgement and the commit of what was issued on it.
    """

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._find = _FIND_LOCKED if writes else _FIND
        self._writes = writes

    def add(self, session: Session) -> None:
        """Raise `ConflictError` if the id is taken, `NotFoundError` if the party is not stored."""
        insert_new(self._connection, _ADD, row_of(session), "this session")

    def find(self, session: str) -> Session | None:
        row = self._connection.execute(self._find, {"session": session}).mappings().one_or_none()
        return None if row is None else Session(**row)

    def live_of_party(self, party: str) -> list[Session]:
        """Not ended, locked as by `find`, in the order of their ids."""
        return self._live(_LIVE_OF_PARTY, party)

    def live_of_organisation(self, organisation: str) -> list[Session]:
        """Not ended, of those who signed in for it; otherwise as `live_of_party`."""
        return self._live(_LIVE_OF_ORGANISATION, organisation)

    def touch(self, session: str, now: Instant) -> None:
        """Move `last_seen_at` forward to `now`, unless the session has ended."""
        self._connection.execute(_TOUCH, {"session": session, "now": now})

    def end(self, session: str, now: Instant) -> None:
        """End it if it has not ended yet: the first ending is the one that is kept."""
        self._connection.execute(_END, {"session": session, "now": now})

    def _live(self, statement: Select[Any], whose: str) -> list[Session]:
        locked = statement.with_for_update(key_share=True) if self._writes else statement
        return [Session(**row) for row in self._connection.execute(locked, {"whose": whose}).mappings()]
