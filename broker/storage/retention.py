"""What is past its term, found and let go. Every condition asks for an end that lies before an instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from broker.storage.blanks import blank_journal, blank_mandates
from broker.storage.clauses import one_of
from broker.storage.retired import FREE_AFTER
from broker.storage.tables import (
    activation_codes,
    bulk_jobs,
    cascades,
    consents,
    contacts,
    documents,
    grants,
    journal,
    mandates,
    refresh_tokens,
    retention_terms,
    reviews,
    sessions,
    status_entries,
    uses,
)
from mandates.commitments import ROLES
from mandates.model import Evidence, Instant

_GUARDED = ("mandates", "journal")
"""Kinds whose contents a trigger guards."""

_before = bindparam("before")
_session_over = func.coalesce(sessions.c.ended_at, sessions.c.expires_at) < _before
_grant_over = or_(
    grants.c.ended_at < _before,
    exists().where(sessions.c.id == grants.c.session, _session_over),
)
_bit_is_read = exists().where(
    status_entries.c.grant == grants.c.id, status_entries.c.last_exp + FREE_AFTER >= _before
)
_refreshes = exists().where(refresh_tokens.c.grant == grants.c.id, refresh_tokens.c.expires_at >= _before)
_suspensions = func.replace(type_coerce(mandates.c.suspensions, Text), '"grounds":""', "")
_has_texts = or_(
    mandates.c.grounds != "",
    mandates.c.evidence != literal(Evidence(), mandates.c.evidence.type),
    _suspensions.contains('"grounds":'),
)
_mandate_over = or_(mandates.c.ended_at < _before, mandates.c.valid_until < _before)
_came_to_nothing = and_(mandates.c.activated_at.is_(None), mandates.c.lapses_at < _before)
_over_or_nothing = or_(_mandate_over, _came_to_nothing)
_gives_something = exists().where(
    mandates.c.principal == contacts.c.party, func.coalesce(_over_or_nothing, false()).is_(false())
)
_names_somebody = or_(*(journal.c[role].is_not(None) for role in ROLES))

_STALE: dict[str, tuple[Table, ColumnElement[bool]]] = {
    "refresh_tokens": (refresh_tokens, refresh_tokens.c.expires_at < _before),
    "consents": (consents, consents.c.at < _before),
    "uses": (uses, uses.c.at < _before),
    # A code can pause or end a mandate as long as that lives.
    "activation_codes": (
        activation_codes,
        exists().where(mandates.c.id == activation_codes.c.mandate, _over_or_nothing),
    ),
    "contacts": (contacts, and_(contacts.c.recorded_at < _before, ~_gives_something)),
    "reviews": (reviews, reviews.c.decided_at < _before),
    "cascades": (cascades, cascades.c.done_at < _before),
    "documents": (documents, and_(documents.c.named_at.is_(None), documents.c.added_at < _before)),
    "bulk_jobs": (
        bulk_jobs,
        and_(
            bulk_jobs.c.sealed_key != "",
            func.coalesce(bulk_jobs.c.applied_at, bulk_jobs.c.created_at) < _before,
        ),
    ),
    # While a token lives, its bit must be there to be read.
    "grants": (grants, and_(_grant_over, ~_bit_is_read, ~_refreshes)),
    "sessions": (sessions, and_(_session_over, ~exists().where(grants.c.session == sessions.c.id))),
    "mandates": (mandates, and_(_mandate_over, _has_texts)),
    "journal": (journal, and_(journal.c.recorded_at < _before, _names_somebody)),
}
_BLANK: dict[str, Callable[[ColumnElement[bool]], Update]] = {
    "journal": lambda first: blank_journal(first, lambda role: journal.c[role].is_not(None)),
    # The rows are sealed under this key: without it nobody reads them.
    "bulk_jobs": lambda first: update(bulk_jobs).where(first).values(sealed_key=""),
}
"""Of which the row stays, and the contents go (`mandates` need more than one statement)."""
_CLEAR_GRANTS = (
    # A bit that is set stays set while its list is published: it is nobody's from now on.
    update(status_entries)
    .where(one_of(status_entries.c.grant, "ids"), status_entries.c.revoked_at.is_not(None))
    .values(grant=null(), client="", mandate=null(), executor=null()),
    delete(status_entries).where(one_of(status_entries.c.grant, "ids")),
    delete(refresh_tokens).where(one_of(refresh_tokens.c.grant, "ids")),
    delete(grants).where(one_of(grants.c.id, "ids")),
)
_TERM = insert(retention_terms)
_TERM_KNOWN = select(
    exists().where(retention_terms.c.kind == bindparam("kind"), retention_terms.c.before >= _before)
)


def _first_of(table: Table, condition: ColumnElement[bool], limit: int) -> ColumnElement[bool]:
    """That a row is among the first so many of which this is true."""
    keys = list(table.primary_key)
    key = keys[0] if len(keys) == 1 else tuple_(*keys)
    return key.in_(select(*keys).where(condition).order_by(*keys).limit(limit))


class SqlRetentionStore:
    """`ports.RetentionStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stale(self, kind: str, before: Instant) -> int:
        """How many things of this kind came to their end before that instant. `KeyError` for another kind."""
        table, condition = _STALE[kind]
        statement = select(func.count()).select_from(table).where(condition)
        return int(self._connection.execute(statement, {"before": before}).scalar_one())

    def blank_before(self, before: Instant, limit: int) -> int:
        """Of the journal rows that `clear_stale` takes next, how many are blank already."""
        first = _first_of(journal, _STALE["journal"][1], limit)
        counted = select(func.count()).where(first, journal.c.body == {})
        return int(self._connection.execute(counted, {"before": before}).scalar_one())

    def clear_stale(self, kind: str, before: Instant, now: Instant, limit: int) -> int:
        """Let at most so many of them go; returns how many."""
        self._remember_term(kind, before, now)
        if kind == "grants":
            return self._clear_grants(before, limit)
        if kind == "mandates":
            return self._clear_mandates(before, limit)
        table, condition = _STALE[kind]
        first = _first_of(table, condition, limit)
        blank = _BLANK.get(kind)
        gone = delete(table).where(first) if blank is None else blank(first)
        result: CursorResult[Any] = self._connection.execute(gone, {"before": before})
        return result.rowcount

    def _remember_term(self, kind: str, before: Instant, now: Instant) -> None:
        """The triggers let contents be blanked up to an instant that stands here."""
        values = {"kind": kind, "before": before}
        if kind in _GUARDED and not self._connection.execute(_TERM_KNOWN, values).scalar_one():
            self._connection.execute(_TERM, values | {"at": now})

    def _clear_mandates(self, before: Instant, limit: int) -> int:
        ids = self._first("mandates", before, limit)
        blank_mandates(self._connection, ids)
        return len(ids)

    def _clear_grants(self, before: Instant, limit: int) -> int:
        """Grants with the expired status entries and refresh tokens that rest on them."""
        ids = self._first("grants", before, limit)
        for statement in _CLEAR_GRANTS:
            self._connection.execute(statement, {"ids": ids})
        return len(ids)

    def _first(self, kind: str, before: Instant, limit: int) -> list[str]:
        table, condition = _STALE[kind]
        chosen = select(table.c.id).where(condition).order_by(table.c.id).limit(limit)
        return list(self._connection.execute(chosen, {"before": before}).scalars())
