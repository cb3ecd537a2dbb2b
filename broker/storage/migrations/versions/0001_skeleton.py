"""The walking skeleton: parties, mandates, sessions and grants, status, registry."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    create_parties()
    create_mandates()
    create_sessions()
    create_status()
    create_registry()
    op.execute("INSERT INTO counters (name, value) VALUES ('revision', 0), ('registry', 0)")


def create_parties() -> None:
    op.create_table(
        "parties",
        text("id"),
        text("kind"),
        text("name"),
        text("kbo", nullable=True),
        text("org_kinds"),
        text("insz_index", nullable=True),
        text("insz_sealed", nullable=True),
        instant("deceased_at", nullable=True),
        instant("ceased_at", nullable=True),
        instant("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_parties"),
        sa.UniqueConstraint("insz_index", name="uq_parties_insz_index"),
        sa.UniqueConstraint("kbo", name="uq_parties_kbo"),
    )
    op.create_table(
        "identities",
        text("issuer"),
        text("subject"),
        text("party"),
        instant("created_at"),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name="fk_identities_party"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_party", "identities", ["party"])


def create_mandates() -> None:
    op.create_table(
        "mandates",
        text("id"),
        text("type"),
        text("principal"),
        text("representative"),
        text("powers"),
        instant("valid_from"),
        instant("valid_until"),
        instant("requested_at"),
        text("requested_by"),
        text("catalogue_version"),
        text("source"),
        text("session", nullable=True),
        text("parent", nullable=True),
        text("evidence"),
        text("approvals"),
        instant("lapses_at", nullable=True),
        instant("activated_at", nullable=True),
        instant("suspended_at", nullable=True),
        instant("ended_at", nullable=True),
        text("ended_by", nullable=True),
        text("ending", nullable=True),
        text("grounds"),
        number("version"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["mandates.id"], name="fk_mandates_parent"),
        sa.ForeignKeyConstraint(["principal"], ["parties.id"], name="fk_mandates_principal"),
        sa.ForeignKeyConstraint(["representative"], ["parties.id"], name="fk_mandates_representative"),
        sa.PrimaryKeyConstraint("id", name="pk_mandates"),
    )
    op.create_index("ix_mandates_parent", "mandates", ["parent"])
    op.create_index("ix_mandates_principal", "mandates", ["principal", "representative"])
    op.create_index("ix_mandates_representative", "mandates", ["representative", "principal"])
    op.create_index("ix_mandates_session", "mandates", ["session"], **where("ended_at IS NULL"))
    op.create_index(
        "ix_mandates_waiting",
        "mandates",
        ["requested_at"],
        **where("ended_at IS NULL AND activated_at IS NULL"),
    )


def create_sessions() -> None:
    op.create_table(
        "sessions",
        text("id"),
        text("sid"),
        text("party"),
        number("level"),
        text("upstream"),
        text("upstream_sub"),
        instant("started_at"),
        instant("last_seen_at"),
        instant("expires_at"),
        instant("claims_at"),
        text("organisation", nullable=True),
        text("staff"),
        instant("ended_at", nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["parties.id"], name="fk_sessions_organisation"),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name="fk_sessions_party"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("sid", name="uq_sessions_sid"),
    )
    op.create_table(
        "grants",
        text("id"),
        text("client"),
        text("session"),
        text("actor"),
        text("principal"),
        number("level"),
        text("scopes"),
        text("audience"),
        instant("created_at"),
        text("mandate", nullable=True),
        text("executor", nullable=True),
        instant("ended_at", nullable=True),
        text("ended_reason"),
        sa.ForeignKeyConstraint(["actor"], ["parties.id"], name="fk_grants_actor"),
        sa.ForeignKeyConstraint(["executor"], ["mandates.id"], name="fk_grants_executor"),
        sa.ForeignKeyConstraint(["mandate"], ["mandates.id"], name="fk_grants_mandate"),
        sa.ForeignKeyConstraint(["principal"], ["parties.id"], name="fk_grants_principal"),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name="fk_grants_session"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index("ix_grants_executor", "grants", ["executor"], **where("ended_at IS NULL"))
    op.create_index("ix_grants_mandate", "grants", ["mandate"], **where("ended_at IS NULL"))
    op.create_index("ix_grants_session", "grants", ["session"], **where("ended_at IS NULL"))
    op.create_table(
        "refresh_tokens",
        text("hash"),
        text("grant"),
        instant("issued_at"),
        instant("expires_at"),
        instant("used_at", nullable=True),
        sa.ForeignKeyConstraint(["grant"], ["grants.id"], name="fk_refresh_tokens_grant"),
        sa.PrimaryKeyConstraint("hash", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_grant", "refresh_tokens", ["grant"])
    op.create_table(
        "consents",
        text("party"),
        text("client"),
        text("scope"),
        instant("at"),
        sa.ForeignKeyConstraint(["party"], ["parties.id"], name="fk_consents_party"),
        sa.PrimaryKeyConstraint("party", "client", "scope", name="pk_consents"),
    )


def create_status() -> None:
    op.create_table(
        "status_lists",
        text("id"),
        text("audience"),
        number("number"),
        number("size"),
        instant("version"),
        instant("created_at"),
        text("decoys"),
        sa.PrimaryKeyConstraint("id", name="pk_status_lists"),
    )
    op.create_index("uq_status_lists_audience_number", "status_lists", ["audience", "number"], unique=True)
    op.create_table(
        "status_entries",
        text("list"),
        number("index"),
        text("grant"),
        text("audience"),
        instant("last_exp"),
        instant("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["grant"], ["grants.id"], name="fk_status_entries_grant"),
        sa.ForeignKeyConstraint(["list"], ["status_lists.id"], name="fk_status_entries_list"),
        sa.PrimaryKeyConstraint("list", "index", name="pk_status_entries"),
    )
    op.create_index(
        "ix_status_entries_revoked", "status_entries", ["list", "index"], **where("revoked_at IS NOT NULL")
    )
    op.create_index(
        "uq_status_entries_live",
        "status_entries",
        ["grant", "audience"],
        unique=True,
        **where("revoked_at IS NULL"),
    )


def create_registry() -> None:
    op.create_table(
        "clients",
        text("id"),
        text("name"),
        text("profile"),
        text("auth"),
        text("redirect_uris"),
        text("post_logout_redirect_uris"),
        text("scopes"),
        text("audiences"),
        text("serves"),
        text("mandate_types"),
        text("sector"),
        sa.Column("vetted", sa.Boolean(), nullable=False),
        text("jwks", nullable=True),
        text("secret_sha256", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )
    op.create_table(
        "audiences",
        text("uri"),
        text("name"),
        text("sector"),
        sa.Column("delegation_aware", sa.Boolean(), nullable=False),
        text("scopes"),
        sa.PrimaryKeyConstraint("uri", name="pk_audiences"),
    )
    op.create_table(
        "signing_keys",
        text("kid"),
        text("purpose"),
        text("alg"),
        text("public_jwk"),
        text("sealed_private"),
        instant("created_at"),
        instant("active_from"),
        instant("retires_at", nullable=True),
        instant("gone_at", nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "catalogues",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        text("version"),
        text("text"),
        instant("loaded_at"),
        sa.PrimaryKeyConstraint("seq", name="pk_catalogues"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counters",
        text("name"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
