"""Who lives in `village.yaml`, with a valid national number each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml

HERE = Path(__file__).parent
EARLY = date(1970, 1, 2)
"""Born, unless the village says otherwise."""


@dataclass(frozen=True)
class Person:
    name: str
    insz: str
    born: date = EARLY
    organisation: str | None = None
    roles: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    level: str = "substantial"
    means: str = "eid"


@dataclass(frozen=True)
class Organisation:
    name: str
    kbo: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Village:
    people: dict[str, Person]
    organisations: dict[str, Organisation]


@cache
def village() -> Village:
    told = yaml.safe_load((HERE / "village.yaml").read_text(encoding="utf-8"))
    people = {
        name: _person(name, serial, facts) for serial, (name, facts) in enumerate(told["people"].items(), 1)
    }
    organisations = {
        name: Organisation(name, facts["kbo"], tuple(facts["kinds"]))
        for name, facts in told["organisations"].items()
    }
    return Village(people, organisations)


def _person(name: str, serial: int, facts: dict) -> Person:
    born = facts.get("born", EARLY)
    lists = {key: tuple(facts[key]) for key in ("roles", "staff") if key in facts}
    return Person(name=name, insz=national_number(born, serial), **(facts | lists))


def national_number(born: date, serial: int) -> str:
    """Eleven digits: day of birth, number of the day, and what 97 leaves of them (with a 2 before it since 2000)."""
    first = f"{born:%y%m%d}{serial:03}"
    rest = int(("2" if born.year >= 2000 else "") + first) % 97
    return f"{first}{97 - rest:02}"
