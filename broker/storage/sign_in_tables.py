"""The tables of people at the keyboard: sign-ins, grants, and the bits that say when one is over."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    literal_column,
)

from broker.storage.columns import INDICES, INSTANT, LEVEL, WORD_SET, WORD_TUPLE
from broker.storage.engine_tables import metadata

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("party", ForeignKey("parties.id"), nullable=False, index=True),
    Column("created_at", INSTANT, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sid", Text, nullable=False, unique=True),
    Column("party", ForeignKey("parties.id"), nullable=False),
    Column("level", LEVEL, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("upstream_sub", Text, nullable=False),
    Column("started_at", INSTANT, nullable=False),
    Column("last_seen_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("claims_at", INSTANT, nullable=False),
    Column("organisation", ForeignKey("parties.id")),
    Column("staff", WORD_SET, nullable=False),
    Column("ended_at", INSTANT),
    Column("auth_time", INSTANT),
)
_lives = sessions.c.ended_at.is_(None)
Index("ix_sessions_party", sessions.c.party, sqlite_where=_lives, postgresql_where=_lives)

grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("session", ForeignKey("sessions.id"), nullable=False),
    Column("actor", ForeignKey("parties.id"), nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("level", LEVEL, nullable=False),
    Column("scopes", WORD_TUPLE, nullable=False),
    Column("audience", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("mandate", ForeignKey("mandates.id")),
    Column("executor", ForeignKey("mandates.id")),
    Column("ended_at", INSTANT),
    Column("ended_reason", Text, nullable=False),
)
_live = grants.c.ended_at.is_(None)
for _name in ("mandate", "executor", "session", "actor", "principal"):
    Index(f"ix_grants_{_name}", grants.c[_name], sqlite_where=_live, postgresql_where=_live)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("grant", ForeignKey("grants.id"), nullable=False, index=True),
    Column("issued_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("used_at", INSTANT),
    Column("jkt", Text),
    Column("successor", Text),
)

consents = Table(
    "consents",
    metadata,
    Column("party", ForeignKey("parties.id"), primary_key=True),
    Column("client", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("at", INSTANT, nullable=False),
)

status_lists = Table(
    "status_lists",
    metadata,
    Column("id", Text, primary_key=True),
    Column("audience", Text, nullable=False),
    # Lists of one audience are numbered; the highest is the open one.
    Column("number", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("decoys", INDICES, nullable=False),
    Index("uq_status_lists_audience_number", "audience", "number", unique=True),
)

status_entries = Table(
    "status_entries",
    metadata,
    Column("list", ForeignKey("status_lists.id"), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    # Empty once the grant was let go: a bit that is set outlives what it was about.
    Column("grant", ForeignKey("grants.id")),
    Column("audience", Text, nullable=False),
    Column("last_exp", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
    Column("client", Text, nullable=False),
    Column("mandate", Text),
    Column("executor", Text),
    Column("hops", Integer, nullable=False),
    CheckConstraint('"grant" IS NOT NULL OR revoked_at IS NOT NULL', name="ck_status_entries_grant"),
)
_unset = status_entries.c.revoked_at.is_(None)
Index(
    "uq_status_entries_live",
    status_entries.c.grant,
    status_entries.c.audience,
    status_entries.c.client,
    func.coalesce(status_entries.c.mandate, literal_column("''")),
    func.coalesce(status_entries.c.executor, literal_column("''")),
    status_entries.c.hops,
    unique=True,
    sqlite_where=_unset,
    postgresql_where=_unset,
)
for _name in ("mandate", "executor", "client"):
    Index(
        f"ix_status_entries_{_name}",
        status_entries.c[_name],
        sqlite_where=_unset,
        postgresql_where=_unset,
    )
_set = status_entries.c.revoked_at.is_not(None)
Index(
    "ix_status_entries_revoked",
    status_entries.c.list,
    status_entries.c.index,
    sqlite_where=_set,
    postgresql_where=_set,
)
