"""Mandates given per second, each committed with its journal row and its events, from several connections.

    bench/grants.py [--databases sqlite,postgres] [--seconds 3] [--processes 2] [--threads 4]

A grant is the whole use case: a manager of a company gives a clerk power (`flows.mandates.ask`);
the company, the manager's power and the clerks stand in the database already.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared.places import database, figure, settings
from shared.population import NOW

from broker import wiring
from broker.flows import mandates
from broker.flows.mandates import Asked
from broker.flows.naming import MY_ORGANISATION, Named
from broker.ports import Services
from broker.records import NewParty, Session
from mandates.claims import claim_mandate
from mandates.model import Level, Party, PartyKind, Recognition

CLERKS = 4_000


def prepare(services: Services, writers: int) -> tuple[list[Session], list[str]]:
    """A company, a signed-in manager for each writer, and clerks to give power to."""
    company = Party(
        str(uuid4()), PartyKind.ORGANISATION, "Onderneming", "0999000228",
        recognitions=(Recognition("recognised_company"),),
    )  # fmt: skip
    managers = [Party(str(uuid4()), PartyKind.PERSON, f"Manager {n}") for n in range(writers)]
    clerks = [Party(str(uuid4()), PartyKind.PERSON, f"Clerk {n}") for n in range(CLERKS * writers)]
    sessions = [
        Session(
            f"s{n}", f"sid{n}", one.id, Level.HIGH, "acm", f"sub{n}", NOW, NOW, NOW + 28_800, NOW, company.id
        )
        for n, one in enumerate(managers)
    ]
    with services.database.write() as uow:
        uow.parties.add_many([NewParty(one) for one in (company, *managers, *clerks)], NOW)
        for session, manager in zip(sessions, managers, strict=True):
            uow.sessions.add(session)
            claimed = claim_mandate(
                id=str(uuid4()), type_key="company-manager", principal=company, representative=manager,
                session=session.id, catalogue=services.catalogue(), now=NOW, until=NOW + 7_200,
            )  # fmt: skip
            uow.mandates.add(claimed.mandate, NOW)
        uow.commit()
    return sessions, [one.id for one in clerks]


def give(services: Services, session: Session, clerk: str) -> None:
    asked = Asked(
        "company-employee", MY_ORGANISATION, Named(party=clerk), ("performances:read",), NOW, None, ""
    )
    mandates.ask(services, session, asked, NOW)


def write(
    url: str, sessions: list[Session], clerks: list[str], seconds: float, ready: Barrier
) -> tuple[int, float]:
    """In a process of its own: one thread for each session, each on its own connection.

    Return how many grants were committed, and the CPU seconds that they took.
    """
    services = wiring.build(settings(url), clock=lambda: NOW)
    counts = [0] * len(sessions)
    ready.wait()
    end, began = time.perf_counter() + seconds, time.process_time()

    def give_on(number: int) -> None:
        for clerk in clerks[number :: len(sessions)]:
            if time.perf_counter() >= end:
                return
            give(services, sessions[number], clerk)
            counts[number] += 1
        raise RuntimeError("there were too few clerks for the time")

    with ThreadPoolExecutor(len(sessions)) as threads:
        list(threads.map(give_on, range(len(sessions))))
    services.database.close()
    return sum(counts), time.process_time() - began


def run(kind: str, processes: int, threads: int, seconds: float) -> None:
    """Figures of this many writers over an empty database. Processes, because threads share one Python."""
    label = f"{kind}_{processes}_processes_{threads}_threads"
    with database(kind) as url:
        services = wiring.build(settings(url), clock=lambda: NOW)
        sessions, clerks = prepare(services, processes * threads)
        services.database.close()
        spawned = get_context("spawn")
        with spawned.Manager() as shared, ProcessPoolExecutor(processes, spawned) as pool:
            ready = shared.Barrier(processes)
            done = [
                pool.submit(write, url, sessions[n::processes], clerks[n::processes], seconds, ready)
                for n in range(processes)
            ]
            count, cpu = map(sum, zip(*(one.result() for one in done), strict=True))
    figure(f"grants_per_second_{label}", count / seconds, "1/s")
    figure(f"grant_cpu_{label}", cpu / count * 1e6, "us")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--databases", default="sqlite,postgres")
    asked.add_argument("--seconds", type=float, default=3.0)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--threads", type=int, default=4)
    options = asked.parse_args()
    for kind in options.databases.split(","):
        run(kind, 1, 1, options.seconds)
        # SQLite has one writer: a second process would only wait for its file.
        run(kind, 1 if kind == "sqlite" else options.processes, options.threads, options.seconds)


if __name__ == "__main__":
    main()
