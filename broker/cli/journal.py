"""`volmacht journal`: read and verify the append-only record of events."""

from __future__ import annotations

from dataclasses import asdict

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import journal, mandates


@click.group("journal")
def journal_group() -> None:
    """Read and verify the append-only record of events."""


@journal_group.command("tail")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@AS_JSON
def journal_tail(limit: int, as_json: bool) -> None:
    """Show the newest events, oldest of them first."""
    rows, _ = mandates.journal_of(services(), limit)
    values = [
        {"seq": r.seq, "at": r.at, "type": r.type, "actor": r.actor, "body": dict(r.body)}
        for r in reversed(rows)
    ]
    lines = [f"{v['seq']:>8} {v['at']} {v['type']:<24} {v['actor'] or '-'}" for v in values]
    tell(values, "\n".join(lines), as_json=as_json)


@journal_group.command("verify")
@AS_JSON
def journal_verify(as_json: bool) -> None:
    """Recompute every row and checkpoint. Exit code 1 if anything was edited, dropped or reordered."""
    verdict = journal.verify(services(), system_clock())
    text = "\n".join(verdict.faults) or f"{verdict.rows} rows and {verdict.checkpoints} checkpoints agree."
    tell(asdict(verdict), text, as_json=as_json)
    if verdict.faults:
        raise SystemExit(1)
