"""The journal, which the database itself keeps append-only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {"journal": "seq", "journal_leaves": '"index"', "journal_checkpoints": "size"}


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    create_journal()
    if op.get_bind().dialect.name == "postgresql":
        protect_postgresql()
    else:
        protect_sqlite()


def create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        instant("at"),
        instant("recorded_at"),
        text("type"),
        text("actor", nullable=True),
        text("mandate", nullable=True),
        text("body"),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_mandate", "journal", ["mandate", "seq"])
    op.create_table(
        "journal_pending",
        sa.Column("seq", SEQUENCE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal_pending"),
    )
    op.create_table(
        "journal_leaves",
        sa.Column("index", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("seq", SEQUENCE, nullable=False),
        text("hash"),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"], name="fk_journal_leaves_seq"),
        sa.PrimaryKeyConstraint("index", name="pk_journal_leaves"),
        sa.UniqueConstraint("seq", name="uq_journal_leaves_seq"),
    )
    op.create_table(
        "journal_checkpoints",
        sa.Column("size", SEQUENCE, autoincrement=False, nullable=False),
        text("root"),
        text("note"),
        instant("at"),
        sa.PrimaryKeyConstraint("size", name="pk_journal_checkpoints"),
    )


def protect_sqlite() -> None:
    for table in KEYS:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
        key = KEYS[table]
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
            f"BEGIN SELECT RAISE(ABORT, 'this place in {table} is taken'); END"
        )
    op.execute(
        "CREATE TRIGGER journal_pends AFTER INSERT ON journal "
        "BEGIN INSERT INTO journal_pending (seq) VALUES (NEW.seq); END"
    )
    op.execute(
        "CREATE TRIGGER journal_sequenced AFTER INSERT ON journal_leaves "
        "BEGIN DELETE FROM journal_pending WHERE seq = NEW.seq; END"
    )


def protect_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION volmacht_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE FUNCTION volmacht_journal_pends() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO journal_pending (seq) VALUES (NEW.seq); RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION volmacht_journal_sequenced() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM journal_pending WHERE seq = NEW.seq; RETURN NULL; END $$"
    )
    for table in KEYS:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION volmacht_append_only()"
        )
        # ALWAYS: also for a session that calls itself a replica.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
    op.execute(
        "CREATE TRIGGER journal_pends AFTER INSERT ON journal "
        "FOR EACH ROW EXECUTE FUNCTION volmacht_journal_pends()"
    )
    op.execute(
        "CREATE TRIGGER journal_sequenced AFTER INSERT ON journal_leaves "
        "FOR EACH ROW EXECUTE FUNCTION volmacht_journal_sequenced()"
    )
