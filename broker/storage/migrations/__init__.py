"""The steps by which the schema grew, and the running of them.

Each step in `versions/` stands by itself and never changes once released: it
imports nothing of ours, for `tables.py` moves on and old steps must not.
Alembic is configured here, in code; an operator has `volmacht db upgrade`.
A step runs in one transaction on both databases, so half a step does not exist.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_LOCK = 0x766F6C6D  # any number, as long as every version of the program uses the same


def upgrade(connection: Connection) -> None:
    """Run the missing steps in the transaction of `connection`.

    Workers that start together come here together: on PostgreSQL the second
    waits for the advisory lock and finds nothing left to do, on SQLite it waits
    for BEGIN IMMEDIATE.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """Whether the schema stands at the newest step that this program knows."""
    stored = MigrationContext.configure(connection).get_current_heads()
    return set(stored) == set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    # A percent sign in a path would be read as interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
