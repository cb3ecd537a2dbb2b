"""`volmacht bulk`: files of requests, validated whole, applied on confirmation, a result for each row."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from broker.cli.acting import acting
from broker.cli.shared import OUT, private_file, tell
from broker.days import moment
from broker.flows import bulk
from broker.flows.bulk import Report
from broker.ports import Services
from broker.records import BulkJob, Session
from mandates.model import Instant


@click.group("bulk")
def bulk_group() -> None:
    """Bring files of requests (docs/bulk.md), as the person that --as names."""


@bulk_group.command("validate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(bulk.KINDS), default=bulk.KINDS[0], show_default=True)
@acting
def bulk_validate(
    services: Services, session: Session, now: Instant, *, file: Path, kind: str, as_json: bool
) -> None:
    """Take FILE in and give each row a verdict; nothing else is changed."""
    with file.open("rb") as content:
        job = bulk.start(services, session, kind=kind, content=content, name=file.name, now=now)
    _tell_report(bulk.validate(services, session, job.id, now, _progress), as_json=as_json)


@bulk_group.command("apply")
@click.argument("job")
@acting
def bulk_apply(services: Services, session: Session, now: Instant, *, job: str, as_json: bool) -> None:
    """Ask what the rows of JOB ask. Stopped, it is gone on with by running it again."""
    _tell_report(bulk.apply(services, session, job, now, _progress), as_json=as_json)


@bulk_group.command("list")
@acting
def bulk_list(services: Services, session: Session, now: Instant, *, as_json: bool) -> None:
    """List the files that were brought for the organisation, newest first."""
    found = bulk.jobs(services, session, now)
    lines = [
        f"{one.id} {moment(one.created_at)} {one.kind:<22} {one.applied_rows:>6} of {one.rows:>6} {one.name}"
        for one in found
    ]
    tell([_row(one) for one in found], "\n".join(lines) or "None.", as_json=as_json)


@bulk_group.command("result")
@click.argument("job")
@click.option("--format", "file_format", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True)
@OUT
@acting
def bulk_result(
    services: Services,
    session: Session,
    now: Instant,
    *,
    job: str,
    file_format: Literal["csv", "xlsx"],
    out: Path,
    as_json: bool,
) -> None:
    """Write a line for each row of JOB: its key, its verdict, what mends it, the mandate."""
    with private_file(out) as file:
        bulk.result(services, session, job, file, file_format, now)
    tell({"job": job, "out": str(out)}, f"The result is in {out}.", as_json=as_json)


@bulk_group.command("export")
@click.argument("kind", type=click.Choice(bulk.VMS_KINDS))
@OUT
@acting
def bulk_export(
    services: Services, session: Session, now: Instant, *, kind: str, out: Path, as_json: bool
) -> None:
    """Write the organisation's mandates, or its executors, as a VMS file. It holds national numbers."""
    with private_file(out) as file:
        rows = bulk.export_vms(services, session, kind, file, now)
    tell({"rows": rows, "out": str(out)}, f"{rows} rows are in {out}.", as_json=as_json)


def _progress(done: int, rows: int) -> None:
    click.echo(f"{done} of {rows} rows", err=True)


def _row(job: BulkJob) -> dict[str, Any]:
    shown = (
        "id",
        "kind",
        "name",
        "sha256",
        "created_at",
        "rows",
        "validated_at",
        "applied_rows",
        "applied_at",
    )
    return {name: value for name, value in asdict(job).items() if name in shown}


def _tell_report(report: Report, *, as_json: bool) -> None:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(report.counts.items()))
    tell(
        _row(report.job) | {"counts": report.counts},
        f"{report.job.id}: {report.job.rows} rows: {counts}.",
        as_json=as_json,
    )
