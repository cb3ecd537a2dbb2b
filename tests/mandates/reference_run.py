"""Compare the engine with the reference on many random worlds, and say how fast and how many permits.

    .venv/bin/python tests/mandates/reference_run.py --worlds 200000 --seed 1

World 17 of seed 1 is always the same world. The first difference ends the run with its
number, what differs, and the smallest world that still shows it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.mandates.agreement import differs, smallest
from tests.mandates.reference import answers
from tests.mandates.worlds import Questions, random_questions

CHUNK = 500
"""Worlds that a process compares before it says how far it is."""


@dataclass(frozen=True)
class Tally:
    """What was compared: questions are those about somebody else, of which `permitted` were."""

    worlds: int = 0
    questions: int = 0
    permitted: int = 0
    difference: str | None = None

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.worlds + other.worlds,
            self.questions + other.questions,
            self.permitted + other.permitted,
            self.difference or other.difference,
        )


def world_number(number: int, seed: int) -> Questions:
    return random_questions(Random(f"{seed}/{number}"))


def compare(numbers: range, seed: int) -> Tally:
    """Compare these worlds, up to the first that differs."""
    tally = Tally()
    for number in numbers:
        asked = world_number(number, seed)
        tally += _counted(asked)
        difference = differs(asked)
        if difference is not None:
            return tally + Tally(difference=f"world {number} of seed {seed}: {_shown(asked, difference)}")
    return tally


def _counted(asked: Questions) -> Tally:
    others = [one for one in asked.requests if one.principal != one.actor.party]
    permitted = sum(bool(answers(one, asked.world, asked.now)) for one in others)
    return Tally(worlds=1, questions=len(others), permitted=permitted)


def _shown(asked: Questions, difference: str) -> str:
    small = smallest(asked)
    return "\n  ".join((difference, f"at {asked.now}", *map(str, small.world.mandates), str(differs(small))))


def chunks(worlds: int, seed: int) -> Iterator[tuple[range, int]]:
    for start in range(0, worlds, CHUNK):
        yield range(start, min(start + CHUNK, worlds)), seed


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the engine with the reference.")
    parser.add_argument("--worlds", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    wanted = parser.parse_args()
    begun, total = perf_counter(), Tally()
    with get_context("spawn").Pool(wanted.processes) as pool:
        for tally in pool.imap_unordered(_compare, chunks(wanted.worlds, wanted.seed)):
            total += tally
            rate = total.worlds / (perf_counter() - begun)
            print(f"\r{total.worlds:>9,} worlds, {rate:,.0f} worlds/s ", end="", file=sys.stderr, flush=True)
            if total.difference is not None:
                break
    print(file=sys.stderr)
    share = total.permitted / max(total.questions, 1)
    print(
        f"{total.worlds:,} worlds, {rate:,.0f} worlds/s; of {total.questions:,} questions {share:.1%} permitted"
    )
    print(total.difference or "engine and reference agree")
    return 0 if total.difference is None else 1


def _compare(chunk: tuple[range, int]) -> Tally:
    return compare(*chunk)


if __name__ == "__main__":
    sys.exit(main())
