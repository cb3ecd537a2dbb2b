"""What one decision costs over storage, and whether it grows with the number of mandates.

    bench/decisions.py [--sizes 10000,100000] [--databases sqlite,postgres] [--seconds 2]

Questions are those of a country: an officer of the OCMW with the most beneficiaries, a
clerk of the company with the most clerks, a chain of three links, and people who have no
power at all. Sizes of 1,000,000 and 10,000,000 take some minutes to load.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from shared.places import country, figure
from shared.population import DAY, NOW, YEAR, Population, organisation_id, person_id

from broker.flows import decisions, world
from broker.ports import Services
from mandates.capacity import Actor
from mandates.decide import Request
from mandates.explain import who_can_act
from mandates.model import Level

BATCH = 1_000


def questions(population: Population, count: int, seed: int = 7) -> list[tuple[Request, bool]]:
    """Requests, and whether each is permitted."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        person = chance.randrange(population.beneficiaries)
        kind = number % 4
        if kind == 0:
            made.append((_ask(population.officer(0), person_id(person), "vouchers:order"), True))
        elif kind == 1:
            clerk = population.clerk(chance.randrange(population.clerks))
            made.append((_ask(clerk, organisation_id(1), "performances:submit"), True))
        elif kind == 2:
            person = chance.randrange(population.people // 10) * 10
            officer = population.officer(population.neighbour_of(person))
            made.append((_ask(officer, person_id(person), "vouchers:read"), True))
        else:
            stranger = person_id(chance.randrange(population.people))
            made.append((_ask(stranger, person_id(person), "vouchers:order"), False))
    return [(one, expected) for one, expected in made if one.actor.party != one.principal]


def _ask(actor: str, principal: str, power: str) -> Request:
    return Request(Actor(actor, Level.HIGH), principal, power)


def single(services: Services, asked: list[tuple[Request, bool]], seconds: float) -> list[float]:
    """Microseconds of each decision; every answer is checked."""
    taken, clock, number = [], time.perf_counter, 0
    end = clock() + seconds
    while (began := clock()) < end:
        request, expected = asked[number % len(asked)]
        decision = decisions.decide_one(services, request, NOW)
        taken.append((clock() - began) * 1e6)
        assert decision.permitted is expected, request
        number += 1
    return taken


def timed(work: Callable[[], object], seconds: float) -> float:
    """Median milliseconds of `work`."""
    work()
    taken, clock = [], time.perf_counter
    end = clock() + seconds
    while (began := clock()) < end:
        work()
        taken.append((clock() - began) * 1e3)
    return statistics.median(taken)


def measure(kind: str, size: int, seconds: float) -> float:
    """Figures of one database at one size; returns the median of a decision."""
    with country(kind, size) as (services, population, _):
        asked = questions(population, 20_000)
        single(services, asked, seconds / 2)
        began = time.process_time()
        taken = sorted(single(services, asked, seconds))
        label = f"{kind}_{size}"
        p50, p99 = statistics.median(taken), taken[int(len(taken) * 0.99)]
        figure(f"decision_p50_{label}", p50, "us")
        figure(f"decision_p99_{label}", p99, "us")
        figure(f"decisions_per_second_{label}", len(taken) / seconds, "1/s")
        figure(f"decisions_per_core_second_{label}", len(taken) / (time.process_time() - began), "1/s")
        requests = [request for request, _ in asked[:BATCH]]
        figure(
            f"batch_of_1000_{label}", timed(lambda: decisions.batch(services, requests, NOW), seconds), "ms"
        )
        then(services, population, label, seconds)
    return p50


def then(services: Services, population: Population, label: str, seconds: float) -> None:
    """Who could act ten years ago, against who can act now: the same question on two instants."""
    chance = random.Random(3)

    def at(instant: int) -> Callable[[], object]:
        def ask() -> object:
            principal = person_id(chance.randrange(population.people))
            with services.database.read() as uow:
                known = uow.mandates.known_at(principal, instant)
            return who_can_act(principal, world.of_snapshot(services.catalogue(), known), instant)

        return ask

    now, past = timed(at(NOW), seconds / 2), timed(at(NOW - 10 * YEAR + DAY), seconds / 2)
    figure(f"who_can_act_now_{label}", now * 1e3, "us")
    figure(f"who_could_act_ten_years_ago_{label}", past * 1e3, "us")
    figure(f"past_against_now_{label}", past / now, "ratio")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sizes", default="10000,100000")
    asked.add_argument("--databases", default="sqlite,postgres")
    asked.add_argument("--seconds", type=float, default=2.0)
    options = asked.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    for kind in options.databases.split(","):
        medians = [measure(kind, size, options.seconds) for size in sizes]
        if len(medians) > 1:
            figure(f"growth_{kind}_{sizes[-1]}_against_{sizes[0]}", medians[-1] / medians[0], "ratio")


if __name__ == "__main__":
    main()
