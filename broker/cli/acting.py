"""Who acts, and whom she names: what every `volmacht mandates` command shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import click

from broker.cli.shared import AS_JSON, services
from broker.clock import system_clock
from broker.days import after_last_instant, day_of, first_instant
from broker.errors import NotFoundHereError
from broker.flows import parties, texts
from broker.flows.naming import ME, MY_ORGANISATION, Named
from broker.flows.stand_in import standing_in
from broker.ports import Services
from mandates.model import Instant, Level

Command = Callable[..., Any]
DAY = click.DateTime(formats=["%Y-%m-%d", "%d/%m/%Y"])
KEPT = ("grounds", "evidence")
"""Options whose text the journal keeps."""
LEVELS = [level.name.lower() for level in Level if level is not Level.NONE]


def acting(command: Command) -> Command:
    """Give a command its services, a session of whom it acts as, and the instant."""

    @click.option("--as", "party", required=True, help="Who acts: a party id, or `issuer|subject`.")
    @click.option("--level", type=click.Choice(LEVELS), default="substantial", show_default=True)
    @click.option("--organisation", help="Enterprise number of the organisation that she acts for.")
    @click.option("--role", "roles", multiple=True, help="As ACM writes it: `Right-Context:KBO`; repeatable.")
    @AS_JSON
    @wraps(command)
    def wrapped(
        party: str, level: str, organisation: str | None, roles: tuple[str, ...], **options: Any
    ) -> Any:
        found, now = services(), system_clock()
        texts.check(found.numbers, *(options.get(kept) or "" for kept in KEPT))
        with standing_in(
            found, party, level=Level[level.upper()], organisation=organisation, roles=roles, now=now
        ) as session:
            return command(found, session, now, **options)

    return wrapped


def named(said: str, name: str) -> Named:
    """A party as it is said: `me`, `organisation`, an enterprise number, a party id, or `-`.

    `-` asks for a national number, which so stands in no list of processes.
    """
    if said in {"me", "organisation"}:
        return ME if said == "me" else MY_ORGANISATION
    if said == "-":
        return Named(insz=click.prompt("National number", hide_input=True), name=name)
    if said.replace(".", "").isdigit():
        return Named(kbo=said)
    return Named(party=said, name=name)


def party_id(found: Services, said: str) -> str:
    """The party that is meant by an id, an enterprise number, or `-`, which asks for a national number.

    Raise `NotFoundHereError`.
    """
    with found.database.read() as uow:
        if said == "-":
            insz = found.numbers.insz(click.prompt("National number", hide_input=True))
            party = uow.parties.find_by_insz_index(*parties.insz_indexes(found, uow, insz))
        elif said.replace(".", "").isdigit():
            party = uow.parties.find_by_kbo(found.numbers.kbo(said))
        else:
            party = uow.parties.get_many([said]).get(said)
    if party is None:
        raise NotFoundHereError("no such party is known here")
    return party.id


def party_ids(found: Services, said: Sequence[str]) -> list[str]:
    """These party ids, all known: one that is not, and nothing is done. Raise `NotFoundHereError`."""
    with found.database.read() as uow:
        if len(uow.parties.get_many(said)) < len(set(said)):
            raise NotFoundHereError("one of these parties is not known here")
    return list(said)


def begins(day: datetime | None, now: Instant) -> Instant:
    """The first instant of a day; now, if that is today or no day was given."""
    return now if day is None or day.date() == day_of(now) else first_instant(day.date())


def ends(day: datetime | None) -> Instant | None:
    """The end of a period whose last day this is."""
    return None if day is None else after_last_instant(day.date())
