"""`volmacht parties report` and `undo`: what happened to a party, and taking it back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from broker.cli.acting import DAY, party_id
from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.days import first_instant
from broker.flows import cascades, contacts
from broker.flows.cascades import Report
from mandates.cascade import Cause, Happening

CAUSES = {
    "died": Cause.DEATH,
    "left": Cause.LEAVER,
    "ceased": Cause.CEASED,
    "merged": Cause.MERGED,
    "lost": Cause.RECOGNITION_LOST,
}
OTHER = {"left": "--organisation", "merged": "--successor", "lost": "--kind"}


@click.command("report")
@click.argument("party")
@click.option(
    "--what", type=click.Choice([*CAUSES, "address"]), required=True, help="What there is to report."
)
@click.option("--since", type=DAY, help="First day on which it is so; today if left out.")
@click.option("--source", required=True, help="Register, letter or person that says so.")
@click.option("--successor", help="merged: the organisation that takes over.")
@click.option("--organisation", help="left: the organisation that she left.")
@click.option("--kind", help="lost: what it is no longer recognised as.")
@click.option("--address", help="address: where letters go; `-` asks for it.")
@click.option("--dry-run", is_flag=True, help="Show what would end; store nothing.")
@AS_JSON
def parties_report(
    party: str,
    what: str,
    since: datetime | None,
    source: str,
    successor: str | None,
    organisation: str | None,
    kind: str | None,
    address: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Report what happened to PARTY, and end what it ends.

    PARTY is a party id or an enterprise number; `-` asks for a national number, which so
    stands in no list of processes.
    """
    found, now = services(), system_clock()
    subject = party_id(found, party)
    if what == "address":
        text = click.prompt("Address") if address == "-" else address
        contacts.report_address(found, subject, text or "", source, now, dry_run=dry_run)
        said = "The address would be recorded." if dry_run else "The address is on record."
        tell({"party": subject, "stored": not dry_run}, said, as_json=as_json)
        return
    given = {"left": organisation, "merged": successor, "lost": kind}
    if what in OTHER and not given[what]:
        raise click.UsageError(f"--what {what} needs {OTHER[what]}.")
    happening = Happening(
        CAUSES[what],
        subject,
        first_instant(since.date()) if since else now,
        source,
        organisation=party_id(found, organisation) if organisation else None,
        successor=party_id(found, successor) if successor else None,
        kind=kind,
    )
    _tell(cascades.report(found, happening, by=None, dry_run=dry_run, now=now), dry_run, as_json=as_json)


@click.command("undo")
@click.argument("reference")
@AS_JSON
def parties_undo(reference: str, as_json: bool) -> None:
    """Take back a report of today, by the reference that it gave."""
    done = cascades.undo(services(), reference, None, system_clock())
    text = f"{done.changed} mandate(s) are as before; {done.taken_over} that had taken their place ended."
    tell(asdict(done), text, as_json=as_json)


def _tell(done: Report, dry_run: bool, *, as_json: bool) -> None:
    would = "would " if dry_run else ""
    lines = [f"{one.becomes:<9} {one.type:<20} {one.mandate}" for one in done.lines]
    lines.append(
        f"{done.changed} mandate(s) {would}end, {done.taken_over} {would}go on under the successor, "
        f"{done.sessions} session(s) {would}end, {done.grants} authorization(s) {would}lose their tokens."
    )
    if done.reference:
        lines.append(f"Until midnight: volmacht parties undo {done.reference}")
    tell(asdict(done), "\n".join(lines), as_json=as_json)
