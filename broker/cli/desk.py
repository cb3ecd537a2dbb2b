"""`volmacht mandates caseload`, `code`, `document`, `delegates`: what a desk does beside asking."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from broker.cli.acting import acting, party_id, party_ids
from broker.cli.mandates import mandates_group, tell_mandate
from broker.cli.shared import OUT, private_file, tell
from broker.days import last_day
from broker.flows import activation, documents, lists, mandates
from broker.flows.parties import as_typed
from broker.ports import Services
from broker.records import Session, Wanted
from mandates.model import Instant, Mandate, Party
from mandates.status import Status

PRINCIPALS = click.argument("principals", nargs=-1, required=True)


@mandates_group.group("caseload")
def caseload_group() -> None:
    """For whom an executor acts who is not for everybody."""


@caseload_group.command("list")
@click.argument("executor")
@acting
def caseload_list(
    services: Services, session: Session, now: Instant, *, executor: str, as_json: bool
) -> None:
    """List the principals of EXECUTOR, a mandate id, by name."""
    _tell_caseload(services, session, executor, now, as_json=as_json)


@caseload_group.command("add")
@click.argument("executor")
@PRINCIPALS
@acting
def caseload_add(
    services: Services,
    session: Session,
    now: Instant,
    *,
    executor: str,
    principals: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add PRINCIPALS, party ids; those who are in it stay."""
    mandates.caseload(services, session, executor, now, add=party_ids(services, principals))
    _tell_caseload(services, session, executor, now, as_json=as_json)


@caseload_group.command("remove")
@click.argument("executor")
@PRINCIPALS
@acting
def caseload_remove(
    services: Services,
    session: Session,
    now: Instant,
    *,
    executor: str,
    principals: tuple[str, ...],
    as_json: bool,
) -> None:
    """Take PRINCIPALS out; what the executor had open for them is over at once."""
    mandates.caseload(services, session, executor, now, remove=principals)
    _tell_caseload(services, session, executor, now, as_json=as_json)


@mandates_group.group("code")
def code_group() -> None:
    """Activation codes: one approval of one mandate, by letter or by hand."""


@code_group.command("issue")
@click.argument("mandate")
@click.option("--for", "capacity", type=click.Choice(["principal", "representative"]), required=True)
@acting
def code_issue(
    services: Services, session: Session, now: Instant, *, mandate: str, capacity: str, as_json: bool
) -> None:
    """Make a code, shown this once; an earlier one for the same approval is worth nothing any more."""
    letter = activation.issue(services, session, mandate, capacity, now)
    until = f"It approves until {last_day(letter.redeemable_until)}."
    lines = [letter.name, *([letter.address] if letter.address else []), letter.code, until]
    tell(asdict(letter), "\n".join(lines), as_json=as_json)


@code_group.command("redeem")
@acting
def code_redeem(services: Services, session: Session, now: Instant, *, as_json: bool) -> None:
    """Give the approval that a code was sent for. It is asked for, so that no list of processes shows it."""
    code = click.prompt("Code", hide_input=True)
    tell_mandate(services, session, activation.redeem(services, session, code, now), now, as_json=as_json)


@mandates_group.command("document")
@click.argument("mandate")
@OUT
@acting
def mandates_document(
    services: Services, session: Session, now: Instant, *, mandate: str, out: Path, as_json: bool
) -> None:
    """Write the paper that a mandate rests on to a file: for its approvers and reviewers, and journalled."""
    with private_file(out) as file:
        paper = documents.fetch(services, session, mandate, now)
        file.write(paper.content)
    value = {"sha256": paper.sha256, "media_type": paper.media_type, "out": str(out)}
    tell(value, f"{paper.media_type}, in {out}.", as_json=as_json)


@mandates_group.command("delegates")
@click.argument("principal", metavar="ORGANISATION")
@click.option("--type", "type_", help="Of the catalogue.")
@click.option("--power")
@click.option("--name", default="", help="Beginning of a word of the name.")
@acting
def mandates_delegates(
    services: Services,
    session: Session,
    now: Instant,
    *,
    principal: str,
    type_: str | None,
    power: str | None,
    name: str,
    as_json: bool,
) -> None:
    """List who acts for ORGANISATION, by name: for who has the power `delegates:manage` there."""
    organisation, wanted = party_id(services, principal), Wanted(type_, power, None, name)
    rows: list[tuple[Mandate, Status]] = []
    parties: dict[str, Party] = {}
    after: str | None = None
    while True:
        page = lists.delegates(services, session, organisation, wanted, after, lists.LONGEST, now)
        rows += page.rows
        parties |= page.parties
        after = page.next
        if after is None:
            break
    names = {one.id: as_typed(one, parties[one.representative], session).name for one, _ in rows}
    lines = [
        f"{one.id}  {names[one.id]}  {one.type}  {status.state.value}  until {last_day(one.valid_until)}"
        for one, status in rows
    ]
    value = [_delegate(one, status, names[one.id], now) for one, status in rows]
    tell(value, "\n".join(lines) or "Nobody.", as_json=as_json)


def _delegate(one: Mandate, status: Status, name: str, now: Instant) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.type,
        "state": status.state.value,
        "representative": one.representative,
        "name": name,
        "powers": list(one.powers_at(now)),
        "whole": one.whole,
        "valid_until": one.valid_until,
    }


def _tell_caseload(
    services: Services, session: Session, executor: str, now: Instant, *, as_json: bool
) -> None:
    found = lists.caseload_of(services, session, executor, now)
    rows = [{"party": one.id, "name": one.name} for one in found]
    tell(rows, "\n".join(f"{one.id}  {one.name}" for one in found) or "Nobody.", as_json=as_json)
