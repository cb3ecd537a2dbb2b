"""What PostgreSQL keeps prepared says the same as SQLAlchemy, and breaks no transaction."""

import threading

import pytest
from sqlalchemy import bindparam, event, insert, literal, select
from sqlalchemy.exc import DBAPIError

import servers
from broker.port_errors import NotFoundError, UnavailableError
from broker.records import NewParty
from broker.storage import prepared
from broker.storage.database import SqlDatabase
from broker.storage.tables import consents, grants, parties
from mandates.model import Party, PartyKind, Recognition
from storage.records import NOW, person, populate
from storage.statements import Sent


@pytest.fixture
def postgres(postgres_server, postgres_template):
    with servers.postgres_database(postgres_server, postgres_template) as url:
        database = SqlDatabase(url)
        yield database
        database.close()


def name_of(party):
    """A statement that nobody has seen before."""
    return select(parties.c.name).where(parties.c.id == bindparam("party")), {"party": party}


def through_sqlalchemy(unit):
    seen = []
    event.listen(unit._connection._sqlalchemy(), "before_cursor_execute", lambda *call: seen.append(call[2]))
    return seen


def test_a_statement_that_is_seen_again_is_prepared_once_a_connection(postgres):
    statement, keys = name_of("maria")
    with postgres.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        first = through_sqlalchemy(unit)
        names = [unit._connection.execute(statement, keys).scalar_one() for _ in range(3)]
        known = unit._connection.exec_driver_sql(
            "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'volmacht%'", {}
        )
        assert (names, len(first)) == (["Maria"] * 3, 1)
        unit._connection.execute(statement, keys)
        assert (
            unit._connection.exec_driver_sql(
                "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'volmacht%'", {}
            )
            == known
        )


def test_it_says_what_sqlalchemy_says_of_every_kind_of_value(postgres):
    ocmw = Party(
        "ocmw",
        PartyKind.ORGANISATION,
        "OCMW 'Ni\\nove' {\"é\",}",
        kbo="0999000129",
        recognitions=(Recognition("ocmw"),),
    )
    everything = select(parties, literal(value=False).label("no"), literal(value=True).label("yes")).where(
        parties.c.id == bindparam("party")
    )
    with postgres.write() as unit:
        unit.parties.add(NewParty(ocmw), NOW)
        first, again = (
            unit._connection.execute(everything, {"party": "ocmw"}).mappings().one() for _ in range(2)
        )
        assert dict(first) == dict(again)
        assert (again["no"], again["yes"], again["ovo"]) == (False, True, None)
        for _ in range(2):
            assert unit.parties.get("ocmw") == ocmw
            assert unit.parties.get_many(['a"b', "c,d", "ocmw", "{}"]) == {"ocmw": ocmw}
            assert unit.parties.get_many([]) == {}


def test_a_parameter_that_is_missing_is_no_null(postgres):
    statement, keys = name_of("maria")
    with postgres.read() as unit:
        for _ in range(2):
            unit._connection.execute(statement, keys)
        with pytest.raises(KeyError):
            prepared.known(statement, ("party",)).values({})


def test_a_nul_is_refused_and_cuts_no_text_short(postgres):
    with postgres.read() as unit:
        for _ in range(2):
            assert unit.parties.get_many(["maria"]) == {}
        with pytest.raises(DBAPIError):
            unit.parties.find_by_kbo("0999\0")


def test_after_a_rollback_what_was_prepared_still_runs(postgres):
    for _ in range(4):
        with pytest.raises(NotFoundError), postgres.write() as unit:  # noqa: PT012 - the second line raises
            unit.parties.add(NewParty(person("maria")), NOW)
            unit.parties.get("nobody")
    with postgres.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        unit.commit()
    with postgres.read() as unit:
        assert unit.parties.get("maria").id == "maria"


def test_what_is_streamed_or_many_stands_in_the_same_transaction(postgres):
    many = [NewParty(person(f"p{number}")) for number in range(prepared.FEW + 1)]
    with postgres.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        unit.parties.add_many(many, NOW)
        assert len(unit.parties.get_many([f"p{number}" for number in range(100)])) == len(many)
    with postgres.read() as unit:
        assert unit.parties.get_many(["maria", "p0"]) == {}


def test_what_fails_inside_a_part_leaves_the_rest(postgres):
    with postgres.write() as unit:
        connection = unit._connection
        with pytest.raises(RuntimeError), connection.begin_nested():  # noqa: PT012 - the second line raises
            unit.parties.add(NewParty(person("inside")), NOW)
            raise RuntimeError
        unit.parties.add(NewParty(person("beside")), NOW)
        unit.commit()
    with postgres.read() as unit:
        assert set(unit.parties.get_many(["inside", "beside"])) == {"beside"}


def test_rows_sent_one_by_one_are_counted_together(postgres):
    statement = insert(consents)
    rows = [{"party": "maria", "client": "voucher-web", "scope": scope, "at": NOW} for scope in "abcd"]
    with postgres.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        unit._connection.execute(statement, rows[:1])
        sent = Sent(unit)
        assert unit._connection.execute(statement, rows[1:]).rowcount == 3
        assert (len(sent.texts), len(unit.grants.consents_of("maria"))) == (3, 4)


def test_a_connection_that_the_server_ended_is_replaced_before_anything_is_asked(postgres):
    with postgres.read() as one, postgres.read() as two:
        for unit in (one, two):
            assert unit.parties.get_many(["maria"]) == {}
    with postgres._engines.write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(3):
        with postgres.read() as unit:
            assert unit.parties.get_many(["maria"]) == {}


def test_a_connection_that_is_lost_on_the_way_is_unavailable_and_not_given_back(postgres):
    with pytest.raises(UnavailableError), postgres.write() as unit:  # noqa: PT012 - the last line raises
        unit.parties.add(NewParty(person("maria")), NOW)
        pid = unit._connection._libpq.backend_pid
        with postgres._engines.write.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        unit.parties.get("maria")
    with postgres.read() as unit, pytest.raises(NotFoundError):
        unit.parties.get("maria")


def test_a_connection_full_of_statements_is_replaced(postgres, monkeypatch):
    populate(postgres)
    monkeypatch.setattr(prepared, "MOST", 0)
    seen = set()
    for _ in range(3):
        with postgres.read() as unit:
            unit._connection.exec_driver_sql("SELECT 1", {})
            seen.add(unit._connection._libpq.backend_pid)
    assert len(seen) == 3


def test_others_run_while_one_waits_for_the_server(postgres):
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.02):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    with postgres.read() as unit:
        thread.start()
        unit._connection.exec_driver_sql("SELECT pg_sleep(0.5)", {})
        over.set()
    thread.join()
    assert len(ticks) >= 5


def test_a_statement_that_changes_with_its_values_is_not_prepared(postgres):
    among = select(grants.c.id).where(grants.c.id.in_(bindparam("ids", expanding=True)))
    with postgres.read() as unit:
        seen = through_sqlalchemy(unit)
        for ids in (["a"], ["a", "b"], ["a", "b", "c"]):
            assert unit._connection.execute(among, {"ids": ids}).all() == []
    assert len(seen) == 3
