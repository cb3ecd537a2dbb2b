"""`volmacht retention`: what is past its term, and letting it go."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import retention
from config.settings import ROOT

TERMS = click.option(
    "--terms",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=ROOT / "config" / "retention.toml",
    show_default="config/retention.toml",
    help="The terms.",
)


def terms_of(file: Path) -> retention.Retention:
    """The terms in this file; one clear sentence if they are none."""
    try:
        return retention.load_retention(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is not UTF-8 text.") from error


@click.command("retention")
@click.option(
    "--apply", "do_it", is_flag=True, help="Let it go, a batch at a time; without this, count only."
)
@TERMS
@AS_JSON
def retention_command(do_it: bool, terms: Path, as_json: bool) -> None:
    """Show what is past its term (config/retention.toml), or let it go."""
    found, now = terms_of(terms), system_clock()
    act = retention.apply if do_it else retention.due
    rows = act(services(), found, now)
    lines = [f"{one.rows:>8} {one.kind:<16} {one.then} after {one.days} days" for one in rows]
    lines.append("Done." if do_it else "Nothing was changed: add --apply to do it.")
    tell([asdict(one) for one in rows], "\n".join(lines), as_json=as_json)
