"""Somebody ran ANALYZE on the SQLite file: questions stay as cheap as they were.

With statistics SQLite believes that a thousand things are asked, and reads all of a small
table into a Bloom filter before it looks up the one (`chains`).
"""

import sqlite3

import pytest

from broker.records import Question
from broker.storage.chains import asking, links, pairs
from broker.storage.looks import Looks
from storage.test_mandate_plans import filled


@pytest.fixture(scope="module")
def analyzed(sqlite_template, tmp_path_factory):
    file = tmp_path_factory.mktemp("analyzed") / "volmacht.db"
    file.write_bytes(sqlite_template.read_bytes())
    for database in filled(f"sqlite:///{file}"):
        with sqlite3.connect(file) as connection:
            connection.execute("ANALYZE")
        yield database


def filters_in(database, statement, keys):
    with database.read() as unit:
        driver = unit._connection.connection.driver_connection
        plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", keys)]
    return [step for step in plan if "BLOOM" in step]


@pytest.mark.parametrize("asked", [1, 1000])
def test_no_table_is_read_into_a_filter(analyzed, asked):
    looks: Looks = analyzed._looks
    questions = [Question(f"p{600 + n}", "p46100", "s47600") for n in range(asked)]
    keys = asking("sqlite", questions)
    between = links("sqlite") + " SELECT id FROM link"
    for statement in (looks.statement, between, pairs("sqlite", "m.id")):
        assert filters_in(analyzed, statement, keys) == []


@pytest.mark.parametrize("mandate", ["m600", None])
def test_nor_is_one_on_the_way_from_a_status_index(analyzed, mandate):
    keys = {"status_list": "l", "idx": 7, "mandate": mandate}
    assert filters_in(analyzed, analyzed._standings.statement, keys) == []


def test_the_test_would_see_it(analyzed):
    told_nothing = analyzed._looks.statement.replace("likelihood(", "coalesce(")
    assert filters_in(analyzed, told_nothing, asking("sqlite", [Question("p600", "p46100")]))
