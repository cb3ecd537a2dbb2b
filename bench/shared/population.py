"""A country of any size, the same at every run: people, OCMWs, companies, and mandates with their history.

Fan-out is what hurts: one OCMW with up to 50,000 beneficiaries, one company with up to
2,000 clerks, chains of three links; everything else is spread over thousands of ordinary
organisations. Most rows are history: each person has one mandate in force and several
that ended.

Rows are loaded by the database's own bulk path, with triggers and indexes set aside
meanwhile: what is measured is the reading, not the loading.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Table, create_engine, make_url

from broker.storage.engine_tables import mandates, parties
from mandates.catalogue import Catalogue
from mandates.model import Ending, Evidence, Mandate, Party, PartyKind, Recognition

NOW = 1_795_420_000
"""2026-11-23T07:46:40Z."""
DAY = 86_400
YEAR = 365 * DAY
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK = (1 << 128) - 1
FIRST = ("Maria", "Jozef", "Élise", "Bram", "Fatima", "Jan", "Noor", "Wim", "Greta", "Karel", "Aïcha", "Luc")
LAST = ("Peeters", "Janssens", "Maes", "Jacobs", "Mertens", "Willems", "De Smet", "Van den Berg", "Özdemir")
BATCH = 20_000


def uuid_of(kind: int, number: int) -> str:
    """An identifier that is the same at every run and lies anywhere in an index."""
    text = f"{(((kind << 64) | number) * _SPREAD) & _MASK:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def person_id(number: int) -> str:
    return uuid_of(1, number)


def organisation_id(number: int) -> str:
    return uuid_of(2, number)


@dataclass(frozen=True)
class Population:
    """How many of everything, for a number of mandates."""

    mandates: int

    @property
    def people(self) -> int:
        return max(1_000, self.mandates // 8)

    @property
    def organisations(self) -> int:
        return max(20, min(5_000, self.mandates // 200))

    @property
    def beneficiaries(self) -> int:
        """Of the large OCMW (organisation 0)."""
        return min(50_000, self.people // 2)

    @property
    def clerks(self) -> int:
        """Of the large company (organisation 1)."""
        return min(2_000, self.people // 5)

    # People are numbered: beneficiaries first; the last 6,000 or so are staff.

    def officer(self, ocmw: int) -> str:
        """The one officer of each OCMW; for the large one, of everybody."""
        return uuid_of(3, ocmw)

    def clerk(self, number: int) -> str:
        return uuid_of(4, number)

    def ocmw_of(self, person: int) -> int:
        """Organisation 0 has the first ones; the others are spread over the even numbers from 2 on."""
        if person < self.beneficiaries:
            return 0
        return 2 + 2 * (person % max(1, (self.organisations - 2) // 2))

    def neighbour_of(self, person: int) -> int:
        """The OCMW that her mandate is passed on to, if it is: an ordinary one, not her own."""
        small = max(1, (self.organisations - 2) // 2)
        other = 2 + 2 * ((person // 10) % small)
        return other if other != self.ocmw_of(person) else 2 + 2 * ((person // 10 + 1) % small)


def name_of(number: int) -> str:
    return f"{FIRST[number % len(FIRST)]} {LAST[(number // len(FIRST)) % len(LAST)]} {number:07d}"


def all_parties(population: Population) -> Iterator[Party]:
    """Everybody, organisations first."""
    for number in range(population.organisations):
        kind = "ocmw" if number % 2 == 0 else "recognised_company"
        kbo = f"{1_000_000_000 + number * 97:010d}"
        yield Party(
            organisation_id(number), PartyKind.ORGANISATION, f"Organisatie {number:05d}", kbo,
            recognitions=(Recognition(kind),),
        )  # fmt: skip
        if kind == "ocmw":
            yield Party(population.officer(number), PartyKind.PERSON, f"Officer {number:05d}")
    for number in range(population.clerks):
        yield Party(population.clerk(number), PartyKind.PERSON, f"Clerk {number:05d}")
    for number in range(population.people):
        yield Party(person_id(number), PartyKind.PERSON, name_of(number))


def all_mandates(population: Population, catalogue: Catalogue) -> Iterator[Mandate]:
    """`population.mandates` of them, those in force first."""
    left = population.mandates
    for mandate in _edges(population, catalogue):
        yield mandate
        left -= 1
    person, round_ = 0, 0
    while left > 0:
        yield _past(population, catalogue, person, round_)
        left -= 1
        person += 1
        if person == population.people:
            person, round_ = 0, round_ + 1


def _edges(population: Population, catalogue: Catalogue) -> Iterator[Mandate]:
    """Those in force: executors, clerks, one for each person, and every tenth passed on."""
    for number in range(0, population.organisations, 2):
        yield _mandate(
            catalogue,
            uuid_of(10, number),
            "ocmw-executor",
            organisation_id(number),
            population.officer(number),
        )
    for number in range(population.clerks):
        yield _mandate(
            catalogue, uuid_of(11, number), "company-employee", organisation_id(1), population.clerk(number)
        )
    for number in range(population.people):
        ocmw = population.ocmw_of(number)
        given = _mandate(
            catalogue, uuid_of(12, number), "ocmw-beneficiary", person_id(number), organisation_id(ocmw)
        )
        yield given
        if number % 10 == 0:
            other = population.neighbour_of(number)
            yield _mandate(
                catalogue, uuid_of(13, number), "ocmw-beneficiary", person_id(number), organisation_id(other),
                parent=given.id,
            )  # fmt: skip


def _past(population: Population, catalogue: Catalogue, person: int, round_: int) -> Mandate:
    """Something that ended years ago, a year for each round back."""
    began = NOW - (round_ + 3) * YEAR
    return _mandate(
        catalogue,
        uuid_of(20 + round_, person),
        "ocmw-beneficiary",
        person_id(person),
        organisation_id(population.ocmw_of(person)),
        valid_from=began,
        valid_until=began + YEAR - DAY,
        requested_at=began,
        activated_at=began,
        ended_at=began + 200 * DAY,
        ending=Ending.REVOKED,
        ended_by=person_id(person),
    )


def _mandate(
    catalogue: Catalogue, identifier: str, kind: str, principal: str, representative: str, **facts: Any
) -> Mandate:
    since = facts.pop("valid_from", NOW - 30 * DAY)
    values = {
        "valid_until": NOW + 300 * DAY,
        "requested_at": since,
        "activated_at": since,
        "evidence": Evidence("formulier"),
    }
    return Mandate(
        identifier,
        kind,
        principal,
        representative,
        tuple(catalogue.types[kind].powers),
        valid_from=since,
        requested_by=representative,
        catalogue_version=catalogue.version,
        **(values | facts),
    )


# --- into a database -------------------------------------------------------------------


def load(url: str, population: Population, catalogue: Catalogue) -> float:
    """Fill an empty, migrated database; returns the seconds it took. Progress goes to standard error."""
    began = time.perf_counter()
    if url.startswith("sqlite"):
        _into_sqlite(str(make_url(url).database), population, catalogue)
    else:
        _into_postgres(url, population, catalogue)
    return time.perf_counter() - began


class _Rows:
    """Rows of a table as its column types write them; what repeats is encoded once."""

    def __init__(self, table: Table, dialect: Any) -> None:
        self.names = [column.name for column in table.c]
        self._bind = {
            column.name: processor
            for column in table.c
            if (processor := column.type.dialect_impl(dialect).bind_processor(dialect))
        }
        self._seen: dict[tuple[str, Any], Any] = {}

    def row(self, values: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._encoded(name, values.get(name)) for name in self.names)

    def _encoded(self, name: str, value: Any) -> Any:
        bind = self._bind.get(name)
        if bind is None:
            return value
        if name.endswith("_key"):
            return bind(value)
        try:
            return self._seen[name, value]
        except KeyError:
            return self._seen.setdefault((name, value), bind(value))


def _party_rows(population: Population, rows: _Rows) -> Iterator[tuple[Any, ...]]:
    salts = random.Random(1)
    for party in all_parties(population):
        values = {name: getattr(party, name) for name in Party.__dataclass_fields__}
        yield rows.row(
            values
            | {"version": 1, "recorded_at": NOW, "created_at": NOW, "name_key": party.name}
            | {"salt": f"{salts.getrandbits(128):032x}"}
        )


def _mandate_rows(population: Population, catalogue: Catalogue, rows: _Rows) -> Iterator[tuple[Any, ...]]:
    names = {party.id: party.name for party in all_parties(population)}
    kinds = {kind.key: kind.principal_kind for kind in catalogue.types.values()}
    fields = list(Mandate.__dataclass_fields__)
    for done, mandate in enumerate(all_mandates(population, catalogue)):
        if done % 500_000 == 0 and done:
            print(f"  {done:,} of {population.mandates:,} mandates", file=sys.stderr)
        values = {name: getattr(mandate, name) for name in fields}
        yield rows.row(
            values
            | {"recorded_at": mandate.requested_at, "principal_kind": kinds[mandate.type]}
            | {"principal_key": names[mandate.principal], "representative_key": names[mandate.representative]}
        )


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    yield chunk


def _into_sqlite(file: str, population: Population, catalogue: Catalogue) -> None:
    dialect = create_engine("sqlite://").dialect
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -1000000")
    aside = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN ('parties', 'mandates')"
        " AND sql IS NOT NULL AND (type = 'trigger' OR (type = 'index' AND name LIKE 'ix_%'))"
    ).fetchall()
    for kind, name, _ in aside:
        connection.execute(f"DROP {kind} {name}")
    for table, rows in _tables(population, catalogue, dialect):
        marks = ", ".join("?" * len(table.c))
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        for chunk in _chunks(rows):
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", chunk)
            connection.execute("COMMIT")
    for _, _, sql in sorted(aside):
        connection.execute(sql)
    # No ANALYZE: Volmacht runs none. The queries name their way, and statistics of a small table
    # lead SQLite to read all of it into a Bloom filter first.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _into_postgres(url: str, population: Population, catalogue: Catalogue) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('parties', 'mandates')"
            " AND indexname LIKE 'ix_%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("SET session_replication_role = replica")
        for table in (parties, mandates):
            connection.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        for table, rows in _tables(population, catalogue, engine.dialect):
            columns = ", ".join(f'"{column.name}"' for column in table.c)
            with connection.cursor().copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        for table in (parties, mandates):
            connection.execute(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("VACUUM ANALYZE parties")
        connection.execute("VACUUM ANALYZE mandates")
    engine.dispose()


def _tables(
    population: Population, catalogue: Catalogue, dialect: Any
) -> Iterator[tuple[Table, Iterator[tuple[Any, ...]]]]:
    yield parties, _party_rows(population, _Rows(parties, dialect))
    yield mandates, _mandate_rows(population, catalogue, _Rows(mandates, dialect))
