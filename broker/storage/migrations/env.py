"""Run by Alembic with the connection that `migrations.upgrade` handed in; there is no other way in."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # Both databases can roll back DDL; Alembic does not expect it of SQLite by default.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
