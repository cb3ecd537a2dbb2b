"""The few pieces of SQL that the two databases spell differently, and how records meet rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from sqlalchemy import Boolean, Column, ColumnElement, Connection, Insert, Table, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, Select, SyntaxExtension
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from broker.port_errors import ConflictError
from broker.storage.columns import WORDS, row_of


class _OneOf(FunctionElement[bool]):
    """`column` is one of the words of a parameter; no words, no rows."""

    type = Boolean()
    name = "one_of"
    inherit_cache = True
    _is_implicitly_boolean = True
    """A condition as it is. SQLAlchemy would write `(…) = 1` for SQLite, which then reads the whole table."""


@compiles(_OneOf, "postgresql")
def _one_of_array(element: _OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, words = (compiler.process(part, **kw) for part in element.clauses)
    return f"({column} = ANY ({words}))"


@compiles(_OneOf, "sqlite")
def _one_of_json(element: _OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, words = (compiler.process(part, **kw) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({words})))"  # noqa: S608 - compiled parts, no values


def one_of(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Condition that `column` is among the words bound to `parameter` (any iterable of str)."""
    return _OneOf(column, bindparam(parameter, type_=WORDS))


class _SkipTaken(SyntaxExtension, ClauseElement):
    """`ON CONFLICT DO NOTHING` at the end of an INSERT."""

    inherit_cache = True
    _traverse_internals: ClassVar[list[Any]] = []
    """It has no parts. Without this word SQLAlchemy would compile each INSERT anew, at 1 ms a row."""

    def apply_to_insert(self, insert_stmt: Insert) -> None:
        insert_stmt.apply_syntax_extension_point(self.append_replacing_same_type, "post_values")


@compiles(_SkipTaken)
def _on_conflict_do_nothing(_element: _SkipTaken, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "ON CONFLICT DO NOTHING"


def skip_taken(statement: Insert) -> Insert:
    """Return `statement` so that it leaves out rows whose key is taken.

    A failed INSERT would spoil the whole transaction on PostgreSQL, and its
    error text would quote the key, which may be somebody's number.
    """
    return statement.ext(_SkipTaken()).execution_options(preserve_rowcount=True)


def insert_new(connection: Connection, statement: Insert, row: Mapping[str, Any], what: str) -> None:
    """Run an INSERT made with `skip_taken`; raise `ConflictError` if the key of `row` is taken."""
    if connection.execute(statement, row).rowcount != 1:
        raise ConflictError(f"{what} is stored already")


def columns_of(table: Table, record: type) -> list[Column[Any]]:
    """Return the columns that make up `record`, a dataclass with fields of the same names."""
    return [table.c[one.name] for one in fields(record)]


def select_record(table: Table, record: type) -> Select[Any]:
    """SELECT the columns of `record`; its rows go into `record(**row)`."""
    return select(*columns_of(table, record))


def one_or_many(rows: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    """What `execute` takes: psycopg sends a list as a pipeline, with a round trip more than one row needs."""
    return rows[0] if len(rows) == 1 else rows


def rows_of(records: Iterable[Any]) -> list[dict[str, Any]]:
    """As `row_of`, for one executemany."""
    return [row_of(record) for record in records]
