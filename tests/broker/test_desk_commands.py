"""`volmacht mandates` at the desk of an OCMW and of the issuer: caseloads, papers, cases, questions by the hundred."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import broker.cli
import broker.cli.acting
from broker.records import StaffRole
from flow_world import OCMW

MANAGER = ("--organisation", OCMW, "--role", f"DienstenchequesVlaanderen-beheerder:{OCMW}")
EXECUTOR = ("--organisation", OCMW, "--role", f"DienstenchequesVlaanderen-mandaatuitvoerder:{OCMW}")
PDF = b"%PDF-1.7 vonnis"


@pytest.fixture
def run(flow, monkeypatch):
    monkeypatch.setattr(broker.cli.acting, "services", lambda: flow.services)
    monkeypatch.setattr(broker.cli.acting, "system_clock", flow.clock)

    def run(*words, code=0, typed=None, as_json=True):
        arguments = ["mandates", *words, *(("--json",) if as_json else ())]
        done = CliRunner().invoke(broker.cli.main, arguments, input=typed)
        assert done.exit_code == code, done.output + repr(done.exception)
        return json.loads(done.output) if as_json and code == 0 else done.output

    return run


@pytest.fixture
def noor(flow):
    person = flow.party("Noor").id
    with flow.services.database.write() as uow:
        uow.staff.give(StaffRole(person, "reviewer", flow.now, person))
        uow.commit()
    return ("--as", person, "--level", "high")


def test_a_manager_says_for_whom_an_executor_acts(flow, run):
    mia, maria = flow.party("Mia"), flow.beneficiary("Maria").principal
    hers = ("--as", mia.id, *MANAGER)
    executor = flow.give("ocmw-executor", flow.ocmw, flow.party("Kobe"), whole=False).id
    added = run("caseload", "add", executor, maria, *hers)
    assert added == run("caseload", "list", executor, *hers) == [{"party": maria, "name": "Maria"}]
    assert "[not_found]" in run("caseload", "add", executor, maria, "nobody", *hers, code=1)
    assert "Maria" in run("caseload", "list", executor, *hers, as_json=False)
    assert run("caseload", "remove", executor, maria, *hers) == []
    (delegate,) = [one for one in run("delegates", OCMW, *hers) if one["id"] == executor]
    assert (delegate["name"], delegate["whole"], delegate["state"]) == ("Kobe", False, "active")
    assert "[not_found]" in run("delegates", OCMW, "--as", maria, code=1)


def test_many_questions_are_one_command(flow, run, tmp_path):
    bram, maria = flow.party("Bram"), flow.beneficiary("Maria").principal
    questions = [{"principal": maria, "power": "vouchers:read"}, {"principal": "nobody"}]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n\n".join(map(json.dumps, questions)))
    told = run("batch", str(file), "--as", bram.id, *EXECUTOR, code=1)
    assert [one["permitted"] for one in json.loads(told)] == [True, False]
    file.write_text(json.dumps(questions[0]))
    assert run("batch", str(file), "--as", bram.id, *EXECUTOR, as_json=False) == "Permitted.\n"


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"principal": 1}', '{"principal": "a", "who": "b"}'])
def test_a_line_that_asks_nothing_is_named(flow, run, line):
    told = run("batch", "-", "--as", flow.party("Bram").id, typed=f'{{"principal": "a"}}\n{line}\n', code=2)
    assert "Line 2" in told


def test_a_judgment_is_brought_looked_at_and_shows_what_it_sets_aside(flow, run, noor, tmp_path):
    dirk, maria = flow.party("Dirk"), flow.party("Maria")
    flow.give("citizen-helper", maria, flow.party("Tom"))
    paper = tmp_path / "vonnis.pdf"
    paper.write_bytes(PDF)
    words = ["ask", "--type", "court-administrator", "--principal", maria.id, "--name", "Maria"]
    words += ["--representative", "me", "--power", "vouchers:read", "--as", dirk.id]
    assert "[evidence_required]" in run(*words, code=1)
    assert "one way" in run(*words, "--document", str(paper), "--sha256", "ab" * 32, code=2)
    asked = run(*words, "--document", str(paper))["id"]
    would = run("sets-aside", asked, *noor)
    assert [one["becomes"] for one in would["lines"]] == ["suspended"]
    assert "1 mandate(s) would be set aside" in run("sets-aside", asked, *noor, as_json=False)
    assert "[not_found]" in run("sets-aside", asked, "--as", dirk.id, code=1)
    out = tmp_path / "out.pdf"
    run("document", asked, "--out", str(out), *noor)
    assert (out.read_bytes(), out.stat().st_mode & 0o777) == (PDF, 0o600)
    other = tmp_path / "other.pdf"
    assert "[not_found]" in run("document", asked, "--out", str(other), "--as", dirk.id, code=1)
    assert not other.exists()


def test_misuse_is_reported_and_the_case_decided(flow, run, noor):
    maria = flow.party("Maria")
    given = flow.give("citizen-helper", maria, flow.party("Tom")).id
    opened = run("misuse", given, "--grounds", "niet ik", "--as", maria.id)
    (case,) = run("reviews", "queue", *noor)
    assert (case["case"], case["text"], case["kind"]) == (opened["case"], "niet ik", "misuse")
    done = run("reviews", "decide", case["case"], "withdraw", "--grounds", "bekeken", *noor)
    assert done["state"] == "withdrawn"
    assert run("reviews", "queue", *noor, as_json=False) == "None.\n"
    assert "[not_allowed]" in run("reviews", "queue", "--as", maria.id, code=1)


def test_a_refusal_without_words_of_its_own_is_told_in_english(flow, run):
    told = run("show", "nothing", "--as", flow.party("Maria").id, code=1)
    assert "[not_found]" in told
    assert "bestaat niet" not in told
