"""A person is shown all that is kept of her, and forgotten; the tree and every checkpoint stay true."""

import pytest

from broker.errors import NotFoundHereError
from broker.flows.data_subjects import ErasureRefusedError, erase, export_of
from broker.flows.journal import Sequencer
from broker.flows.journal_file import records, verify
from broker.flows.parties import find_or_add_person
from broker.flows.retention import RetentionError, apply, due, load_retention
from builders import DAY
from config.settings import ROOT
from mandates.events import Event

TERMS = load_retention((ROOT / "config" / "retention.toml").read_text(encoding="utf-8"))
NUMBER = "85073003328"


@pytest.fixture
def maria(flow):
    """Known by number and name, with a mandate that ended long ago."""
    with flow.services.database.write() as uow:
        found = find_or_add_person(flow.services, uow, NUMBER, "Maria Peeters", flow.now)
        uow.commit()
    flow.clock.forward(1000 * DAY)
    ended(flow, found, days_ago=366)
    said(flow, Event("mandate.revoked", flow.now, found.id, principal=found.id, grounds="mijn reden"))
    return found


def ended(flow, person, days_ago):
    end = flow.now - days_ago * DAY
    dates = {"valid_from": end - DAY, "activated_at": end - DAY, "valid_until": end, "requested_at": 1}
    return flow.give("ocmw-beneficiary", person, flow.ocmw, **dates)


def said(flow, *events):
    with flow.services.database.write() as uow:
        uow.journal.append(events, flow.now)
        uow.commit()
    Sequencer().run(flow.services, flow.now)


def forget(flow, person, *, yes=True):
    return erase(flow.services, person.id, TERMS, by="test", now=flow.now, apply=yes)


def newest(flow, count=1):
    with flow.services.database.read() as uow:
        return uow.journal.tail(count)


# --- erasure ---


def test_a_person_is_forgotten_and_the_journal_still_verifies(flow, maria):
    assert "mijn reden" in str(list(records(flow.services)))
    with flow.services.database.read() as uow:
        old = uow.journal.newest_checkpoint()
    forget(flow, maria)
    verdict = verify(flow.services, flow.now)
    assert verdict.faults == ()
    assert verdict.erased == 1
    assert old.note in [record.get("note") for record in records(flow.services)]
    with flow.services.database.read() as uow:
        left = uow.parties.get(maria.id)
        assert (left.name, uow.parties.insz_sealed(maria.id)) == ("", None)
        assert uow.journal.newest_checkpoint().size > old.size
    assert "Peeters" not in str(list(records(flow.services)))
    assert "mijn reden" not in str(list(records(flow.services)))


def test_the_event_of_an_erasure_names_nobody(flow, maria):
    forget(flow, maria)
    (event,) = newest(flow)
    assert (event.type, event.actor, event.principal, event.representative) == (
        "party.erased",
        None,
        None,
        None,
    )
    assert event.body["detail"] == {"rows": 1}
    assert maria.id not in str(event)


def test_without_a_yes_it_says_what_would_go_and_changes_nothing(flow, maria):
    would = forget(flow, maria, yes=False)
    assert (would["parties"], would["mandates"], would["journal"]) == (1, 1, 1)
    with flow.services.database.read() as uow:
        assert uow.parties.get(maria.id) == maria
        assert not uow.data_subjects.is_erased(maria.id)
    assert newest(flow)[0].type == "mandate.revoked"
    assert forget(flow, maria) == would


@pytest.mark.parametrize(
    "facts",
    [{}, {"activated_at": None}, {"valid_from": 2**40, "valid_until": 2**41}],
    ids=["active", "awaiting", "scheduled"],
)
def test_nobody_is_forgotten_while_a_mandate_of_hers_lives(flow, maria, facts):
    flow.give(
        "ocmw-beneficiary",
        maria,
        flow.ocmw,
        **{"valid_from": flow.now - 5, "valid_until": flow.now + 5, "activated_at": flow.now - 5} | facts,
    )
    with pytest.raises(ErasureRefusedError, match="end them first"):
        forget(flow, maria)


def test_nobody_is_forgotten_while_she_is_signed_in(flow):
    session = flow.sign_in("Bram")
    bram = flow.services
    with bram.database.read() as uow:
        party = uow.parties.get(session.party)
    with pytest.raises(ErasureRefusedError, match="signed in"):
        forget(flow, party)
    flow.clock.forward(9 * 3600)
    forget(flow, party)


def test_nobody_is_forgotten_before_her_term_is_over(flow):
    person = flow.party("Karel")
    ended(flow, person, days_ago=364)
    with pytest.raises(ErasureRefusedError, match="365 days"):
        forget(flow, person)
    flow.clock.forward(DAY)
    forget(flow, person)


def test_an_organisation_is_not_forgotten(flow):
    with pytest.raises(ErasureRefusedError, match="ceased"):
        forget(flow, flow.ocmw)


def test_a_person_who_is_unknown_or_gone_is_not_forgotten_again(flow, maria):
    forget(flow, maria)
    for person in (maria.id, "nobody"):
        with pytest.raises(NotFoundHereError):
            erase(flow.services, person, TERMS, by="test", now=flow.now, apply=True)
        with pytest.raises(NotFoundHereError):
            export_of(flow.services, person, with_number=False, now=flow.now)


def test_whoever_comes_back_is_somebody_new(flow, maria):
    forget(flow, maria)
    with flow.services.database.write() as uow:
        again = find_or_add_person(flow.services, uow, NUMBER, "Maria Peeters", flow.now)
    assert again.id != maria.id


# --- export ---


def test_she_is_shown_all_that_is_kept(flow, maria):
    kept = export_of(flow.services, maria.id, with_number=False, now=flow.now)
    assert kept["parties"][0]["name"] == "Maria Peeters"
    assert len(kept["mandates"]) == 1
    assert [row["body"]["grounds"] for row in kept["journal"]] == ["mijn reden"]
    assert NUMBER not in str(kept)


def test_her_number_is_shown_if_asked_for_and_the_journal_says_so(flow, maria):
    assert export_of(flow.services, maria.id, with_number=True, now=flow.now)["national_number"] == NUMBER
    export_of(flow.services, maria.id, with_number=False, now=flow.now)
    without, with_number = newest(flow, 2)
    assert (with_number.type, with_number.principal) == ("party.exported", maria.id)
    assert with_number.body["detail"] == {"number": True}
    assert without.body["detail"] == {"number": False}


# --- terms ---


def test_a_dry_run_counts_and_changes_nothing(flow, maria):
    flow.clock.forward(3651 * DAY)
    rows = {one.kind: one.rows for one in due(flow.services, TERMS, flow.now)}
    assert rows["journal"] >= 1
    assert rows == {one.kind: one.rows for one in due(flow.services, TERMS, flow.now)}


def test_what_is_past_its_term_goes_with_an_event_and_the_journal_still_verifies(flow, maria):
    flow.clock.forward(3651 * DAY)
    expected = {one.kind: one.rows for one in due(flow.services, TERMS, flow.now)}
    done = {one.kind: one.rows for one in apply(flow.services, TERMS, flow.now)}
    assert done == expected
    assert {one.rows for one in due(flow.services, TERMS, flow.now)} == {0}
    told = [row.body["detail"] for row in newest(flow, 20) if row.type == "retention.applied"]
    assert {one["kind"]: one["rows"] for one in told} == {kind: rows for kind, rows in done.items() if rows}
    verdict = verify(flow.services, flow.now)
    assert (verdict.faults, verdict.erased) == ((), done["journal"])


GOOD = """
activation_codes = {days = 30, then = "delete"}
contacts = {days = 30, then = "delete"}
reviews = {days = 30, then = "delete"}
cascades = {days = 30, then = "delete"}
documents = {days = 30, then = "delete"}
bulk_jobs = {days = 30, then = "blank"}
refresh_tokens = {days = 30, then = "delete"}
consents = {days = 30, then = "delete"}
uses = {days = 30, then = "delete"}
grants = {days = 30, then = "delete"}
sessions = {days = 30, then = "delete"}
mandates = {days = 30, then = "blank"}
journal = {days = 30, then = "blank"}
erasure = {days = 30, then = "allow"}
"""


@pytest.mark.parametrize(
    ("was", "becomes", "said_of_it"),
    [
        ('sessions = {days = 30, then = "delete"}', "", r"\[sessions\]: this table is missing"),
        ('sessions = {days = 30, then = "delete"}', "sessions = 30", r"\[sessions\]: this table is missing"),
        ("grants = {days = 30", "grants = {days = 0", r"\[grants\] days: "),
        ("grants = {days = 30", "grants = {days = true", r"\[grants\] days: "),
        ("grants = {days = 30", 'grants = {days = "30"', r"\[grants\] days: "),
        ("grants = {days = 30, ", "grants = {", r"\[grants\] days: "),
        (
            'journal = {days = 30, then = "blank"}',
            'journal = {days = 30, then = "delete"}',
            r'\[journal\] then: must be "blank"',
        ),
        ("journal = {days", "journal = {weeks = 5, days", r"\[journal\] weeks: there is no such key"),
        ("erasure = {", "parties = {days = 1}\nerasure = {", r"\[parties\]: there is no such kind"),
        ("erasure = {", "erasure = ", "not TOML"),
    ],
)
def test_terms_that_are_wrong_name_the_table_and_the_key(was, becomes, said_of_it):
    assert load_retention(GOOD).erasure.days == 30
    with pytest.raises(RetentionError, match=said_of_it):
        load_retention(GOOD.replace(was, becomes))
