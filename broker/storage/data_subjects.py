"""What is kept of a person: shown to her, and erased (mandates.md section 8).

What refers to a party is found by the foreign keys of the tables themselves, so
that a table made tomorrow is in her export without anybody thinking of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    bindparam,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from broker.storage.blanks import blank_journal, blank_mandates
from broker.storage.clauses import select_record
from broker.storage.tables import (
    consents,
    contacts,
    erasures,
    grants,
    identities,
    journal,
    mandates,
    metadata,
    parties,
    party_history,
    refresh_tokens,
    reviews,
    sessions,
    staff,
)
from mandates.commitments import ROLES
from mandates.model import Instant, Mandate

_NOT_HERS = {
    "salt",
    "insz_index",
    "insz_sealed",
    "address_sealed",
    "sealed_key",
    "content",
    "hash",
    "name_key",
}
"""Columns that are ours to know: secrets, and what only finds or opens."""

_refers = {
    table: [column for column in table.c if any(key.column is parties.c.id for key in column.foreign_keys)]
    for table in metadata.sorted_tables
    if table is not erasures
}
_refers[parties] = [parties.c.id]
_refers[mandates] = [*_refers[mandates], mandates.c.requested_by]
_ABOUT = {
    table: select(*(column for column in table.c if column.name not in _NOT_HERS)).where(
        or_(*(column == bindparam("party") for column in columns))
    )
    for table, columns in _refers.items()
    if columns
}
_ABOUT[reviews] = select(reviews).where(
    reviews.c.mandate.in_(select(mandates.c.id).where(mandates.c.principal == bindparam("party")))
)
_stands = or_(mandates.c.principal == bindparam("party"), mandates.c.representative == bindparam("party"))
_MANDATES = select_record(mandates, Mandate).where(_stands).order_by(mandates.c.id)
_LIVE_SESSIONS = select(func.count()).where(
    sessions.c.party == bindparam("party"),
    sessions.c.ended_at.is_(None),
    sessions.c.expires_at > bindparam("now"),
)
_ERASED = select(exists().where(erasures.c.party == bindparam("party")))
_RECORD = insert(erasures)


_NOBODY: dict[str, Any] = {"name": "", "adult_at": null(), "deceased_at": null()}
_HER_MANDATES = select(mandates.c.id).where(
    or_(mandates.c.principal == bindparam("her"), mandates.c.representative == bindparam("her"))
)
_HER_GRANTS = select(grants.c.id).where(grants.c.actor == bindparam("her"))
_in_journal = or_(*(journal.c[role] == bindparam("her") for role in ROLES))
_BLANK_ALREADY = select(func.count()).where(_in_journal, journal.c.body == {})
_ERASE = {
    parties: update(parties)
    .where(parties.c.id == bindparam("her"))
    .values(salt=null(), insz_index=null(), insz_sealed=null(), **_NOBODY),
    party_history: update(party_history).where(party_history.c.id == bindparam("her")).values(**_NOBODY),
    identities: delete(identities).where(identities.c.party == bindparam("her")),
    consents: delete(consents).where(consents.c.party == bindparam("her")),
    refresh_tokens: delete(refresh_tokens).where(refresh_tokens.c.grant.in_(_HER_GRANTS)),
    sessions: update(sessions).where(sessions.c.party == bindparam("her")).values(upstream_sub=""),
    contacts: delete(contacts).where(contacts.c.party == bindparam("her")),
    staff: delete(staff).where(staff.c.party == bindparam("her")),
    reviews: update(reviews).where(reviews.c.mandate.in_(_HER_MANDATES)).values(text="", grounds=""),
    journal: blank_journal(
        _in_journal,
        lambda role: journal.c[role] == bindparam("her"),
    ),
}


class SqlDataSubjectStore:
    """`ports.DataSubjectStore` over the tables that speak of people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows_of(self, party: str) -> dict[str, list[dict[str, Any]]]:
        """Table -> rows that refer to the party, as JSON values; secrets, hashes and the journal left out."""
        found = {}
        for table, statement in _ABOUT.items():
            rows = self._connection.execute(statement, {"party": party}).mappings()
            found[table.name] = [_shown(row, party) for row in rows]
        return {name: rows for name, rows in found.items() if rows}

    def mandates_of(self, party: str) -> list[Mandate]:
        """In which she is principal or representative, whatever their state and source."""
        return [Mandate(**row) for row in self._connection.execute(_MANDATES, {"party": party}).mappings()]

    def live_sessions(self, party: str, now: Instant) -> int:
        """How many of her sessions have neither ended nor reached their end."""
        return int(self._connection.execute(_LIVE_SESSIONS, {"party": party, "now": now}).scalar_one())

    def is_erased(self, party: str) -> bool:
        """Whether she was forgotten before."""
        return bool(self._connection.execute(_ERASED, {"party": party}).scalar_one())

    def erase(self, party: str, by: str, now: Instant) -> dict[str, int]:
        """Record the erasure, and blank or remove all that tells who she was. Table -> rows touched.

        Of the journal, those whose contents go now: a row that is told of twice would hide that
        another one was blanked by nobody. The record comes first: without it the triggers let
        nothing be blanked. Raise `ConflictError` if it was done before.
        """
        self._connection.execute(_RECORD, {"party": party, "at": now, "by": by})
        ids = list(self._connection.execute(_HER_MANDATES, {"her": party}).scalars())
        blank_mandates(self._connection, ids)
        already = self._connection.execute(_BLANK_ALREADY, {"her": party}).scalar_one()
        touched = {table.name: self._touched(statement, her=party) for table, statement in _ERASE.items()}
        return {"mandates": len(ids)} | touched | {"journal": touched["journal"] - already}

    def _touched(self, statement: Any, **values: Any) -> int:
        result: CursorResult[Any] = self._connection.execute(statement, values)
        return result.rowcount


def _shown(row: Mapping[str, Any], party: str) -> dict[str, Any]:
    """A row as JSON. What was written about the principal of a mandate is for her alone."""
    others = "evidence" in row and row["principal"] != party
    return {name: _plain(value) for name, value in row.items() if not (others and name == "evidence")}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
