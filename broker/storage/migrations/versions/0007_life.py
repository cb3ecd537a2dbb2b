"""Activation codes, addresses, reviews, uses, cascades that can be undone, and staff roles."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}")


def upgrade() -> None:
    create_codes_and_addresses()
    create_reviews()
    create_uses()
    create_cascades()
    create_staff()
    # What stands on a party that died or ceased is found from the party.
    live = sa.text("ended_at IS NULL")
    for column in ("actor", "principal"):
        op.create_index(f"ix_grants_{column}", "grants", [column], sqlite_where=live, postgresql_where=live)
    op.create_index("ix_sessions_party", "sessions", ["party"], sqlite_where=live, postgresql_where=live)


def create_codes_and_addresses() -> None:
    op.create_table(
        "activation_codes",
        text("hash"),
        text("mandate"),
        text("capacity"),
        instant("issued_at"),
        text("issued_by"),
        instant("redeemed_at", nullable=True),
        refers("activation_codes", "mandate", "mandates"),
        sa.PrimaryKeyConstraint("hash", name="pk_activation_codes"),
    )
    op.create_index(
        "uq_activation_codes_mandate_capacity", "activation_codes", ["mandate", "capacity"], unique=True
    )
    op.create_table(
        "contacts",
        text("party"),
        text("address_sealed"),
        text("source"),
        instant("recorded_at"),
        refers("contacts", "party", "parties"),
        sa.PrimaryKeyConstraint("party", name="pk_contacts"),
    )


def create_reviews() -> None:
    op.create_table(
        "reviews",
        text("id"),
        text("mandate"),
        text("kind"),
        instant("opened_at"),
        text("opened_by", nullable=True),
        text("text"),
        instant("decided_at", nullable=True),
        text("decided_by", nullable=True),
        text("outcome", nullable=True),
        text("grounds"),
        refers("reviews", "mandate", "mandates"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    open_ones = sa.text("decided_at IS NULL")
    op.create_index(
        "ix_reviews_queue", "reviews", ["opened_at", "id"], sqlite_where=open_ones, postgresql_where=open_ones
    )
    op.create_index(
        "uq_reviews_undecided",
        "reviews",
        ["mandate", "kind"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )


def create_uses() -> None:
    op.create_table(
        "uses",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        text("client"),
        text("jti"),
        text("operation"),
        text("mandate"),
        text("principal"),
        text("actor"),
        text("representative"),
        text("decision"),
        instant("at"),
        instant("recorded_at"),
        refers("uses", "mandate", "mandates"),
        refers("uses", "principal", "parties"),
        refers("uses", "actor", "parties"),
        refers("uses", "representative", "parties"),
        sa.PrimaryKeyConstraint("seq", name="pk_uses"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_uses_client_jti_operation", "uses", ["client", "jti", "operation"], unique=True)
    op.create_index("ix_uses_principal", "uses", ["principal", "at", "seq"])


def create_cascades() -> None:
    op.create_table(
        "cascades",
        text("id"),
        text("cause"),
        text("party"),
        instant("done_at"),
        text("done_by", nullable=True),
        text("body"),
        instant("undone_at", nullable=True),
        refers("cascades", "party", "parties"),
        sa.PrimaryKeyConstraint("id", name="pk_cascades"),
    )


def create_staff() -> None:
    op.create_table(
        "staff",
        text("party"),
        text("role"),
        instant("given_at"),
        text("given_by"),
        refers("staff", "party", "parties"),
        sa.PrimaryKeyConstraint("party", "role", name="pk_staff"),
    )
