"""`volmacht journal`: read, export and verify the append-only record of events.

Verifying a file or a receipt asks for nothing but that file and a public key: no
database, no settings, no environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import journal, journal_file, receipts
from broker.flows.journal_verify import Examination, Signer, Verdict, head_of, receipt_faults
from broker.port_errors import ConflictError
from broker.ports import Services
from keys.errors import NoteError
from keys.notes import read_verifier_key

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("journal")
def journal_group() -> None:
    """Read, export and verify the append-only record of events."""


@journal_group.command("tail")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@AS_JSON
def journal_tail(limit: int, as_json: bool) -> None:
    """Show the newest events, oldest of them first."""
    with services().database.read() as uow:
        rows = uow.journal.tail(limit)
    values = [asdict(row) for row in reversed(rows)]
    lines = [f"{v['seq']:>8} {v['at']} {v['type']:<24} {v['actor'] or '-'}" for v in values]
    tell(values, "\n".join(lines), as_json=as_json)


@journal_group.command("key")
@AS_JSON
def journal_key(as_json: bool) -> None:
    """Show the public keys of the checkpoints, for `verify --key` (C2SP signed-note)."""
    keys = journal.verifier_keys(services())
    tell(keys, "\n".join(keys), as_json=as_json)


@journal_group.command("export")
@click.argument("file", type=NEW_FILE)
@click.option("--sealed", is_flag=True, help="Without contents: proves the order, tells of nobody.")
def journal_export(file: Path, sealed: bool) -> None:
    """Write the whole journal with its proofs to FILE, one JSON object a line."""
    found = _sequenced()
    file.touch(mode=0o600)  # before anything stands in it
    records = journal_file.records(found, sealed=sealed)
    rows = 0
    with file.open("w", encoding="utf-8") as out:
        first = next(records)
        with click.progressbar(length=first["size"], label="rows", file=sys.stderr) as bar:
            _write(out, first)
            for record in records:
                _write(out, record)
                if record["kind"] == "row":
                    rows += 1
                    bar.update(1)
    click.echo(f"{rows} rows are in {file.name}.", err=True)


@journal_group.command("receipt")
@click.argument("mandate")
@click.option("-o", "--output", type=NEW_FILE, required=True)
def journal_receipt(mandate: str, output: Path) -> None:
    """Write what the journal says of one mandate, with the proof that it does."""
    receipt = receipts.receipt_of(_sequenced(), mandate)
    output.touch(mode=0o600)
    output.write_text(json.dumps(receipt, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(f"{len(receipt['rows'])} rows are in {output.name}.", err=True)


@journal_group.command("verify")
@click.option("--file", type=FILE, help="An exported journal; without it, the database.")
@click.option("--receipt", type=FILE, help="A receipt of one mandate.")
@click.option("--key", "keys", multiple=True, help="Public key that you trust; again for each rotated one.")
@click.option("--since", type=FILE, help="A checkpoint of earlier, which the journal must contain.")
@AS_JSON
def journal_verify(
    file: Path | None, receipt: Path | None, keys: tuple[str, ...], since: Path | None, as_json: bool
) -> None:
    """Find any row that was edited, dropped, moved or slipped in. Exit code 1 if there is one."""
    if file and receipt:
        raise click.UsageError("Give a --file or a --receipt, not both.")
    if (file or receipt) and not keys:
        raise click.UsageError("Give the public key that you trust with --key (`volmacht journal key`).")
    if not (file or receipt) and (keys or since):
        raise click.UsageError("--key and --since belong to --file or --receipt.")
    if file:
        verdict = _verdict_on(file, _signers(keys), since)
    elif receipt:
        verdict = _verdict_on_receipt(receipt, _signers(keys))
    else:
        verdict = journal_file.verify(services(), system_clock())
    _tell_verdict(verdict, as_json=as_json)


def _tell_verdict(verdict: Verdict, *, as_json: bool) -> None:
    erased = f", {verdict.erased} of them erased" if verdict.erased else ""
    fine = f"{verdict.rows} rows{erased} and {verdict.checkpoints} checkpoints agree."
    tell(asdict(verdict), "\n".join(verdict.faults) or fine, as_json=as_json)
    if verdict.faults:
        raise SystemExit(1)


def _sequenced() -> Services:
    """The services, with every row that was there a moment ago in the tree."""
    found = services()
    with suppress(ConflictError):  # a running broker is doing it
        journal.Sequencer().run(found, system_clock())
    return found


def _write(out: Any, record: journal_file.Record) -> None:
    out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def _signers(keys: Iterable[str]) -> list[Signer]:
    try:
        return [read_verifier_key(key) for key in keys]
    except NoteError as error:
        raise click.UsageError("--key is not a verifier key: <name>+<hash>+<base64>.") from error


def _verdict_on(file: Path, signers: list[Signer], since: Path | None) -> Verdict:
    older = None
    if since:
        older = head_of(_text_of(since), signers)
        if older is None:
            raise click.UsageError(f"{since.name} is not a checkpoint that this key signed.")
    examination = Examination(signers, older)
    with file.open("rb") as lines:
        faults = [*_first(examination.faults(_records_in(lines)))]
    return Verdict(examination.rows, examination.erased, examination.checkpoints, tuple(faults))


def _first(faults: Iterator[str]) -> Iterator[str]:
    """As many as anybody reads; the rest is counted."""
    more = 0
    for number, fault in enumerate(faults):
        if number < journal_file.MAX_FAULTS:
            yield fault
        else:
            more += 1
    if more:
        yield f"and {more} more"


def _records_in(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield None  # the examination says which line it was


def _verdict_on_receipt(receipt: Path, signers: list[Signer]) -> Verdict:
    try:
        found = json.loads(_text_of(receipt))
    except (ValueError, RecursionError):
        found = None
    faults = tuple(receipt_faults(found, signers))
    rows = 0 if faults else len(found["rows"])
    return Verdict(rows, 0, 1, faults)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is not UTF-8 text.") from error
