"""Commitments instead of contents in the leaves of the journal, and what erasure may blank."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROLES = ("actor", "principal", "representative")
FIXED = ("seq", "at", "recorded_at", "type", "mandate", "commitments")
NEW_TABLES = {
    "journal_nodes": 'level = NEW.level AND "index" = NEW."index"',
    "erasures": "party = NEW.party",
    "retention_terms": "kind = NEW.kind AND before = NEW.before",
}


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    create_tables()
    add_columns()
    unprotect(postgresql)
    fill_postgresql() if postgresql else fill_sqlite()
    protect_postgresql() if postgresql else protect_sqlite()


def create_tables() -> None:
    op.create_table(
        "journal_nodes",
        number("level", sa.Integer()),
        number("index", SEQUENCE),
        text("hash"),
        sa.PrimaryKeyConstraint("level", "index", name="pk_journal_nodes"),
    )
    op.create_table(
        "erasures",
        text("party"),
        number("at", sa.BigInteger()),
        text("by"),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name="fk_erasures_party"),
        sa.PrimaryKeyConstraint("party", name="pk_erasures"),
    )
    op.create_table(
        "retention_terms",
        text("kind"),
        number("before", sa.BigInteger()),
        number("at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kind", "before", name="pk_retention_terms"),
    )


def add_columns() -> None:
    op.add_column("parties", text("salt", nullable=True))
    for name in ("principal", "representative", "commitments"):
        op.add_column("journal", text(name, nullable=True))
    for role in ROLES:
        where = sa.text(f"{role} IS NOT NULL")
        op.create_index(
            f"ix_journal_{role}", "journal", [role], sqlite_where=where, postgresql_where=where
        )


def unprotect(postgresql: bool) -> None:
    op.execute(
        "DROP TRIGGER journal_append_only ON journal" if postgresql else "DROP TRIGGER journal_no_update"
    )


def fill_sqlite() -> None:
    op.execute("UPDATE parties SET salt = lower(hex(randomblob(16)))")
    op.execute(
        "UPDATE journal SET principal = json_extract(body, '$.principal'), "
        "representative = json_extract(body, '$.representative')"
    )


def fill_postgresql() -> None:
    # Two random UUIDs hold 244 random bits; core PostgreSQL has no function for random bytes.
    op.execute(
        "UPDATE parties SET salt = encode(substring(sha256("
        "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) from 1 for 16), 'hex')"
    )
    op.execute(
        "UPDATE journal SET principal = body::jsonb ->> 'principal', "
        "representative = body::jsonb ->> 'representative'"
    )


def blanks_only() -> str:
    """That an UPDATE of a row takes away what was said of somebody erased, or of long ago, and no more."""
    old = "EXISTS (SELECT 1 FROM retention_terms WHERE kind = 'journal' AND before > OLD.recorded_at)"
    gone = {role: f"(EXISTS (SELECT 1 FROM erasures WHERE party = OLD.{role}) OR {old})" for role in ROLES}
    rules = [f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in FIXED]
    rules += [
        f"(NEW.{role} IS NOT DISTINCT FROM OLD.{role} OR (NEW.{role} IS NULL AND {gone[role]}))"
        for role in ROLES
    ]
    rules.append(f"(NEW.body = OLD.body OR (NEW.body = '{{}}' AND ({' OR '.join(gone.values())})))")
    return " AND ".join(rules)


def protect_sqlite() -> None:
    op.execute(
        f"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal WHEN NOT ({blanks_only()}) "
        "BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END"
    )
    for table, same in NEW_TABLES.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE deletes the old row without asking the DELETE trigger.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, 'this place in {table} is taken'); END"
        )


def protect_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION volmacht_journal_blanks() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NOT ({blanks_only()}) THEN RAISE EXCEPTION 'journal is append-only'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER journal_blanks BEFORE UPDATE ON journal "
        "FOR EACH ROW EXECUTE FUNCTION volmacht_journal_blanks()"
    )
    op.execute(
        "CREATE TRIGGER journal_append_only BEFORE DELETE OR TRUNCATE ON journal "
        "FOR EACH STATEMENT EXECUTE FUNCTION volmacht_append_only()"
    )
    for table in NEW_TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION volmacht_append_only()"
        )
    # ALWAYS: also for a session that calls itself a replica.
    op.execute("ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_blanks")
    for table in ("journal", *NEW_TABLES):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
