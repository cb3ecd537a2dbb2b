"""Activation codes: the keyed hash of each, bound to one mandate and one capacity."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, update

from broker.records import ActivationCode
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.life_tables import activation_codes
from mandates.model import Instant

_FIND = select_record(activation_codes, ActivationCode).where(
    activation_codes.c.hash == bindparam("code_hash")
)
_ADD = skip_taken(insert(activation_codes))
_KILL = delete(activation_codes).where(
    activation_codes.c.mandate == bindparam("for_mandate"),
    activation_codes.c.capacity == bindparam("for_capacity"),
)
_REDEEM = (
    update(activation_codes)
    .where(activation_codes.c.hash == bindparam("code_hash"))
    .values(redeemed_at=bindparam("now"))
)


class SqlActivationStore:
    """`ports.ActivationStore` in table `activation_codes`. What happened to a code stands in the journal."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, code: ActivationCode) -> None:
        """Replace the code of this mandate and capacity; raise `ConflictError` if another hand just did."""
        self._connection.execute(_KILL, {"for_mandate": code.mandate, "for_capacity": code.capacity})
        insert_new(self._connection, _ADD, row_of(code), "an activation code for this mandate")

    def find(self, code_hash: str) -> ActivationCode | None:
        row = self._connection.execute(_FIND, {"code_hash": code_hash}).mappings().one_or_none()
        return None if row is None else ActivationCode(**row)

    def mark_redeemed(self, code_hash: str, now: Instant) -> None:
        self._connection.execute(_REDEEM, {"code_hash": code_hash, "now": now})
