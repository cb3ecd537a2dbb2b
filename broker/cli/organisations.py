"""`volmacht organisations`: what the registers say of OCMWs, companies and issuers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.errors import InvalidImportError
from broker.flows import organisations


@click.group("organisations")
def organisations_group() -> None:
    """Take over what the registers say of organisations."""


@organisations_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="", help="Who says so, for lines that name no source of their own.")
@click.option("--complete", is_flag=True, help="What is not in the file is no longer recognised.")
@click.option("--dry-run", is_flag=True, help="Show what would change; store nothing.")
@AS_JSON
def organisations_import(file: Path, source: str, complete: bool, dry_run: bool, as_json: bool) -> None:
    """Take over FILE: CSV or JSON Lines.

    Columns: kbo, name, ovo, kinds, effective_date, source, ceased, successor.

    Safe to repeat. A file with a wrong line is refused whole, with every such line named.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is not UTF-8 text.") from error
    try:
        done = organisations.import_file(
            services(), text, by=None, source=source, complete=complete, dry_run=dry_run, now=system_clock()
        )
    except InvalidImportError as error:
        raise click.ClickException(f"{file.name}: nothing was stored.\n{error}") from error
    would = "would be " if dry_run else ""
    ended = sum(one.changed for one in done.reports)
    text = (
        f"{len(done.added)} {would}added, {len(done.changed)} {would}changed, {done.unchanged} as they were; "
        f"{len(done.reports)} happening(s), {ended} mandate(s) {would}ended."
    )
    references = [f"{one.cause}: undo with {one.reference}" for one in done.reports if one.reference]
    tell(asdict(done), "\n".join([text, *references]), as_json=as_json)
