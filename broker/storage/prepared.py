"""A connection to PostgreSQL on which statements stay prepared: what a unit of work speaks to.

SQLAlchemy says what a statement is; running it through SQLAlchemy and psycopg's cursors takes
six times as long as libpq does, and a login runs forty. So a statement that is a constant of
a module is compiled once a process and prepared once a connection, and from then on only its
parameters travel (`prepared_statements`). What is made for one call, streamed or sent in bulk
goes through SQLAlchemy; both speak in the same transaction.

Values are written and read by psycopg's adapters and SQLAlchemy's types, as they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Dialect, Engine, Executable, PoolProxiedConnection
from sqlalchemy.engine import IteratorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.port_errors import UnavailableError
from broker.storage.engines import port_error
from broker.storage.prepared_statements import Keys, Prepared, known, known_text

MOST = 500
"""Statements that are prepared on one connection at most: lists have one for each shape of question."""
_REPLACED = 100
"""More than a pool has: after a restart of the server, each of its connections is lost."""
FEW = 8
"""Rows that are sent one by one; more go as psycopg's bulk."""
_GOOD = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


class _Rows(IteratorResult[Any]):
    """SQLAlchemy's result over rows that are here already, with the number that were touched."""

    rowcount: int


class PreparedConnection:
    """Of one transaction and one thread; of SQLAlchemy's `Connection` it has what the stores use."""

    def __init__(self, engine: Engine, begin: bytes) -> None:
        """Begin with this statement. Raise `UnavailableError` if the database is away or too busy."""
        self._engine = engine
        self.dialect: Dialect = engine.dialect
        self._fallback: Connection | None = None
        self._pooled = _begun(engine, begin)
        self._driver: psycopg.Connection[Any] = self._pooled.driver_connection  # type: ignore[assignment]
        self._libpq = self._driver.pgconn
        kept = self._pooled.info
        if "prepared" not in kept:
            kept["prepared"], kept["transformer"] = set(), Transformer(self._driver)
        self._prepared: set[bytes] = kept["prepared"]
        self._transformer: Any = kept["transformer"]

    # --- what the stores use ---

    def execute(
        self,
        statement: Executable,
        keys: Keys | Sequence[Keys] | None = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a statement. Raise the port's error for the driver's."""
        rows = keys if isinstance(keys, list) else [keys or {}]
        if execution_options is None and 0 < len(rows) <= FEW:
            prepared = known(statement, tuple(rows[0]))
            if prepared is not None:
                return self._result(prepared, rows)
        return self._sqlalchemy().execute(statement, keys, execution_options=execution_options)

    def exec_driver_sql(self, text: str, keys: Keys) -> list[tuple[Any, ...]]:
        """Run a constant text in the driver's own SQL."""
        self._send(known_text(text), keys)
        return self._loaded()

    @contextmanager
    def begin_nested(self) -> Iterator[None]:
        """What fails inside is taken back, and the transaction goes on."""
        self._run(b"SAVEPOINT nested")
        try:
            yield
        except BaseException:
            self._run(b"ROLLBACK TO SAVEPOINT nested")
            raise
        self._run(b"RELEASE SAVEPOINT nested")

    # --- what the unit of work uses ---

    @property
    def connection(self) -> Self:
        """What the stores of this transaction speak to."""
        return self

    @property
    def is_active(self) -> bool:
        """Whether the transaction is under way."""
        return self._libpq.transaction_status != TransactionStatus.IDLE

    def commit(self) -> None:
        """Commit. Raise the port's error for the driver's."""
        self._run(b"COMMIT")

    def close(self) -> None:
        """Take back what was not committed, and give the connection back."""
        if self._libpq.status == ConnStatus.OK and self.is_active:
            with suppress(psycopg.Error):  # it was lost in this moment
                # Not left to psycopg, which would deallocate what we prepared.
                self._libpq.exec_(b"ROLLBACK")
        if self._libpq.status == ConnStatus.OK:
            self._pooled.close()
        else:
            self._pooled.invalidate()

    # --- how it is done ---

    def _sqlalchemy(self) -> Connection:
        """SQLAlchemy's own connection over the same one: what it sends is part of the transaction."""
        if self._fallback is None:
            self._fallback = Connection(self._engine, self._pooled)
        return self._fallback

    def _result(self, prepared: Prepared, rows: Sequence[Keys]) -> _Rows:
        touched = sum(self._send(prepared, keys).command_tuples or 0 for keys in rows)
        found: list[tuple[Any, ...]] = []
        if prepared.columns.keys:
            found = self._loaded()
        if prepared.readers:
            found = [prepared.read(row) for row in found]
        result = _Rows(prepared.columns, iter(found))
        result.rowcount = touched
        return result

    def _loaded(self) -> list[tuple[Any, ...]]:
        """Return the rows of what was sent last."""
        answer = self._transformer.pgresult
        return self._transformer.load_rows(0, answer.ntuples, tuple) if answer else []

    def _send(self, prepared: Prepared, keys: Keys) -> PGresult:
        values = prepared.values(keys)
        try:
            if prepared.name not in self._prepared:
                self._checked(self._libpq.prepare(prepared.name, prepared.text, prepared.types))
                self._prepared.add(prepared.name)
            dumped = self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
            answer = self._checked(self._libpq.exec_prepared(prepared.name, dumped))
        except psycopg.Error as error:
            raise _told(error) from None
        self._transformer.set_pgresult(answer)
        return answer

    def _run(self, command: bytes) -> None:
        try:
            self._checked(self._libpq.exec_(command))
        except psycopg.Error as error:
            raise _told(error) from None

    def _checked(self, answer: PGresult) -> PGresult:
        """Return it if it is no error. Raise what psycopg would."""
        if answer.status in _GOOD:
            return answer
        if self._libpq.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        raise error_from_result(answer, "utf-8")


def _told(error: psycopg.Error) -> Exception:
    """What the stores are told: the port's error, or a fault of ours as SQLAlchemy names it."""
    return port_error(error) or DBAPIError(None, None, error, hide_parameters=True)


def _begun(engine: Engine, begin: bytes) -> PoolProxiedConnection:
    """Take a connection and begin; one that was lost meanwhile, or is full of statements, is replaced."""
    try:
        for _ in range(_REPLACED):
            found = engine.raw_connection()
            if len(found.info.get("prepared", ())) <= MOST and _answers(found, begin):
                return found
            found.invalidate()
    except PoolTimeoutError:
        raise UnavailableError("every connection to the database is in use") from None
    except psycopg.Error as error:
        raise _told(error) from None
    raise UnavailableError("the database ends every connection")


def _answers(found: PoolProxiedConnection, begin: bytes) -> bool:
    """Whether the transaction began."""
    libpq = found.driver_connection.pgconn  # type: ignore[union-attr]
    try:
        return bool(libpq.exec_(begin).status == ExecStatus.COMMAND_OK)
    except psycopg.OperationalError:
        return False
