"""`volmacht`: run it, look after it, ask it what is wrong.

Every command says what it did; `--json` says it for programs. Settings come from
the environment, as for the server (`docs/operators.md`).
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import click

from broker import wiring
from broker.cli import desk, questions, reviews
from broker.cli.bulk import bulk_group
from broker.cli.clients import clients
from broker.cli.journal import journal_group
from broker.cli.keys import keys
from broker.cli.mandates import mandates_group
from broker.cli.organisations import organisations_group
from broker.cli.parties import parties_group
from broker.cli.retention import retention_command
from broker.cli.shared import AS_JSON, Group, environment, services, settings, tell
from broker.cli.staff import staff_group
from broker.clock import system_clock
from broker.doctor import examine
from broker.flows import registry
from config.settings import ROOT

OF_MANDATES = (desk, questions, reviews)
"""Files beside `mandates` whose commands stand under `volmacht mandates`."""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="volmacht")
def main() -> None:
    """Volmacht: an identity broker that knows who acts for whom, and within which limits."""


for group in (
    keys,
    clients,
    journal_group,
    mandates_group,
    parties_group,
    retention_command,
    organisations_group,
    staff_group,
    bulk_group,
):
    main.add_command(group)


@main.command()
def demo() -> NoReturn:
    """Start the demo village: broker, simulated ACM and voucher service on 127.0.0.1."""
    if not (ROOT / "demo").is_dir():
        raise click.ClickException(
            "The demo village is not part of this installation; run it from a checkout."
        )
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "demo"])  # noqa: S606 -- a constant command


@main.command()
def serve() -> NoReturn:
    """Serve the broker with gunicorn, after bringing the schema up to date."""
    found = settings()
    database = wiring.open_database(found)
    database.upgrade()
    database.close()
    os.chdir(ROOT)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(ROOT / "config" / "gunicorn.conf.py"),
        "wsgi:app",
    ]
    os.execv(sys.executable, command)  # noqa: S606 -- a constant command


@main.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Check configuration, stores, keys and upstream; say what to mend. Exit code 1 if anything is wrong."""
    findings = examine(environment())
    lines = [f"{'ok  ' if one.fine else 'MEND'} {one.subject}: {one.text}" for one in findings]
    tell([asdict(one) for one in findings], "\n".join(lines), as_json=as_json)
    if not all(one.fine for one in findings):
        raise SystemExit(1)


@main.group()
def db() -> None:
    """Look after the database schema."""


@db.command("upgrade")
@AS_JSON
def db_upgrade(as_json: bool) -> None:
    """Bring the schema to the newest migration. Safe to repeat."""
    database = wiring.open_database(settings())
    database.upgrade()
    tell({"current": True}, "The schema is current.", as_json=as_json)


@main.group()
def catalogue() -> None:
    """The mandate types, as data."""


@catalogue.command("load")
@AS_JSON
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def catalogue_load(file: Path, as_json: bool) -> None:
    """Validate a catalogue and put it in force; running brokers follow within a second or two."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is not UTF-8 text.") from error
    loaded = registry.store_catalogue(services().database, text, system_clock())
    tell(
        {"version": loaded.version, "types": sorted(loaded.types)},
        f"Catalogue {loaded.version} is in force, with {len(loaded.types)} types.",
        as_json=as_json,
    )
