"""A status index speaks of a client and a chain; keys that tokens are bound to; what clients are registered for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OF_GRANT = ("client", "mandate", "executor")
LIVE = "(\"grant\", audience, client, COALESCE(mandate, ''), COALESCE(executor, ''), hops)"


def upgrade() -> None:
    widen_entries()
    for table, column in (
        ("sessions", sa.Column("auth_time", sa.BigInteger())),
        ("refresh_tokens", sa.Column("jkt", sa.Text())),
        ("refresh_tokens", sa.Column("successor", sa.Text())),
        ("clients", sa.Column("dpop", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("clients", sa.Column("exchange", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("clients", sa.Column("jwks_uri", sa.Text())),
        ("clients", sa.Column("id_token_alg", sa.Text(), nullable=False, server_default="ES256")),
    ):
        op.add_column(table, column)
    # The profile has always said it (FAPI 2.0 section 5.3.2.1); now the record says it, too.
    op.execute("UPDATE clients SET dpop = TRUE WHERE profile = 'fapi'")


def widen_entries() -> None:
    for name in ("uq_status_entries_live", "ix_status_entries_revoked"):
        op.drop_index(name, "status_entries")
    with op.batch_alter_table("status_entries") as entries:
        entries.alter_column("grant", existing_type=sa.Text(), nullable=True)
        entries.add_column(sa.Column("client", sa.Text(), nullable=False, server_default=""))
        entries.add_column(sa.Column("mandate", sa.Text()))
        entries.add_column(sa.Column("executor", sa.Text()))
        entries.add_column(sa.Column("hops", sa.Integer(), nullable=False, server_default="0"))
        entries.create_check_constraint(
            "ck_status_entries_grant", sa.text('"grant" IS NOT NULL OR revoked_at IS NOT NULL')
        )
    of_grant = ", ".join(
        f'{name} = (SELECT {name} FROM grants WHERE grants.id = status_entries."grant")' for name in OF_GRANT
    )
    op.execute(f"UPDATE status_entries SET {of_grant}")
    op.execute(f"CREATE UNIQUE INDEX uq_status_entries_live ON status_entries {LIVE} WHERE revoked_at IS NULL")
    for name in OF_GRANT:
        op.execute(f"CREATE INDEX ix_status_entries_{name} ON status_entries ({name}) WHERE revoked_at IS NULL")
    op.execute(
        'CREATE INDEX ix_status_entries_revoked ON status_entries (list, "index") WHERE revoked_at IS NOT NULL'
    )
