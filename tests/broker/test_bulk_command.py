"""`volmacht bulk`: from a file to its result, as the person that --as names."""

import json
import stat

import pytest
from click.testing import CliRunner

from broker import cli
from broker.cli import acting
from bulk_requests import EXECUTOR, beneficiary, csv, insz


@pytest.fixture
def volmacht(flow, monkeypatch):
    """The command line over the village of this test; its answers are read from JSON."""
    monkeypatch.setattr(acting, "services", lambda: flow.services)
    monkeypatch.setattr(acting, "system_clock", lambda: flow.now)
    bram = flow.party("Bram")
    who = ["--as", bram.id, "--organisation", flow.ocmw.kbo, "--role", EXECUTOR, "--json"]

    def run(*words, fails=False):
        answer = CliRunner().invoke(cli.main, ["bulk", *map(str, words), *who])
        assert (answer.exit_code != 0) is fails, answer.output
        return answer.output if fails else json.loads(answer.stdout)

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "aanvragen.csv"
    path.write_bytes(csv(beneficiary(1), beneficiary(2, rijksregisternummer="12")))
    return path


def test_a_file_goes_from_validation_to_its_result(volmacht, file, tmp_path):
    validated = volmacht("validate", file)
    assert validated["counts"] == {"needs_approval": 1, "refused": 1}
    assert (validated["kind"], validated["applied_rows"]) == ("mandates", 0)
    applied = volmacht("apply", validated["id"])
    assert (applied["applied_rows"], applied["counts"]) == (2, validated["counts"])
    assert [one["id"] for one in volmacht("list")] == [validated["id"]]
    for file_format in ("csv", "xlsx"):
        out = tmp_path / f"uitslag.{file_format}"
        volmacht("result", validated["id"], "--format", file_format, "--out", out)
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (tmp_path / "uitslag.csv").read_text(encoding="utf-8-sig").count("\n") == 3


def test_no_answer_shows_a_key_or_what_was_typed(volmacht, file):
    shown = json.dumps(volmacht("validate", file))
    for secret in ("sealed_key", insz(1), "Persoon"):
        assert secret not in shown


def test_a_file_that_is_refused_says_why_with_exit_code_1(volmacht, tmp_path):
    wrong = tmp_path / "fout.csv"
    wrong.write_bytes(b"naam;rijksregisternummer\r\nMaria;85073003328\r\n")
    assert "add the column bevoegdheden [unreadable_file]" in volmacht("validate", wrong, fails=True)
    assert volmacht("list") == []


def test_a_file_that_exists_is_not_written_over(volmacht, file, tmp_path):
    job = volmacht("validate", file)["id"]
    (tmp_path / "er-al").write_text("blijft")
    assert "is there already" in volmacht("result", job, "--out", tmp_path / "er-al", fails=True)
    assert (tmp_path / "er-al").read_text() == "blijft"


def test_an_export_that_is_refused_leaves_no_file(volmacht, tmp_path):
    volmacht("export", "vms-mandaten", "--out", tmp_path / "vms.csv")
    assert (tmp_path / "vms.csv").exists()
    out = tmp_path / "uitvoerders.csv"
    assert "not_allowed" in volmacht("export", "vms-mandaatuitvoerders", "--out", out, fails=True)
    assert not out.exists()
