"""The village as typed values: `load_village` reads `village.toml` and refuses what does not fit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

Known = TypeVar("Known")

TARGET_GROUPS = frozenset({"BUR", "GID", "EA", "LB", "OV"})
"""Of ACM: citizens, Flemish government, economic actors, local authorities, education."""


class VillageError(Exception):
    """The village's data contradict themselves. The text names the table and the key."""

    code: ClassVar[str] = "invalid_village"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the village, known by its enterprise number (KBO, 10 digits)."""

    kbo: str
    name: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who lives in the village. Without `means` there is no way to sign in."""

    key: str
    given_name: str
    family_name: str
    insz: str
    about: str
    """One line for whoever plays the demo, in Dutch."""
    no_login: str = ""
    """Why this person cannot sign in, in Dutch; empty for those who can."""
    means: str | None = None
    """Last part of ACM's mechanism URN, such as `eid`."""
    sub: str = ""
    vo_id: str = ""
    target_group: str = ""
    organisation: Organisation | None = None
    roles: tuple[str, ...] = ()
    """As ACM sends them: `Right-context:ORGANISATION`."""

    @property
    def name(self) -> str:
        """Given name and family name, as people say it."""
        return f"{self.given_name} {self.family_name}"

    @property
    def acr(self) -> str | None:
        """ACM's URN of the means, None for who cannot sign in."""
        return f"urn:be:vlaanderen:authmech:{self.means}" if self.means else None


@dataclass(frozen=True, slots=True)
class StartMandate:
    """A mandate that exists when the village opens, with the hands that made it."""

    type: str
    principal: Person
    representative: Organisation
    powers: tuple[str, ...]
    requested_by: Person
    approved_by: Person
    evidence: str


@dataclass(frozen=True, slots=True)
class Village:
    """Everyone and everything, by key (people) and by enterprise number (organisations)."""

    people: Mapping[str, Person]
    organisations: Mapping[str, Organisation]
    mandates: tuple[StartMandate, ...]

    @property
    def logins(self) -> tuple[Person, ...]:
        """Those who can sign in, in the order of the file."""
        return tuple(person for person in self.people.values() if person.means)


def load_village(text: str | None = None) -> Village:
    """The village of `text`, or of the file beside this module. Raise `VillageError`."""
    if text is None:
        text = Path(__file__).with_name("village.toml").read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise VillageError(f"village.toml is not TOML: {error}") from error
    organisations = {kbo: _organisation(kbo, table) for kbo, table in _tables(data, "organisations").items()}
    people = {key: _person(key, table, organisations) for key, table in _tables(data, "people").items()}
    mandates = tuple(
        _mandate(f"mandates[{place}]", table, people, organisations)
        for place, table in enumerate(data.get("mandates", []))
    )
    return Village(people, organisations, mandates)


def _organisation(kbo: str, table: Mapping[str, Any]) -> Organisation:
    where = f"organisations.{kbo}"
    return Organisation(kbo, _text(table, "name", where), frozenset(_texts(table, "kinds", where)))


def _person(key: str, table: Mapping[str, Any], organisations: Mapping[str, Organisation]) -> Person:
    where = f"people.{key}"
    kbo = table.get("organisation")
    person = Person(
        key=key,
        given_name=_text(table, "given_name", where),
        family_name=_text(table, "family_name", where),
        insz=_text(table, "insz", where),
        about=_text(table, "about", where),
        no_login=table.get("no_login", ""),
        means=table.get("means"),
        sub=table.get("sub", ""),
        vo_id=table.get("vo_id", ""),
        target_group=table.get("target_group", ""),
        organisation=None if kbo is None else _known(organisations, kbo, f"{where}.organisation"),
        roles=_texts(table, "roles", where) if "roles" in table else (),
    )
    if bool(person.means) == bool(person.no_login):
        raise VillageError(f"{where} needs either `means` or, for who cannot sign in, `no_login`")
    if person.means and not (person.sub and person.target_group in TARGET_GROUPS):
        raise VillageError(f"{where} signs in, so it needs `sub` and a `target_group` of ACM")
    return person


def _mandate(
    where: str,
    table: Mapping[str, Any],
    people: Mapping[str, Person],
    organisations: Mapping[str, Organisation],
) -> StartMandate:
    return StartMandate(
        type=_text(table, "type", where),
        principal=_known(people, table.get("principal"), f"{where}.principal"),
        representative=_known(organisations, table.get("representative"), f"{where}.representative"),
        powers=_texts(table, "powers", where),
        requested_by=_known(people, table.get("requested_by"), f"{where}.requested_by"),
        approved_by=_known(people, table.get("approved_by"), f"{where}.approved_by"),
        evidence=_text(table, "evidence", where),
    )


def _tables(data: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    tables = data.get(name)
    if not isinstance(tables, dict) or not tables:
        raise VillageError(f"[{name}] is missing or empty")
    return tables


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise VillageError(f"{where}.{key} must be a text")
    return value


def _texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = table.get(key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise VillageError(f"{where}.{key} must be a list of texts that is not empty")
    return tuple(values)


def _known(known: Mapping[str, Known], key: Any, where: str) -> Known:
    if not isinstance(key, str) or key not in known:
        raise VillageError(f"{where} names nobody of the village")
    return known[key]
