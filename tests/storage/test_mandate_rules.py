"""What the database itself refuses, whoever asks: raw SQL, past the stores."""

import dataclasses
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.port_errors import ConflictError, ImpossibleStateError, NotFoundError
from broker.records import NewParty
from mandates.model import Ending, Evidence, Source, Suspension
from storage.records import NOW, mandate, organisation, person, populate

OVER = {"ended_at": NOW, "ending": Ending.REVOKED}
REFUSED = (DBAPIError, ImpossibleStateError, ConflictError, NotFoundError)


@pytest.fixture
def village(database):
    populate(database)
    with database.write() as unit:
        unit.mandates.add(mandate("a", "maria", "ocmw", grounds="kort"), NOW)
        unit.mandates.save(mandate("a", "maria", "ocmw", version=2, grounds="langer"), NOW + 1)
        unit.mandates.add(mandate("executor", "ocmw", "bram", whole=False), NOW)
        unit.mandates.add_to_caseload("executor", ["maria", "jozef"], NOW)
        unit.mandates.remove_from_caseload("executor", ["jozef"], NOW + 1)
        unit.parties.save(dataclasses.replace(organisation("ocmw"), name="OCMW Gent"), NOW + 1)
        unit.commit()
    return database


def run(database, statement):
    with database._engines.write.begin() as connection:
        return connection.execute(text(statement)).rowcount


TABLES = ("mandates", "mandate_history", "parties", "party_history", "caseloads")


@pytest.mark.parametrize("table", TABLES)
def test_nothing_of_the_engine_is_deleted(village, table):
    with pytest.raises(REFUSED, match=r"nothing is deleted|append-only"):
        run(village, f"DELETE FROM {table}")
    if village._engines.write.dialect.name == "postgresql":
        with pytest.raises(REFUSED, match="append-only"):
            run(village, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE mandates SET {change} WHERE id = 'a'"
        for change in (
            "id = 'b', version = 3",
            "type = 'other', version = 3",
            "principal = 'jozef', version = 3",
            "representative = 'company', version = 3",
            "requested_at = 1, version = 3",
            "requested_by = 'maria', version = 3",
            "source = 'claims', session = 's', valid_until = valid_from + 9, version = 3",
            "parent = 'executor', version = 3",
            "replaces = 'executor', version = 3",
            "several = TRUE, version = 3",
            "principal_kind = 'organisation', version = 3",
            "recorded_at = recorded_at - 1, version = 3",
            "version = 4",
            "version = 1",
            "powers = '[\"x\"]'",
            "valid_until = valid_until + 1",
            "ended_at = 9, ending = 'revoked'",
            "recorded_at = recorded_at + 1",
            "evidence = ''",
            "grounds = ''",
            "suspensions = '[]'",
        )
    ]
    + [
        "UPDATE mandate_history SET grounds = ''",
        "UPDATE mandate_history SET powers = '[]'",
        "UPDATE mandate_history SET superseded_at = superseded_at + 1",
        "UPDATE parties SET kind = 'person', version = version + 1 WHERE id = 'ocmw'",
        "UPDATE parties SET kbo = '0999000129', version = version + 1 WHERE id = 'ocmw'",
        "UPDATE parties SET created_at = 1, version = version + 1 WHERE id = 'ocmw'",
        "UPDATE parties SET version = version + 2 WHERE id = 'ocmw'",
        "UPDATE parties SET name = 'Other' WHERE id = 'ocmw'",
        "UPDATE parties SET recorded_at = recorded_at + 1 WHERE id = 'ocmw'",
        "UPDATE party_history SET name = 'Other'",
        "UPDATE caseloads SET principal = 'bram'",
        "UPDATE caseloads SET removed_at = removed_at + 1 WHERE principal = 'jozef'",
        "UPDATE caseloads SET removed_at = NULL WHERE principal = 'jozef'",
        "UPDATE caseloads SET removed_at = added_at - 1 WHERE principal = 'maria'",
        "INSERT INTO caseloads (executor, principal, added_at) VALUES ('executor', 'maria', 9)",
    ],
)
def test_what_was_recorded_is_not_rewritten(village, statement):
    with pytest.raises(REFUSED):
        run(village, statement)


def test_a_row_is_not_replaced_behind_the_triggers(village):
    if village._engines.write.dialect.name != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    for table in TABLES:
        with village._engines.read.begin() as connection:
            before = connection.execute(text(f"SELECT * FROM {table}")).all()
        with suppress(ConflictError):
            run(village, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        with village._engines.read.begin() as connection:
            assert connection.execute(text(f"SELECT * FROM {table}")).all() == before


@pytest.mark.parametrize(
    "facts",
    [
        {"valid_until": NOW},
        {"valid_until": NOW - 1},
        {"ended_at": NOW},
        {"ending": Ending.REVOKED},
        {"activated_at": NOW + 1000},
        {"session": "s1"},
        {"source": Source.CLAIMS},
        {"source": Source.CLAIMS, "session": "s1", "valid_until": NOW + 86_401},
        {"source": Source.CLAIMS, "session": "s1", "parent": "a"},
        {"representative": "maria"},
        {"version": 0},
    ],
)
def test_a_mandate_that_cannot_be_is_not_stored(village, facts):
    one = dataclasses.replace(mandate("b", "maria", "bram"), **facts)
    with village.write() as unit, pytest.raises(ImpossibleStateError):
        unit.mandates.add(one, NOW)


@pytest.mark.parametrize(
    "party",
    [
        dataclasses.replace(person("x"), kbo="0999000129"),
        dataclasses.replace(person("x"), ovo="OVO000001"),
        dataclasses.replace(person("x"), ceased_at=NOW),
        dataclasses.replace(person("x"), successor="ocmw"),
        organisation("x", deceased_at=NOW),
        organisation("x", adult_at=NOW),
        organisation("x", kbo="999000129"),
        organisation("x", successor="x"),
    ],
)
def test_a_party_that_cannot_be_is_not_stored(village, party):
    with village.write() as unit, pytest.raises(ImpossibleStateError) as caught:
        unit.parties.add(NewParty(party), NOW)
    assert "X" not in f"{caught.value} {caught.value.__cause__}"


def test_a_number_is_sealed_and_indexed_or_neither(village):
    for new in (NewParty(person("x"), "index"), NewParty(person("x"), None, "sealed")):
        with village.write() as unit, pytest.raises(ImpossibleStateError) as caught:
            unit.parties.add(new, NOW)
        assert "sealed" not in f"{caught.value} {caught.value.__cause__}"
    with village.write() as unit, pytest.raises(ImpossibleStateError):
        unit.parties.add(NewParty(organisation("x"), "index", "sealed"), NOW)


@pytest.mark.parametrize(
    "facts",
    [
        {"principal": "jozef"},
        {"type": "other"},
        {"representative": "ocmw"},
        {"parent": "claimed", "principal": "ocmw"},
    ],
)
def test_what_is_passed_on_is_of_the_same_principal_and_type_and_goes_to_somebody_else(village, facts):
    claimed = mandate("claimed", "ocmw", "fatima", source=Source.CLAIMS, session="s1")
    with village.write() as unit:
        unit.mandates.add(claimed, NOW)
        unit.mandates.add(mandate("fits", "maria", "bram", parent="a"), NOW)
        unit.commit()
    wrong = dataclasses.replace(mandate("b", "maria", "company", parent="a"), **facts)
    with village.write() as unit, pytest.raises(DBAPIError):
        unit.mandates.add(wrong, NOW)


ROOM = 2_000
"""Seconds after NOW: `a` runs from NOW to NOW + 1000."""


@pytest.mark.parametrize(
    ("facts", "fits"),
    [
        ({}, False),
        ({"valid_from": NOW + 999, "valid_until": NOW + ROOM}, False),
        ({"valid_from": NOW + 1000, "valid_until": NOW + ROOM}, True),
        ({"valid_from": NOW - 50, "valid_until": NOW}, True),
        ({"valid_from": NOW - 50, "valid_until": NOW + 1, "activated_at": NOW - 50}, False),
        ({"valid_from": NOW - 50, "valid_until": NOW + ROOM}, False),
        ({"several": True}, True),
        ({"activated_at": None}, True),
        (OVER, True),
        ({"ended_at": NOW + 5, "ending": Ending.SUPERSEDED}, False),
        ({"type": "other"}, True),
        ({"principal": "jozef"}, True),
        ({"representative": "company"}, True),
    ],
)
def test_no_second_mandate_runs_beside_another_unless_its_type_allows(village, facts, fits):
    beside = dataclasses.replace(mandate("b", "maria", "ocmw"), **facts)
    with village.write() as unit:
        if fits:
            unit.mandates.add(beside, NOW)
        else:
            with pytest.raises(ConflictError):
                unit.mandates.add(beside, NOW)


def test_one_that_ended_leaves_room_from_that_instant(village):
    ends = mandate("a", "maria", "ocmw", version=3, ended_at=NOW + 100, ending=Ending.SUPERSEDED)
    renewal = mandate("b", "maria", "ocmw", valid_from=NOW + 100, valid_until=NOW + ROOM, replaces="a")
    for begins, fits in ((NOW + 99, False), (NOW + 100, True)):
        with village.write() as unit:
            unit.mandates.save(ends, NOW)
            early = dataclasses.replace(renewal, valid_from=begins)
            if fits:
                unit.mandates.add(early, NOW)
            else:
                with pytest.raises(ConflictError):
                    unit.mandates.add(early, NOW)


def test_one_given_today_for_the_whole_day_has_room_beside_one_that_ended_at_noon(village):
    with village.write() as unit:
        unit.mandates.save(
            mandate("a", "maria", "ocmw", version=3, ended_at=NOW + 50, ending=Ending.REVOKED), NOW
        )
        again = mandate("b", "maria", "ocmw", valid_from=NOW - 10, valid_until=NOW + ROOM)
        with pytest.raises(ConflictError):
            unit.mandates.add(dataclasses.replace(again, activated_at=NOW + 49), NOW)
    with village.write() as unit:
        unit.mandates.save(
            mandate("a", "maria", "ocmw", version=3, ended_at=NOW + 50, ending=Ending.REVOKED), NOW
        )
        unit.mandates.add(dataclasses.replace(again, activated_at=NOW + 50), NOW)


def test_a_request_takes_its_room_when_it_is_activated(village):
    request = mandate("b", "maria", "ocmw", activated_at=None)
    with village.write() as unit:
        unit.mandates.add(request, NOW)
        unit.commit()
    activated = dataclasses.replace(request, version=2, activated_at=NOW)
    with village.write() as unit, pytest.raises(ConflictError):
        unit.mandates.save(activated, NOW)
    with village.write() as unit:
        ends = mandate("a", "maria", "ocmw", version=3, **OVER)
        unit.mandates.save_many([activated, ends], NOW)
        unit.commit()
    # Both ways: what ended cannot come back beside what took its place.
    with village.write() as unit, pytest.raises(ConflictError):
        unit.mandates.save(mandate("a", "maria", "ocmw", version=4), NOW)


def test_what_stands_beside_another_already_can_be_changed_and_ended(village):
    with village.write() as unit:
        unit.mandates.add(mandate("b", "maria", "ocmw", several=True), NOW)
        suspended = (Suspension(NOW, "maria", "principal"),)
        unit.mandates.save(mandate("a", "maria", "ocmw", version=3, suspensions=suspended), NOW)
        unit.mandates.save(mandate("a", "maria", "ocmw", version=4, **OVER), NOW)
        unit.commit()


def blanks(table):
    return f"UPDATE {table} SET evidence = '', grounds = '', suspensions = '' WHERE id = 'a'"


def test_texts_are_blanked_of_whoever_was_forgotten_and_of_nobody_else(village):
    with village._engines.write.begin() as connection:
        connection.execute(text("INSERT INTO erasures (party, at, by) VALUES ('maria', 1, 'op')"))
    run(village, blanks("mandates"))
    run(village, blanks("mandate_history"))
    with pytest.raises(REFUSED):
        run(village, "UPDATE mandates SET evidence = '' WHERE id = 'executor'")
    with pytest.raises(REFUSED):
        run(village, "UPDATE mandates SET grounds = 'another word' WHERE id = 'a'")
    with pytest.raises(REFUSED):
        run(village, "UPDATE mandates SET grounds = '', powers = '[]' WHERE id = 'a'")
    run(village, "UPDATE parties SET name = '' WHERE id = 'maria'")
    with village.read() as unit:
        forgotten = unit.mandates.find("a")
        assert (forgotten.evidence, forgotten.grounds) == (Evidence(), "")
        assert [one.mandate.version for one in unit.mandates.versions("a")] == [1, 2]
        keys = unit._connection.execute(
            text("SELECT principal_key FROM mandates WHERE id = 'a'")
        ).scalar_one()
        assert keys == unit.parties.get("maria").name == ""


def test_texts_are_blanked_once_their_term_is_over(village):
    with village._engines.write.begin() as connection:
        term = "INSERT INTO retention_terms (kind, before, at) VALUES ('mandates', :before, 1)"
        connection.execute(text(term), {"before": NOW + 1000})
    with pytest.raises(REFUSED):
        run(village, blanks("mandates"))
    with village._engines.write.begin() as connection:
        connection.execute(text(term), {"before": NOW + 1001})
    assert run(village, blanks("mandates")) == 1
