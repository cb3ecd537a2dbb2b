"""Statements straight through libpq: what a round trip brings, and what an error leaves."""

import psycopg
import pytest

from broker.storage.libpq import Libpq
from servers import postgres_database


@pytest.fixture
def libpq(postgres_server):
    with postgres_database(postgres_server) as url, psycopg.connect(_plain(url), autocommit=True) as driver:
        yield Libpq(driver)


def _plain(url):
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_a_round_trip_brings_the_rows_of_each_statement_in_order(libpq):
    asked = [("SELECT %(a)s::text, %(b)s::int", {"a": "x%", "b": 2}), ("SELECT 1 WHERE FALSE", {})]
    assert libpq.rows_of_all([*asked, ("SELECT %(b)s::bigint + %(b)s", {"b": 4})]) == [
        [("x%", 2)],
        [],
        [(8,)],
    ]


def test_what_is_larger_than_a_socket_takes_at_once_is_sent_whole(libpq):
    large = "x" * 4_000_000
    asked = [("SELECT length(%(a)s::text)", {"a": large})] * 3 + [("SELECT %(a)s::text", {"a": large})]
    assert libpq.rows_of_all(asked) == [[(4_000_000,)]] * 3 + [[(large,)]]


def test_after_an_error_nothing_of_the_round_trip_stays(libpq):
    libpq.rows("CREATE TABLE kept (n int)", {})
    failing = [("BEGIN", {}), ("INSERT INTO kept VALUES (1)", {}), ("SELECT 1 / %(n)s::int", {"n": 0})]
    with pytest.raises(psycopg.errors.DivisionByZero):
        libpq.rows_of_all([*failing, ("COMMIT", {})])
    libpq.rows("ROLLBACK", {})
    assert libpq.rows("SELECT count(*) FROM kept", {}) == [(0,)]


def test_a_connection_that_the_server_ended_is_an_operational_error(libpq):
    with pytest.raises(psycopg.OperationalError):
        libpq.rows("SELECT pg_terminate_backend(pg_backend_pid())", {})
    with pytest.raises(psycopg.OperationalError):
        libpq.rows("SELECT 1", {})
