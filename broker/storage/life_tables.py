"""The tables of what happens beside a mandate: letters, papers, reviews, uses, cascades, staff roles."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from broker.storage.columns import INSTANT, JSON_OBJECT, SEQUENCE
from broker.storage.engine_tables import metadata

activation_codes = Table(
    "activation_codes",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("mandate", ForeignKey("mandates.id"), nullable=False),
    Column("capacity", Text, nullable=False),
    Column("issued_at", INSTANT, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("redeemed_at", INSTANT),
    Index("uq_activation_codes_mandate_capacity", "mandate", "capacity", unique=True),
)

contacts = Table(
    "contacts",
    metadata,
    Column("party", ForeignKey("parties.id"), primary_key=True),
    Column("address_sealed", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("added_by", ForeignKey("parties.id"), nullable=False),
    Column("added_at", INSTANT, nullable=False),
    Column("named_at", INSTANT),
    CheckConstraint("length(sha256) = 64", name="ck_documents_sha256"),
    CheckConstraint("size BETWEEN 1 AND 5242880", name="ck_documents_size"),
    CheckConstraint(
        "media_type IN ('application/pdf', 'image/jpeg', 'image/png')", name="ck_documents_media_type"
    ),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("mandate", ForeignKey("mandates.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("opened_at", INSTANT, nullable=False),
    Column("opened_by", Text),
    Column("text", Text, nullable=False),
    Column("decided_at", INSTANT),
    Column("decided_by", Text),
    Column("outcome", Text),
    Column("grounds", Text, nullable=False),
)
_undecided = reviews.c.decided_at.is_(None)
Index(
    "ix_reviews_queue",
    reviews.c.opened_at,
    reviews.c.id,
    sqlite_where=_undecided,
    postgresql_where=_undecided,
)
Index(
    "uq_reviews_undecided",
    reviews.c.mandate,
    reviews.c.kind,
    unique=True,
    sqlite_where=_undecided,
    postgresql_where=_undecided,
)

uses = Table(
    "uses",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("client", Text, nullable=False),
    Column("jti", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("mandate", ForeignKey("mandates.id"), nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("actor", ForeignKey("parties.id"), nullable=False),
    Column("representative", ForeignKey("parties.id"), nullable=False),
    Column("decision", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Index("uq_uses_client_jti_operation", "client", "jti", "operation", unique=True),
    Index("ix_uses_principal", "principal", "at", "seq"),
    sqlite_autoincrement=True,
)

cascades = Table(
    "cascades",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("party", ForeignKey("parties.id"), nullable=False),
    Column("done_at", INSTANT, nullable=False),
    Column("done_by", Text),
    Column("body", JSON_OBJECT, nullable=False),
    Column("undone_at", INSTANT),
)

staff = Table(
    "staff",
    metadata,
    Column("party", ForeignKey("parties.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("given_at", INSTANT, nullable=False),
    Column("given_by", Text, nullable=False),
)
