"""How fast a file of requests is taken in, validated and applied, and whether memory stays flat.

One OCMW's officer brings `--rows` requests for beneficiaries whom nobody knows yet: the
dearest kind of row. On SQLite and on PostgreSQL, or on `--database URL` alone, which must
be empty.
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "guard"), str(ROOT / "tests")]

import psutil  # noqa: E402 - the checkout is not installed

import servers  # noqa: E402
from broker import wiring  # noqa: E402
from broker.clock import system_clock  # noqa: E402
from broker.flows import bulk  # noqa: E402
from broker.ports import Services  # noqa: E402
from broker.records import NewParty, Session  # noqa: E402
from broker.storage.database import SqlDatabase  # noqa: E402
from builders import catalogue  # noqa: E402
from flow_world import AnsweringUpstream, settings  # noqa: E402
from mandates.model import Level, Mandate, Party, PartyKind, Recognition  # noqa: E402

TITLES = "sleutel;naam;rijksregisternummer;bevoegdheden;tot en met;bewijsstuk\r\n"


def number(count: int) -> str:
    """The national number of somebody born in the twentieth century; each count has its own."""
    day, order = divmod(count, 997)
    born = f"{20 + day // 336 % 75:02}{day % 336 // 28 + 1:02}{day % 28 + 1:02}{order + 1:03}"
    return f"{born}{97 - int(born) % 97:02}"


def write_file(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        out.write(TITLES)
        for count in range(rows):
            out.write(f"dossier {count};Persoon {count};{number(count)};alle;;intakegesprek\r\n")


def officer(services: Services, now: int) -> Session:
    """An OCMW, and an officer of it who is signed in; put straight into the store."""
    organisation = Party(
        str(uuid4()), PartyKind.ORGANISATION, "OCMW", "0999000129", recognitions=(Recognition("ocmw"),)
    )
    person = Party(str(uuid4()), PartyKind.PERSON, "Officer")
    session = Session(
        id=uuid4().hex,
        sid=uuid4().hex,
        party=person.id,
        level=Level.HIGH,
        upstream="https://acm.example.be",
        upstream_sub="officer",
        started_at=now,
        last_seen_at=now,
        expires_at=now + 28_800,
        claims_at=now,
        organisation=organisation.id,
    )
    executor = Mandate(
        id=str(uuid4()),
        type="ocmw-executor",
        principal=organisation.id,
        representative=person.id,
        powers=tuple(catalogue().types["ocmw-executor"].powers),
        valid_from=now,
        valid_until=now + 86_400,
        requested_at=now,
        requested_by=organisation.id,
        catalogue_version=catalogue().version,
        activated_at=now,
    )
    with services.database.write() as uow:
        uow.parties.add_many([NewParty(organisation), NewParty(person)], now)
        uow.sessions.add(session)
        uow.mandates.add(executor, now)
        uow.commit()
    return session


class Peak:
    """The most memory that this process held since it was made, above what it held then, in MiB."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.most = self.start = self._process.memory_info().rss

    def look(self, done: int, rows: int) -> None:
        del done, rows
        self.most = max(self.most, self._process.memory_info().rss)

    def mib(self) -> float:
        return (self.most - self.start) / 2**20


def measure(name: str, url: str, rows: int) -> None:
    database = SqlDatabase(url)
    database.upgrade()
    database.close()
    services = wiring.build(settings(Path("unused"), database_url=url), system_clock, AnsweringUpstream())
    now = system_clock()
    session = officer(services, now)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests.csv"
        write_file(file, rows)
        peak, total, worked = Peak(), time.perf_counter(), time.process_time()

        def timed(step: str, begun: float) -> None:
            seconds = time.perf_counter() - begun
            peak.look(0, 0)
            print(f"figure: bulk_{step}_{name} {rows / seconds:.0f} rows/s", flush=True)

        begun = time.perf_counter()
        with file.open("rb") as content:
            job = bulk.start(services, session, kind="mandates", content=content, name=file.name, now=now)
        timed("start", begun)
        begun = time.perf_counter()
        bulk.validate(services, session, job.id, now, peak.look)
        timed("validate", begun)
        begun = time.perf_counter()
        report = bulk.apply(services, session, job.id, now, peak.look)
        timed("apply", begun)
        assert report.counts == {"needs_approval": rows}, report.counts
        out = io.FileIO(Path(folder) / "result.csv", "wb")
        begun = time.perf_counter()
        bulk.result(services, session, job.id, out, "csv", now)
        timed("result", begun)
    print(f"figure: bulk_all_{name} {time.perf_counter() - total:.1f} s")
    print(f"figure: bulk_cpu_{name} {time.process_time() - worked:.1f} s")
    print(f"figure: bulk_memory_growth_{name} {peak.mib():.1f} MiB")
    services.database.close()


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/volmacht.db"


@contextmanager
def postgres() -> Iterator[str]:
    with servers.postgres() as server, servers.postgres_database(server) as url:
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--database", help="URL of an empty database, instead of both")
    options = parser.parse_args()
    if options.database:
        measure(options.database.partition(":")[0], options.database, options.rows)
        return
    for name, opened in (("sqlite", sqlite), ("postgresql", postgres)):
        with opened() as url:
            measure(name, url, options.rows)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"figure: bulk_memory_peak {most:.0f} MiB")


if __name__ == "__main__":
    main()
