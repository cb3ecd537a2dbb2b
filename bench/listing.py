"""The first page of 50,000 principals, a page in the middle, the last; by name; and delegates of a company.

    bench/listing.py [--sizes 100000] [--databases sqlite,postgres] [--seconds 2]

With a size of 100,000 mandates the large OCMW has some 6,000 principals, from 800,000 on
its 50,000. Every page is walked once: together they must be everybody.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared.places import country, figure
from shared.population import NOW, organisation_id

from broker.flows import lists
from broker.ports import Services
from broker.records import Session, Wanted
from mandates.model import Level

PAGE = 50


def session_of(party: str) -> Session:
    """A session of this person, as the flows are handed one."""
    return Session("s", "sid", party, Level.HIGH, "acm", "sub", NOW, NOW, NOW + 3600, NOW)


def page(
    services: Services, person: Session, wanted: Wanted, after: str | None, limit: int = PAGE
) -> lists.Page:
    return lists.reach(services, person, wanted, after, limit, NOW)


def milliseconds(
    services: Services, person: Session, wanted: Wanted, after: str | None, seconds: float
) -> float:
    """Median of one page."""
    taken, clock = [], time.perf_counter
    end = clock() + seconds
    while (began := clock()) < end:
        page(services, person, wanted, after)
        taken.append((clock() - began) * 1e3)
    return statistics.median(taken)


def walk(services: Services, person: Session, expected: int) -> list[str | None]:
    """Where each page of 1,000 begins; together they hold everybody once."""
    places: list[str | None] = [None]
    seen: set[str] = set()
    while True:
        found = page(services, person, Wanted(), places[-1], 1_000)
        names = {one.path[0].principal for one in found.rows}
        assert not names & seen
        seen |= names
        if found.next is None:
            break
        places.append(found.next)
    assert len(seen) == expected, (len(seen), expected)
    return places


def measure(kind: str, size: int, seconds: float) -> None:
    with country(kind, size) as (services, population, _):
        person = replace(session_of(population.officer(0)))
        began = time.perf_counter()
        places = walk(services, person, population.beneficiaries)
        label = f"{kind}_{size}"
        figure(f"principals_{label}", population.beneficiaries, "principals")
        figure(f"whole_list_{label}", time.perf_counter() - began, "s")
        first = milliseconds(services, person, Wanted(), None, seconds)
        middle = milliseconds(services, person, Wanted(), places[len(places) // 2], seconds)
        last = milliseconds(services, person, Wanted(), places[-1], seconds)
        figure(f"first_page_{label}", first, "ms")
        figure(f"middle_page_{label}", middle, "ms")
        figure(f"last_page_{label}", last, "ms")
        figure(f"later_page_against_first_{label}", max(middle, last) / first, "ratio")
        by_name = milliseconds(services, person, Wanted(name="janss"), None, seconds)
        figure(f"page_by_name_{label}", by_name, "ms")
        rare = milliseconds(services, person, Wanted(name="0000007"), None, seconds)
        figure(f"page_by_rare_name_{label}", rare, "ms")
        delegates(services, label, seconds)


def delegates(services: Services, label: str, seconds: float) -> None:
    """The clerks of the large company, as storage pages them."""

    def ask() -> None:
        with services.database.read() as uow:
            uow.mandates.delegates(organisation_id(1), Wanted(), NOW, None, PAGE)

    taken, clock = [], time.perf_counter
    end = clock() + seconds
    while (began := clock()) < end:
        ask()
        taken.append((clock() - began) * 1e3)
    figure(f"delegates_page_{label}", statistics.median(taken), "ms")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sizes", default="100000")
    asked.add_argument("--databases", default="sqlite,postgres")
    asked.add_argument("--seconds", type=float, default=1.0)
    options = asked.parse_args()
    for kind in options.databases.split(","):
        for size in options.sizes.split(","):
            measure(kind, int(size), options.seconds)


if __name__ == "__main__":
    main()
