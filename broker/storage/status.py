"""Status indices: one bit per (grant, audience), handed out at random, never taken back.

Random, because an index in order would tell how many tokens were issued and
which belong together (tokens.md section 6). In this version an index is never
handed out twice, although it would be free 24 hours after its last `exp`: a bit
that was set may then never have to return from 1 to 0.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from broker.port_errors import ConflictError, UnavailableError
from broker.records import Message, StatusEntry, StatusList
from broker.storage.clauses import columns_of, one_of, row_of, select_record, skip_taken
from broker.storage.outbox import SqlOutboxStore
from broker.storage.tables import grants, status_entries, status_lists
from mandates.model import Instant

_FULL_PERCENT = 75
"""Where the next list opens (tokens.md section 6)."""
_DECOYS_PER_LIST = 16_384
"""A list has about one decoy in so many of its bits, and up to as many again, at random."""
_DRAWS = 64
"""At three quarters full, 64 draws all fail once in 10**8 times."""
_COUNT_EVERY = 1024
"""A list is counted once in every 1/1024 of its size, on average: counting 2**20 rows is slow."""

_TOLD_AT_ONCE = 1000
"""Indices in one message (tokens.md section 6)."""

_live = (
    status_entries.c.grant == bindparam("grant_id"),
    status_entries.c.audience == bindparam("for_audience"),
    status_entries.c.revoked_at.is_(None),
)
_EXTEND = (
    update(status_entries)
    .where(*_live)
    .values(
        last_exp=case(
            (status_entries.c.last_exp < bindparam("exp"), bindparam("exp")), else_=status_entries.c.last_exp
        )
    )
    .returning(*columns_of(status_entries, StatusEntry))
)
_LOCK_LIVE_GRANT = (
    select(grants.c.id)
    .where(grants.c.id == bindparam("grant_id"), grants.c.ended_at.is_(None))
    .with_for_update(key_share=True)
)
_NEWEST_LIST = (
    select(status_lists.c.number, *columns_of(status_lists, StatusList))
    .where(status_lists.c.audience == bindparam("for_audience"))
    .order_by(status_lists.c.number.desc())
    .limit(1)
)
_NEW_LIST = skip_taken(insert(status_lists))
_TAKEN = select(func.count()).where(status_entries.c.list == bindparam("status_list"))
_ADD = skip_taken(insert(status_entries))
_ENTRY = select_record(status_entries, StatusEntry).where(
    status_entries.c.list == bindparam("status_list"), status_entries.c.index == bindparam("idx")
)
_REVOKE = (
    update(status_entries)
    .where(one_of(status_entries.c.grant, "ids"), status_entries.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
    .returning(status_entries.c.list, status_entries.c.index)
)
_RAISE_VERSIONS = (
    update(status_lists).where(one_of(status_lists.c.id, "ids")).values(version=status_lists.c.version + 1)
)
_LISTS = select_record(status_lists, StatusList).order_by(status_lists.c.audience, status_lists.c.number)
_FIND_LIST = select_record(status_lists, StatusList).where(status_lists.c.id == bindparam("status_list"))
_REVOKED = (
    select(status_entries.c.index)
    .where(status_entries.c.list == bindparam("status_list"), status_entries.c.revoked_at.is_not(None))
    .order_by(status_entries.c.index)
)


class SqlStatusStore:
    """`ports.StatusStore` in tables `status_lists` and `status_entries`."""

    def __init__(self, connection: Connection, list_size: int) -> None:
        self._connection = connection
        self._outbox = SqlOutboxStore(connection)
        self._list_size = list_size

    def allocate(self, grant: str, audience: str, exp: Instant, now: Instant) -> StatusEntry:
        """Return the live entry of (grant, audience), its last_exp raised to `exp`, or a fresh random index.

        A fresh index locks the grant until commit, so an ending of that grant
        waits and then sets this bit too. Raise `ConflictError` if the grant has
        ended, `UnavailableError` if no free index was found.
        """
        live = self._extend(grant, audience, exp)
        if live is not None:
            return live
        if self._connection.execute(_LOCK_LIVE_GRANT, {"grant_id": grant}).one_or_none() is None:
            raise ConflictError("this grant has ended, or is not stored")
        # Whoever held the lock before may have allocated for the same grant and audience.
        return self._extend(grant, audience, exp) or self._allocate_fresh(grant, audience, exp, now)

    def entry(self, status_list: str, index: int) -> StatusEntry | None:
        row = (
            self._connection.execute(_ENTRY, {"status_list": status_list, "idx": index})
            .mappings()
            .one_or_none()
        )
        return None if row is None else StatusEntry(**row)

    def revoke(self, grants: Iterable[str], now: Instant) -> int:
        """Set the bits of these grants' live entries, raise the lists' versions, and post what to tell.

        Returns how many. The outbox gets one message for a list and at most a thousand
        indices, which is the list sent early (tokens.md section 6).

        Come here after ending the grants, or with the mandate saved: both hold
        off an allocation that is under way, whose bit is then set here too.
        """
        touched = self._connection.execute(_REVOKE, {"ids": grants, "now": now}).all()
        if touched:
            indices: dict[str, list[int]] = {}
            for status_list, index in touched:
                indices.setdefault(status_list, []).append(index)
            self._connection.execute(_RAISE_VERSIONS, {"ids": indices})
            self._outbox.post(_told(indices, now))
        return len(touched)

    def lists(self) -> list[StatusList]:
        """By audience, oldest first."""
        return [StatusList(**row) for row in self._connection.execute(_LISTS).mappings()]

    def find_list(self, status_list: str) -> StatusList | None:
        row = self._connection.execute(_FIND_LIST, {"status_list": status_list}).mappings().one_or_none()
        return None if row is None else StatusList(**row)

    def revoked_indices(self, status_list: str) -> list[int]:
        """Indices of this list whose bit is set, decoys among them, lowest first."""
        found = self.find_list(status_list)
        revoked = self._connection.execute(_REVOKED, {"status_list": status_list}).scalars()
        return sorted({*revoked, *(found.decoys if found else ())})

    def _extend(self, grant: str, audience: str, exp: Instant) -> StatusEntry | None:
        keys = {"grant_id": grant, "for_audience": audience, "exp": exp}
        row = self._connection.execute(_EXTEND, keys).mappings().one_or_none()
        return None if row is None else StatusEntry(**row)

    def _allocate_fresh(self, grant: str, audience: str, exp: Instant, now: Instant) -> StatusEntry:
        number, open_list = self._open_list(audience, now)
        entry = self._draw(open_list, grant, audience, exp)
        if entry is None:  # many writers at once filled it before anyone could count
            _, next_list = self._next_list(audience, number + 1, now)
            entry = self._draw(next_list, grant, audience, exp)
        if entry is None:
            raise UnavailableError("no free status index was found")
        return entry

    def _draw(self, open_list: StatusList, grant: str, audience: str, exp: Instant) -> StatusEntry | None:
        for _ in range(_DRAWS):
            index = secrets.randbelow(open_list.size)
            if index in open_list.decoys:
                continue
            entry = StatusEntry(open_list.id, index, grant, audience, exp)
            if self._connection.execute(_ADD, row_of(entry)).rowcount == 1:
                return entry
        return None

    def _open_list(self, audience: str, now: Instant) -> tuple[int, StatusList]:
        """Return the audience's newest list with its number, or the next when it is three quarters full."""
        newest = self._newest_list(audience)
        if newest is None:
            return self._next_list(audience, 1, now)
        number, status_list = newest
        if self._is_full(status_list):
            return self._next_list(audience, number + 1, now)
        return newest

    def _newest_list(self, audience: str) -> tuple[int, StatusList] | None:
        row = self._connection.execute(_NEWEST_LIST, {"for_audience": audience}).one_or_none()
        return None if row is None else (row[0], StatusList(*row[1:]))

    def _is_full(self, newest: StatusList) -> bool:
        if secrets.randbelow(max(1, newest.size // _COUNT_EVERY)):
            return False
        taken = self._connection.execute(_TAKEN, {"status_list": newest.id}).scalar_one()
        return bool(taken * 100 >= newest.size * _FULL_PERCENT)

    def _next_list(self, audience: str, number: int, now: Instant) -> tuple[int, StatusList]:
        """Open list `number`, or find that another hand opened it at the same moment."""
        new = StatusList(secrets.token_hex(8), audience, self._list_size, 1, now, _decoys(self._list_size))
        self._connection.execute(_NEW_LIST, row_of(new) | {"number": number})
        return self._newest_list(audience) or (number, new)


def _decoys(size: int) -> tuple[int, ...]:
    """Random indices that nobody will get; how many there are is nobody's business either."""
    least = size // _DECOYS_PER_LIST
    return tuple(sorted({secrets.randbelow(size) for _ in range(least + secrets.randbelow(least + 1))}))


def _told(indices: Mapping[str, Sequence[int]], now: Instant) -> list[Message]:
    return [
        Message(
            now, "status-changed", {"list": status_list, "idx": sorted(found)[start : start + _TOLD_AT_ONCE]}
        )
        for status_list, found in indices.items()
        for start in range(0, len(found), _TOLD_AT_ONCE)
    ]
