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
    literal,
    null,
    select,
    update,
)

from broker.storage.clauses import one_of
from broker.storage.tables import journal, mandate_history, mandates
from mandates.commitments import ROLES
from mandates.model import Evidence


def blank_mandates(connection: Connection, ids: Sequence[str]) -> None:
    """Blank evidence and grounds of these mandates, in every version; dates, parties and powers stay."""
    for table in (mandates, mandate_history):
        these = one_of(table.c.id, "ids")
        connection.execute(update(table).where(these).values(evidence=Evidence(), grounds=""), {"ids": ids})
        _quiet_suspensions(connection, table, these, ids)


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
