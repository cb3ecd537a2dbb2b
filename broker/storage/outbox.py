"""The outbox: what must be told to somebody, committed with the change that it tells of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, literal, select

from broker.records import Message
from broker.storage.clauses import columns_of, row_of
from broker.storage.tables import outbox, parties
from mandates.model import PartyKind

_NAMES = ("at", "topic", "party", "mandate", "body")
_POST = insert(outbox)
# Only people are told: what an organisation must know stands in its lists.
_TELL = insert(outbox).from_select(
    _NAMES,
    select(
        *(bindparam(f"the_{name}", type_=outbox.c[name].type) for name in ("at", "topic")),
        parties.c.id,
        *(bindparam(f"the_{name}", type_=outbox.c[name].type) for name in ("mandate", "body")),
    ).where(
        parties.c.id == bindparam("the_party"),
        parties.c.kind == literal(PartyKind.PERSON, parties.c.kind.type),
    ),
)
_OF_PARTY = (
    select(*columns_of(outbox, Message))
    .where(
        outbox.c.party == bindparam("whose"),
        outbox.c.topic == bindparam("about"),
        outbox.c.seq < bindparam("before"),
    )
    .order_by(outbox.c.seq.desc())
    .limit(bindparam("wanted"))
)
_WAITING = (
    select(*columns_of(outbox, Message))
    .where(outbox.c.topic == bindparam("about"), outbox.c.delivered_at.is_(None))
    .order_by(outbox.c.seq)
    .limit(bindparam("wanted"))
)
_NEWEST = 2**62


class SqlOutboxStore:
    """`ports.OutboxStore` in table `outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def post(self, messages: Sequence[Message]) -> None:
        """Add them in their order; their numbers are the database's."""
        if messages:
            self._connection.execute(
                _POST, [{name: row_of(one)[name] for name in _NAMES} for one in messages]
            )

    def tell(self, messages: Sequence[Message]) -> None:
        """As `post`, for the people among the parties that they are for; organisations get none."""
        if messages:
            rows = [{f"the_{name}": row_of(one)[name] for name in _NAMES} for one in messages]
            self._connection.execute(_TELL, rows)

    def of_party(self, party: str, topic: str, before: int | None, limit: int) -> list[Message]:
        """Newest first, from before this number on."""
        keys = {
            "whose": party,
            "about": topic,
            "before": _NEWEST if before is None else before,
            "wanted": limit,
        }
        return [Message(**row) for row in self._connection.execute(_OF_PARTY, keys).mappings()]

    def waiting(self, topic: str, limit: int) -> list[Message]:
        """Not delivered yet, oldest first."""
        rows = self._connection.execute(_WAITING, {"about": topic, "wanted": limit})
        return [Message(**row) for row in rows.mappings()]
