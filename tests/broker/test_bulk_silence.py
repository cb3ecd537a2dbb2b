"""A file tells no more than the form: not whether a number was known, nor who is protected."""

import pytest

from bulk_requests import MANAGER, apply, beneficiary, bring, employee, insz, person, result, rows_of


@pytest.fixture
def officer(flow):
    return flow.officer()


# --- silence ---


def test_a_result_does_not_tell_whether_a_number_was_known(flow, officer):
    person(flow, 1, name="Echte Naam")
    flow.clock.forward(15 * 86_400)  # what was asked for her lapsed
    officer = flow.officer()
    known = bring(flow, officer, beneficiary(1, sleutel="a"), beneficiary(2, sleutel="b"))
    assert apply(flow, officer, known) == ["needs_approval", "needs_approval"]
    first, second = result(flow, officer, known)[1:]
    assert first[2:6] == second[2:6]
    assert not any("Echte" in cell for cell in first)


def test_what_a_request_waits_for_does_not_tell_who_is_protected(flow, officer):
    protected = person(flow, 1)
    guardian = flow.party("Bewindvoerder")
    flow.clock.forward(15 * 86_400)
    officer = flow.officer()
    flow.give(
        "court-administrator", protected, guardian, valid_from=flow.now - 10, valid_until=flow.now + 86_400
    )
    job = bring(flow, officer, beneficiary(1), beneficiary(2))
    apply(flow, officer, job)
    assert len({(row.verdict, row.code, row.needs) for row in rows_of(flow, job)}) == 1


def test_a_caseload_does_not_tell_whether_a_number_was_known_elsewhere(flow):
    manager = flow.sign_in("Wout", roles=(MANAGER,))
    elsewhere = flow.organisation("Ander OCMW", "0999000327", "ocmw")
    known = flow.party("Jozef")
    with flow.services.database.write() as uow:
        index = flow.services.vault.number_indexes(insz(5), uow.vault_keys.all())[0]
        uow.parties.set_insz(known.id, index, flow.services.vault.seal(insz(5).encode(), f"insz:{known.id}"))
        uow.commit()
    flow.give("ocmw-beneficiary", known, elsewhere)
    rows = [employee(1, begunstigden=insz(5)), employee(2, begunstigden=insz(6))]
    assert (
        apply(flow, manager, bring(flow, manager, *rows, kind="staff"))
        == [("refused", "not_a_beneficiary")] * 2
    )
