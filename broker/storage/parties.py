"""People and organisations, and the upstream identities that they are known by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, insert, select, update

from broker.port_errors import ConflictError, NotFoundError
from broker.records import NewParty
from broker.storage.clauses import insert_new, one_of, row_of, select_record, skip_taken
from broker.storage.names import key_of
from broker.storage.revision import Revision
from broker.storage.tables import identities, parties
from mandates.model import Instant, Party

_PARTIES = select_record(parties, Party)
_GET = _PARTIES.where(parties.c.id == bindparam("party"))
_GET_MANY = _PARTIES.where(one_of(parties.c.id, "ids"))
_BY_INSZ = _PARTIES.where(one_of(parties.c.insz_index, "indexes"))
_BY_INSZ_INDEXES = _PARTIES.add_columns(parties.c.insz_index).where(one_of(parties.c.insz_index, "indexes"))
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
_BY_KBOS = _PARTIES.where(one_of(parties.c.kbo, "kbos"))
_ORGANISATIONS = _PARTIES.where(parties.c.kbo.is_not(None)).order_by(parties.c.kbo)
_INSZ_SEALED_MANY = select(parties.c.id, parties.c.insz_sealed).where(
    one_of(parties.c.id, "ids"), parties.c.insz_sealed.is_not(None)
)
_BY_OVO = _PARTIES.where(parties.c.ovo == bindparam("ovo"))
_ADD = skip_taken(insert(parties))
_ADD_IDENTITY = skip_taken(insert(identities))
_CHANGEABLE = ("name", "ovo", "recognitions", "adult_at", "deceased_at", "ceased_at", "successor")
_now = bindparam("now")
_SAVE = (
    update(parties)
    .where(parties.c.id == bindparam("party"))
    .values({name: bindparam(name) for name in (*_CHANGEABLE, "name_key")})
    .values(
        version=parties.c.version + 1,
        # Another machine's clock may be ahead of ours; what is recorded later never seems to be earlier.
        recorded_at=case((parties.c.recorded_at > _now, parties.c.recorded_at), else_=_now),
    )
    .execution_options(preserve_rowcount=True)
)
_SET_INSZ = (
    update(parties)
    .where(parties.c.id == bindparam("party_id"), parties.c.insz_index.is_(None))
    .values(insz_index=bindparam("new_index"), insz_sealed=bindparam("new_sealed"))
)


class SqlPartyStore:
    """`ports.PartyStore` in tables `parties` and `identities`."""

    def __init__(self, connection: Connection, revision: Revision) -> None:
        self._connection = connection
        self._revision = revision

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

    def find_by_insz_index(self, *indexes: str) -> Party | None:
        """The person under any of these, which are one number's."""
        return self._find(_BY_INSZ, indexes=indexes)

    def find_by_insz_indexes(self, indexes: Iterable[str]) -> dict[str, Party]:
        """Keyed index -> person, for many at once; unknown ones are left out."""
        rows = self._connection.execute(_BY_INSZ_INDEXES, {"indexes": indexes})
        return {row[-1]: Party(*row[:-1]) for row in rows}

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

    def insz_sealed_many(self, parties: Iterable[str]) -> dict[str, str]:
        """Party -> its sealed number, of many; those without a number are left out. One query."""
        rows = self._connection.execute(_INSZ_SEALED_MANY, {"ids": parties})
        return {party: sealed for party, sealed in rows}  # noqa: C416 - rows are no pairs to `dict`

    def find_by_ovo(self, ovo: str) -> Party | None:
        return self._find(_BY_OVO, ovo=ovo)

    def find_by_kbos(self, kbos: Iterable[str]) -> dict[str, Party]:
        """Enterprise number -> organisation, for many at once; unknown ones are left out."""
        rows = self._connection.execute(_BY_KBOS, {"kbos": kbos}).mappings()
        return {row["kbo"]: Party(**row) for row in rows}

    def organisations(self) -> list[Party]:
        """Every organisation, by enterprise number."""
        return [Party(**row) for row in self._connection.execute(_ORGANISATIONS).mappings()]

    def add(self, new: NewParty, now: Instant) -> None:
        """Raise `ConflictError` if the id, the number, the KBO or the OVO is taken."""
        insert_new(self._connection, _ADD, _row(new, now), "this party, or its number,")
        self._revision.changed()

    def add_many(self, new: Sequence[NewParty], now: Instant) -> None:
        """All or none. Raise `ConflictError` if an id or a number is taken."""
        if not new:
            return
        with self._connection.begin_nested():
            if self._connection.execute(_ADD, [_row(one, now) for one in new]).rowcount != len(new):
                raise ConflictError("one of these parties, or its number, is stored already")
        self._revision.changed()

    def save(self, party: Party, now: Instant) -> None:
        """Change a stored party's facts (not kind, KBO or number); the database keeps the version before it.

        Raise `NotFoundError` if unknown, `ConflictError` if the OVO is taken.
        """
        self.save_many((party,), now)

    def save_many(self, parties: Sequence[Party], now: Instant) -> None:
        """As `save`, in one statement."""
        rows = [
            {"party": one.id, "name_key": key_of(one.name), "now": now}
            | {name: getattr(one, name) for name in _CHANGEABLE}
            for one in parties
        ]
        if not rows:
            return
        if self._connection.execute(_SAVE, rows).rowcount != len(rows):
            raise NotFoundError("no such party")
        self._revision.changed()

    def set_insz(self, party: str, index: str, sealed: str) -> None:
        """Give a person the number that she lacks. Raise `ConflictError` if it is taken or she has one."""
        values = {"party_id": party, "new_index": index, "new_sealed": sealed}
        if self._connection.execute(_SET_INSZ, values).rowcount != 1:
            raise ConflictError("this party has a number")

    def add_identity(self, issuer: str, subject: str, party: str, now: Instant) -> None:
        """Raise `ConflictError` if (issuer, subject) is known, `NotFoundError` if the party is not."""
        row = {"issuer": issuer, "subject": subject, "party": party, "created_at": now}
        insert_new(self._connection, _ADD_IDENTITY, row, "this identity")

    def _find(self, statement: Select[Any], **keys: Any) -> Party | None:
        row = self._connection.execute(statement, keys).mappings().one_or_none()
        return None if row is None else Party(**row)


def _row(new: NewParty, now: Instant) -> dict[str, Any]:
    return row_of(new.party) | {
        "version": 1,
        "recorded_at": now,
        "name_key": key_of(new.party.name),
        "insz_index": new.insz_index,
        "insz_sealed": new.insz_sealed,
        "created_at": now,
    }
