"""The data keys of the vault, wrapped by the master key.

No key is made here: a migration knows no master key. The first start after it does
(`broker.flows.vault_keys.open_vault`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    current = sa.text("retired_at IS NULL")
    op.create_table(
        "vault_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_vault_keys"),
        sa.CheckConstraint("use IN ('root', 'seal', 'index')", name="ck_vault_keys_use"),
        # Services store what the root key makes: it can never be replaced.
        sa.CheckConstraint("use <> 'root' OR retired_at IS NULL", name="ck_vault_keys_root"),
    )
    op.create_index(
        "uq_vault_keys_current",
        "vault_keys",
        ["use"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
