"""The tables, as the newest migration leaves them. Columns are named after the fields they hold.

A test compares this page with what the migrations make. Instants are seconds
(BIGINT). The journal's tables are append-only by triggers, which stand in the
migrations because SQLAlchemy has no word for them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from broker.storage.columns import (
    INSTANT,
    JSON_OBJECT,
    SEQUENCE,
    WORD_SET,
    WORD_TUPLE,
)
from broker.storage.engine_tables import (
    caseloads,
    mandate_history,
    mandates,
    metadata,
    parties,
    party_history,
)
from broker.storage.life_tables import (
    activation_codes,
    cascades,
    contacts,
    documents,
    reviews,
    staff,
    uses,
)
from broker.storage.sign_in_tables import (
    consents,
    grants,
    identities,
    refresh_tokens,
    sessions,
    status_entries,
    status_lists,
)

__all__ = [
    "activation_codes",
    "cascades",
    "caseloads",
    "consents",
    "contacts",
    "documents",
    "grants",
    "identities",
    "mandate_history",
    "mandates",
    "metadata",
    "parties",
    "party_history",
    "refresh_tokens",
    "reviews",
    "sessions",
    "staff",
    "status_entries",
    "status_lists",
    "uses",
]

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
    Column("principal", Text),
    Column("representative", Text),
    Column("commitments", JSON_OBJECT),
    Index("ix_journal_mandate", "mandate", "seq"),
    sqlite_autoincrement=True,
)
for _name in ("actor", "principal", "representative"):
    _named = journal.c[_name].is_not(None)
    Index(f"ix_journal_{_name}", journal.c[_name], sqlite_where=_named, postgresql_where=_named)

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

journal_nodes = Table(
    "journal_nodes",
    metadata,
    # Roots of complete subtrees at every eighth level: a proof reads a few hundred hashes of ten million.
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", SEQUENCE, primary_key=True, autoincrement=False),
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

erasures = Table(
    "erasures",
    metadata,
    # Who was forgotten: the triggers let the journal be blanked of these parties, and of no other.
    Column("party", ForeignKey("parties.id"), primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("by", Text, nullable=False),
)

retention_terms = Table(
    "retention_terms",
    metadata,
    # Contents of this kind that are older may be blanked: `journal`, `mandates`.
    Column("kind", Text, primary_key=True),
    Column("before", INSTANT, primary_key=True, autoincrement=False),
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
    Column("dpop", Boolean, nullable=False),
    Column("exchange", Boolean, nullable=False),
    Column("jwks_uri", Text),
    Column("id_token_alg", Text, nullable=False),
)

audiences = Table(
    "audiences",
    metadata,
    Column("uri", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sector", Text, nullable=False),
    Column("delegation_aware", Boolean, nullable=False),
    Column("scopes", WORD_SET, nullable=False),
    Column("machine_scopes", WORD_SET, nullable=False),
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

outbox = Table(
    "outbox",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("at", INSTANT, nullable=False),
    Column("topic", Text, nullable=False),
    Column("party", Text),
    Column("mandate", Text),
    Column("body", JSON_OBJECT, nullable=False),
    Column("delivered_at", INSTANT),
    sqlite_autoincrement=True,
)
_for_somebody, _undelivered = outbox.c.party.is_not(None), outbox.c.delivered_at.is_(None)
Index(
    "ix_outbox_party",
    outbox.c.party,
    outbox.c.seq,
    sqlite_where=_for_somebody,
    postgresql_where=_for_somebody,
)
Index(
    "ix_outbox_waiting",
    outbox.c.topic,
    outbox.c.seq,
    sqlite_where=_undelivered,
    postgresql_where=_undelivered,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

vault_keys = Table(
    "vault_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("use", Text, nullable=False),
    Column("wrapped", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("retired_at", INSTANT),
    CheckConstraint("use IN ('root', 'seal', 'index')", name="ck_vault_keys_use"),
    CheckConstraint("use <> 'root' OR retired_at IS NULL", name="ck_vault_keys_root"),
)
_current = vault_keys.c.retired_at.is_(None)
Index(
    "uq_vault_keys_current",
    vault_keys.c.use,
    unique=True,
    sqlite_where=_current,
    postgresql_where=_current,
)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", ForeignKey("parties.id"), nullable=False),
    Column("requester", ForeignKey("parties.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("validated_at", INSTANT),
    Column("applied_to", Integer, nullable=False),
    Column("applied_rows", Integer, nullable=False),
    Column("applied_at", INSTANT),
    Index("ix_bulk_jobs_organisation", "organisation", "created_at"),
)

bulk_rows = Table(
    "bulk_rows",
    metadata,
    Column("job", ForeignKey("bulk_jobs.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("key", Text),
    Column("pair", Text),
    Column("sealed", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("column", Text, nullable=False),
    Column("needs", Text, nullable=False),
    Column("mandate", ForeignKey("mandates.id")),
    # What is a duplicate within a file is asked of these, whatever the length of the file.
    Index("ix_bulk_rows_key", "job", "key"),
    Index("ix_bulk_rows_pair", "job", "pair"),
)
_made = bulk_rows.c.mandate.is_not(None)
# One mandate for a row key, in whatever file and however often it is brought.
Index("uq_bulk_rows_applied", bulk_rows.c.key, unique=True, sqlite_where=_made, postgresql_where=_made)
