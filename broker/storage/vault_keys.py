"""The data keys of the vault, and the places where something stands sealed or indexed under one.

Whoever writes an index must know the current index key, or one person could be stored
twice. So a write unit that asks for the keys holds them: it shares a lock on the row
of the root key, which is always there, and `claim` waits for all who share it. (On
SQLite a write unit is alone anyway.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)

from broker.records import VaultedValue
from broker.storage.clauses import one_of, rows_of, select_record, skip_taken
from broker.storage.counters import raise_counter
from broker.storage.life_tables import contacts, documents
from broker.storage.tables import bulk_jobs, parties, signing_keys, vault_keys
from keys.envelope import VaultKeyRecord

_REGISTRY = "registry"

_ALL = select_record(vault_keys, VaultKeyRecord).order_by(vault_keys.c.created_at, vault_keys.c.id)
_ROOT = select(vault_keys.c.id).where(vault_keys.c.use == "root")
_HOLD, _CLAIM = _ROOT.with_for_update(read=True), _ROOT.with_for_update()
_ADD = skip_taken(insert(vault_keys))
_PUT = (
    update(vault_keys)
    .where(vault_keys.c.id == bindparam("stored"))
    .values(wrapped=bindparam("new_wrapped"), retired_at=bindparam("new_retired_at"))
)
_DROP = delete(vault_keys).where(one_of(vault_keys.c.id, "ids"))


@dataclass(frozen=True, slots=True)
class _Place:
    """A column whose texts stand under a data key. What is sealed for whom is the flows' word."""

    text: Column[Any]
    key: Column[Any]
    sealed: Column[Any]
    purpose: ColumnElement[str]

    def page(self) -> Select[Any]:
        """Texts that do not begin with `prefix`, by primary key; a blank one stands under no key."""
        columns = {"key": self.key, "text": self.text, "sealed": self.sealed, "purpose": self.purpose}
        return (
            select(*(column.label(name) for name, column in columns.items()))
            .where(self.key > bindparam("after"), self.text != "", ~self.text.startswith(bindparam("prefix")))
            .order_by(self.key)
            .limit(bindparam("limit"))
        )

    def move(self) -> Update:
        """Change a text where it still is what was read: a slower hand must not undo a faster one."""
        return (
            update(self.key.table)
            .where(self.key == bindparam("stored"), self.text == bindparam("old"))
            .values({self.text.name: bindparam("new")})
            .execution_options(preserve_rowcount=True)
        )


_p, _k, _b, _c, _d = parties.c, signing_keys.c, bulk_jobs.c, contacts.c, documents.c
_PLACES = {
    f"{place.text.table.name}.{place.text.name}": place
    for place in (
        _Place(_p.insz_sealed, _p.id, _p.insz_sealed, literal("insz:") + _p.id),
        _Place(_p.insz_index, _p.id, _p.insz_sealed, literal("insz:") + _p.id),
        _Place(_b.sealed_key, _b.id, _b.sealed_key, literal("bulk:") + _b.id),
        _Place(_c.address_sealed, _c.party, _c.address_sealed, literal("address:") + _c.party),
        _Place(_d.sealed_key, _d.sha256, _d.sealed_key, literal("document:") + _d.sha256),
        _Place(_k.sealed_private, _k.kid, _k.sealed_private, literal("key:") + _k.purpose),
    )
}
_PAGES = {name: place.page() for name, place in _PLACES.items()}
_MOVES = {name: place.move() for name, place in _PLACES.items()}


class SqlVaultKeyStore:
    """`ports.VaultKeyStore` in table `vault_keys`, and in the columns of `_PLACES`."""

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._writes = writes
        self._held: list[VaultKeyRecord] | None = None

    def all(self) -> list[VaultKeyRecord]:
        """Oldest first. In a write unit nobody adds or drops a key from here until its end."""
        if self._held is None:
            if self._writes:
                # A statement of its own: the one that waited would not see what it waited for.
                self._connection.execute(_HOLD)
            self._held = [VaultKeyRecord(**row) for row in self._connection.execute(_ALL).mappings()]
        return self._held

    def claim(self) -> None:
        """Wait until no write unit rests on the keys as they are; until commit, none can."""
        self._connection.execute(_CLAIM)
        self._held = None

    def add_missing(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Leave out each whose use has a current key already."""
        self._change()
        self._connection.execute(_ADD, rows_of(keys))

    def put(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Replace `wrapped` and `retired_at` of stored keys."""
        self._change()
        rows = [{"stored": k.id, "new_wrapped": k.wrapped, "new_retired_at": k.retired_at} for k in keys]
        self._connection.execute(_PUT, rows)

    def drop(self, keys: Iterable[str]) -> None:
        self._change()
        self._connection.execute(_DROP, {"ids": keys})

    def elsewhere(self, place: str, prefix: str, after: str, limit: int) -> list[VaultedValue]:
        """What does not begin with `prefix` in a place (`table.column`), by key, from `after` on."""
        keys = {"prefix": prefix, "after": after, "limit": limit}
        return [VaultedValue(**row) for row in self._connection.execute(_PAGES[place], keys).mappings()]

    def move(self, place: str, changes: Sequence[tuple[VaultedValue, str]]) -> int:
        """Put the new text in place of each that is still the same. Returns how many were."""
        rows = [{"stored": one.key, "old": one.text, "new": new} for one, new in changes]
        return self._connection.execute(_MOVES[place], rows).rowcount if rows else 0

    def _change(self) -> None:
        # Running brokers see by the registry's version that there is something to adopt.
        raise_counter(self._connection, _REGISTRY)
        self._held = None
