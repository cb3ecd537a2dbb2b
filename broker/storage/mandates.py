"""Mandates. The queries pre-select; whether one is in force is for `mandates.status` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    Text,
    bindparam,
    exists,
    insert,
    or_,
    select,
    union_all,
    update,
)

from broker.port_errors import ConflictError
from broker.storage.clauses import insert_new, one_of, row_of, select_record, skip_taken
from broker.storage.counters import raise_counter, read_counter
from broker.storage.tables import mandates, parties
from mandates.model import Mandate, PartyKind, Source

_REVISION = "revision"
_MANDATES = select_record(mandates, Mandate)


def _locked(statement: Select[Any]) -> Select[Any]:
    """Return `statement` with row locks, taken in the order of identifiers (SQLite has no need of them).

    FOR NO KEY UPDATE: two writers wait for each other, foreign keys do not wait.
    """
    return statement.order_by(mandates.c.id).with_for_update(key_share=True, of=mandates)


def _chain_links() -> Select[Any]:
    """Identifiers of the links of every possible chain principal -> actor, in three arms without overlap.

    Arms, not one condition with OR: each is answered from one index, whatever
    the number of mandates that the principal or an organisation has.
    """
    principal: BindParameter[str] = bindparam("principal", type_=Text)
    actor: BindParameter[str] = bindparam("actor", type_=Text)
    given, held = mandates.alias("given"), mandates.alias("held")
    direct = select(mandates.c.id).where(
        mandates.c.principal == principal, mandates.c.representative == actor
    )
    organisations = (
        select(held.c.principal)
        .join(parties, parties.c.id == held.c.principal)
        .where(held.c.representative == actor, parties.c.kind == PartyKind.ORGANISATION)
    )
    to_organisation = select(given.c.id).where(
        given.c.principal == principal,
        given.c.representative != actor,
        given.c.representative.in_(organisations),
    )
    first = mandates.alias("first")
    to_actor = (
        select(held.c.id)
        .join(parties, parties.c.id == held.c.principal)
        .where(
            held.c.representative == actor,
            held.c.principal != principal,
            parties.c.kind == PartyKind.ORGANISATION,
            exists().where(first.c.principal == principal, first.c.representative == held.c.principal),
        )
    )
    return select(union_all(direct, to_organisation, to_actor).subquery().c.id)


# A mandate from claims serves its own session only; an officer leaves one behind at every
# sign-in, and those of other sessions would make each question slower than the one before.
_SERVES = or_(mandates.c.session.is_(None), mandates.c.session == bindparam("session", type_=Text))

_GET_MANY = _MANDATES.where(one_of(mandates.c.id, "ids"))
_BETWEEN = _MANDATES.where(mandates.c.id.in_(_chain_links()), _SERVES)
_OF_PRINCIPAL = _MANDATES.where(
    mandates.c.principal == bindparam("principal"), mandates.c.session.is_(None)
).order_by(mandates.c.requested_at, mandates.c.id)
_OF_REPRESENTATIVES = _MANDATES.where(one_of(mandates.c.representative, "ids"), _SERVES).order_by(
    mandates.c.requested_at, mandates.c.id
)
_OF_SESSION = _MANDATES.where(
    mandates.c.session == bindparam("session"),
    mandates.c.source == Source.CLAIMS,
    mandates.c.ended_at.is_(None),
).order_by(mandates.c.requested_at, mandates.c.id)
_WAITING = _MANDATES.where(mandates.c.activated_at.is_(None), mandates.c.ended_at.is_(None)).order_by(
    mandates.c.requested_at, mandates.c.id
)
_ADD = skip_taken(insert(mandates))
# The parties and the type of a mandate never change; a change of those is another mandate.
_FIXED = frozenset({"id", "type", "principal", "representative", "requested_at", "requested_by", "source"})
_CHANGEABLE = tuple(column.name for column in mandates.c if column.name not in _FIXED)
_SAVE = (
    update(mandates)
    .where(mandates.c.id == bindparam("mandate"), mandates.c.version == bindparam("stored_version"))
    .values({name: bindparam(name) for name in _CHANGEABLE})
)


class SqlMandateStore:
    """`ports.MandateStore` in table `mandates`.

    In a write unit on PostgreSQL, `find`, `get_many` and `between` lock what
    they return: a mandate that a token is being issued on cannot end until the
    issue is committed, and then its ending sees the new grant and its bits.
    Lists are not locked, they may hold 50,000 rows.
    """

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._get_many = _locked(_GET_MANY) if writes else _GET_MANY
        self._between = _locked(_BETWEEN) if writes else _BETWEEN

    def find(self, mandate: str) -> Mandate | None:
        return self.get_many((mandate,)).get(mandate)

    def get_many(self, mandates: Iterable[str]) -> dict[str, Mandate]:
        """One query, whatever the number; unknown ids are left out."""
        return {found.id: found for found in self._list(self._get_many, ids=mandates)}

    def add(self, mandate: Mandate) -> None:
        """Raise `ConflictError` if the id is taken, `NotFoundError` if a party or the parent is not."""
        row = row_of(mandate) | {"revision": raise_counter(self._connection, _REVISION)}
        insert_new(self._connection, _ADD, row, "this mandate")

    def save(self, mandate: Mandate) -> None:
        """Store the next version. Raise `ConflictError` unless the stored version is one less."""
        values = row_of(mandate) | {"revision": raise_counter(self._connection, _REVISION)}
        keys = {"mandate": mandate.id, "stored_version": mandate.version - 1}
        changes = {name: values[name] for name in _CHANGEABLE}
        if self._connection.execute(_SAVE, keys | changes).rowcount != 1:
            raise ConflictError("this mandate was changed by another hand, or is not stored")

    def between(self, principal: str, actor: str, session: str | None = None) -> list[Mandate]:
        """Everything that can make a chain principal -> actor in a session, ended ones included; one query.

        Mandates principal -> actor, mandates principal -> X for the
        organisations X that gave the actor a mandate, and those X -> actor.
        """
        return self._list(self._between, principal=principal, actor=actor, session=session)

    def of_principal(self, principal: str) -> list[Mandate]:
        """What somebody gave, powers of sessions left out; oldest request first."""
        return self._list(_OF_PRINCIPAL, principal=principal)

    def of_representatives(self, representatives: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Oldest request first; of mandates from claims, those of this session alone."""
        return self._list(_OF_REPRESENTATIVES, ids=representatives, session=session)

    def of_session(self, session: str) -> list[Mandate]:
        """Mandates with `source = claims` of this session that have not ended."""
        return self._list(_OF_SESSION, session=session)

    def waiting(self) -> list[Mandate]:
        """Requests neither activated nor ended, oldest first."""
        return self._list(_WAITING)

    def revision(self) -> int:
        """Grows with every mandate added or saved, in the order of the commits."""
        return read_counter(self._connection, _REVISION)

    def _list(self, statement: Select[Any], **keys: Any) -> list[Mandate]:
        rows: Iterable[Mapping[Any, Any]] = self._connection.execute(statement, keys).mappings()
        return [Mandate(**row) for row in rows]
