"""`volmacht parties` and `volmacht retention`: nothing goes without being asked for twice."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli import main, parties, retention
from broker.flows.parties import find_or_add_person
from builders import DAY

NUMBER = "85073003328"


@pytest.fixture
def maria(flow, tmp_path, monkeypatch):
    """A person who never had a mandate; the commands speak to the broker of this test, in its time."""
    with flow.services.database.write() as uow:
        found = find_or_add_person(flow.services, uow, NUMBER, "Maria Peeters", flow.now)
        uow.commit()
    for command in (parties, retention):
        monkeypatch.setattr(command, "services", lambda: flow.services)
        monkeypatch.setattr(command, "system_clock", flow.clock)
    monkeypatch.chdir(tmp_path)
    return found


def run(*words):
    return CliRunner().invoke(main, words)


def test_everything_about_a_person_goes_into_a_private_file(maria):
    done = run("parties", "export", maria.id, "-o", "maria.json")
    assert done.exit_code == 0
    file = Path("maria.json")
    assert json.loads(file.read_text())["parties"][0]["name"] == "Maria Peeters"
    assert file.stat().st_mode & 0o777 == 0o600
    assert NUMBER not in file.read_text()


def test_her_number_is_shown_only_when_it_is_asked_for(maria):
    assert NUMBER not in run("parties", "export", maria.id).output
    assert json.loads(run("parties", "export", maria.id, "--with-number").output)["national_number"] == NUMBER


def test_a_person_is_erased_only_with_a_yes(flow, maria):
    done = run("parties", "erase", maria.id)
    assert done.exit_code == 0
    assert "Nothing was changed" in done.output
    with flow.services.database.read() as uow:
        assert uow.parties.get(maria.id).name == "Maria Peeters"
    done = run("parties", "erase", maria.id, "--yes", "--json")
    assert json.loads(done.output)["erased"] is True
    with flow.services.database.read() as uow:
        assert uow.parties.get(maria.id).name == ""
    again = run("parties", "erase", maria.id, "--yes")
    assert (again.exit_code, "not_found" in again.output) == (1, True)


def test_a_refusal_is_one_sentence_with_its_code(flow, maria):
    done = run("parties", "erase", flow.ocmw.id, "--yes")
    assert (done.exit_code, done.output) == (
        1,
        "Error: an organisation is not erased: report that it ceased [erasure_refused]\n",
    )


def test_what_is_past_its_term_goes_only_when_that_is_asked_for(flow, maria):
    flow.sign_in("Bram")
    flow.clock.forward(91 * DAY)
    counted = {one["kind"]: one["rows"] for one in json.loads(run("retention", "--json").output)}
    assert counted["sessions"] == 1
    assert "Nothing was changed" in run("retention").output
    assert "Done." in run("retention", "--apply").output
    assert not any(one["rows"] for one in json.loads(run("retention", "--json").output))


def test_terms_that_are_wrong_are_refused_before_anything_goes(flow, maria):
    Path("terms.toml").write_text("[sessions]\ndays = 0\n")
    done = run("retention", "--apply", "--terms", "terms.toml")
    assert done.exit_code == 1
    assert "invalid_retention" in done.output
