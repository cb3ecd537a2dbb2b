"""Issuing beside everything that makes power smaller: on both databases, with transactions that overlap."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from broker.port_errors import ChangedError, ConflictError
from broker.records import StatusEntry
from broker.storage import issues_postgresql
from broker.storage.database import SqlDatabase
from broker.storage.status import SqlStatusStore
from storage.issuing import Running, attempt, basis, ended, entry, fill, journal, judged, run_together
from storage.records import NOW, mandate

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(url):
    """Lists with room for whatever a test draws; small ones are asked for by name."""
    opened = SqlDatabase(url, status_list_size=4096)
    yield opened
    opened.close()


@pytest.fixture
def village(database):
    fill(database)
    return database


def end_mandate(unit):
    unit.mandates.save(ended(unit.mandates.find("m1")), NOW)
    assert unit.status.revoke_on_mandates(["m1"], NOW) <= 1


def end_executor(unit):
    unit.mandates.save(ended(unit.mandates.find("x1")), NOW)
    unit.status.revoke_on_mandates(["x1"], NOW)


def change_caseload(unit):
    unit.mandates.find("x1")  # as whoever changes it does, to see whether she may
    assert unit.mandates.remove_from_caseload("x1", ["maria"], NOW) == 1
    unit.status.revoke_on_mandates(["x1"], NOW)


def end_grant(unit):
    unit.grants.end(["g0"], "logout", NOW)
    unit.status.revoke(["g0"], NOW)


def reach_grant(unit):
    """The grant goes on; a party changed, on which its tokens stood."""
    unit.status.revoke(["g0"], NOW)
    unit.mandates.add(mandate("more", "fatima", "ocmw"), NOW)


def remove_client(unit):
    unit.registry.remove_client("voucher-web")
    unit.status.revoke_of_client("voucher-web", NOW)


def load_catalogue(unit):
    unit.registry.put_catalogue("stricter", "", NOW)
    unit.status.revoke_on_types(["ocmw-beneficiary"], NOW)


SMALLER = [end_mandate, end_executor, change_caseload, end_grant, reach_grant, remove_client, load_catalogue]


@pytest.fixture
def caseload(village):
    with village.write() as unit:
        unit.mandates.add_to_caseload("x1", ["maria"], NOW)
        unit.commit()
    return village


@pytest.fixture
def paused(monkeypatch):
    """Stops an issue when everything is locked and nothing is written; returns how to know and to go on."""
    reached, go_on = threading.Event(), threading.Event()

    def stop(plain):
        def stopped(*values):
            reached.set()
            assert go_on.wait(20)
            return plain(*values)

        return stopped

    monkeypatch.setattr(issues_postgresql, "_entry_rows", stop(issues_postgresql._entry_rows))
    monkeypatch.setattr(SqlStatusStore, "allocate", stop(SqlStatusStore.allocate))
    return reached, go_on


@pytest.mark.parametrize("smaller", SMALLER)
def test_an_issue_waits_for_whoever_was_first_and_is_refused(caseload, smaller):
    issue = judged(caseload)
    with caseload.write() as unit:
        smaller(unit)
        issuing = Running(lambda: attempt(caseload, issue))
        assert issuing.waits()
        unit.commit()
    assert isinstance(issuing.result(), ChangedError | ConflictError)
    assert journal(caseload) == []


@pytest.mark.parametrize("smaller", SMALLER)
def test_whoever_comes_second_waits_for_the_issue_and_sets_its_bit(caseload, smaller, paused):
    reached, go_on = paused

    def make_smaller():
        with caseload.write() as unit:
            smaller(unit)
            unit.commit()

    issue = judged(caseload)
    issuing = Running(lambda: attempt(caseload, issue))
    assert reached.wait(20)
    revoking = Running(make_smaller)
    assert revoking.waits()
    go_on.set()
    stored = issuing.result()
    assert isinstance(stored, StatusEntry)
    revoking.result()
    assert entry(caseload, stored).revoked_at == NOW


@pytest.mark.parametrize("smaller", SMALLER)
def test_in_whatever_order_no_bit_is_lost(caseload, smaller):
    first = caseload.issue(judged(caseload), NOW)
    issues = [judged(caseload, basis=basis(hops=number + 1)) for number in range(6)]

    def run(number):
        if number < 6:
            return attempt(caseload, issues[number])
        with caseload.write() as unit:
            smaller(unit)
            unit.commit()
        return None

    taken = [one for one in run_together(7, run) if isinstance(one, StatusEntry)]
    assert [entry(caseload, one).revoked_at for one in (first, *taken)] == [NOW] * (len(taken) + 1)


def test_a_group_does_not_wait_for_what_one_of_it_waits_for(village):
    if village._committer.__class__.__name__ != "PostgresCommitter":
        pytest.skip("SQLite has one writer at a time")
    held, free = judged(village), judged(village, "g1", chain=("m2", "x1"), basis=basis("g1", mandate="m2"))
    with village.write() as unit:
        unit.mandates.find("m1")
        waiting = Running(lambda: attempt(village, held))
        assert waiting.waits()
        assert isinstance(Running(lambda: attempt(village, free)).result(), StatusEntry)
    assert isinstance(waiting.result(), StatusEntry)


ISSUE_AND_DIE = """
import os, signal, sys
from broker.storage import issues_postgresql, issues_sqlite, issues
from storage.issuing import judged
from broker.storage.database import SqlDatabase
from storage.records import NOW
database = SqlDatabase(sys.argv[1])
issue = judged(database)
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before":
    issues_postgresql._journal_rows = die
    issues_sqlite.SqlJournalStore.append = die
database.issue(issue, NOW)
die()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_index_and_journal_row_survive_a_kill_together_or_not_at_all(url, village, when):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}:{ROOT / 'tests'}"}
    killed = subprocess.run(
        [sys.executable, "-c", ISSUE_AND_DIE, url, when], env=environment, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    stored = ["g0"] if when == "after" else []
    assert journal(village) == stored
    with village.write() as unit:
        assert unit.status.revoke(["g0"], NOW) == len(stored)
