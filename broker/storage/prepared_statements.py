"""Statements as PostgreSQL keeps them: numbered parameters, a name, and who reads and writes their values.

A statement of SQLAlchemy is known by its object. One that is seen for the first time may have
been made for a single call; one that is seen again is a constant of a module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Boolean, Executable
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_DIALECT = psycopg_dialect.dialect(paramstyle="numeric_dollar")
_BOOLEAN = psycopg.adapters.types["bool"].oid
_NO_COLUMNS = SimpleResultMetaData([])
_REQUIRED = object()
"""In the place of a value: it must be given."""
_numbers = count()

Keys = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A statement as the server knows it, with what its parameters and its rows are."""

    name: bytes
    text: bytes
    parameters: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    """Of each its name, its value if none is given, and what makes it a value of the driver."""
    types: tuple[int, ...]
    """Of the parameters; 0 where the server finds out by itself."""
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Of the columns that are no plain values: where, and what makes them a value of the program."""
    columns: SimpleResultMetaData

    def values(self, keys: Keys) -> list[Any]:
        """Return the values in the order of the statement. Raise `KeyError` for one that is missing."""
        values = [
            keys[name] if fallback is _REQUIRED else keys.get(name, fallback)
            for name, fallback, _ in self.parameters
        ]
        return [
            value if write is None else write(value)
            for value, (_, _, write) in zip(values, self.parameters, strict=True)
        ]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row as the program knows it."""
        values = list(row)
        for place, reader in self.readers:
            values[place] = reader(values[place])
        return tuple(values)


# Each statement by the names of its parameters: of an INSERT they say which columns it has.
_seen: WeakKeyDictionary[Executable, dict[tuple[str, ...], Prepared | None]] = WeakKeyDictionary()
_texts: dict[str, Prepared] = {}


def known(statement: Executable, names: tuple[str, ...]) -> Prepared | None:
    """Return the statement as it is prepared; None if it is new, or not to be prepared."""
    shapes = _seen.get(statement)
    if shapes is None:
        _seen[statement] = {}
        return None
    if names not in shapes:
        shapes[names] = _of_core(statement, names)
    return shapes[names]


def _of_core(statement: Executable, names: tuple[str, ...]) -> Prepared | None:
    """Compile a statement; None if its text is not the same for all values, or SQLAlchemy has to add some."""
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(names))
    if not isinstance(compiled, SQLCompiler) or not isinstance(statement, ReturnsRows):
        return None
    if compiled.post_compile_params or compiled.prefetch:
        return None
    binds = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
    columns = list(statement.exported_columns.items())
    readers = ((place, _reader(column.type)) for place, (_, column) in enumerate(columns))
    return Prepared(
        name=_new_name(),
        text=compiled.string.encode(),
        parameters=tuple(
            (name, _REQUIRED if bind.required else bind.effective_value, _writer(bind.type))
            for name, bind in binds
        ),
        # Other types stand in the text, as casts.
        types=tuple(_BOOLEAN if isinstance(bind.type, Boolean) else 0 for _, bind in binds),
        readers=tuple((place, reader) for place, reader in readers if reader),
        columns=SimpleResultMetaData([name for name, _ in columns]),
    )


def known_text(text: str) -> Prepared:
    """Return a constant text, with parameters as psycopg writes them, as it is prepared."""
    if text not in _texts:
        _texts[text] = _of_text(text)
    return _texts[text]


def _of_text(text: str) -> Prepared:
    places: dict[str, int] = {}
    numbered = _PARAMETER.sub(
        lambda found: f"${places.setdefault(found[1], len(places) + 1)}" if found[1] else "%", text
    )
    return Prepared(
        name=_new_name(),
        text=numbered.encode(),
        parameters=tuple((name, _REQUIRED, None) for name in places),
        types=(),
        readers=(),
        columns=_NO_COLUMNS,
    )


def _new_name() -> bytes:
    return f"volmacht_{next(_numbers)}".encode()


def _writer(kind: TypeEngine[Any]) -> Any:
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _reader(kind: TypeEngine[Any]) -> Any:
    return kind.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
