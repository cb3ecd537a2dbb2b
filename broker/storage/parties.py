"""People and organisations, and the upstream identities that they are known by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from broker.port_errors import ConflictError, NotFoundError
from broker.records import NewParty
from broker.storage.clauses import insert_new, one_of, row_of, select_record, skip_taken
from broker.storage.tables import identities, parties
from mandates.model import Instant, Party

_PARTIES = select_record(parties, Party)
_GET = _PARTIES.where(parties.c.id == bindparam("party"))
_GET_MANY = _PARTIES.where(one_of(parties.c.id, "ids"))
_BY_INSZ = _PARTIES.where(parties.c.insz_index == bindparam("insz_index"))
_BY_KBO = _PARTIES.where(parties.c.kbo == bindparam("kbo"))
_BY_IDENTITY = _PARTIES.join(identities, identities.c.party == parties.c.id).where(
    identities.c.issuer == bindparam("issuer"), identities.c.subject == bindparam("subject")
)
_IDENTITIES = (
    select(identities.c.issuer, identities.c.subject)
    .where(identities.c.party == bindparam("party"))
    .order_by(identities.c.created_at, identities.c.issuer, identities.c.subject)
)
_INSZ_SEALED = select(parties.c.insz_sealed).where(parties.c.id == bindparam("party"))
_ADD = skip_taken(insert(parties))
_ADD_IDENTITY = skip_taken(insert(identities))
_CHANGEABLE = ("name", "org_kinds", "deceased_at", "ceased_at")
_SAVE = (
    update(parties)
    .where(parties.c.id == bindparam("party"))
    .values({name: bindparam(name) for name in _CHANGEABLE})
)
_SET_INSZ = (
    update(parties)
    .where(parties.c.id == bindparam("party_id"), parties.c.insz_index.is_(None))
    .values(insz_index=bindparam("new_index"), insz_sealed=bindparam("new_sealed"))
)


class SqlPartyStore:
    """`ports.PartyStore` in tables `parties` and `identities`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, party: str) -> Party:
        """Raise `NotFoundError` if unknown."""
        found = self._find(_GET, party=party)
        if found is None:
            raise NotFoundError("no such party")
        return found

    def get_many(self, parties: Iterable[str]) -> dict[str, Party]:
        """One query, whatever the number; unknown ids are left out."""
        rows = self._connection.execute(_GET_MANY, {"ids": parties}).mappings()
        return {row["id"]: Party(**row) for row in rows}

    def find_by_insz_index(self, index: str) -> Party | None:
        return self._find(_BY_INSZ, insz_index=index)

    def find_by_kbo(self, kbo: str) -> Party | None:
        return self._find(_BY_KBO, kbo=kbo)

    def find_by_identity(self, issuer: str, subject: str) -> Party | None:
        return self._find(_BY_IDENTITY, issuer=issuer, subject=subject)

    def identities(self, party: str) -> list[tuple[str, str]]:
        """(issuer, subject) pairs by which the party is known, oldest first."""
        rows = self._connection.execute(_IDENTITIES, {"party": party})
        return [(issuer, subject) for issuer, subject in rows]

    def insz_sealed(self, party: str) -> str | None:
        return self._connection.execute(_INSZ_SEALED, {"party": party}).scalar_one_or_none()

    def add(self, new: NewParty, now: Instant) -> None:
        """Raise `ConflictError` if the id, the number or the KBO is taken."""
        row = row_of(new.party) | {
            "insz_index": new.insz_index,
            "insz_sealed": new.insz_sealed,
            "created_at": now,
        }
        insert_new(self._connection, _ADD, row, "this party, or its number,")

    def save(self, party: Party) -> None:
        """Change name, organisation kinds, deceased_at or ceased_at; raise `NotFoundError` if unknown."""
        values = {name: getattr(party, name) for name in _CHANGEABLE}
        if self._connection.execute(_SAVE, {"party": party.id, **values}).rowcount != 1:
            raise NotFoundError("no such party")

    def set_insz(self, party: str, index: str, sealed: str) -> None:
        """Give a person the number that she lacks. Raise `ConflictError` if it is taken or she has one."""
        values = {"party_id": party, "new_index": index, "new_sealed": sealed}
        if self._connection.execute(_SET_INSZ, values).rowcount != 1:
            raise ConflictError("this party has a number")

    def add_identity(self, issuer: str, subject: str, party: str, now: Instant) -> None:
        """Raise `ConflictError` if (issuer, subject) is known, `NotFoundError` if the party is not."""
        row = {"issuer": issuer, "subject": subject, "party": party, "created_at": now}
        insert_new(self._connection, _ADD_IDENTITY, row, "this identity")

    def _find(self, statement: Select[Any], **keys: str) -> Party | None:
        row = self._connection.execute(statement, keys).mappings().one_or_none()
        return None if row is None else Party(**row)
