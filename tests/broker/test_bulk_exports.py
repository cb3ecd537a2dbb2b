"""What goes out: a line for each row, and VMS files that come back the same."""

import dataclasses
import io

import pytest

from broker.flows import bulk
from bulk_requests import (
    MANAGER,
    apply,
    beneficiary,
    bring,
    employee,
    insz,
    made,
    result,
    types_in_journal,
)
from mandates.errors import NotAllowedError
from mandates.model import Ending, Suspension


@pytest.fixture
def officer(flow):
    return flow.officer()


# --- results ---


def test_a_result_has_a_line_for_each_row_with_what_mends_it(flow, officer):
    job = bring(flow, officer, beneficiary(1, sleutel="=1+1"), beneficiary(2, rijksregisternummer="12"))
    apply(flow, officer, job)
    (mandate,) = made(flow, job)
    titles, first, second = result(flow, officer, job)
    assert titles == ["lijn", "sleutel", "oordeel", "code", "kolom", "uitleg", "volmacht"]
    waits = "Wacht op: de persoon zelf of een tweede medewerker."
    assert first == ["2", "'=1+1", "goedkeuring nodig", "", "", waits, mandate.id]
    mend = "Dit nummer klopt niet. Kijk de cijfers na."
    assert second == ["3", "k2", "geweigerd", "invalid_number", "rijksregisternummer", mend, ""]


def test_a_result_names_mandates_as_the_client_knows_them(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    apply(flow, officer, job)
    shown = result(flow, officer, job, sector="vouchers")[1][-1]
    assert flow.services.vault.resolve(shown, "m-", "vouchers") == made(flow, job)[0].id


def test_a_result_is_the_same_as_a_workbook(flow, officer):
    job = bring(flow, officer, beneficiary(1), beneficiary(2, rijksregisternummer="12"))
    assert result(flow, officer, job)[1][2] == "nog niet nagekeken"
    out = io.BytesIO()
    bulk.result(flow.services, officer, job, out, "xlsx", flow.now)
    rows = [cells for _, cells in flow.services.spreadsheets.read(out)]
    assert [[*cells, ""][:7] for cells in rows] == result(flow, officer, job)


# --- VMS ---

MANDATEN = "mandaattype id;gever id;nemer id;toegangsniveau;client id"


def export(flow, session, kind):
    out = io.BytesIO()
    count = bulk.export_vms(flow.services, session, kind, out, flow.now)
    lines = out.getvalue().decode("utf-8-sig").splitlines()
    assert count == len(lines) - 1
    return lines


def test_vms_mandates_go_in_and_come_out_the_same(flow, officer):
    lines = [MANDATEN, *(f"104;{insz(one)};0999000129;;" for one in (1, 2))]
    job = bring(flow, officer, "\r\n".join(lines).encode(), kind="vms-mandaten")
    assert apply(flow, officer, job) == ["needs_approval"] * 2
    assert export(flow, officer, "vms-mandaten") == lines[:1]
    for one in made(flow, job):
        flow.change(one.id, activated_at=flow.now)
    exported = export(flow, officer, "vms-mandaten")
    assert sorted(exported[1:]) == sorted(lines[1:])
    assert types_in_journal(flow)[-1] == "bulk.exported"
    again = bring(flow, officer, "\r\n".join(exported).encode(), kind="vms-mandaten")
    assert apply(flow, officer, again) == [("duplicate", "duplicate")] * 2


def test_vms_executors_go_in_and_come_out_the_same(flow):
    manager = flow.sign_in("Wout", roles=(MANAGER,))
    lines = ["mandaattype id;client id;persoon id;organisatie id", f"104;;{insz(1)};0999000129"]
    job = bring(flow, manager, "\r\n".join(lines).encode(), kind="vms-mandaatuitvoerders")
    assert apply(flow, manager, job) == ["accepted"]
    assert export(flow, manager, "vms-mandaatuitvoerders") == lines


def test_a_vms_file_holds_what_is_in_force_and_what_vms_can_say(flow, officer):
    job = bring(flow, officer, *[beneficiary(one) for one in range(5)])
    apply(flow, officer, job)
    active, ended, expired, suspended, _waiting = made(flow, job)
    over = {"ended_at": flow.now, "ended_by": "x", "ending": Ending.REVOKED}
    flow.change(active.id, activated_at=flow.now)
    flow.change(ended.id, activated_at=flow.now, **over)
    flow.change(expired.id, activated_at=flow.now, valid_until=flow.now + 60)
    flow.change(suspended.id, activated_at=flow.now, suspensions=(Suspension(flow.now, "x", "principal"),))
    flow.beneficiary("Zonder nummer")
    flow.clock.forward(60)
    assert export(flow, officer, "vms-mandaten")[1:] == [f"104;{insz(0)};0999000129;;"]


def test_an_executor_for_a_caseload_is_not_what_a_vms_executor_is(flow):
    officer = flow.officer()
    apply(flow, officer, bring(flow, officer, beneficiary(1)))
    manager = flow.sign_in("Wout", roles=(MANAGER,))
    rows = [employee(11, begunstigden="alle"), employee(12, begunstigden=insz(1))]
    apply(flow, manager, bring(flow, manager, *rows, kind="staff"))
    assert export(flow, manager, "vms-mandaatuitvoerders")[1:] == [f"104;;{insz(11)};0999000129"]


def test_vms_files_are_for_those_who_act_for_the_whole_organisation(flow, officer):
    with pytest.raises(NotAllowedError):
        export(flow, officer, "vms-mandaatuitvoerders")
    manager = flow.sign_in("Wout", roles=(MANAGER,))
    with pytest.raises(NotAllowedError):
        export(flow, manager, "vms-mandaten")
    part = flow.sign_in("Sofie")
    with flow.services.database.read() as uow:
        sofie = uow.parties.get(part.party)
    flow.give("ocmw-executor", flow.ocmw, sofie, whole=False)
    with pytest.raises(NotAllowedError):
        export(flow, dataclasses.replace(part, organisation=flow.ocmw.id), "vms-mandaten")
    assert "bulk.exported" not in types_in_journal(flow)
