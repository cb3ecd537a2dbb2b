"""Registers over the REST API: who may write them, under which scope, and whose hand the journal names."""

from __future__ import annotations

import dataclasses

import pytest

from api_world import PEOPLE, ApiWorld
from broker.errors import NotFoundHereError
from broker.flows import contacts, organisations, staff
from flow_world import OCMW
from mandates.errors import AssuranceTooLowError, NotAllowedError
from mandates.model import Level

FILE = "kbo;name;kinds\n0999000327;OCMW Verre;ocmw\n"
ADDRESS = "Kerkstraat 1, 9999 Dorp"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def noor(api):
    """A reviewer."""
    staff.give(api.services, api.party("Noor").id, "reviewer", by=api.party("Operator").id, now=api.now)
    return api.sign_in("Noor")


def person(api, party):
    return api.services.vault.pseudonym("p-", "desk", party)


def post(api, path, caller, **body):
    return api.http.post(f"/api/v1/{path}", json=body, headers=caller)


def take(api, by, text=FILE, **changes):
    options = {"source": "register", "complete": False, "dry_run": False, "now": api.now} | changes
    return organisations.import_file(api.services, text, by=by, **options)


# --- organisations ---


def test_who_imports_organisations_is_a_reviewer_at_a_substantial_login(api, noor):
    for by, refused in (
        (api.sign_in("Stranger"), NotAllowedError),
        (dataclasses.replace(noor, level=Level.LOW), AssuranceTooLowError),
    ):
        with pytest.raises(refused):
            take(api, by)
    assert len(take(api, noor).added) == 1


def test_the_journal_names_who_imported_and_what_it_ended(api, noor):
    given = api.beneficiary()
    take(api, noor)
    take(api, noor, f"kbo;ceased;successor\n{OCMW};2026-01-31;0999000327\n")
    rows = {row.type: row for row in api.journal()}
    assert rows["organisation.imported"].actor == noor.party
    (ended,) = [
        row for row in api.journal() if row.type.startswith("cascade") or "cascade" in row.body["detail"]
    ]
    assert ended.actor == noor.party
    with api.services.database.read() as uow:
        assert uow.mandates.find(given.id).ended_at is not None
    take(api, None, "kbo;name\n0999000426;OCMW Elders\n")
    assert api.journal()[-1].actor is None, "the command line has no session"


def test_the_api_imports_under_the_scope_of_registers(api, noor):
    body = {"text": FILE, "source": "register", "dry_run": False}
    deciding = api.client("deciding", scopes=PEOPLE - {"registry:write"}, audiences=api.desk.audiences)
    assert post(api, "organisations", api.person(noor, deciding), **body).status_code == 403
    assert post(api, "organisations", api.person(noor), **body).json["added"] == 1


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("post", "/parties/reports", "registry:write"),
        ("post", "/parties/reports/undo", "registry:write"),
        ("post", "/parties/addresses", "registry:write"),
        ("post", "/organisations", "registry:write"),
        ("get", "/reviews", "reviews:decide"),
        ("post", "/reviews/{case}/decide", "reviews:decide"),
        ("post", "/reviews", "mandates:write"),
        ("post", "/mandates/{reference}/approve", "mandates:decide"),
        ("post", "/mandates/{reference}/refuse", "mandates:decide"),
        ("post", "/activation-codes", "mandates:decide"),
    ],
)
def test_each_kind_of_judgement_has_a_scope_of_its_own(api, method, path, scope):
    operation = api.http.get("/api/v1/openapi.json").json["paths"][f"/api/v1{path}"][method]
    assert operation["security"] == [{"person": [scope]}]


# --- addresses ---


def test_a_reviewer_reports_an_address_checked_first_and_stored_when_she_says_so(api, noor):
    maria = api.party("Maria")
    body = {"party": person(api, maria.id), "address": ADDRESS, "source": "register"}
    caller = api.person(noor)
    assert post(api, "parties/addresses", caller, **body).json == {"stored": False}
    with api.services.database.read() as uow:
        assert uow.contacts.find(maria.id) is None
    assert post(api, "parties/addresses", caller, **body, dry_run=False).json == {"stored": True}
    with api.services.database.read() as uow:
        sealed = uow.contacts.find(maria.id).address_sealed
    assert api.services.vault.open(sealed, contacts.purpose(maria.id)).decode() == ADDRESS
    (row,) = [row for row in api.journal() if row.type == "party.address_recorded"]
    assert (row.actor, row.body["detail"]) == (noor.party, {"source": "register"})


def test_nobody_else_reports_an_address_and_no_reviewer_her_own(api, noor):
    maria = api.party("Maria")
    for by, about, refused in (
        (api.sign_in("Maria"), maria.id, NotAllowedError),
        (api.officer(), maria.id, NotAllowedError),
        (noor, noor.party, NotAllowedError),
        (dataclasses.replace(noor, level=Level.LOW), maria.id, AssuranceTooLowError),
    ):
        with pytest.raises(refused):
            contacts.report_address(api.services, about, ADDRESS, "register", api.now, by=by)
    with api.services.database.read() as uow:
        assert uow.contacts.find(maria.id) is None


def test_a_dry_run_of_an_address_refuses_what_would_be_refused(api):
    with pytest.raises(NotFoundHereError):
        contacts.report_address(api.services, "nobody", ADDRESS, "register", api.now, dry_run=True)
