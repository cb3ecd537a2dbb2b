"""Status indices: one bit per basis, handed out at random; a bit never returns from 1 to 0.

Random, because an index in order would tell how many tokens were issued and
which belong together (tokens.md section 6).

Whoever issues locks, in this order: the mandates of the chain FOR SHARE, by their
ids; the registry's version FOR SHARE; the grant FOR SHARE, of which it sees that it
did not end; and only then reads the revision that the judgement must match. Whoever
makes power smaller writes the mandate, the registration or the grant first and sets
bits after. So one waits for the other: the issuer sees what changed, or the revoker
sees the fresh index. To compare the revision alone would not do: of a revoker that
set its bits and did not commit yet, the issuer would see nothing, and it nothing of
the index that comes after.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from broker.port_errors import ConflictError, UnavailableError
from broker.records import Basis, StatusEntry, StatusList
from broker.storage import retired, tellings
from broker.storage.clauses import columns_of, one_of, row_of, select_record, skip_taken
from broker.storage.open_lists import OpenLists
from broker.storage.outbox import SqlOutboxStore
from broker.storage.tables import grants, mandates, status_entries, status_lists
from mandates.model import Instant

_DRAWS = 64
"""At three quarters full, 64 draws all fail once in 10**8 times."""

_e = status_entries.c
# A grant that was let go leaves its bits, which are nobody's then.
_ENTRY_COLUMNS = [
    func.coalesce(column, "").label(column.name) if column is _e.grant else column
    for column in columns_of(status_entries, StatusEntry)
]
_live = (
    _e.grant == bindparam("of_grant"),
    _e.audience == bindparam("of_audience"),
    _e.client == bindparam("of_client"),
    func.coalesce(_e.mandate, "") == bindparam("of_mandate"),
    func.coalesce(_e.executor, "") == bindparam("of_executor"),
    _e.hops == bindparam("of_hops"),
    _e.revoked_at.is_(None),
)
_EXTEND = (
    update(status_entries)
    .where(*_live)
    .values(last_exp=case((_e.last_exp < bindparam("exp"), bindparam("exp")), else_=_e.last_exp))
    .returning(*_ENTRY_COLUMNS)
)
_LOCK_LIVE_GRANT = (
    select(grants.c.id)
    .where(grants.c.id == bindparam("of_grant"), grants.c.ended_at.is_(None))
    .with_for_update(key_share=True)
)
# The ending of a grant is no change of its key: FOR KEY SHARE would not hold it off.
_LOCK_GRANTS = (
    select(grants.c.id)
    .where(one_of(grants.c.id, "ids"))
    .order_by(grants.c.id)
    .with_for_update(key_share=True)
)
_ADD = skip_taken(insert(status_entries))
_ENTRY = select(*_ENTRY_COLUMNS).where(_e.list == bindparam("status_list"), _e.index == bindparam("idx"))
_RAISE_VERSIONS = (
    update(status_lists).where(one_of(status_lists.c.id, "ids")).values(version=status_lists.c.version + 1)
)
_LISTS = select_record(status_lists, StatusList).order_by(status_lists.c.audience, status_lists.c.number)
_FIND_LIST = select_record(status_lists, StatusList).where(status_lists.c.id == bindparam("status_list"))
_REVOKED = (
    select(_e.index).where(_e.list == bindparam("status_list"), _e.revoked_at.is_not(None)).order_by(_e.index)
)


_NO: ColumnElement[bool] = literal(value=False)


def _revoke(*conditions: ColumnElement[bool], for_all: ColumnElement[bool] = _NO) -> Executable:
    return (
        update(status_entries)
        .where(*conditions, _e.revoked_at.is_(None))
        .values(revoked_at=bindparam("now"))
        .returning(*tellings.columns(for_all))
    )


_under_one = one_of(_e.mandate, "ids")
_of_types = select(mandates.c.id).where(one_of(mandates.c.type, "types"))
_REVOKE_GRANTS = _revoke(one_of(_e.grant, "ids"))
_REVOKE_ON_MANDATES = _revoke(or_(_under_one, one_of(_e.executor, "ids")), for_all=_under_one)
_REVOKE_ON_TYPES = _revoke(
    or_(_e.mandate.in_(_of_types), _e.executor.in_(_of_types)), for_all=_e.mandate.in_(_of_types)
)
_REVOKE_OF_CLIENT = _revoke(_e.client == bindparam("of_client"))
_REVOKE_ENTRY = _revoke(_e.list == bindparam("status_list"), _e.index == bindparam("idx"))


class SqlStatusStore:
    """`ports.StatusStore` in tables `status_lists` and `status_entries`."""

    def __init__(self, connection: Connection, list_size: int) -> None:
        self._connection = connection
        self._lists = OpenLists(connection, list_size)
        self._outbox = SqlOutboxStore(connection)

    def allocate(self, basis: Basis, exp: Instant, now: Instant) -> StatusEntry:
        """Return the live entry of this basis, its last_exp raised to `exp`, or a fresh random index.

        A fresh index locks the grant until commit, so an ending of that grant
        waits and then sets this bit too. Raise `ConflictError` if the grant has
        ended, `UnavailableError` if no free index was found.
        """
        live = self._extend(basis, exp)
        if live is not None:
            return live
        if self._connection.execute(_LOCK_LIVE_GRANT, {"of_grant": basis.grant}).one_or_none() is None:
            raise ConflictError("this grant has ended, or is not stored")
        # Whoever held the lock before may have allocated for the same basis.
        return self._extend(basis, exp) or self._allocate_fresh(basis, exp, now)

    def entry(self, status_list: str, index: int) -> StatusEntry | None:
        row = (
            self._connection.execute(_ENTRY, {"status_list": status_list, "idx": index})
            .mappings()
            .one_or_none()
        )
        return None if row is None else StatusEntry(**row)

    def revoke(self, grants: Iterable[str], now: Instant) -> int:
        """Set the bits of these grants' live entries, and tell so. Returns how many.

        The grants are locked first: a fresh index that is under way is waited for, and whoever
        comes later sees why the grants were reached.
        """
        ids = tuple(grants)
        if not ids:
            return 0
        self._connection.execute(_LOCK_GRANTS, {"ids": ids})
        return len(self._set(_REVOKE_GRANTS, now, ids=ids))

    def revoke_on_mandates(self, mandates: Iterable[str], now: Instant) -> int:
        """As `revoke`, of entries with one of these as mandate or executor. Returns how many grants.

        Come here with the mandates saved: that holds off an issue on them.
        """
        ids = tuple(mandates)
        return len({row.grant for row in self._set(_REVOKE_ON_MANDATES, now, ids=ids)}) if ids else 0

    def revoke_on_types(self, types: Iterable[str], now: Instant) -> int:
        """As `revoke_on_mandates`, of mandates of these types; with the new catalogue stored."""
        return len({row.grant for row in self._set(_REVOKE_ON_TYPES, now, types=tuple(types))})

    def revoke_of_client(self, client: str, now: Instant) -> int:
        """As `revoke`, of what this client was given; with its registration stored or removed."""
        return len(self._set(_REVOKE_OF_CLIENT, now, of_client=client))

    def revoke_entry(self, status_list: str, index: int, now: Instant) -> bool:
        """Set one bit; False if it was set, or is nobody's."""
        return bool(self._set(_REVOKE_ENTRY, now, status_list=status_list, idx=index))

    def retire(self, now: Instant, limit: int) -> int:
        """Let go of indices that mean nothing any more (`retired`); returns how many."""
        return retired.retire(self._connection, now, limit)

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

    def _set(self, statement: Executable, now: Instant, **keys: Any) -> Sequence[Any]:
        """Set bits, raise the lists' versions, and post what to tell.

        What the outbox gets stands in `tellings`.
        """
        touched = self._connection.execute(statement, keys | {"now": now}).all()
        if touched:
            self._connection.execute(_RAISE_VERSIONS, {"ids": {row.list for row in touched}})
            self._outbox.post(tellings.messages(touched, now))
        return touched

    def _extend(self, basis: Basis, exp: Instant) -> StatusEntry | None:
        keys = {f"of_{name}": value for name, value in row_of(basis).items()}
        keys |= {"of_mandate": basis.mandate or "", "of_executor": basis.executor or "", "exp": exp}
        row = self._connection.execute(_EXTEND, keys).mappings().one_or_none()
        return None if row is None else StatusEntry(**row)

    def _allocate_fresh(self, basis: Basis, exp: Instant, now: Instant) -> StatusEntry:
        open_list = self._lists.open(basis.audience, now)
        entry = self._draw(open_list, basis, exp)
        if entry is None:  # many writers at once filled it before anyone could count
            entry = self._draw(self._lists.after(open_list, now), basis, exp)
        if entry is None:
            raise UnavailableError("no free status index was found")
        return entry

    def _draw(self, open_list: StatusList, basis: Basis, exp: Instant) -> StatusEntry | None:
        for _ in range(_DRAWS):
            index = secrets.randbelow(open_list.size)
            if index in open_list.decoys:
                continue
            entry = StatusEntry(open_list.id, index, last_exp=exp, **row_of(basis))
            if self._connection.execute(_ADD, row_of(entry)).rowcount == 1:
                return entry
        return None
