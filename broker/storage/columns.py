"""Column types: how the values of a record stand in a row.

Collections are JSON text, so that both databases hold the same bytes and no
record needs a table of its own for a handful of words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from mandates.model import Approval, Ending, Evidence, Level, PartyKind, Source


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


def _read_tuple(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _write_set(words: Any) -> str:
    return _dumps(sorted(words))


def _read_set(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _write_object(value: Mapping[str, Any]) -> str:
    return _dumps(dict(value))


def _read_object(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def _write_approvals(approvals: tuple[Approval, ...]) -> str:
    return _dumps([{"kind": one.kind, "by": one.by, "at": one.at} for one in approvals])


def _read_approvals(text: str) -> tuple[Approval, ...]:
    return tuple(Approval(**one) for one in json.loads(text))


def _write_evidence(evidence: Evidence) -> str:
    return _dumps({"note": evidence.note, "sha256": evidence.sha256, "typed_name": evidence.typed_name})


def _read_evidence(text: str) -> Evidence:
    return Evidence(**json.loads(text))


INSTANT = BigInteger()
SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""

WORD_TUPLE = TextAs(_write_words, _read_tuple)
WORD_SET = TextAs(_write_set, _read_set)
INDICES = TextAs(_write_words, _read_tuple)
JSON_OBJECT = TextAs(_write_object, _read_object)
APPROVALS = TextAs(_write_approvals, _read_approvals)
EVIDENCE = TextAs(_write_evidence, _read_evidence)
PARTY_KIND = TextAs(str, PartyKind)
SOURCE = TextAs(str, Source)
ENDING = TextAs(str, Ending)
LEVEL = LevelNumber()
WORDS = Words()
