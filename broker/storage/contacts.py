"""Where letters to people go. The address is sealed: a stolen table tells nobody where anybody lives."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert

from broker.records import Contact
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.life_tables import contacts

_FIND = select_record(contacts, Contact).where(contacts.c.party == bindparam("whose"))
_REMOVE = delete(contacts).where(contacts.c.party == bindparam("whose"))
_ADD = skip_taken(insert(contacts))


class SqlContactStore:
    """`ports.ContactStore` in table `contacts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, contact: Contact) -> None:
        """Replace what was on record; raise `NotFoundError` if the party is not stored."""
        self._connection.execute(_REMOVE, {"whose": contact.party})
        insert_new(self._connection, _ADD, row_of(contact), "an address of this person")

    def find(self, party: str) -> Contact | None:
        row = self._connection.execute(_FIND, {"whose": party}).mappings().one_or_none()
        return None if row is None else Contact(**row)
