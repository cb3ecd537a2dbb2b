"""Column types: how the values of a record stand in a row.

Collections are JSON text, so that both databases hold the same bytes and no
record needs a table of its own for a handful of words. What a mandate mostly
has none of (suspensions, powers that ended) is the empty text then: a decision
parses what is there and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from mandates.model import (
    Approval,
    Ending,
    Evidence,
    Level,
    PartyKind,
    PowerEnding,
    Recognition,
    Source,
    Suspension,
)


def row_of(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as they are (`dataclasses.asdict` would take nested records apart)."""
    return {name: getattr(record, name) for name in _names_of(type(record))}


@cache
def _names_of(record: type) -> tuple[str, ...]:
    """Return the names of its fields: of a mandate there are thirty, and a login stores five records."""
    return tuple(one.name for one in fields(record))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class TextAs(TypeDecorator[Any]):
    """Text in the database, `read(text)` in the program; NULL is None on both sides."""

    impl = Text
    cache_ok = True

    def __init__(self, write: Callable[[Any], str], read: Callable[[str], Any]) -> None:
        super().__init__()
        self.write = write
        self.read = read

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.write(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.read(value)


class LevelNumber(TypeDecorator[Level]):
    """A level of assurance as its number."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Level | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Level | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else Level(value)


class Words(TypeDecorator[Any]):
    """A parameter that is a list of texts, whatever its length: one SQL text for all lengths.

    PostgreSQL takes an array, SQLite a JSON array (`clauses.one_of` reads it).
    An expanding `IN` would compile and prepare a statement per length, and stop
    at the databases' limits on parameters.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> Any:
        words = sorted(set(value or ()))
        return words if dialect.name == "postgresql" else json.dumps(words)


def _write_words(words: Any) -> str:
    return _dumps(list(words))


@lru_cache(maxsize=4096)
def read_tuple(text: str) -> tuple[str, ...]:
    """Return words in their order: of scopes, addresses and the like there are few lists, read often."""
    return tuple(json.loads(text))


def _write_set(words: Any) -> str:
    return _dumps(sorted(words))


@lru_cache(maxsize=4096)
def read_set(text: str) -> frozenset[str]:
    """Return words of which the order says nothing; as `read_tuple`."""
    return frozenset(json.loads(text))


def _write_object(value: Mapping[str, Any]) -> str:
    return _dumps(dict(value))


def _read_object(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


@lru_cache(maxsize=4096)
def read_powers(text: str) -> tuple[str, ...]:
    """Return the powers of a mandate. There are few sets of them, and millions of mandates share one."""
    return tuple(sys.intern(word) for word in json.loads(text))


def _write_records(records: tuple[Any, ...]) -> str:
    return _dumps([row_of(one) for one in records]) if records else ""


def read_approvals(text: str) -> tuple[Approval, ...]:
    """Return the approvals that were given, oldest first."""
    return tuple([Approval(**one) for one in json.loads(text)]) if text else ()


def read_suspensions(text: str) -> tuple[Suspension, ...]:
    """Return the suspensions, lifted ones included, oldest first."""
    return tuple([Suspension(**one) for one in json.loads(text)]) if text else ()


def read_power_endings(text: str) -> tuple[PowerEnding, ...]:
    """Return the powers that ended before their mandate."""
    if not text:
        return ()
    return tuple([PowerEnding(**one | {"ending": Ending(one["ending"])}) for one in json.loads(text)])


def read_recognitions(text: str) -> tuple[Recognition, ...]:
    """Return what an organisation is recognised as, and when."""
    return tuple([Recognition(**one) for one in json.loads(text)]) if text else ()


_NO_EVIDENCE = Evidence()
_read_json = json.JSONDecoder().raw_decode


def _write_evidence(evidence: Evidence) -> str:
    return "" if evidence == _NO_EVIDENCE else _dumps(row_of(evidence))


def read_evidence(text: str) -> Evidence:
    """Return what the request rests on. Every decision reads some; `json.loads` would look for spaces."""
    return Evidence(**_read_json(text)[0]) if text else _NO_EVIDENCE


INSTANT = BigInteger()
SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""

WORD_TUPLE = TextAs(_write_words, read_tuple)
WORD_SET = TextAs(_write_set, read_set)
INDICES = TextAs(_write_words, read_tuple)
JSON_OBJECT = TextAs(_write_object, _read_object)
POWERS = TextAs(_write_words, read_powers)
APPROVALS = TextAs(_write_records, read_approvals)
SUSPENSIONS = TextAs(_write_records, read_suspensions)
POWER_ENDINGS = TextAs(_write_records, read_power_endings)
RECOGNITIONS = TextAs(_write_records, read_recognitions)
EVIDENCE = TextAs(_write_evidence, read_evidence)
SORT_KEY = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorted by its code points on both databases, whatever the language of the server."""
PARTY_KIND = TextAs(str, PartyKind)
SOURCE = TextAs(str, Source)
ENDING = TextAs(str, Ending)
LEVEL = LevelNumber()
WORDS = Words()
