"""Status indices that mean nothing any more: 24 hours after the last token that carried them.

One whose bit is 0 is handed out again. One whose bit is 1 is not, while its list is
published: a bit never returns to 0 (tokens.md section 6). It goes with the whole list,
once that is no longer the open one and all its tokens are long over.

No index helps to find what is old: one on `last_exp` would have to be kept at every
refresh. A stretch of a list is looked at instead, another one each time, chosen at
random; so any number of processes may do this, and none needs to remember where it was.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, bindparam, delete, exists, func, select

from broker.storage.tables import status_entries, status_lists
from mandates.model import Instant

FREE_AFTER = 24 * 3600
"""Seconds after the last token's end."""

_e, _l = status_entries.c, status_lists.c
_newer = status_lists.alias()
_of_list = _e.list == bindparam("status_list")
_LISTS = select(_l.id, _l.size).order_by(_l.id)
# The condition is the statement's own, not that of a query inside it: an entry that is extended
# in this moment is waited for, looked at again, and kept.
_FREE = delete(status_entries).where(
    _of_list,
    _e.index >= bindparam("start"),
    _e.index < bindparam("end"),
    _e.revoked_at.is_(None),
    _e.last_exp < bindparam("over"),
)
_CLOSED = (
    select(_l.id)
    .where(
        exists().where(_newer.c.audience == _l.audience, _newer.c.number > _l.number),
        _l.created_at < bindparam("over"),
    )
    .order_by(_l.id)
)
# Whoever puts an index into the list holds its row FOR KEY SHARE: it is waited for, and nobody follows.
_LOCK = select(_l.id).where(_l.id == bindparam("status_list")).with_for_update()
_LAST_EXP = select(func.max(_e.last_exp)).where(_of_list)
_DROP_ENTRIES = delete(status_entries).where(_of_list)
_DROP_LIST = delete(status_lists).where(_l.id == bindparam("status_list"))


def retire(connection: Connection, now: Instant, limit: int) -> int:
    """Let go of what is free in a stretch of one list, and of one list that is wholly over.

    Looks at `limit` places at most. Returns how many indices became free.
    """
    lists = connection.execute(_LISTS).all()
    if not lists:
        return 0
    over = now - FREE_AFTER
    chosen, size = lists[secrets.randbelow(len(lists))]
    start = secrets.randbelow(-(-size // limit)) * limit
    keys = {"status_list": chosen, "start": start, "end": start + limit, "over": over}
    freed = connection.execute(_FREE, keys).rowcount
    closed = connection.execute(_CLOSED, {"over": over}).scalars().all()
    if closed:
        freed += _drop(connection, closed[secrets.randbelow(len(closed))], over)
    return freed


def _drop(connection: Connection, status_list: str, over: Instant) -> int:
    """Let a closed list go with all its entries, unless one of its tokens may still live."""
    keys = {"status_list": status_list}
    if connection.execute(_LOCK, keys).one_or_none() is None:
        return 0  # another process was first
    last_exp = connection.execute(_LAST_EXP, keys).scalar_one()
    if last_exp is not None and last_exp >= over:
        return 0
    dropped = connection.execute(_DROP_ENTRIES, keys).rowcount
    connection.execute(_DROP_LIST, keys)
    return dropped
