"""The tables of the engine: parties, mandates, caseloads, and every version of them that was recorded.

What may stand in them is ruled by checks and triggers, which stand in migration
0005 because SQLAlchemy has no word for most of them: history is written by the
database itself and never overwritten, a period is not empty, what is passed on
has the principal and the type of what it came from, and no second mandate runs
beside another unless its type allows.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from broker.storage.columns import (
    APPROVALS,
    ENDING,
    EVIDENCE,
    INSTANT,
    PARTY_KIND,
    POWER_ENDINGS,
    POWERS,
    RECOGNITIONS,
    SEQUENCE,
    SORT_KEY,
    SOURCE,
    SUSPENSIONS,
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
    Column("ovo", Text),
    Column("recognitions", RECOGNITIONS, nullable=False),
    Column("adult_at", INSTANT),
    Column("deceased_at", INSTANT),
    Column("ceased_at", INSTANT),
    Column("successor", ForeignKey("parties.id")),
    Column("version", Integer, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    # The name as lists sort and find it (`names.key_of`).
    Column("name_key", SORT_KEY, nullable=False),
    Column("insz_index", Text, unique=True),
    Column("insz_sealed", Text),
    # What the journal hides the party with (mandates.commitments); gone once she is erased.
    Column("salt", Text, default=lambda: secrets.token_hex(16)),
    Column("created_at", INSTANT, nullable=False),
    Index("uq_parties_ovo", "ovo", unique=True),
)

party_history = Table(
    "party_history",
    metadata,
    # Written by a trigger when `parties` changes: each version with when it was known and until when.
    Column("id", ForeignKey("parties.id"), primary_key=True),
    *(Column(column.name, column.type, nullable=column.nullable) for column in list(parties.c)[1:10]),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("superseded_at", INSTANT, nullable=False),
)

mandates = Table(
    "mandates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("representative", ForeignKey("parties.id"), nullable=False),
    Column("powers", POWERS, nullable=False),
    Column("valid_from", INSTANT, nullable=False),
    Column("valid_until", INSTANT, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("catalogue_version", Text, nullable=False),
    Column("source", SOURCE, nullable=False),
    Column("session", Text),
    Column("parent", ForeignKey("mandates.id")),
    Column("replaces", ForeignKey("mandates.id")),
    Column("whole", Boolean, nullable=False),
    Column("several", Boolean, nullable=False),
    Column("evidence", EVIDENCE, nullable=False),
    Column("approvals", APPROVALS, nullable=False),
    Column("lapses_at", INSTANT),
    Column("activated_at", INSTANT),
    Column("suspensions", SUSPENSIONS, nullable=False),
    Column("ended_powers", POWER_ENDINGS, nullable=False),
    Column("ended_at", INSTANT),
    Column("ended_by", Text),
    Column("ending", ENDING),
    Column("grounds", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    # Of the parties, repeated here so that one index answers a list in the order of names, and
    # one the question of who acts for an organisation. A trigger on `parties` follows renaming.
    Column("principal_kind", PARTY_KIND, nullable=False),
    Column("principal_key", SORT_KEY, nullable=False),
    Column("representative_key", SORT_KEY, nullable=False),
)
# The conditions of partial indexes. Queries repeat them word for word, or the index is not used.
STORED = mandates.c.session.is_(None)
"""Of no session."""
CLAIMED = mandates.c.session.is_not(None)
"""Of one session."""
OPEN = mandates.c.ended_at.is_(None) | (mandates.c.ended_at > mandates.c.recorded_at)
"""Not ended when it was last written; an end may be fixed for later, as with a renewal."""
ACTIVATED = mandates.c.activated_at.is_not(None)
WAITING = mandates.c.activated_at.is_(None) & mandates.c.ended_at.is_(None)


def _where(condition: ColumnElement[bool]) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


_m = mandates.c
# A chain is looked up from both ends; each index leads from one party to the other. What
# sessions brought stands apart: an officer leaves some behind at every sign-in, for years.
Index("ix_mandates_principal", _m.principal, _m.representative, **_where(STORED))
Index("ix_mandates_representative", _m.representative, _m.principal_kind, _m.principal, **_where(STORED))
Index("ix_mandates_session", _m.session, **_where(CLAIMED))
Index("ix_mandates_claimed", _m.principal, _m.valid_from, **_where(CLAIMED))
Index("ix_mandates_parent", _m.parent, **_where(_m.parent.is_not(None)))
# Lists in the order of names, with all that a page is chosen by: the rows themselves are read for one page.
_chosen_by = (_m.id, _m.type, _m.valid_from, _m.valid_until, _m.ended_at)
_listed = _where(STORED & ACTIVATED & OPEN)
Index("ix_mandates_reach", _m.representative, _m.principal_key, *_chosen_by, **_listed)
Index("ix_mandates_delegates", _m.principal, _m.representative_key, *_chosen_by, **_listed)
# Requests that wait are few, among millions.
Index("ix_mandates_waiting", _m.requested_at, _m.id, **_where(WAITING))
for _name in ("principal", "representative", "requested_by"):
    Index(f"ix_mandates_waiting_{_name}", _m[_name], **_where(WAITING))

mandate_history = Table(
    "mandate_history",
    metadata,
    # Written by a trigger when `mandates` changes: each version with when it was known and until when.
    Column("id", ForeignKey("mandates.id"), primary_key=True),
    Column("type", Text, nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("representative", ForeignKey("parties.id"), nullable=False),
    *(Column(column.name, column.type, nullable=column.nullable) for column in list(mandates.c)[4:26]),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("superseded_at", INSTANT, nullable=False),
)
_h = mandate_history.c
Index("ix_mandate_history_principal", _h.principal, _h.representative, **_where(_h.session.is_(None)))
Index("ix_mandate_history_claimed", _h.principal, _h.valid_from, **_where(_h.session.is_not(None)))

caseloads = Table(
    "caseloads",
    metadata,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("executor", ForeignKey("mandates.id"), nullable=False),
    Column("principal", ForeignKey("parties.id"), nullable=False),
    Column("added_at", INSTANT, nullable=False),
    Column("removed_at", INSTANT),
    Index("ix_caseloads_executor", "executor", "principal"),
    sqlite_autoincrement=True,
)
_held = caseloads.c.removed_at.is_(None)
Index("uq_caseloads_held", caseloads.c.executor, caseloads.c.principal, unique=True, **_where(_held))
