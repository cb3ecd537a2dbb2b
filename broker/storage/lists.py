"""Lists: whom may I represent, who can act for me, what waits; and the plain ones beside them.

A page begins after a place, the sort key of a name and a mandate's identifier,
and each part of a statement reads on from there in an index that has this order.
So the thousandth page costs what the first one costs, and a page is the same
whatever came and went before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    literal,
    or_,
    select,
    tuple_,
    union,
    union_all,
)

from broker.records import Place, Wanted
from broker.storage.clauses import one_of, select_record
from broker.storage.engine_tables import ACTIVATED, CLAIMED, OPEN, STORED, WAITING, caseloads, mandates
from broker.storage.names import key_of, literally, word_beginning, word_begins
from broker.storage.reader import MandateReader
from mandates.model import Instant, Mandate

_BATCH = 500
"""Rows that a streaming reader holds in memory."""

_EVERYTHING = 2**31 - 1
"""Rows of a page that has no end."""

_m = mandates.c
_MANDATES = select_record(mandates, Mandate)
_OLDEST_FIRST = ("requested_at", "id")
_of_session = (CLAIMED, _m.session == bindparam("session", type_=Text))

_OF_PRINCIPAL = _MANDATES.where(_m.principal == bindparam("principal"), STORED).order_by(*_OLDEST_FIRST)
_OF_PRINCIPALS = _MANDATES.where(one_of(_m.principal, "ids"), STORED).order_by(*_OLDEST_FIRST)
_HOLDS = one_of(_m.representative, "ids")
_OF_REPRESENTATIVES = union_all(
    _MANDATES.where(_HOLDS, STORED), _MANDATES.where(_HOLDS, *_of_session)
).order_by(*_OLDEST_FIRST)
_EXECUTES = (_m.representative == bindparam("actor"), one_of(_m.type, "types"), OPEN)
_EXECUTORS_OF = union_all(
    _MANDATES.where(*_EXECUTES, STORED), _MANDATES.where(*_EXECUTES, *_of_session)
).order_by(*_OLDEST_FIRST)
_OF_SESSION = _MANDATES.where(*_of_session, OPEN).order_by(*_OLDEST_FIRST)
_WAITING_OF = _MANDATES.where(
    _m.id.in_(
        union(
            select(_m.id).where(one_of(_m.principal, "principals"), WAITING),
            select(_m.id).where(one_of(_m.representative, "representatives"), WAITING),
            select(_m.id).where(_m.requested_by == bindparam("requester"), WAITING),
        )
    )
).order_by(*_OLDEST_FIRST)
_ALL_WAITING = (
    _MANDATES.where(
        WAITING,
        tuple_(_m.requested_at, _m.id) > tuple_(bindparam("after_at"), bindparam("after_id")),
    )
    .order_by(_m.requested_at, _m.id)
    .limit(bindparam("page"))
)
_LIVING_OF = union(
    _MANDATES.where(_m.principal == bindparam("party"), STORED, OPEN),
    _MANDATES.where(_m.representative == bindparam("party"), STORED, OPEN),
).order_by("id")


class ListQueries(MandateReader):
    """Lists of mandates, whole or page by page. Lists are not locked, they may hold 50,000 rows."""

    def of_principal(self, principal: str) -> list[Mandate]:
        """What somebody gave, powers of sessions left out; oldest request first."""
        return self._list(_OF_PRINCIPAL, principal=principal)

    def of_principals(self, principals: Iterable[str]) -> list[Mandate]:
        """As `of_principal`, of many people. One query."""
        return self._list(_OF_PRINCIPALS, ids=principals)

    def of_representatives(self, representatives: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Oldest request first; of mandates from claims, those of this session alone."""
        return self._list(_OF_REPRESENTATIVES, ids=tuple(representatives), session=session)

    def executors_of(self, actor: str, types: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Mandates of these types of which the actor is the representative, not ended."""
        return self._list(_EXECUTORS_OF, actor=actor, types=tuple(types), session=session)

    def of_session(self, session: str) -> list[Mandate]:
        """Mandates with `source = claims` of this session that have not ended."""
        return self._list(_OF_SESSION, session=session)

    def waiting(
        self, principals: Iterable[str], representatives: Iterable[str], requester: str | None
    ) -> list[Mandate]:
        """Requests that wait in which one of these stands, or that she made; oldest first."""
        keys = {"principals": principals, "representatives": representatives, "requester": requester}
        return self._list(_WAITING_OF, **keys)

    def all_waiting(self, after: tuple[Instant, str] | None, limit: int) -> list[Mandate]:
        """Every request that waits; oldest first, from after (requested_at, id)."""
        after_at, after_id = after or (-1, "")
        return self._list(_ALL_WAITING, after_at=after_at, after_id=after_id, page=limit)

    def living_of(self, party: str) -> Iterable[Mandate]:
        """Stored ones that have not ended in which the party stands, streamed in the order of ids.

        Read it inside the unit of work; what is saved meanwhile does not change it.
        """
        rows = self._connection.execute(_LIVING_OF, {"party": party}, execution_options={"yield_per": _BATCH})
        for row in rows:
            yield Mandate(*row)

    def reach(
        self,
        actor: str,
        organisations: Iterable[str],
        executors: Iterable[str],
        session: str | None,
        wanted: Wanted,
        now: Instant,
        after: Place | None,
        limit: int,
    ) -> list[tuple[Place, Mandate]]:
        """A page of mandates through which the actor may represent somebody, by the principal's name."""
        representatives = sorted({actor, *organisations})
        statement = _reach(len(representatives), _shape(wanted))
        keys = {f"representative_{number}": one for number, one in enumerate(representatives)}
        keys |= {"actor": actor, "executors": tuple(executors), "session": session}
        return self._page(statement, keys | _parameters(wanted, now, after, limit))

    def delegates(
        self, principal: str, wanted: Wanted, now: Instant, after: Place | None, limit: int
    ) -> list[tuple[Place, Mandate]]:
        """A page of what this party gave that can be in force now or later, by the representative's name.

        Who goes by the name that was typed is found by that one: the name on record would else be
        guessed letter by letter. So a name is sought here and not in the index, among staff alone.
        """
        name = wanted.name
        if name:
            wanted = replace(wanted, name="")
        most = _EVERYTHING if name else limit
        keys = {"principal": principal} | _parameters(wanted, now, after, most)
        found = self._page(_delegates(_shape(wanted)), keys)
        if not name:
            return found
        return [row for row in found if word_begins(key_of(row[1].typed_name) or row[0][0], name)][:limit]

    def _page(self, statement: Select[Any], keys: dict[str, Any]) -> list[tuple[Place, Mandate]]:
        rows = self._connection.execute(statement, keys)
        return [((row[-1], row[0]), Mandate(*row[:-1])) for row in rows]


_executor = mandates.alias("executor")
_IN_CASELOAD = caseloads.join(_executor, _executor.c.id == caseloads.c.executor).join(
    mandates, (_m.principal == caseloads.c.principal) & (_m.representative == _executor.c.principal)
)
_held_part = (one_of(caseloads.c.executor, "executors"), caseloads.c.removed_at.is_(None))


_Shape = tuple[bool, bool, bool, bool]
"""Whether type, power, organisation and name are asked for: what a statement looks like hangs on these."""


def _shape(wanted: Wanted) -> _Shape:
    by_type, by_power = wanted.type is not None, wanted.power is not None
    return by_type, by_power, wanted.organisation is not None, bool(wanted.name)


# Building one of these takes ten times as long as running it, so each shape is built once.
@lru_cache(maxsize=64)
def _reach(representatives: int, shape: _Shape) -> Select[Any]:
    key = _m.principal_key
    chosen = (*_can_be_in_force(_m.valid_from <= bindparam("now")), *_narrowed(shape, key))
    parts = [
        _ids(key).where(_m.representative == bindparam(f"representative_{number}"), STORED, *chosen)
        for number in range(representatives)
    ]
    parts.append(_ids(key).where(*_of_session, _m.representative == bindparam("actor"), *chosen))
    parts.append(_ids(key).select_from(_IN_CASELOAD).where(STORED, *_held_part, *chosen))
    return _first_of_all(parts, key)


@lru_cache(maxsize=16)
def _delegates(shape: _Shape) -> Select[Any]:
    key = _m.representative_key
    given = _ids(key).where(
        _m.principal == bindparam("principal"), STORED, *_can_be_in_force(), *_narrowed(shape, key)
    )
    return _first_of_all([given], key)


def _first_of_all(parts: Sequence[Select[Any]], key: ColumnElement[str]) -> Select[Any]:
    """Each part gives its first ones after the place, in order; the page is the first of them all."""
    after = tuple_(key, _m.id) > tuple_(bindparam("after_key"), bindparam("after_id"))
    firsts = [
        select(part.where(after).order_by(key, _m.id).limit(bindparam("page")).subquery()) for part in parts
    ]
    page = union(*firsts).order_by("key", "id").limit(bindparam("page")).subquery()
    return _MANDATES.add_columns(page.c.key).join(page, page.c.id == _m.id).order_by(page.c.key, _m.id)


def _ids(key: ColumnElement[str]) -> Select[Any]:
    """What an index holds, so that the rows are read for one page and not for all that it is chosen from."""
    return select(key.label("key"), _m.id)


def _can_be_in_force(*conditions: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    now = bindparam("now")
    return (*conditions, ACTIVATED, OPEN, _m.valid_until > now, or_(_m.ended_at.is_(None), _m.ended_at > now))


def _narrowed(shape: _Shape, key: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    by_type, by_power, by_organisation, by_name = shape
    conditions: list[ColumnElement[bool]] = []
    if by_type:
        conditions.append(_m.type == bindparam("wanted_type"))
    if by_power:
        conditions.append(_m.powers.cast(Text).like(bindparam("wanted_power", type_=Text), escape="\\"))
    if by_organisation:
        organisation = bindparam("wanted_organisation")
        conditions.append(or_(_m.principal == organisation, _m.representative == organisation))
    if by_name:
        conditions.append((literal(" ") + key).like(bindparam("wanted_name"), escape="\\"))
    return tuple(conditions)


def _parameters(wanted: Wanted, now: Instant, after: Place | None, limit: int) -> dict[str, Any]:
    after_key, after_id = after or ("", "")
    return {
        "now": now,
        "after_key": after_key,
        "after_id": after_id,
        "page": limit,
        "wanted_type": wanted.type,
        "wanted_power": f'%"{literally(wanted.power or "")}"%',
        "wanted_organisation": wanted.organisation,
        "wanted_name": word_beginning(wanted.name),
    }
