"""Papers that requests rest on, sealed; and what lets terms find what they need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("named_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(sha256) = 64", name="ck_documents_sha256"),
        sa.CheckConstraint("size BETWEEN 1 AND 5242880", name="ck_documents_size"),
        sa.CheckConstraint(
            "media_type IN ('application/pdf', 'image/jpeg', 'image/png')", name="ck_documents_media_type"
        ),
        sa.ForeignKeyConstraint(["added_by"], ["parties.id"], name="fk_documents_added_by"),
        sa.PrimaryKeyConstraint("sha256", name="pk_documents"),
    )
