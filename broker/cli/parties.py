"""`volmacht parties`: what is kept about one person, and forgetting her."""

from __future__ import annotations

import json
from pathlib import Path

import click

from broker.cli.parties_report import parties_report, parties_undo
from broker.cli.retention import TERMS, terms_of
from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import data_subjects

OPERATOR = "command line"
"""Who erased, in the record: operators have no party of their own."""


@click.group("parties")
def parties_group() -> None:
    """Show, or forget, what is kept about one person."""


@parties_group.command("export")
@click.argument("party")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; else the screen."
)
@click.option("--with-number", is_flag=True, help="Her national number too; the journal says so.")
def parties_export(party: str, output: Path | None, with_number: bool) -> None:
    """Write everything about one party as JSON (GDPR article 15)."""
    kept = data_subjects.export_of(services(), party, with_number=with_number, now=system_clock())
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    output.touch(mode=0o600)  # before anything stands in it
    output.write_text(text + "\n", encoding="utf-8")
    click.echo(f"{len(kept['journal'])} journal rows and all that is stored are in {output.name}.", err=True)


@parties_group.command("erase")
@click.argument("party")
@click.option("--yes", is_flag=True, help="Do it; without this, say what would go.")
@TERMS
@AS_JSON
def parties_erase(party: str, yes: bool, terms: Path, as_json: bool) -> None:
    """Forget a person (GDPR article 17). The journal stays verifiable; it can never be undone."""
    touched = data_subjects.erase(
        services(), party, terms_of(terms), by=OPERATOR, now=system_clock(), apply=yes
    )
    lines = [f"{rows:>8} {table}" for table, rows in touched.items() if rows]
    lines.append("Erased." if yes else "Nothing was changed: add --yes to do it.")
    tell({"erased": yes, "rows": touched}, "\n".join(lines), as_json=as_json)


parties_group.add_command(parties_report)
parties_group.add_command(parties_undo)
