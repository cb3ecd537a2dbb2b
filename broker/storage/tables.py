"""The tables, as the newest migration leaves them. Columns are named after the fields they hold.

A test compares this page with what the migrations make. Instants are seconds
(BIGINT). The three journal tables are append-only by triggers, which stand in
the migration because SQLAlchemy has no word for them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from broker.storage.columns import (
    APPROVALS,
    ENDING,
    EVIDENCE,
    INDICES,
    INSTANT,
    JSON_OBJECT,
    LEVEL,
    PARTY_KIND,
    SEQUENCE,
    SOURCE,
    WORD_SET,
    WORD_TUPLE,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

parties = Table(
    "parties",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", PARTY_KIND, nullable=False),
    Column("name", Text, nullable=False),
    Column("kbo", Text, unique=True),
    Column("org_kinds", WORD_SET, nullable=False),
    Column("insz_index", Text, unique=True),
    Column("insz_sealed", Text),
    Column("deceased_at", INSTANT),
    Column("ceased_at", INSTANT),
    Column("created_at", INSTANT, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("party", ForeignKey("parties.id"), nullable=False, index=True),
    Column("created_at", INSTANT, nullable=False),
)

mandates = Table(
    "mandates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("representative", ForeignKey("parties.id"), nullable=False),
    Column("powers", WORD_TUPLE, nullable=False),
    Column("valid_from", INSTANT, nullable=False),
    Column("valid_until", INSTANT, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("catalogue_version", Text, nullable=False),
    Column("source", SOURCE, nullable=False),
    Column("session", Text),
    Column("parent", ForeignKey("mandates.id"), index=True),
    Column("evidence", EVIDENCE, nullable=False),
    Column("approvals", APPROVALS, nullable=False),
    Column("lapses_at", INSTANT),
    Column("activated_at", INSTANT),
    Column("suspended_at", INSTANT),
    Column("ended_at", INSTANT),
    Column("ended_by", Text),
    Column("ending", ENDING),
    Column("grounds", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    # A chain is looked up from both ends; each index leads from one party to the other.
    Index("ix_mandates_principal", "principal", "representative"),
    Index("ix_mandates_representative", "representative", "principal"),
)
_open = mandates.c.ended_at.is_(None)
Index("ix_mandates_session", mandates.c.session, sqlite_where=_open, postgresql_where=_open)
_waits = _open & mandates.c.activated_at.is_(None)
Index("ix_mandates_waiting", mandates.c.requested_at, sqlite_where=_waits, postgresql_where=_waits)

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
)

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
for _name in ("mandate", "executor", "session"):
    Index(f"ix_grants_{_name}", grants.c[_name], sqlite_where=_live, postgresql_where=_live)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("grant", ForeignKey("grants.id"), nullable=False, index=True),
    Column("issued_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("used_at", INSTANT),
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
    Column("grant", ForeignKey("grants.id"), nullable=False),
    Column("audience", Text, nullable=False),
    Column("last_exp", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
)
_unset = status_entries.c.revoked_at.is_(None)
Index(
    "uq_status_entries_live",
    status_entries.c.grant,
    status_entries.c.audience,
    unique=True,
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

journal = Table(
    "journal",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("at", INSTANT, nullable=False),
    # The second time axis: when it was recorded, beside when it happened (mandates.md section 1).
    Column("recorded_at", INSTANT, nullable=False),
    Column("type", Text, nullable=False),
    Column("actor", Text),
    Column("mandate", Text),
    Column("body", JSON_OBJECT, nullable=False),
    Index("ix_journal_mandate", "mandate", "seq"),
    sqlite_autoincrement=True,
)

journal_pending = Table(
    "journal_pending",
    metadata,
    # Entries without a leaf, kept by triggers: a search for them would read the whole journal.
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),
)

journal_leaves = Table(
    "journal_leaves",
    metadata,
    Column("index", SEQUENCE, primary_key=True, autoincrement=False),
    Column("seq", ForeignKey("journal.seq"), nullable=False, unique=True),
    Column("hash", Text, nullable=False),
)

journal_checkpoints = Table(
    "journal_checkpoints",
    metadata,
    Column("size", SEQUENCE, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("redirect_uris", WORD_TUPLE, nullable=False),
    Column("post_logout_redirect_uris", WORD_TUPLE, nullable=False),
    Column("scopes", WORD_SET, nullable=False),
    Column("audiences", WORD_TUPLE, nullable=False),
    Column("serves", WORD_TUPLE, nullable=False),
    Column("mandate_types", WORD_TUPLE, nullable=False),
    Column("sector", Text, nullable=False),
    Column("vetted", Boolean, nullable=False),
    Column("jwks", JSON_OBJECT),
    Column("secret_sha256", Text),
)

audiences = Table(
    "audiences",
    metadata,
    Column("uri", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sector", Text, nullable=False),
    Column("delegation_aware", Boolean, nullable=False),
    Column("scopes", WORD_SET, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("alg", Text, nullable=False),
    Column("public_jwk", JSON_OBJECT, nullable=False),
    Column("sealed_private", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("active_from", INSTANT, nullable=False),
    Column("retires_at", INSTANT),
    Column("gone_at", INSTANT),
)

catalogues = Table(
    "catalogues",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("version", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("loaded_at", INSTANT, nullable=False),
    sqlite_autoincrement=True,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
