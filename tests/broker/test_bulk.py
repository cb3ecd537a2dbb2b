"""Each row of a file gets the verdict of the form, and is asked as the form asks it, once."""

import dataclasses

import pytest

from broker.errors import NotValidatedError
from broker.flows import bulk, mandates
from broker.flows.bulk import intake
from bulk_requests import (
    EXECUTOR,
    MANAGER,
    apply,
    beneficiary,
    bring,
    contents,
    employee,
    insz,
    made,
    manager_of_company,
    rows_of,
    types_in_journal,
    validate,
    verdicts,
)
from mandates.model import PartyKind
from mandates.status import State, status_of


@pytest.fixture
def officer(flow):
    return flow.officer()


# --- validating ---


def test_each_row_gets_the_verdict_of_the_form(flow, officer):
    flow.beneficiary("Bestaat")
    job = bring(
        flow,
        officer,
        beneficiary(1),
        beneficiary(2, rijksregisternummer="85073003329"),
        beneficiary(3, bevoegdheden="payout:change"),
        beneficiary(4, bewijsstuk=""),
        beneficiary(5) | {"tot en met": "31/12/2020"},
        beneficiary(1, sleutel="ander"),
        beneficiary(6, sleutel="k1"),
    )
    assert validate(flow, officer, job) == [
        "needs_approval",
        ("refused", "invalid_number"),
        ("refused", "invalid_powers"),
        ("refused", "evidence_required"),
        ("refused", "invalid_period"),
        ("duplicate", "twice_in_file"),
        ("duplicate", "twice_in_file"),
    ]
    assert [row.needs for row in rows_of(flow, job)][:2] == ["principal second_officer", ""]


def test_validating_changes_verdicts_and_nothing_else(flow, officer):
    job = bring(flow, officer, beneficiary(1), beneficiary(2))
    before = contents(flow, "bulk_rows", "bulk_jobs")
    validate(flow, officer, job)
    assert contents(flow, "bulk_rows", "bulk_jobs") == before


def test_validating_again_gives_the_verdicts_of_that_moment(flow, officer):
    last_day = {"tot en met": "24/11/2026"}
    job = bring(flow, officer, beneficiary(1) | last_day)
    assert validate(flow, officer, job) == ["needs_approval"]
    flow.clock.forward(2 * 86_400)
    assert validate(flow, flow.officer(), job) == [("refused", "invalid_period")]


def test_a_file_is_not_applied_before_it_was_validated(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    with pytest.raises(NotValidatedError):
        bulk.apply(flow.services, officer, job, flow.now)
    assert made(flow, job) == []


def test_a_row_without_strong_enough_a_login_is_refused(flow):
    officer = flow.officer()
    weak = dataclasses.replace(officer, level=type(officer.level).LOW)
    assert validate(flow, weak, bring(flow, weak, beneficiary(1))) == [("refused", "assurance_too_low")]


def test_an_ocmw_officer_gives_no_executors(flow, officer):
    row = employee(1, begunstigden="alle")
    assert validate(flow, officer, bring(flow, officer, row, kind="staff")) == [("refused", "not_allowed")]


# --- applying ---


def test_applying_asks_what_the_form_asks(flow, officer):
    job = bring(flow, officer, beneficiary(1) | {"van": "1/1/2027", "tot en met": "31/12/2027"})
    assert apply(flow, officer, job) == ["needs_approval"]
    (asked,) = made(flow, job)
    assert status_of(asked, flow.now).state is State.AWAITING
    assert (asked.type, asked.representative, asked.requested_by) == (
        "ocmw-beneficiary", flow.ocmw.id, officer.party
    )  # fmt: skip
    assert asked.powers == ("vouchers:read", "vouchers:order")
    assert (asked.valid_from, asked.valid_until) == (1_798_758_000, 1_830_294_000)
    assert (asked.evidence.note, asked.evidence.typed_name) == ("gesprek", "Persoon 1")
    with flow.services.database.read() as uow:
        maria = uow.parties.get(asked.principal)
        sealed = uow.parties.insz_sealed(asked.principal)
    assert (maria.kind, maria.name) == (PartyKind.PERSON, "Persoon 1")
    assert flow.services.vault.open(sealed, f"insz:{maria.id}").decode() == insz(1)
    assert types_in_journal(flow)[-3:] == ["bulk.taken_in", "mandate.requested", "bulk.applied"]


def test_a_request_of_a_file_is_approved_like_any_other(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    apply(flow, officer, job)
    (asked,) = made(flow, job)
    fatima = flow.sign_in("Fatima", roles=(EXECUTOR,))
    approved = mandates.approve(flow.services, fatima, asked.id, flow.now)
    assert status_of(approved, flow.now).state is State.ACTIVE


def test_a_refused_row_leaves_no_person_behind(flow, officer):
    before = contents(flow)["parties"]
    job = bring(flow, officer, beneficiary(1, bevoegdheden="payout:change"))
    assert apply(flow, officer, job) == [("refused", "invalid_powers")]
    assert contents(flow)["parties"] == before


def test_a_row_key_is_applied_once_in_an_organisation_whatever_the_file(flow, officer):
    apply(flow, officer, bring(flow, officer, beneficiary(1)))
    again = bring(flow, officer, beneficiary(1), beneficiary(2, sleutel="k1"), beneficiary(3))
    assert apply(flow, officer, again) == [
        ("duplicate", "applied_before"), ("duplicate", "applied_before"), "needs_approval"
    ]  # fmt: skip
    assert len(made(flow, again)) == 1


def test_a_row_that_was_refused_may_come_again_under_its_key(flow, officer):
    apply(flow, officer, bring(flow, officer, beneficiary(1, bewijsstuk="")))
    assert apply(flow, officer, bring(flow, officer, beneficiary(1))) == ["needs_approval"]


def test_a_row_key_of_another_organisation_is_another_key(flow, officer):
    apply(flow, officer, bring(flow, officer, beneficiary(1)))
    _, els = manager_of_company(flow)
    assert apply(flow, els, bring(flow, els, employee(1, sleutel="k1"), kind="staff")) == ["accepted"]


def test_without_a_key_the_mandate_itself_says_that_it_is_a_duplicate(flow, officer):
    apply(flow, officer, bring(flow, officer, beneficiary(1, sleutel="")))
    again = bring(flow, officer, beneficiary(1, sleutel=""))
    assert apply(flow, officer, again) == [("duplicate", "duplicate")]


def test_what_lapsed_may_be_asked_again_with_the_same_file(flow, officer):
    apply(flow, officer, bring(flow, officer, beneficiary(1, sleutel="")))
    flow.clock.forward(15 * 86_400)
    officer = flow.officer()
    assert apply(flow, officer, bring(flow, officer, beneficiary(1, sleutel=""))) == ["needs_approval"]


def test_each_row_is_judged_again_when_it_is_applied(flow, officer):
    job, other = bring(flow, officer, beneficiary(1)), bring(flow, officer, beneficiary(1, sleutel="x"))
    assert validate(flow, officer, job) == validate(flow, officer, other) == ["needs_approval"]
    bulk.apply(flow.services, officer, other, flow.now)
    bulk.apply(flow.services, officer, job, flow.now)
    assert verdicts(flow, job) == [("duplicate", "duplicate")]


def test_applying_a_second_time_does_nothing(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    apply(flow, officer, job)
    before = contents(flow)
    bulk.apply(flow.services, officer, job, flow.now)
    validate(flow, officer, job)
    assert contents(flow) == before


def test_after_applying_only_the_row_key_is_left_of_what_was_typed(flow, officer):
    job = bring(flow, officer, beneficiary(1), beneficiary(2, bewijsstuk=""))
    apply(flow, officer, job)
    with flow.services.database.read() as uow:
        seal = intake.RowSeal(flow.services, uow.bulk.find(job))
    left = [seal.open(row) for row in rows_of(flow, job)]
    assert [(one.key, one.request) for one in left] == [("k1", None), ("k2", None)]


# --- staff ---


def test_a_manager_gives_a_company_s_staff_their_powers_at_once(flow):
    company, els = manager_of_company(flow)
    job = bring(flow, els, employee(1), employee(2, bevoegdheden="invoices:read"), employee(1), kind="staff")
    assert apply(flow, els, job) == ["accepted", "accepted", ("duplicate", "twice_in_file")]
    first, second = made(flow, job)
    assert status_of(first, flow.now).state is State.ACTIVE
    assert (first.principal, second.powers) == (company.id, ("invoices:read",))
    again = bring(flow, els, employee(1), kind="staff")
    assert apply(flow, els, again) == [("duplicate", "duplicate")]


def test_an_ocmw_manager_names_executors_for_everybody_or_for_a_caseload(flow):
    flow_officer = flow.officer()
    apply(flow, flow_officer, bring(flow, flow_officer, beneficiary(1), beneficiary(2)))
    manager = flow.sign_in("Wout", roles=(MANAGER,))
    rows = [employee(11, begunstigden="alle"), employee(12, begunstigden=f"{insz(1)} {insz(2)}")]
    job = bring(flow, manager, *rows, kind="staff")
    assert apply(flow, manager, job) == ["accepted", "accepted"]
    whole, part = made(flow, job)
    assert (whole.whole, part.whole) == (True, False)
    with flow.services.database.read() as uow:
        assert uow.mandates.caseload_of(whole.id) == []
        handled = {one.principal for one in uow.mandates.caseload_of(part.id)}
        names = {one.name for one in uow.parties.get_many(handled).values()}
    assert names == {"Persoon 1", "Persoon 2"}
    assert types_in_journal(flow).count("caseload.changed") == 1
