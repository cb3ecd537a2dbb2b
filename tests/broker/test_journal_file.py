"""An exported journal is verified with a public key alone: no database, no settings, no environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.cli import journal as command
from broker.cli import main
from broker.flows.journal import Sequencer, origin, verifier_keys
from broker.flows.journal_file import records
from keys.notes import signed_note, verifier_key
from mandates.events import Event
from mandates.ledger import Frontier, checkpoint_body

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cli(flow, tmp_path, monkeypatch):
    """Three batches of three rows, exported; commands run in the folder of the file."""
    maria = flow.party("Maria")
    for batch in range(3):
        with flow.services.database.write() as uow:
            events = [
                Event(f"test.{batch}", flow.now, maria.id, mandate=f"m{batch}", detail={"n": n})
                for n in range(3)
            ]
            uow.journal.append(events, flow.now)
            uow.commit()
        Sequencer().run(flow.services, flow.clock.forward(1))
    monkeypatch.setattr(command, "services", lambda: flow.services)
    monkeypatch.chdir(tmp_path)
    return flow


def run(*words):
    return CliRunner().invoke(main, ["journal", *words])


def key_of(flow):
    (key,) = verifier_keys(flow.services)
    return key


def lines_of(file="j.jsonl"):
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def write(lines, file="j.jsonl"):
    Path(file).write_text("".join(json.dumps(line) + "\n" for line in lines))


def faults(flow, lines, *options):
    write(lines, "changed.jsonl")
    done = run("verify", "--file", "changed.jsonl", "--key", key_of(flow), "--json", *options)
    verdict = json.loads(done.stdout)
    assert done.exit_code == (1 if verdict["faults"] else 0)
    return verdict["faults"]


@pytest.fixture
def lines(cli):
    done = run("export", "j.jsonl")
    assert done.exit_code == 0, done.output
    return lines_of()


def rows_of(lines):
    return [line for line in lines if line["kind"] == "row"]


def test_an_exported_journal_verifies_and_is_private(cli, lines):
    done = run("verify", "--file", "j.jsonl", "--key", key_of(cli))
    assert done.exit_code == 0
    assert done.output == f"{len(rows_of(lines))} rows and 3 checkpoints agree.\n"
    assert Path("j.jsonl").stat().st_mode & 0o777 == 0o600
    assert lines[0]["keys"] == [key_of(cli)]
    assert run("key").output.strip() == key_of(cli)


def test_it_needs_the_file_and_the_key_and_nothing_else(cli, lines, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}",
        "HOME": str(tmp_path),
    }
    command = [
        sys.executable,
        "-m",
        "broker.cli",
        "journal",
        "verify",
        "--file",
        "j.jsonl",
        "--key",
        key_of(cli),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    write([line for line in lines if line.get("seq") != rows_of(lines)[4]["seq"]])
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert b"leaves 4 to 4: missing" in done.stdout


def test_a_sealed_file_verifies_and_tells_of_nobody(cli, lines):
    assert run("export", "sealed.jsonl", "--sealed").exit_code == 0
    sealed = lines_of("sealed.jsonl")
    assert faults(cli, sealed) == []
    party = rows_of(lines)[-1]["actor"]
    assert party
    assert party not in str(sealed)
    assert '"n"' not in json.dumps(sealed)
    rows_of(sealed)[4]["type"] = "test.other"
    assert len(faults(cli, sealed)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "els"},
        {"actor": None},
        {"principal": "els"},
        {"body": {"grounds": "", "detail": {"n": 7}}},
        {"openings": {"actor": "00" * 32, "principal": None, "representative": None}},
        {"openings": {"actor": None, "principal": None, "representative": None}},
        {"at": 1},
        {"recorded_at": 1},
        {"type": "test.other"},
        {"mandate": "other"},
        {"seq": 1},
        {"commitments": {"actor": None, "principal": None, "representative": None, "content": "00" * 32}},
        {"commitments": None},
    ],
    ids=str,
)
def test_an_edited_row_is_one_fault_that_names_it(cli, lines, change):
    row = rows_of(lines)[4]
    row |= change
    assert faults(cli, lines) == [f"row {row['seq']}: its contents are not what was recorded"]


def test_a_row_without_its_opening_is_a_fault_and_not_a_blank(cli, lines):
    del rows_of(lines)[4]["openings"]
    assert [fault for fault in faults(cli, lines) if "is not a line of a journal" in fault]


def test_a_dropped_row_is_found_wherever_it_stood(cli, lines):
    for index in range(len(rows_of(lines))):
        found = faults(cli, [line for line in lines if line.get("index") != index])
        assert found, index
        if index < len(rows_of(lines)) - 1:
            assert f"leaves {index} to {index}: missing" in found


def test_rows_that_changed_places_are_found(cli, lines):
    at = lines.index(rows_of(lines)[-3])
    index = lines[at]["index"]
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    assert f"leaf {index}: out of order" in faults(cli, lines)
    lines[at]["index"], lines[at + 1]["index"] = index, index + 1
    assert [fault for fault in faults(cli, lines) if "does not agree with the rows" in fault]


def test_a_row_that_was_slipped_in_is_found(cli, lines):
    at = lines.index(rows_of(lines)[4])
    assert "leaf 4: out of order" in faults(cli, [*lines[: at + 1], lines[at], *lines[at + 1 :]])


def test_rows_after_the_last_checkpoint_are_nobodys(cli, lines):
    assert lines[-1]["kind"] == "checkpoint"
    covered = len(rows_of(lines[:-1])) - 3
    assert faults(cli, lines[:-1]) == [f"leaves from {covered} on: under no checkpoint"]


def test_a_file_that_ends_early_is_found_even_at_a_checkpoint(cli, lines):
    end = [n for n, line in enumerate(lines) if line["kind"] == "checkpoint"][-2]
    short = lines[: end + 1]
    assert faults(cli, short) == [
        f"{len(rows_of(short))} rows where the first line speaks of {len(rows_of(lines))}"
    ]


def test_a_file_without_its_first_line_is_found(cli, lines):
    assert faults(cli, lines[1:]) == ["the first line, which says whose journal it is, is missing"]


def test_a_checkpoint_by_another_key_or_of_another_log_is_found(cli, lines):
    frontier = Frontier()
    for row in rows_of(lines):
        frontier = frontier.append(bytes.fromhex(row["leaf"]))
    name = origin(cli.services)
    lines[-1]["note"] = signed_note(
        checkpoint_body(name, frontier.size, frontier.root()), name, Ed25519PrivateKey.generate()
    )
    found = faults(cli, lines)
    assert found[0] == f"checkpoint of size {frontier.size}: is not signed by a key that was given"
    other = Ed25519PrivateKey.generate()
    lines[-1]["note"] = signed_note(checkpoint_body("other.log", frontier.size, frontier.root()), name, other)
    assert faults(cli, lines, "--key", verifier_key(name, other.public_key()))


@pytest.mark.parametrize(
    "line", ["null", "[]", "{}", "not json", '{"kind": "row"}', '{"kind": "checkpoint"}', "[" * 5000]
)
def test_what_is_no_line_of_a_journal_is_named_by_its_number(cli, lines, line):
    write(lines)
    with Path("j.jsonl").open("a") as file:
        file.write(line + "\n")
    done = run("verify", "--file", "j.jsonl", "--key", key_of(cli))
    assert (done.exit_code, done.output) == (1, f"line {len(lines) + 1}: is not a line of a journal\n")


def rewritten(flow, lines, place):
    """A whole journal of another history from `place` on, signed with the real key: only a copy kept elsewhere tells."""
    ring = flow.services.keyring().signing_key("checkpoints", flow.now).private
    rows_of(lines)[place]["leaf"] = "00" * 32
    rows_of(lines)[place] |= {"commitments": None, "body": {}, "actor": None}
    frontier, name = Frontier(), origin(flow.services)
    for line in lines:
        if line["kind"] == "row":
            frontier = frontier.append(bytes.fromhex(line["leaf"]))
        elif line["kind"] == "checkpoint":
            line["note"] = signed_note(checkpoint_body(name, frontier.size, frontier.root()), name, ring)
    return lines


def test_an_older_checkpoint_finds_a_journal_that_was_rewritten_with_our_own_key(cli, lines):
    _, second, third = [line["note"] for line in lines if line["kind"] == "checkpoint"]
    Path("old").write_text(second)
    assert faults(cli, lines, "--since", "old") == []
    size = int(second.split("\n")[1])
    found = faults(cli, rewritten(cli, lines, size - 1), "--since", "old")
    assert f"the older checkpoint of size {size} is not where this journal began: rewritten" in found
    Path("old").write_text(third)
    upto = [n for n, line in enumerate(lines) if line["kind"] == "checkpoint"][1]
    assert [
        fault for fault in faults(cli, lines[: upto + 1], "--since", "old") if "rows were dropped" in fault
    ]


def test_wrong_use_is_one_sentence(cli, lines):
    Path("old").write_text("not a note")
    for words, said in (
        (("--file", "j.jsonl"), "Give the public key"),
        (("--key", key_of(cli)), "belong to --file"),
        (("--file", "j.jsonl", "--receipt", "j.jsonl", "--key", key_of(cli)), "not both"),
        (("--file", "j.jsonl", "--key", "junk"), "not a verifier key"),
        (("--file", "j.jsonl", "--key", key_of(cli)[:-3] + "AA="), "not a verifier key"),
        (
            ("--file", "j.jsonl", "--key", key_of(cli), "--since", "old"),
            "not a checkpoint that this key signed",
        ),
    ):
        done = run("verify", *words)
        assert done.exit_code == 2
        assert said in done.output


def test_without_a_file_the_database_is_verified(cli, lines):
    done = run("verify")
    assert done.exit_code == 0
    assert "3 checkpoints agree" in done.output


def test_a_receipt_is_written_and_verified_by_itself(cli, lines):
    assert run("receipt", "m1", "-o", "r.json").exit_code == 0
    done = run("verify", "--receipt", "r.json", "--key", key_of(cli))
    assert (done.exit_code, done.output) == (0, "3 rows and 1 checkpoints agree.\n")
    Path("r.json").write_text(Path("r.json").read_text().replace('"test.1"', '"test.2"'))
    assert run("verify", "--receipt", "r.json", "--key", key_of(cli)).exit_code == 1
    assert "not_found" in run("receipt", "unknown", "-o", "r.json").output


def test_reading_and_writing_takes_no_memory_per_row(cli):
    """The records come one by one: nothing holds them all."""
    found = records(cli.services)
    assert next(found)["kind"] == "journal"
    assert next(found)["kind"] == "row"
    found.close()
