"""Clients, audiences, keys and the catalogue: changed by the command line, read by all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Insert, Table, Update, bindparam, delete, insert, select, update

from broker.records import Audience, Client
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.counters import hold_counter, raise_counter, read_counter
from broker.storage.tables import audiences, catalogues, clients, signing_keys
from keys.keyring import KeyRecord
from mandates.model import Instant

_VERSION = "registry"


def _replace(table: Table) -> Update:
    """UPDATE the whole row whose primary key is bound to `stored`."""
    key = table.primary_key.columns[0]
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c if column is not key}
    return update(table).where(key == bindparam("stored")).values(values)


_CLIENTS = select_record(clients, Client).order_by(clients.c.id)
_FIND_CLIENT = select_record(clients, Client).where(clients.c.id == bindparam("client"))
_ADD_CLIENT, _REPLACE_CLIENT = skip_taken(insert(clients)), _replace(clients)
_REMOVE_CLIENT = delete(clients).where(clients.c.id == bindparam("client"))

_AUDIENCES = select_record(audiences, Audience).order_by(audiences.c.uri)
_FIND_AUDIENCE = select_record(audiences, Audience).where(audiences.c.uri == bindparam("audience"))
_ADD_AUDIENCE, _REPLACE_AUDIENCE = skip_taken(insert(audiences)), _replace(audiences)

_KEYS = select_record(signing_keys, KeyRecord).order_by(signing_keys.c.created_at, signing_keys.c.kid)
_ADD_KEY, _REPLACE_KEY = skip_taken(insert(signing_keys)), _replace(signing_keys)

_CATALOGUE = select(catalogues.c.version, catalogues.c.text).order_by(catalogues.c.seq.desc()).limit(1)
_CATALOGUE_AT = _CATALOGUE.where(catalogues.c.loaded_at <= bindparam("known_at"))
_ADD_CATALOGUE = insert(catalogues)


class SqlRegistryStore:
    """`ports.RegistryStore` in tables `clients`, `audiences`, `signing_keys` and `catalogues`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_client(self, client: str) -> Client | None:
        row = self._connection.execute(_FIND_CLIENT, {"client": client}).mappings().one_or_none()
        return None if row is None else Client(**row)

    def clients(self) -> list[Client]:
        """By id."""
        return [Client(**row) for row in self._connection.execute(_CLIENTS).mappings()]

    def put_client(self, client: Client) -> None:
        """Add it, or replace what is registered under its id."""
        self._put(_REPLACE_CLIENT, _ADD_CLIENT, client.id, row_of(client))

    def remove_client(self, client: str) -> bool:
        """Return whether there was one."""
        if self._connection.execute(_REMOVE_CLIENT, {"client": client}).rowcount == 0:
            return False
        raise_counter(self._connection, _VERSION)  # before any bit is set: see `hold`
        return True

    def find_audience(self, uri: str) -> Audience | None:
        row = self._connection.execute(_FIND_AUDIENCE, {"audience": uri}).mappings().one_or_none()
        return None if row is None else Audience(**row)

    def audiences(self) -> list[Audience]:
        """By URI."""
        return [Audience(**row) for row in self._connection.execute(_AUDIENCES).mappings()]

    def put_audience(self, audience: Audience) -> None:
        """Add it, or replace what is registered under its URI."""
        self._put(_REPLACE_AUDIENCE, _ADD_AUDIENCE, audience.uri, row_of(audience))

    def keys(self) -> list[KeyRecord]:
        """Oldest first, also those that are gone; the private halves are sealed."""
        return [KeyRecord(**row) for row in self._connection.execute(_KEYS).mappings()]

    def put_key(self, key: KeyRecord) -> None:
        """Add it, or replace what is stored under its kid."""
        self._put(_REPLACE_KEY, _ADD_KEY, key.kid, row_of(key))

    def catalogue(self) -> tuple[str, str] | None:
        """(version, TOML text) that was loaded last, or None when none was loaded yet."""
        row = self._connection.execute(_CATALOGUE).one_or_none()
        return None if row is None else (row[0], row[1])

    def catalogue_at(self, known_at: Instant) -> tuple[str, str] | None:
        """The catalogue that was in force at this instant; None before the first one."""
        row = self._connection.execute(_CATALOGUE_AT, {"known_at": known_at}).one_or_none()
        return None if row is None else (row.version, row.text)

    def put_catalogue(self, version: str, text: str, now: Instant) -> None:
        """Make this the catalogue in use. Earlier ones stay: mandates name the version that allowed them."""
        raise_counter(self._connection, _VERSION)
        self._connection.execute(_ADD_CATALOGUE, {"version": version, "text": text, "loaded_at": now})

    def version(self) -> int:
        """Grows with every put or remove; processes compare it to drop their caches."""
        return read_counter(self._connection, _VERSION)

    def hold(self) -> int:
        """As `version`, share-locked until the commit: many hold it, and who would raise it waits for them.

        Whoever changes a registration raises the version before it sets any bit. So what is
        issued beside it is either issued on the new registration or found and revoked.
        """
        return hold_counter(self._connection, _VERSION)

    def _put(self, replace: Update, add: Insert, key: str, row: dict[str, Any]) -> None:
        # The counter comes first: it makes writers of the registry wait for each other.
        raise_counter(self._connection, _VERSION)
        if self._connection.execute(replace, {"stored": key, **row}).rowcount == 0:
            insert_new(self._connection, add, row, "this registration")
