"""Staff roles, and the commands by which life events are reported."""

import json

import pytest
from click.testing import CliRunner

from broker.cli import main
from broker.cli import organisations as organisations_cli
from broker.cli import parties_report as report_cli
from broker.cli import staff as staff_cli
from broker.errors import InvalidHappeningError, NotFoundHereError, SourceMissingError
from broker.flows import contacts, staff
from broker.port_errors import ConflictError
from flow_world import OCMW
from mandates.errors import NotAllowedError, OwnRequestError
from mandates.status import State, status_of

INSZ = "85073003328"


@pytest.fixture
def volmacht(flow, monkeypatch):
    for module in (organisations_cli, report_cli, staff_cli):
        monkeypatch.setattr(module, "services", lambda: flow.services)
        monkeypatch.setattr(module, "system_clock", flow.clock)

    def run(*arguments, typed=None):
        return CliRunner().invoke(main, [str(one) for one in arguments], input=typed)

    return run


def journal(flow, kind):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type == kind]


# --- staff ---


def test_the_first_operator_is_named_by_anybody_and_from_then_on_operators_name(flow):
    ann, bea, cleo = (flow.party(name) for name in ("Ann", "Bea", "Cleo"))
    staff.give(flow.services, ann.id, "operator", by=bea.id, now=flow.now)
    with pytest.raises(NotAllowedError):
        staff.give(flow.services, cleo.id, "reviewer", by=bea.id, now=flow.now)
    staff.give(flow.services, cleo.id, "reviewer", by=ann.id, now=flow.now)
    assert {(one.party, one.role, one.given_by) for one in staff.held(flow.services)} == {
        (ann.id, "operator", bea.id),
        (cleo.id, "reviewer", ann.id),
    }
    with pytest.raises(ConflictError):
        staff.give(flow.services, cleo.id, "reviewer", by=ann.id, now=flow.now)
    (newest, _) = journal(flow, "staff.given")
    assert (newest.actor, newest.principal, newest.body["detail"]) == (ann.id, cleo.id, {"role": "reviewer"})


def test_no_role_approves_its_own_change(flow):
    ann, bea = flow.party("Ann"), flow.party("Bea")
    with pytest.raises(OwnRequestError):
        staff.give(flow.services, ann.id, "operator", by=ann.id, now=flow.now)
    staff.give(flow.services, ann.id, "operator", by=bea.id, now=flow.now)
    for change in (staff.give, staff.take):
        with pytest.raises(OwnRequestError):
            change(flow.services, ann.id, "operator", by=ann.id, now=flow.now)


@pytest.mark.parametrize("who", ["nobody", "organisation"])
def test_roles_are_of_people_that_are_known(flow, who):
    ann = flow.party("Ann")
    other = flow.ocmw.id if who == "organisation" else "nobody"
    for party, by in ((other, ann.id), (ann.id, other)):
        with pytest.raises(NotFoundHereError):
            staff.give(flow.services, party, "support", by=by, now=flow.now)


def test_a_role_counts_from_the_next_sign_in_and_taking_it_ends_the_session(flow):
    ann, noor = flow.party("Ann"), flow.sign_in("Noor")
    assert noor.staff == frozenset()
    staff.give(flow.services, noor.party, "reviewer", by=ann.id, now=flow.now)
    again = flow.sign_in("Noor")
    assert again.staff == flow.session(again.id).staff == frozenset({"reviewer"})
    with pytest.raises(NotFoundHereError):
        staff.take(flow.services, noor.party, "support", by=ann.id, now=flow.now)
    assert flow.session(again.id).ended_at is None
    staff.take(flow.services, noor.party, "reviewer", by=ann.id, now=flow.now)
    assert flow.session(again.id).ended_at == flow.now
    assert flow.sign_in("Noor").staff == frozenset()


def test_taking_a_role_and_ending_its_sessions_is_one_transaction(flow, monkeypatch):
    ann, noor = flow.party("Ann"), flow.party("Noor")
    staff.give(flow.services, noor.id, "reviewer", by=ann.id, now=flow.now)
    session = flow.sign_in("Noor")
    with flow.services.database.read() as uow:
        kind = type(uow.sessions)

    def away(*_):
        raise ConflictError("the store went away between two statements")

    monkeypatch.setattr(kind, "end", away)
    with pytest.raises(ConflictError):
        staff.take(flow.services, noor.id, "reviewer", by=ann.id, now=flow.now)
    assert [one.party for one in staff.held(flow.services)] == [noor.id]
    assert flow.session(session.id).ended_at is None


def test_the_command_line_gives_lists_and_takes_roles(flow, volmacht):
    ann, bea = flow.party("Ann"), flow.party("Bea")
    assert volmacht("staff", "give", bea.id, "reviewer", "--as", ann.id).exit_code == 0
    (row,) = json.loads(volmacht("staff", "list", "--json").stdout)
    assert (row["party"], row["role"], row["given_by"]) == (bea.id, "reviewer", ann.id)
    refused = volmacht("staff", "take", bea.id, "reviewer", "--as", bea.id)
    assert refused.exit_code == 1
    assert "[own_request]" in refused.output
    assert volmacht("staff", "take", bea.id, "reviewer", "--as", ann.id).exit_code == 0
    assert json.loads(volmacht("staff", "list", "--json").stdout) == []
    assert volmacht("staff", "give", bea.id, "king", "--as", ann.id).exit_code == 2


# --- addresses ---


def test_an_address_is_sealed_replaced_and_journalled_by_its_source_alone(flow):
    maria = flow.party("Maria")
    for address in ("Dorpsstraat 1, Gent", "Kerkstraat 2, Aalst"):
        contacts.report_address(flow.services, maria.id, address, "Rijksregister", flow.now)
    with flow.services.database.read() as uow:
        stored = uow.contacts.find(maria.id)
    assert (
        flow.services.vault.open(stored.address_sealed, contacts.purpose(maria.id)) == b"Kerkstraat 2, Aalst"
    )
    (newest, _) = journal(flow, "party.address_recorded")
    assert newest.body["detail"] == {"source": "Rijksregister"}
    assert b"Kerkstraat" not in b"".join(one.read_bytes() for one in flow.folder.glob("volmacht.db*"))


def test_a_dry_run_of_an_address_stores_nothing(flow, volmacht):
    maria = flow.party("Maria")
    said = ("parties", "report", maria.id, "--what", "address", "--address", "Kerkstraat 1", "--source", "RR")
    assert "would be recorded" in volmacht(*said, "--dry-run").stdout
    with flow.services.database.read() as uow:
        assert uow.contacts.find(maria.id) is None
    assert journal(flow, "party.address_recorded") == []
    assert json.loads(volmacht(*said, "--json").stdout)["stored"] is True
    with flow.services.database.read() as uow:
        assert uow.contacts.find(maria.id) is not None


def test_an_address_is_a_persons_and_somebody_says_so(flow):
    maria = flow.party("Maria")
    with pytest.raises(SourceMissingError):
        contacts.report_address(flow.services, maria.id, "Dorpsstraat 1", " ", flow.now)
    with pytest.raises(InvalidHappeningError):
        contacts.report_address(flow.services, maria.id, " ", "RR", flow.now)
    with pytest.raises(InvalidHappeningError):
        contacts.report_address(flow.services, flow.ocmw.id, "Dorpsstraat 1", "RR", flow.now)
    with pytest.raises(NotFoundHereError):
        contacts.report_address(flow.services, "nobody", "Dorpsstraat 1", "RR", flow.now)


# --- reports ---


def state(flow, given):
    with flow.services.database.read() as uow:
        return status_of(uow.mandates.find(given.id), flow.now).state


def test_a_death_is_reported_shown_first_and_taken_back(flow, volmacht):
    given = flow.beneficiary()
    said = ("parties", "report", given.principal, "--what", "died", "--since", "2026-01-31", "--source", "RR")
    shown = volmacht(*said, "--dry-run")
    assert "1 mandate(s) would end" in shown.stdout
    assert state(flow, given) is State.ACTIVE
    done = json.loads(volmacht(*said, "--json").stdout)
    assert (done["changed"], done["cause"]) == (1, "death")
    assert state(flow, given) is State.CASCADED
    back = volmacht("parties", "undo", done["reference"])
    assert "1 mandate(s) are as before" in back.stdout
    assert state(flow, given) is State.ACTIVE


def test_organisations_are_named_by_number_and_people_also_by_a_number_that_is_asked_for(flow, volmacht):
    flow.organisation("OCMW Verre", "0999000327", "ocmw")
    flow.beneficiary()
    merged = volmacht(
        *("parties", "report", "0999.000.129", "--what", "merged", "--successor", "0999000327"),
        *("--source", "KBO", "--json"),
    )
    assert json.loads(merged.stdout)["taken_over"] == 1
    from broker.flows import parties

    with flow.services.database.write() as uow:
        parties.find_or_add_person(flow.services, uow, INSZ, "Jozef", flow.now)
        uow.commit()
    said = ("parties", "report", "-", "--what", "address", "--address", "-", "--source", "RR")
    done = volmacht(*said, typed=f"{INSZ}\nDorpsstraat 1\n")
    assert done.exit_code == 0, done.output
    assert INSZ not in done.output
    assert len(journal(flow, "party.address_recorded")) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--what", "merged"), 2),
        (("--what", "left"), 2),
        (("--what", "lost"), 2),
        (("--what", "ceased", "--since", "2100-01-01"), 1),
        (("--what", "ceased", "--source", " "), 1),
    ],
)
def test_a_report_that_says_too_little_is_refused_in_one_sentence(flow, volmacht, arguments, code):
    done = volmacht("parties", "report", OCMW, "--source", "KBO", *arguments)
    assert done.exit_code == code
    assert done.output.strip()
    assert flow.ocmw.ceased_at is None


def test_a_file_of_organisations_is_taken_over_or_refused_whole_with_its_lines(flow, volmacht, tmp_path):
    file = tmp_path / "kbo.csv"
    file.write_text("kbo;name;kinds\n0999000327;OCMW Verre;ocmw\n", encoding="utf-8-sig")
    assert (
        "1 would be added" in volmacht("organisations", "import", file, "--source", "KBO", "--dry-run").stdout
    )
    done = json.loads(volmacht("organisations", "import", file, "--source", "KBO", "--json").stdout)
    assert len(done["added"]) == 1
    file.write_text("kbo;name;kinds\n0999000328;OCMW Verre;ocmw\n", encoding="utf-8")
    refused = volmacht("organisations", "import", file, "--source", "KBO")
    assert refused.exit_code == 1
    assert "line 2: not an enterprise number" in refused.output
    file.write_bytes(b"kbo;name\n\xff\xfe")
    assert volmacht("organisations", "import", file).exit_code == 2
