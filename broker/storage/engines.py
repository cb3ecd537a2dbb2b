"""How a transaction begins and how an error ends, on SQLite and on PostgreSQL.

SQLite: the `sqlite3` module would open transactions at moments of its own
choosing, so it is told not to (`isolation_level = None`) and BEGIN is sent from
here. Write units begin with BEGIN IMMEDIATE: a deferred one that reads first
fails at its first write when another writer was faster, and no time-out helps.

PostgreSQL: write units run READ COMMITTED with row locks where a judgement must
stay true (see the stores); read units run REPEATABLE READ READ ONLY, which costs
nothing extra: psycopg sends it as the text of BEGIN.

Connections must not cross a fork: make the database in the worker, after it.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from time import sleep
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from broker.port_errors import (
    ConflictError,
    ImpossibleStateError,
    NotFoundError,
    PortError,
    UnavailableError,
)

_WAIT_SECONDS = 10
"""How long a unit of work waits for a lock or for a connection before it says `UnavailableError`."""
_WAL_TRIES = 100
_POOL_SIZE = 10
"""Connections a process keeps; as many more for a moment."""

_TAKEN = "is taken"
"""How the journal's triggers on SQLite end their word on a key that exists (migration 0002)."""


_PLAN_ONCE = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
"""Our statements walk indexes whatever their parameters: planning one takes longer than running it."""
_WALK_INDEXES = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""A look knows every name that it looks up. A plan made while a table was small must not stay
with the connection when it has grown."""


@dataclass(frozen=True, slots=True)
class Engines:
    """One engine for units that write, one for units that only read, one for single statements."""

    write: Engine
    read: Engine
    look: Engine
    """For `looks` and `standings`, which keep their connections: no transaction, and a pool of their own."""
    issue: Engine
    """For `issues`, which speaks to the driver, too; on SQLite the one that writes."""
    units: Engine | None = None
    """On PostgreSQL: for units of work, whose connections keep what `prepared` prepared on them."""

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        for engine in (self.write, self.read, self.look, self.issue, self.units):
            if engine is not None:
                engine.dispose()


def engines_for(database_url: str, connections: int = _POOL_SIZE) -> Engines:
    """Open `sqlite:////path/to/file` or `postgresql://…`; raise `ValueError` for anything else.

    Nothing is connected yet. The error never quotes the URL: it may hold a password.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise ValueError("the database URL cannot be read") from None
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return _sqlite(url, connections)
    if url.drivername in {"postgresql", "postgresql+psycopg"}:
        return _postgresql(url.set(drivername="postgresql+psycopg"), connections)
    raise ValueError("the database URL must begin with sqlite:/// and name a file, or with postgresql://")


def _sqlite(url: URL, connections: int) -> Engines:
    # One writing connection per process: threads queue for it in order, instead
    # of polling SQLite's lock. Other processes are met by the busy time-out.
    write = create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0, pool_timeout=_WAIT_SECONDS)
    many = {"pool_size": connections, "max_overflow": connections, "pool_timeout": _WAIT_SECONDS}
    read = create_engine(url, hide_parameters=True, **many)
    look = create_engine(url, hide_parameters=True, **many)

    @event.listens_for(write, "do_connect")
    @event.listens_for(read, "do_connect")
    @event.listens_for(look, "do_connect")
    def private_file(*_: Any) -> None:
        # The side files (-wal, -shm) take over the mode of the database file. An existing file
        # is not touched: closing a second descriptor would drop the POSIX locks of this process,
        # and another process would then delete the log under our feet (sqlite.org/howtocorrupt).
        try:
            os.close(os.open(str(url.database), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError:
            raise UnavailableError("the database file cannot be opened for writing") from None

    @event.listens_for(write, "connect")
    def writer(connection: sqlite3.Connection, _record: object) -> None:
        _prepare(connection)

    @event.listens_for(read, "connect")
    @event.listens_for(look, "connect")
    def reader(connection: sqlite3.Connection, _record: object) -> None:
        _prepare(connection)
        connection.execute("PRAGMA query_only = ON")

    @event.listens_for(write, "begin")
    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(read, "begin")
    def begin_deferred(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    for engine in (write, read, look):
        event.listen(engine, "handle_error", _translate)
    return Engines(write, read, look, issue=write)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")
    _write_ahead(connection)
    # WAL's default, NORMAL, may lose the last commits when the power fails;
    # a mandate that was ended must stay ended.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # The upper pages of the indexes of ten million mandates stay at hand; by default 2 MB would.
    connection.execute("PRAGMA cache_size = -32768")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, once for the file.

    Turning it on needs the file for itself, and SQLite does not wait for that as it
    waits for other locks: of processes that open a new file together, one is first.
    """
    for attempt in range(_WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _WAL_TRIES - 1:
                raise
            sleep(0.05)
        else:
            return


def _postgresql(url: URL, connections: int) -> Engines:
    engine = _open_postgresql(url, connections, _PLAN_ONCE, "READ COMMITTED")
    read = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    settings = _PLAN_ONCE | _WALK_INDEXES
    look, issue = (
        _open_postgresql(url, connections, settings, "AUTOCOMMIT", pool_reset_on_return=None)
        for _ in range(2)
    )
    units = _open_postgresql(url, connections, _PLAN_ONCE, "READ COMMITTED")
    return Engines(engine, read, look, issue, units)


def _open_postgresql(
    url: URL, connections: int, settings: dict[str, str], isolation_level: Any, **more: Any
) -> Engine:
    settings = {"lock_timeout": f"{_WAIT_SECONDS}s"} | settings
    # What the operator set in the URL comes last, and wins.
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments = {
        "connect_timeout": _WAIT_SECONDS // 2,
        "options": f"{options} {url.query.get('options', '')}".strip(),
    }
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args=arguments,
        isolation_level=isolation_level,
        use_native_hstore=False,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=_WAIT_SECONDS,
        **more,
    )
    event.listen(engine, "handle_error", _translate)
    return engine


def _translate(context: ExceptionContext) -> PortError | None:
    return port_error(context.original_exception)


def port_error(original: BaseException) -> PortError | None:
    """Turn the driver's error into the port's; None lets it through as what it is: a fault of ours."""
    if isinstance(original, sqlite3.Error):
        return _translate_sqlite(original)
    if isinstance(original, psycopg.Error):
        return _translate_postgresql(original)
    return None


def _translate_sqlite(error: sqlite3.Error) -> PortError | None:
    code = getattr(error, "sqlite_errorcode", None)
    taken = code == sqlite3.SQLITE_CONSTRAINT_TRIGGER and str(error).endswith(_TAKEN)
    if taken or code in {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}:
        return ConflictError("this key is taken")
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK:
        return ImpossibleStateError("the schema forbids this row")
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return NotFoundError("something that this rests on is not stored")
    # The low byte is the kind; the rest says where (SQLite, "Result and Error Codes").
    if code is not None and code & 0xFF in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
    }:
        return UnavailableError("the database is away, full or locked")
    return None


def _translate_postgresql(error: psycopg.Error) -> PortError | None:
    if isinstance(error, psycopg.errors.IntegrityError):
        # The server's detail quotes the row: names, seals and salts would stand in our log.
        error.args = (str(error).partition("\n")[0],)
    if isinstance(error, psycopg.errors.CheckViolation):
        return ImpossibleStateError("the schema forbids this row")
    if isinstance(error, psycopg.errors.UniqueViolation):
        return ConflictError("this key is taken")
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return NotFoundError("something that this rests on is not stored")
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return ConflictError("another writer was at the same rows")
    if isinstance(error, psycopg.OperationalError):
        return UnavailableError("the database is away or too busy")
    return None
