"""History of mandates and parties, sub-mandates, suspensions, caseloads, and the constraints of the engine."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SORT_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BATCH = 10_000

# --- what a row of history holds, in its order, and what of it may never change ---

PARTY = tuple("id kind name kbo ovo recognitions adult_at deceased_at ceased_at successor".split())
PARTY_FIXED = ("id", "kind", "kbo", "created_at")
PARTY_FACTS = tuple(name for name in PARTY if name not in PARTY_FIXED)
MANDATE = tuple(
    "id type principal representative powers valid_from valid_until requested_at requested_by catalogue_version "
    "source session parent replaces whole several evidence approvals lapses_at activated_at suspensions "
    "ended_powers ended_at ended_by ending grounds".split()
)
MANDATE_FIXED = tuple(
    "id type principal representative requested_at requested_by source session parent replaces several "
    "principal_kind".split()
)
TEXTS = ("evidence", "grounds", "suspensions")  # what people wrote; blank in the end
MANDATE_FACTS = tuple(name for name in MANDATE if name not in {*MANDATE_FIXED, *TEXTS})
INSTANTS = {name for name in (*PARTY, *MANDATE) if name.endswith("_at")} | {"valid_from", "valid_until"}
NEVER_NULL = set(
    "id kind name recognitions type principal representative powers valid_from valid_until requested_at requested_by "
    "catalogue_version source whole several evidence approvals suspensions ended_powers grounds".split()
)

PARTY_CHECKS = {
    "kind": "kind IN ('person', 'organisation')",
    "person": "kind <> 'person' OR (kbo IS NULL AND ovo IS NULL AND recognitions = '' "
    "AND ceased_at IS NULL AND successor IS NULL)",
    "organisation": "kind <> 'organisation' OR (adult_at IS NULL AND deceased_at IS NULL "
    "AND insz_index IS NULL AND insz_sealed IS NULL)",
    "kbo": "length(kbo) = 10",
    "insz": "(insz_index IS NULL) = (insz_sealed IS NULL)",
    "successor": "successor <> id",
    "version": "version >= 1",
}
MANDATE_CHECKS = {
    "period": "valid_from < valid_until",
    "parties": "principal <> representative",
    "source": "source IN ('stored', 'claims')",
    "session": "(source = 'claims') = (session IS NOT NULL)",
    # Whoever asks who could act on some day looks one day back for sessions, and no further.
    "session_day": "session IS NULL OR (valid_until - valid_from <= 86400 AND parent IS NULL)",
    "activated": "activated_at < valid_until",
    "ended": "(ended_at IS NULL) = (ending IS NULL)",
    "ending": "ending IN ('refused', 'cancelled', 'revoked', 'waived', 'withdrawn', 'superseded', "
    "'cascaded', 'session_ended')",
    "version": "version >= 1",
}


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    widen_parties()
    widen_mandates()
    create_history()
    create_caseloads()
    create_indexes()
    protect_postgresql() if postgresql else protect_sqlite()


def add_column(table: str, *columns: str) -> None:
    for column in columns:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def checks(table: str, rules: dict[str, str]) -> str:
    """On SQLite a check comes into a table that exists with a column that is added, or not at all."""
    return " ".join(f"CONSTRAINT ck_{table}_{name} CHECK ({rule})" for name, rule in rules.items())


def widen_parties() -> None:
    collate = ' COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else ""
    add_column(
        "parties",
        "ovo TEXT",
        "recognitions TEXT NOT NULL DEFAULT ''",
        "adult_at BIGINT",
        "successor TEXT CONSTRAINT fk_parties_successor REFERENCES parties (id)",
        "version INTEGER NOT NULL DEFAULT 1",
        "recorded_at BIGINT NOT NULL DEFAULT 0",
    )
    op.execute("UPDATE parties SET recorded_at = created_at")
    add_column("parties", f"name_key TEXT{collate} NOT NULL DEFAULT '' {checks('parties', PARTY_CHECKS)}")
    fill_parties()
    op.execute("ALTER TABLE parties DROP COLUMN org_kinds")


def fill_parties() -> None:
    connection = op.get_bind()
    page = sa.text("SELECT id, kind, name, org_kinds FROM parties WHERE id > :last ORDER BY id LIMIT :size")
    write = sa.text("UPDATE parties SET name_key = :key, recognitions = :recognitions WHERE id = :id")
    last = ""
    while rows := connection.execute(page, {"last": last, "size": BATCH}).all():
        filled = [
            {"id": row.id, "key": key_of(row.name), "recognitions": recognitions(row.kind, row.org_kinds)}
            for row in rows
        ]
        connection.execute(write, filled)
        last = rows[-1].id


def key_of(name: str) -> str:
    bare = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return " ".join(re.findall(r"\w+", bare.casefold()))


def recognitions(kind: str, org_kinds: str) -> str:
    kinds = json.loads(org_kinds) if kind == "organisation" else []
    return packed([{"kind": one, "since": 0, "until": None, "source": "migrated"} for one in kinds])


def packed(records: list[dict[str, Any]]) -> str:
    return json.dumps(records, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if records else ""


def widen_mandates() -> None:
    collate = ' COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else ""
    add_column(
        "mandates",
        "replaces TEXT CONSTRAINT fk_mandates_replaces REFERENCES mandates (id)",
        "whole BOOLEAN NOT NULL DEFAULT TRUE",
        "several BOOLEAN NOT NULL DEFAULT FALSE",
        "suspensions TEXT NOT NULL DEFAULT ''",
        "ended_powers TEXT NOT NULL DEFAULT ''",
        "recorded_at BIGINT NOT NULL DEFAULT 0",
        "principal_kind TEXT NOT NULL DEFAULT ''",
        f"principal_key TEXT{collate} NOT NULL DEFAULT ''",
    )
    # The old program did not always say how a mandate ended; what it left out was ended from elsewhere.
    op.execute("UPDATE mandates SET ending = 'cascaded' WHERE ended_at IS NOT NULL AND ending IS NULL")
    add_column(
        "mandates", f"representative_key TEXT{collate} NOT NULL DEFAULT '' {checks('mandates', MANDATE_CHECKS)}"
    )
    sources = {"principal_kind": "kind", "principal_key": "name_key", "representative_key": "name_key"}
    for column, source in sources.items():
        party = column.partition("_")[0]
        op.execute(f"UPDATE mandates SET {column} = (SELECT {source} FROM parties WHERE id = mandates.{party})")
    # When the last thing that is known of it happened is when it was recorded, as well as we know.
    known = ("activated_at", "suspended_at", "ended_at")
    latest = "GREATEST" if op.get_bind().dialect.name == "postgresql" else "MAX"
    op.execute(
        f"UPDATE mandates SET recorded_at = {latest}(requested_at, "
        + ", ".join(f"COALESCE({name}, requested_at)" for name in known)
        + ")"
    )
    op.execute("UPDATE mandates SET approvals = '' WHERE approvals = '[]'")
    empty = '{"note":"","sha256":null,"typed_name":""}'
    op.execute(sa.text("UPDATE mandates SET evidence = '' WHERE evidence = :empty").bindparams(empty=empty))
    fill_suspensions()
    for column in ("suspended_at", "revision"):
        op.execute(f"ALTER TABLE mandates DROP COLUMN {column}")


def fill_suspensions() -> None:
    connection = op.get_bind()
    read = sa.text("SELECT id, type, suspended_at FROM mandates WHERE suspended_at IS NOT NULL")
    write = sa.text("UPDATE mandates SET suspensions = :suspensions WHERE id = :id")
    for row in connection.execute(read).all():
        by_principal = row.type.startswith(("ocmw-beneficiary", "citizen-helper"))
        capacity = "principal" if by_principal else "manager"
        one = {"at": row.suspended_at, "by": None, "capacity": capacity, "grounds": "", "until": None}
        connection.execute(write, {"id": row.id, "suspensions": packed([one])})


def history_column(name: str) -> sa.Column[Any]:
    kind = sa.BigInteger() if name in INSTANTS else sa.Boolean() if name in {"whole", "several"} else sa.Text()
    return sa.Column(name, kind, nullable=name not in NEVER_NULL)


def create_history() -> None:
    for table, columns, references in (
        ("party_history", PARTY, {"id": "parties"}),
        ("mandate_history", MANDATE, {"id": "mandates", "principal": "parties", "representative": "parties"}),
    ):
        op.create_table(
            table,
            *(history_column(name) for name in columns),
            sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("recorded_at", sa.BigInteger(), nullable=False),
            sa.Column("superseded_at", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("id", "version", name=f"pk_{table}"),
            *(
                sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}")
                for column, other in references.items()
            ),
            sa.CheckConstraint("recorded_at <= superseded_at", name=f"ck_{table}_known"),
        )


def create_caseloads() -> None:
    op.create_table(
        "caseloads",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_caseloads"),
        sa.ForeignKeyConstraint(["executor"], ["mandates.id"], name="fk_caseloads_executor"),
        sa.ForeignKeyConstraint(["principal"], ["parties.id"], name="fk_caseloads_principal"),
        sa.CheckConstraint("added_at <= removed_at", name="ck_caseloads_period"),
        sqlite_autoincrement=True,
    )


def create_indexes() -> None:
    for name in ("parent", "principal", "representative", "session", "waiting"):
        op.drop_index(f"ix_mandates_{name}", "mandates")
    stored, waiting = "session IS NULL", "activated_at IS NULL AND ended_at IS NULL"
    claimed = "session IS NOT NULL"
    listed = f"{stored} AND activated_at IS NOT NULL AND (ended_at IS NULL OR ended_at > recorded_at)"
    chosen_by = "id, type, valid_from, valid_until, ended_at"
    for name, columns, where in (
        ("ix_mandates_principal ON mandates", "principal, representative", stored),
        ("ix_mandates_representative ON mandates", "representative, principal_kind, principal", stored),
        ("ix_mandates_session ON mandates", "session", claimed),
        ("ix_mandates_claimed ON mandates", "principal, valid_from", claimed),
        ("ix_mandates_parent ON mandates", "parent", "parent IS NOT NULL"),
        ("ix_mandates_reach ON mandates", f"representative, principal_key, {chosen_by}", listed),
        ("ix_mandates_delegates ON mandates", f"principal, representative_key, {chosen_by}", listed),
        ("ix_mandates_waiting ON mandates", "requested_at, id", waiting),
        ("ix_mandates_waiting_principal ON mandates", "principal", waiting),
        ("ix_mandates_waiting_representative ON mandates", "representative", waiting),
        ("ix_mandates_waiting_requested_by ON mandates", "requested_by", waiting),
        ("ix_mandate_history_principal ON mandate_history", "principal, representative", stored),
        ("ix_mandate_history_claimed ON mandate_history", "principal, valid_from", claimed),
    ):
        op.execute(f"CREATE INDEX {name} ({columns}) WHERE {where}")
    op.execute("CREATE INDEX ix_caseloads_executor ON caseloads (executor, principal)")
    op.execute("CREATE UNIQUE INDEX uq_caseloads_held ON caseloads (executor, principal) WHERE removed_at IS NULL")
    op.execute("CREATE UNIQUE INDEX uq_parties_ovo ON parties (ovo)")


# --- rules that a check cannot say, as conditions on OLD and NEW ---


def same(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in columns)


FORGOTTEN = "EXISTS (SELECT 1 FROM erasures WHERE party IN (OLD.principal, OLD.representative))"
OUTDATED = (
    "EXISTS (SELECT 1 FROM retention_terms WHERE kind = 'mandates' "
    "AND (before > OLD.valid_until OR before > OLD.ended_at))"
)
BLANKED = (
    f"({same(TEXTS)} OR (({FORGOTTEN} OR {OUTDATED}) AND (NEW.evidence = OLD.evidence OR NEW.evidence = '') "
    "AND (NEW.grounds = OLD.grounds OR NEW.grounds = '')))"
)
MANDATE_STEP = (
    f"({same(MANDATE_FIXED)} AND NEW.recorded_at >= OLD.recorded_at AND (NEW.version = OLD.version + 1 "
    f"OR ({same((*MANDATE_FACTS, 'version', 'recorded_at'))} AND {BLANKED})))"
)
"""The next version; or the same one under another sort key, or with its texts blanked."""
MANDATE_PAST = f"({same((*MANDATE_FIXED[:-1], *MANDATE_FACTS, 'version', 'recorded_at', 'superseded_at'))} AND {BLANKED})"
PARTY_STEP = (
    f"({same(PARTY_FIXED)} AND NEW.recorded_at >= OLD.recorded_at AND (NEW.version = OLD.version + 1 "
    f"OR ({same(('version', 'recorded_at'))} AND (({same(PARTY_FACTS)}) "
    "OR EXISTS (SELECT 1 FROM erasures WHERE party = OLD.id)))))"
)
PARTY_PAST = (
    f"({same(('id', 'kind', 'kbo', 'version', 'recorded_at', 'superseded_at'))} "
    "AND EXISTS (SELECT 1 FROM erasures WHERE party = OLD.id))"
)
CASELOAD_STEP = (
    f"({same(('seq', 'executor', 'principal', 'added_at'))} AND OLD.removed_at IS NULL AND NEW.removed_at IS NOT NULL)"
)
UNFIT = (
    "EXISTS (SELECT 1 FROM mandates AS above WHERE above.id = NEW.parent AND NOT (above.principal = NEW.principal "
    "AND above.type = NEW.type AND above.representative <> NEW.representative AND above.source = 'stored'))"
)
"""Passed on from something of which it is no part. That there is such a thing at all is the foreign key's."""
RUNS = "NEW.session IS NULL AND NEW.activated_at IS NOT NULL AND NOT NEW.several"


OPENS = "GREATEST({0}.valid_from, {0}.activated_at)"
CLOSES = "LEAST({0}.valid_until, COALESCE({0}.ended_at, {0}.valid_until))"
BEGINS = (
    f"(OLD.activated_at IS NULL OR {OPENS.format('NEW')} < {OPENS.format('OLD')} "
    f"OR {CLOSES.format('NEW')} > {CLOSES.format('OLD')})"
)
"""Only what makes it run, or run longer, asks for room: what stands beside another can end."""


BESIDE = (
    "EXISTS (SELECT 1 FROM mandates AS other WHERE other.principal = NEW.principal "
    "AND other.representative = NEW.representative AND other.session IS NULL AND other.type = NEW.type "
    "AND other.parent IS NOT DISTINCT FROM NEW.parent AND other.id <> NEW.id AND other.activated_at IS NOT NULL "
    + "".join(
        f"AND {OPENS.format(one)} < {CLOSES.format(another)} "
        for one, another in (("other", "NEW"), ("NEW", "other"), ("other", "other"), ("NEW", "NEW"))
    )
    + ")"
)
"""Another one that may not run beside it holds power in a part of the same time."""


RULES = {  # what may become of a row, and what finds it
    "mandates": (MANDATE_STEP, "id = NEW.id"),
    "mandate_history": (MANDATE_PAST, "id = NEW.id AND version = NEW.version"),
    "parties": (PARTY_STEP, "id = NEW.id"),
    "party_history": (PARTY_PAST, "id = NEW.id AND version = NEW.version"),
    "caseloads": (CASELOAD_STEP, "seq = NEW.seq"),
}
HISTORY = {"mandates": ("mandate_history", MANDATE), "parties": ("party_history", PARTY)}
RENAMED = (
    "UPDATE mandates SET principal_key = NEW.name_key WHERE principal = NEW.id AND session IS NULL; "
    "UPDATE mandates SET principal_key = NEW.name_key WHERE principal = NEW.id AND session IS NOT NULL; "
    "UPDATE mandates SET representative_key = NEW.name_key WHERE representative = NEW.id AND session IS NULL;"
)


def keep(table: str) -> str:
    history, columns = HISTORY[table]
    old = ", ".join(f"OLD.{name}" for name in (*columns, "version", "recorded_at"))
    return (
        f"INSERT INTO {history} ({', '.join((*columns, 'version', 'recorded_at'))}, superseded_at) "
        f"VALUES ({old}, NEW.recorded_at);"
    )


def protect_sqlite() -> None:
    def trigger(name: str, event: str, when: str, action: str) -> None:
        op.execute(f"CREATE TRIGGER {name} {event} WHEN {when} BEGIN {action} END")

    def refuse(name: str, event: str, when: str, words: str) -> None:
        trigger(name, f"BEFORE {event}", when, f"SELECT RAISE(ABORT, '{words}');")

    for table, (rule, key) in RULES.items():
        refuse(f"{table}_step", f"UPDATE ON {table}", f"NOT {rule}", f"{table}: this may not change")
        refuse(f"{table}_no_delete", f"DELETE ON {table}", "TRUE", f"{table}: nothing is deleted")
        # INSERT OR REPLACE deletes the old row without asking the DELETE trigger. A second mandate or
        # party of one name is left out, as ON CONFLICT DO NOTHING would; elsewhere there is never one.
        taken = f"EXISTS (SELECT 1 FROM {table} WHERE {key})"
        answer = "IGNORE" if table in HISTORY else f"ABORT, 'this place in {table} is taken'"
        trigger(f"{table}_no_replace", f"BEFORE INSERT ON {table}", taken, f"SELECT RAISE({answer});")
    for table in HISTORY:
        trigger(f"{table}_keep", f"AFTER UPDATE ON {table}", "NEW.version > OLD.version", keep(table))
    refuse("mandates_passed_on", "INSERT ON mandates", UNFIT, "mandates: this is not what was passed on")
    full = f"{RUNS} AND {BESIDE}".replace("GREATEST", "MAX").replace("LEAST", "MIN")
    refuse("mandates_beside", "INSERT ON mandates", full, "this place beside another mandate is taken")
    longer = f"{BEGINS} AND {full}".replace("GREATEST", "MAX").replace("LEAST", "MIN")
    refuse("mandates_beside_step", "UPDATE ON mandates", longer, "this place beside another mandate is taken")
    forgets = "UPDATE parties SET name_key = '' WHERE id = NEW.id;"
    trigger("parties_nameless", "AFTER UPDATE ON parties", "NEW.name = '' AND NEW.name_key <> ''", forgets)
    trigger("parties_renamed", "AFTER UPDATE ON parties", "NEW.name_key <> OLD.name_key", RENAMED)


def protect_postgresql() -> None:
    def function(name: str, body: str) -> None:
        op.execute(f"CREATE FUNCTION volmacht_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")

    def trigger(name: str, event: str, table: str, call: str, each: str = "ROW") -> None:
        op.execute(f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} EXECUTE FUNCTION volmacht_{call}()")
        # ALWAYS: also for a session that calls itself a replica.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")

    for table, (rule, _) in RULES.items():
        words = f"RAISE EXCEPTION '{table}: this may not change';"
        kept = f"IF NEW.version > OLD.version THEN {keep(table)} END IF;" if table in HISTORY else ""
        nameless = "IF NEW.name = '' THEN NEW.name_key := ''; END IF;" if table == "parties" else ""
        function(f"{table}_step", f"IF NOT {rule} THEN {words} END IF; {kept} {nameless} RETURN NEW;")
        trigger(f"{table}_step", "BEFORE UPDATE", table, f"{table}_step")
        trigger(f"{table}_no_delete", "BEFORE DELETE OR TRUNCATE", table, "append_only", "STATEMENT")
    function(
        "mandates_room",
        "IF TG_OP = 'INSERT' THEN "
        f"IF NEW.parent IS NOT NULL AND {UNFIT} THEN "
        "RAISE EXCEPTION 'mandates: this is not what was passed on'; END IF; "
        f"ELSIF NOT {BEGINS} THEN RETURN NEW; END IF; "
        f"IF {RUNS} THEN "
        # Two transactions that do not see each other yet ask for room one after the other. A row of the
        # principal, not an advisory lock: those are kept in memory, and a merger may touch 50,000.
        "PERFORM 1 FROM parties WHERE id = NEW.principal FOR NO KEY UPDATE; "
        f"IF {BESIDE} THEN RAISE EXCEPTION "
        "'this place beside another mandate is taken' USING ERRCODE = 'unique_violation'; END IF; "
        "END IF; RETURN NEW;",
    )
    trigger("mandates_room", "BEFORE INSERT OR UPDATE", "mandates", "mandates_room")
    function("parties_renamed", f"IF NEW.name_key <> OLD.name_key THEN {RENAMED} END IF; RETURN NULL;")
    trigger("parties_renamed", "AFTER UPDATE", "parties", "parties_renamed")
