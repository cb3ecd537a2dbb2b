"""How long things are kept, as data (`config/retention.toml`), and letting them go.

Only what came to its end is ever counted: terms begin where a mandate, session or
token ended, so nothing in force can be touched. A term says what happens then:
rows are deleted, or only their contents are, where others or the journal's tree
need the row itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from broker.errors import FlowError
from broker.ports import Services
from mandates.events import Event
from mandates.model import Instant

DAY = 86_400
BATCH = 1000
KINDS = {
    "activation_codes": "delete",
    "contacts": "delete",
    "reviews": "delete",
    "cascades": "delete",
    "documents": "delete",
    "bulk_jobs": "blank",
    "refresh_tokens": "delete",
    "consents": "delete",
    "uses": "delete",
    "grants": "delete",
    "sessions": "delete",
    "mandates": "blank",
    "journal": "blank",
}
"""Kind -> what can happen to it, in the order in which one rests on another."""
ERASURE = "erasure"


class RetentionError(FlowError):
    """The terms are not complete or not valid: the text names the table and the key."""

    code: ClassVar[str] = "invalid_retention"


@dataclass(frozen=True, slots=True)
class Term:
    """How long after its end a thing is kept, and what happens then."""

    days: int
    then: str

    @property
    def seconds(self) -> int:
        """The term in the unit of instants."""
        return self.days * DAY


@dataclass(frozen=True, slots=True)
class Retention:
    """A term for every kind, and how long after her last mandate a person can be erased."""

    kinds: Mapping[str, Term]
    erasure: Term


@dataclass(frozen=True, slots=True)
class Due:
    """What is past its term: `rows` of this kind that ended before `before`."""

    kind: str
    then: str
    days: int
    before: Instant
    rows: int


def load_retention(text: str) -> Retention:
    """Read and check the terms. Every kind must be there: a forgotten one would be kept for ever."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RetentionError(f"retention: not TOML: {error}") from None
    wanted = {**KINDS, ERASURE: "allow"}
    unknown = sorted(tables.keys() - wanted.keys())
    if unknown:
        raise RetentionError(f"[{unknown[0]}]: there is no such kind; kinds are {', '.join(wanted)}")
    terms = {kind: _term(kind, tables.get(kind), then) for kind, then in wanted.items()}
    erasure = terms.pop(ERASURE)
    return Retention(terms, erasure)


def _term(kind: str, table: Any, then: str) -> Term:
    if not isinstance(table, dict):
        raise RetentionError(f"[{kind}]: this table is missing")
    unknown = sorted(table.keys() - {"days", "then"})
    if unknown:
        raise RetentionError(f"[{kind}] {unknown[0]}: there is no such key")
    days = table.get("days")
    if type(days) is not int or not 1 <= days <= 36_500:
        raise RetentionError(f"[{kind}] days: must be a whole number from 1 to 36500")
    if table.get("then") != then:
        raise RetentionError(f'[{kind}] then: must be "{then}"')
    return Term(days, then)


def due(services: Services, terms: Retention, now: Instant) -> list[Due]:
    """The dry run: what is past its term now."""
    with services.database.read() as uow:
        return [
            Due(
                kind,
                term.then,
                term.days,
                now - term.seconds,
                uow.retention.stale(kind, now - term.seconds),
            )
            for kind, term in terms.kinds.items()
        ]


def apply(services: Services, terms: Retention, now: Instant) -> list[Due]:
    """Let go of all that is past its term, a batch a transaction, each with its event."""
    return [
        Due(kind, term.then, term.days, now - term.seconds, _clear(services, kind, now - term.seconds, now))
        for kind, term in terms.kinds.items()
    ]


def _clear(services: Services, kind: str, before: Instant, now: Instant) -> int:
    cleared = 0
    while True:
        with services.database.write() as uow:
            # A blank row that is told of twice would hide that another one was blanked by nobody.
            blank = uow.retention.blank_before(before, BATCH) if kind == "journal" else 0
            rows = uow.retention.clear_stale(kind, before, now, BATCH)
            if not rows:
                return cleared
            detail = {"kind": kind, "before": before, "rows": rows - blank}
            uow.journal.append([Event("retention.applied", now, None, detail=detail)], now)
            uow.commit()
        cleared += rows
