"""Bulk files: jobs, and their rows until they are applied and after."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def instant(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    create_jobs()
    create_rows()


def create_jobs() -> None:
    op.create_table(
        "bulk_jobs",
        text("id"),
        text("organisation"),
        text("requester"),
        text("kind"),
        text("name"),
        text("sha256"),
        text("sealed_key"),
        instant("created_at", nullable=False),
        number("rows"),
        sa.Column("complete", sa.Boolean(), nullable=False),
        instant("validated_at"),
        number("applied_to"),
        number("applied_rows"),
        instant("applied_at"),
        sa.ForeignKeyConstraint(["organisation"], ["parties.id"], name="fk_bulk_jobs_organisation"),
        sa.ForeignKeyConstraint(["requester"], ["parties.id"], name="fk_bulk_jobs_requester"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_jobs"),
    )
    op.create_index("ix_bulk_jobs_organisation", "bulk_jobs", ["organisation", "created_at"])


def create_rows() -> None:
    op.create_table(
        "bulk_rows",
        text("job"),
        number("line"),
        text("key", nullable=True),
        text("pair", nullable=True),
        text("sealed"),
        text("verdict"),
        text("code"),
        text("column"),
        text("needs"),
        text("mandate", nullable=True),
        sa.ForeignKeyConstraint(["job"], ["bulk_jobs.id"], name="fk_bulk_rows_job"),
        sa.ForeignKeyConstraint(["mandate"], ["mandates.id"], name="fk_bulk_rows_mandate"),
        sa.PrimaryKeyConstraint("job", "line", name="pk_bulk_rows"),
    )
    op.create_index("ix_bulk_rows_key", "bulk_rows", ["job", "key"])
    op.create_index("ix_bulk_rows_pair", "bulk_rows", ["job", "pair"])
    op.create_index(
        "uq_bulk_rows_applied",
        "bulk_rows",
        ["key"],
        unique=True,
        sqlite_where=sa.text("mandate IS NOT NULL"),
        postgresql_where=sa.text("mandate IS NOT NULL"),
    )
