"""The list of an audience in which indices are handed out, and the next one when it is three quarters full.

A list loses what is retired and gains what is issued, so how full it is has to be
looked at, and counting 2**20 rows is slow. Indices are drawn at random: a stretch
of neighbours is as full as the whole list, within a percent or two.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, bindparam, func, insert, select

from broker.records import StatusList
from broker.storage.clauses import columns_of, row_of, skip_taken
from broker.storage.tables import status_entries, status_lists
from mandates.model import Instant

FULL_PERCENT = 75
"""Where the next list opens (tokens.md section 6)."""
_STRETCH = 4096
"""Neighbours that are counted."""
_COUNT_EVERY = 1024
"""They are counted once in every 1/1024 of a list's size, on average."""
_DECOYS_PER_LIST = 16_384
"""A list has about one decoy in so many of its bits, and up to as many again, at random."""

_NEWEST = (
    select(status_lists.c.number, *columns_of(status_lists, StatusList))
    .where(status_lists.c.audience == bindparam("for_audience"))
    .order_by(status_lists.c.number.desc())
    .limit(1)
)
_ADD = skip_taken(insert(status_lists))
_TAKEN = select(func.count()).where(
    status_entries.c.list == bindparam("status_list"),
    status_entries.c.index >= bindparam("start"),
    status_entries.c.index < bindparam("end"),
)


class OpenLists:
    """Of one transaction; `size` is that of a list that it opens."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._size = size

    def open(self, audience: str, now: Instant, *, sure: bool = False) -> StatusList:
        """Return the audience's newest list, or the next when it is three quarters full.

        How full it is is looked at now and then, `sure` now.
        """
        newest = self._newest(audience)
        if newest is None:
            return self._add(audience, 1, now)
        number, status_list = newest
        looked_at = sure or not secrets.randbelow(max(1, status_list.size // _COUNT_EVERY))
        if looked_at and self._is_full(status_list):
            return self._add(audience, number + 1, now)
        return status_list

    def after(self, full: StatusList, now: Instant) -> StatusList:
        """Return the list that follows one in which nothing was free, or the one that followed already."""
        newest = self._newest(full.audience)
        if newest is not None and newest[1].id != full.id:
            return newest[1]
        return self._add(full.audience, newest[0] + 1 if newest else 1, now)

    def _newest(self, audience: str) -> tuple[int, StatusList] | None:
        row = self._connection.execute(_NEWEST, {"for_audience": audience}).one_or_none()
        return None if row is None else (row[0], StatusList(*row[1:]))

    def _is_full(self, newest: StatusList) -> bool:
        stretch = min(_STRETCH, newest.size)
        start = secrets.randbelow(newest.size - stretch + 1)
        keys = {"status_list": newest.id, "start": start, "end": start + stretch}
        return bool(self._connection.execute(_TAKEN, keys).scalar_one() * 100 >= stretch * FULL_PERCENT)

    def _add(self, audience: str, number: int, now: Instant) -> StatusList:
        """Open list `number`, or find that another hand opened it at the same moment."""
        new = StatusList(secrets.token_hex(8), audience, self._size, 1, now, _decoys(self._size))
        self._connection.execute(_ADD, row_of(new) | {"number": number})
        newest = self._newest(audience)
        return newest[1] if newest else new


def _decoys(size: int) -> tuple[int, ...]:
    """Random indices that nobody will get; how many there are is nobody's business either."""
    least = size // _DECOYS_PER_LIST
    return tuple(sorted({secrets.randbelow(size) for _ in range(least + secrets.randbelow(least + 1))}))
