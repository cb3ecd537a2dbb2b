"""Every question on mandates walks indexes: nothing reads a table through, with 50,000 mandates in it."""

import re

import pytest
from sqlalchemy import text

from broker.records import Question, Wanted
from broker.storage.database import SqlDatabase
from broker.storage.looks import Looks
from storage.records import NOW
from storage.statements import Sent, plan_of

MANY = 50_000
NUMBERS = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) ",
    "postgresql": "WITH n (i) AS (SELECT generate_series(1, CAST(:many AS integer))) ",
}
PARTIES = (
    "INSERT INTO parties (id, kind, name, name_key, recognitions, version, recorded_at, created_at) {} "
    "SELECT 'p' || i, CASE WHEN i <= 500 THEN 'organisation' ELSE 'person' END, 'Name ' || i, 'name ' || i, '', 1, 1, 1 "
    "FROM n"
)
MANDATES = (
    "INSERT INTO mandates (id, type, principal, representative, powers, valid_from, valid_until, requested_at, "
    "requested_by, catalogue_version, source, session, whole, several, evidence, approvals, activated_at, suspensions, "
    "ended_powers, grounds, version, recorded_at, principal_kind, principal_key, representative_key) {} "
    # The last 5,000 hold executors, half of them of a session; all others gave something to p1 or another one.
    "SELECT 'm' || i, CASE WHEN i > 45000 THEN 'ocmw-executor' ELSE 'ocmw-beneficiary' END, "
    "CASE WHEN i > 45000 THEN 'p' || (1 + i % 500) ELSE 'p' || (500 + i) END, "
    "CASE WHEN i > 45000 THEN 'p' || i WHEN i % 2 = 0 THEN 'p1' ELSE 'p' || (1 + i % 500) END, "
    "'[\"x\"]', :now - 100, :now + 100, :now - i, 'p' || (1 + i), 'c', "
    "CASE WHEN i > 47500 THEN 'claims' ELSE 'stored' END, CASE WHEN i > 47500 THEN 's' || i END, "
    "i < 46000, FALSE, '', '', CASE WHEN i % 1000 = 0 THEN NULL ELSE :now - 100 END, '', '', '', 1, 1, "
    "CASE WHEN i > 45000 THEN 'organisation' ELSE 'person' END, 'name ' || i, 'name ' || i FROM n"
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, tmp_path_factory):
    import shutil

    import servers

    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("full") / "volmacht.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield from filled(f"sqlite:///{file}")
    else:
        template = request.getfixturevalue("postgres_template")
        with servers.postgres_database(request.getfixturevalue("postgres_server"), template) as url:
            yield from filled(url)


def filled(url):
    database = SqlDatabase(url)
    with database._engines.write.begin() as connection:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            connection.execute(text("ALTER TABLE mandates DISABLE TRIGGER USER"))
        for statement in (PARTIES, MANDATES):
            keys = {"many": MANY} | ({"now": NOW} if "now" in statement else {})
            connection.execute(text(statement.format(NUMBERS[dialect])), keys)
        connection.execute(
            text(
                "INSERT INTO caseloads (executor, principal, added_at) "
                "SELECT 'm' || (46001 + CAST(substr(id, 2) AS integer) % 200), id, 1 FROM parties WHERE kind = 'person'"
            )
        )
    # The triggers write what they write whatever the number; 20,000 versions are made past them.
    with database._engines.write.begin() as connection:
        columns = "id, type, principal, representative, powers, valid_from, valid_until, requested_at, requested_by, "
        columns += "catalogue_version, source, session, whole, several, evidence, approvals, suspensions, ended_powers, "
        columns += "grounds, version, recorded_at"
        connection.execute(
            text(
                f"INSERT INTO mandate_history ({columns}, superseded_at) SELECT {columns}, 2 FROM mandates "
                "WHERE requested_at > :since"
            ),
            {"since": NOW - 20_000},
        )
        connection.execute(
            text(
                "INSERT INTO party_history (id, kind, name, recognitions, version, recorded_at, superseded_at) "
                "SELECT id, kind, name, recognitions, version, 1, 2 FROM parties"
            )
        )
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE mandates ENABLE TRIGGER USER"))
    with database._engines.write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
    yield database
    database.close()


ANYONE = Wanted()
QUESTIONS = {
    "get_many": lambda store: store.get_many(["m1", "m2"]),
    "between": lambda store: store.between("p600", "p46100", "s47600"),
    "of_pairs": lambda store: store.of_pairs([("p600", "p1"), ("p601", "p2")]),
    "of_principal": lambda store: store.of_principal("p600"),
    "of_representatives": lambda store: store.of_representatives(["p46100"], "s47600"),
    "executors_of": lambda store: store.executors_of("p46100", ["ocmw-executor"], "s47600"),
    "of_session": lambda store: store.of_session("s47600"),
    "waiting": lambda store: store.waiting(["p600"], ["p2"], "p3"),
    "all_waiting": lambda store: store.all_waiting((NOW - 9, "m9"), 9),
    "forebears": lambda store: store.forebears(["m1"]),
    "descendants": lambda store: store.descendants(["m1"]),
    "living_of": lambda store: list(store.living_of("p46100")),
    "reach": lambda store: store.reach(
        "p46100", ["p1", "p2"], ["m46001"], "s47600", ANYONE, NOW, ("name 3", "x"), 9
    ),
    "reach by name": lambda store: store.reach("p46100", ["p1"], [], None, Wanted(name="4000"), NOW, None, 9),
    "delegates": lambda store: store.delegates("p600", ANYONE, NOW, ("name 3", "x"), 9),
    "caseloads": lambda store: store.caseloads(["m46001"], ["p600"]),
    "caseload_of": lambda store: store.caseload_of("m46002"),
    "versions": lambda store: store.versions("m1"),
    "known_at": lambda store: store.known_at("p600", NOW),
    "known_at, one actor": lambda store: store.known_at("p600", NOW, actor="p46100"),
}
READ_THROUGH = {
    "sqlite": re.compile(
        r"^SCAN (m|p|c|mandates|parties|mandate_history|party_history|caseloads|executor)\b(?! USING .*PRIMARY)"
    ),
    "postgresql": re.compile(r"Seq Scan on (mandates|parties|mandate_history|party_history|caseloads)\b"),
}


def read_through(dialect, plan):
    return [line for line in plan if READ_THROUGH[dialect].search(line.strip())]


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_reads_a_table_through(full, name):
    with full.read() as unit:
        sent = Sent(unit)
        QUESTIONS[name](unit.mandates)
        assert len(sent.texts) == 1, "one question is one statement"
        plan = sent.plan()
        assert read_through(unit._connection.dialect.name, plan) == [], "\n".join(plan)


def test_a_look_reads_no_table_through(full):
    looks: Looks = full._looks
    for questions in (
        [Question("p600", "p46100", "s47600")],
        [Question(f"p{n}", "p46100") for n in range(600, 1600)],
    ):
        connection = full._engines.look.raw_connection()
        keys = looks.parameters(questions)
        plan = plan_of(connection.driver_connection, looks.statement, keys)
        connection.close()
        assert read_through(full._engines.look.dialect.name, plan) == [], "\n".join(plan)


def test_from_a_status_index_to_a_chain_no_table_is_read_through(full):
    statement, keys = full._standings.statement, {"status_list": "l", "idx": 7, "mandate": "m600"}
    connection = full._engines.look.raw_connection()
    plan = plan_of(connection.driver_connection, statement, keys)
    connection.close()
    assert read_through(full._engines.look.dialect.name, plan) == [], "\n".join(plan)


def test_the_test_would_see_it(full):
    with full._engines.read.connect() as connection:
        driver = connection.connection.driver_connection
        for statement in (
            "SELECT * FROM mandates WHERE grounds = 'x'",
            "SELECT * FROM mandates AS m WHERE m.grounds = 'x'",
        ):
            plan = plan_of(driver, statement, {})
            assert read_through(connection.dialect.name, plan)
