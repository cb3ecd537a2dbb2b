"""Taking out of rows what people wrote, where the row itself must stay.

History and journal are never overwritten: the triggers let exactly this pass, once
an erasure or a term stands in its own append-only table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Update,
    bindparam,
    case,
    delete,
    literal,
    null,
    select,
    update,
)

from broker.storage.clauses import one_of
from broker.storage.tables import documents, journal, mandate_history, mandates
from mandates.commitments import ROLES
from mandates.model import Evidence

_PRINCIPALS = select(mandates.c.principal).where(one_of(mandates.c.id, "ids")).distinct()
_REMOVE_PAPERS = delete(documents).where(one_of(documents.c.sha256, "papers"))


def blank_mandates(connection: Connection, ids: Sequence[str]) -> None:
    """Blank evidence and grounds of these mandates, in every version; dates, parties and powers stay.

    The documents that they name go too, unless another mandate of the same principal rests on one: a
    renewal rests on the papers of what it renews.
    """
    named = {paper for _, paper in _papers(connection, mandates.c.id, ids)}
    for table in (mandates, mandate_history):
        these = one_of(table.c.id, "ids")
        connection.execute(update(table).where(these).values(evidence=Evidence(), grounds=""), {"ids": ids})
        _quiet_suspensions(connection, table, these, ids)
    if named:
        hers = connection.execute(_PRINCIPALS, {"ids": ids}).scalars().all()
        still = {paper for _, paper in _papers(connection, mandates.c.principal, hers)}
        connection.execute(_REMOVE_PAPERS, {"papers": named - still})


def _papers(connection: Connection, column: ColumnElement[str], ids: Sequence[str]) -> list[tuple[str, str]]:
    """Mandate and SHA-256 of its document, of those that name one."""
    found = connection.execute(
        select(mandates.c.id, mandates.c.evidence).where(one_of(column, "ids")), {"ids": ids}
    )
    return [(one, evidence.sha256) for one, evidence in found if evidence.sha256]


def _quiet_suspensions(
    connection: Connection, table: Table, these: ColumnElement[bool], ids: Sequence[str]
) -> None:
    """Why it was set aside goes; that it was, from when until when, is part of who could act."""
    some = table.c.suspensions != literal((), table.c.suspensions.type)
    found = connection.execute(
        select(table.c.id, table.c.version, table.c.suspensions).where(these, some), {"ids": ids}
    )
    quiet = [
        {"of": id_, "at_version": version, "quiet": tuple(replace(one, grounds="") for one in suspensions)}
        for id_, version, suspensions in found
    ]
    if quiet:
        connection.execute(
            update(table)
            .where(table.c.id == bindparam("of"), table.c.version == bindparam("at_version"))
            .values(suspensions=bindparam("quiet")),
            quiet,
        )


def blank_journal(condition: ColumnElement[bool], gone: Callable[[str], ColumnElement[bool]]) -> Update:
    """Take the contents out of journal rows, and from each role whoever is `gone`."""
    roles = {role: case((gone(role), null()), else_=journal.c[role]) for role in ROLES}
    return update(journal).where(condition).values(body={}, **roles)
