"""What services must be told of bits that were set, written in the transaction that sets them.

Two topics (tokens.md section 6). `status-changed` is the list sent early; `session-revoked`
says, for receivers that know no lists, whose session under which mandate is over. A mandate
that ended for all is named once and without anybody who acted under it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select

from broker.records import Message
from broker.storage.tables import grants, status_entries
from mandates.model import Instant

_AT_ONCE = 1000
"""Indices, or sessions, in one message (tokens.md section 6)."""

T = TypeVar("T")

_e = status_entries.c
_ACTOR = select(grants.c.actor).where(grants.c.id == _e.grant).correlate(status_entries).scalar_subquery()


def columns(for_all: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """What must be known of an entry whose bit is set; `for_all`: its mandate is no more, for anybody."""
    return [
        _e.list,
        _e.index,
        _e.grant,
        _e.audience,
        _e.mandate,
        _ACTOR.label("actor"),
        for_all.label("for_all"),
    ]


def messages(touched: Sequence[Any], now: Instant) -> list[Message]:
    """The messages for rows of `columns`."""
    bits: dict[tuple[str, str], list[int]] = {}
    ended: dict[str, set[tuple[str, str | None]]] = {}
    for row in touched:
        bits.setdefault((row.audience, row.list), []).append(row.index)
        if row.mandate is not None:
            ended.setdefault(row.audience, set()).add((row.mandate, None if row.for_all else row.actor))
    changed = [
        Message(now, "status-changed", {"audience": audience, "list": status_list, "idx": some})
        for (audience, status_list), indices in bits.items()
        for some in _parts(sorted(indices))
    ]
    return changed + [
        Message(
            now,
            "session-revoked",
            {"audience": audience, "ended": [{"mandate": one, "actor": actor} for one, actor in some]},
        )
        for audience, sessions in ended.items()
        for some in _parts(sorted(sessions, key=lambda pair: (pair[0], pair[1] or "")))
    ]


def _parts(found: Sequence[T]) -> Iterator[Sequence[T]]:
    return (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
