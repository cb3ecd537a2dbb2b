"""What a request says, as the flows take it: parties as named, days as instants."""

from __future__ import annotations

from datetime import date
from typing import Any

from broker.days import after_last_instant, day_of, first_instant
from broker.endpoints.api.resource import client
from broker.endpoints.context import now, services
from broker.flows import callers
from broker.flows.mandates import Asked
from broker.flows.naming import Named
from mandates.model import Instant


def named(said: dict[str, Any]) -> Named:
    """A party, as the schema let it be named. Raise `NotFoundHereError` for an unknown reference."""
    if "identifier" in said:
        party = callers.party_id(services(), client(), said["identifier"])
        return Named(party=party, name=said.get("name", ""))
    return Named(
        insz=said.get("insz", ""),
        name=said.get("name", ""),
        kbo=said.get("kbo", ""),
        me=said.get("me", False),
        organisation=said.get("my_organisation", False),
    )


def asked(said: dict[str, Any]) -> Asked:
    """A request for a mandate."""
    return Asked(
        type=said["type"],
        principal=named(said["principal"]),
        representative=named(said["representative"]),
        powers=tuple(said["powers"]),
        valid_from=begins(said.get("first_day")),
        valid_until=ends(said.get("last_day")),
        evidence=said["evidence"],
        sha256=said.get("sha256"),
        whole=said["whole"],
    )


def begins(day: date | None) -> Instant:
    """The first instant of a day; now, if that is today or no day was given."""
    return now() if day is None or day == day_of(now()) else first_instant(day)


def ends(day: date | None) -> Instant | None:
    """The end of a period whose last day this is."""
    return None if day is None else after_last_instant(day)
