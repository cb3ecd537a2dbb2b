"""`volmacht mandates`: what the portal and the API do, from the command line, through the same flows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from broker.cli.acting import DAY, acting, begins, ends, named
from broker.cli.shared import tell
from broker.days import last_day, moment
from broker.flows import documents, mandates, seen
from broker.flows.mandates import Asked
from broker.flows.seen import Seen
from broker.ports import Services
from broker.records import JournalEntry, Session
from mandates.model import Instant, Mandate

STEPS = 200
"""Steps of a history that are read at once."""
GROUNDS = click.option("--grounds", default="", help="Why; it stands in the journal.")
VERSION = click.option("--version", type=int, help="The version that was looked at; another one is refused.")
POWERS = click.option("--power", "powers", multiple=True, help="May be repeated.")
LAST_DAY = click.option("--until", type=DAY, help="Last day that counts, in Brussels.")
NAME = click.option("--name", default="", help="The person's name as you know it, with `-`.")
EVIDENCE = click.option("--evidence", default="", help="What it rests on.")
SHA256 = click.option("--sha256", help="Of a document that is kept already, or lies in your own files.")
DOCUMENT = click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PDF, JPEG or PNG of at most 5 MB that it rests on; it is kept, sealed.",
)


@click.group("mandates")
def mandates_group() -> None:
    """Ask, approve, end, and see who may act for whom; as the person that --as names."""


@mandates_group.command("list")
@click.option("--which", type=click.Choice(["given", "held", "organisation", "waiting"]), default="given")
@acting
def mandates_list(services: Services, session: Session, now: Instant, *, which: str, as_json: bool) -> None:
    """List mandates: given, held, of the organisation, or waiting for somebody."""
    found = {
        "given": seen.who_can_act_for,
        "held": seen.held_by,
        "organisation": seen.of_organisation,
        "waiting": seen.waiting_for,
    }[which](services, session, now)
    tell([_row(one) for one in found], "\n".join(map(_line, found)) or "None.", as_json=as_json)


@mandates_group.command("show")
@click.argument("mandate")
@acting
def mandates_show(services: Services, session: Session, now: Instant, *, mandate: str, as_json: bool) -> None:
    """Show one mandate."""
    one = seen.find(services, session, mandate, now)
    tell(_row(one), _line(one), as_json=as_json)


@mandates_group.command("history")
@click.argument("mandate")
@acting
def mandates_history(
    services: Services, session: Session, now: Instant, *, mandate: str, as_json: bool
) -> None:
    """Show what happened to a mandate, newest first."""
    seen.find(services, session, mandate, now)
    rows = [
        {"at": one.at, "event": one.type, "by": one.actor, "grounds": one.body.get("grounds", "")}
        for one in _steps(services, mandate)
    ]
    lines = [f"{moment(one['at'])}  {one['event']}  {one['grounds']}" for one in rows]
    tell(rows, "\n".join(lines), as_json=as_json)


@mandates_group.command("ask")
@click.option("--type", "type_", required=True, help="Of the catalogue.")
@click.option(
    "--principal", required=True, help="`me`, `organisation`, an enterprise number, a party id, `-`."
)
@click.option("--representative", required=True, help="As --principal.")
@click.option("--from", "since", type=DAY, help="First day; now if left out.")
@click.option("--caseload-only", is_flag=True, help="An executor for a caseload, not for everybody.")
@POWERS
@LAST_DAY
@NAME
@EVIDENCE
@SHA256
@DOCUMENT
@acting
def mandates_ask(
    services: Services,
    session: Session,
    now: Instant,
    *,
    type_: str,
    principal: str,
    representative: str,
    since: datetime | None,
    caseload_only: bool,
    powers: tuple[str, ...],
    until: datetime | None,
    name: str,
    evidence: str,
    sha256: str | None,
    document: Path | None,
    as_json: bool,
) -> None:
    """Ask for a mandate."""
    asked = Asked(
        type=type_,
        principal=named(principal, name),
        representative=named(representative, name),
        powers=powers,
        valid_from=begins(since, now),
        valid_until=ends(until),
        evidence=evidence,
        sha256=_paper(services, session, sha256, document, now),
        whole=not caseload_only,
    )
    tell_mandate(services, session, mandates.ask(services, session, asked, now), now, as_json=as_json)


def _step(name: str, what: str, act: Callable[..., Mandate]) -> None:
    """One command for one act that takes grounds."""

    def step(
        services: Services,
        session: Session,
        now: Instant,
        *,
        mandate: str,
        grounds: str,
        version: int | None,
        as_json: bool,
    ) -> None:
        done = act(services, session, mandate, now, grounds=grounds, version=version)
        tell_mandate(services, session, done, now, as_json=as_json)

    step.__doc__ = what
    command = click.argument("mandate")(GROUNDS(VERSION(acting(step))))
    mandates_group.command(name)(command)


for _name, _what, _act in (
    ("approve", "Approve a request, in the capacity that its type asks.", mandates.approve),
    ("refuse", "Refuse a request.", mandates.refuse),
    ("cancel", "Take a request back.", mandates.cancel),
    ("end", "End a mandate.", mandates.end),
    ("suspend", "Set a mandate aside until it is resumed.", mandates.suspend),
    ("resume", "Take up again what one set aside oneself.", mandates.resume),
):
    _step(_name, _what, _act)


@mandates_group.command("end-power")
@click.argument("mandate")
@click.argument("power")
@GROUNDS
@VERSION
@acting
def mandates_end_power(
    services: Services,
    session: Session,
    now: Instant,
    *,
    mandate: str,
    power: str,
    grounds: str,
    version: int | None,
    as_json: bool,
) -> None:
    """End one power of a mandate; the others go on."""
    done = mandates.end_power(services, session, mandate, power, now, grounds=grounds, version=version)
    tell_mandate(services, session, done, now, as_json=as_json)


@mandates_group.command("renew")
@click.argument("mandate")
@POWERS
@LAST_DAY
@click.option("--evidence", help="What it rests on; as before if left out.")
@SHA256
@DOCUMENT
@click.option("--at-once", is_flag=True, help="From now on, not from the end of the old one.")
@click.option("--dry-run", is_flag=True, help="Show what would follow; store nothing.")
@acting
def mandates_renew(
    services: Services,
    session: Session,
    now: Instant,
    *,
    mandate: str,
    powers: tuple[str, ...],
    until: datetime | None,
    evidence: str | None,
    sha256: str | None,
    document: Path | None,
    at_once: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask for what follows a mandate; shows what it replaces and whose approval it waits for."""
    found = mandates.renew(
        services,
        session,
        mandate,
        now,
        powers=powers or None,
        valid_until=ends(until),
        evidence=evidence,
        sha256=_paper(services, session, sha256, document, now),
        at_once=at_once,
        dry_run=dry_run,
    )
    waits = [sorted(group) for group in found.waits_for]
    row = _row(_view(services, session, found.mandate, now))
    value = {"mandate": row, "replaces": found.replaces.id, "waits_for": waits}
    words = " and ".join(" or ".join(group) for group in waits) or "nobody"
    tell(value, f"{row['id']} replaces {found.replaces.id}; it waits for {words}.", as_json=as_json)


@mandates_group.command("pass-on")
@click.argument("mandate")
@click.option("--to", "representative", required=True, help="As --principal of `ask`.")
@POWERS
@LAST_DAY
@NAME
@EVIDENCE
@acting
def mandates_pass_on(
    services: Services,
    session: Session,
    now: Instant,
    *,
    mandate: str,
    representative: str,
    powers: tuple[str, ...],
    until: datetime | None,
    name: str,
    evidence: str,
    as_json: bool,
) -> None:
    """Pass on a mandate: fewer powers or the same, not longer."""
    to = named(representative, name)
    done = mandates.pass_on(services, session, mandate, to, powers, ends(until), evidence, now)
    tell_mandate(services, session, done, now, as_json=as_json)


def _paper(
    services: Services, session: Session, sha256: str | None, file: Path | None, now: Instant
) -> str | None:
    """The SHA-256 of the document that is named, one way or the other; a file is kept first."""
    if file is None:
        return sha256
    if sha256 is not None:
        raise click.UsageError("Name the document in one way: --sha256 or --document.")
    with file.open("rb") as content:
        return documents.keep(services, session, content.read(documents.MOST_BYTES + 1), now)


def tell_mandate(
    services: Services, session: Session, mandate: Mandate, now: Instant, *, as_json: bool
) -> None:
    """Print a mandate that this person just changed, as she sees it."""
    one = _view(services, session, mandate, now)
    tell(_row(one), _line(one), as_json=as_json)


def _steps(services: Services, mandate: str) -> Iterator[JournalEntry]:
    """Everything that happened to it, newest first, read in pages."""
    before: int | None = None
    while True:
        page, _ = seen.journal_of(services, STEPS, mandate, before)
        yield from page
        if len(page) < STEPS:
            return
        before = page[-1].seq


def _view(services: Services, session: Session, mandate: Mandate, now: Instant) -> Seen:
    with services.database.read() as uow:
        return seen.views(services, uow, session, [mandate], now)[0]


def _row(one: Seen) -> dict[str, Any]:
    mandate = one.mandate
    return {
        "id": mandate.id,
        "type": mandate.type,
        "state": one.status.state.value,
        "since": one.status.since,
        "principal": mandate.principal,
        "representative": mandate.representative,
        "powers": list(one.powers),
        "valid_from": mandate.valid_from,
        "valid_until": mandate.valid_until,
        "version": mandate.version,
    }


def _line(one: Seen) -> str:
    return (
        f"{one.mandate.id}  {one.mandate.type}  {one.status.state.value}  "
        f"{one.principal.name} -> {one.representative.name}  until {last_day(one.mandate.valid_until)}"
    )
