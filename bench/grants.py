"""Mandates given per second, each committed with its journal row and its events, from several connections.

    bench/grants.py [--databases sqlite,postgres] [--seconds 3] [--writers 8]

A grant is the whole use case: a manager of a company gives a clerk power (`flows.mandates.ask`);
the company, the manager's power and the clerks stand in the database already.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared.places import database, figure, settings
from shared.population import NOW

from broker import wiring
from broker.flows import mandates
from broker.flows.mandates import MY_ORGANISATION, Asked, Named
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


def run(services: Services, writers: int, seconds: float) -> float:
    """Grants per second of `writers` threads, each on a connection of its own."""
    sessions, clerks = prepare(services, writers)
    counts = [0] * writers
    end = time.perf_counter() + seconds

    def write(number: int) -> None:
        mine = iter(clerks[number::writers])
        while time.perf_counter() < end:
            give(services, sessions[number], next(mine))
            counts[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--databases", default="sqlite,postgres")
    asked.add_argument("--seconds", type=float, default=3.0)
    asked.add_argument("--writers", type=int, default=8)
    options = asked.parse_args()
    for kind in options.databases.split(","):
        for writers in sorted({1, options.writers}):
            with database(kind) as url:
                services = wiring.build(settings(url), clock=lambda: NOW)
                figure(
                    f"grants_per_second_{kind}_{writers}_writers",
                    run(services, writers, options.seconds),
                    "1/s",
                )
                services.database.close()


if __name__ == "__main__":
    main()
