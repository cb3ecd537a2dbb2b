"""What an audience gives to programs for themselves stands apart from what it gives to people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing that stands among `scopes` becomes a machine scope by itself: empty means no.
    op.add_column("audiences", sa.Column("machine_scopes", sa.Text(), nullable=False, server_default=""))
