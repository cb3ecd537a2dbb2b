import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.port_errors import NotFoundError, UnavailableError
from broker.records import NewParty
from broker.storage.database import SqlDatabase
from broker.storage.tables import metadata
from storage.records import NOW, person

ROOT = Path(__file__).parents[2]


def test_an_empty_database_is_brought_up_to_date_and_once_is_enough(empty_url):
    database = SqlDatabase(empty_url)
    assert database.schema_is_current() is False
    database.upgrade()
    assert database.schema_is_current() is True
    database.upgrade()
    with database.read() as unit:
        assert unit.mandates.revision() == 0
        assert unit.registry.version() == 0
    database.close()


def test_workers_that_start_together_upgrade_once(empty_url):
    together, faults = threading.Barrier(3), []

    def upgrade():
        database = SqlDatabase(empty_url)
        together.wait()
        try:
            database.upgrade()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            faults.append(error)
        database.close()

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []


def test_a_schema_that_this_program_does_not_know_is_not_current(database):
    with database._engines.write.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert database.schema_is_current() is False


def test_the_migrations_make_the_tables_that_the_program_speaks_of(database):
    with database._engines.read.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_leaving_without_commit_leaves_nothing(database):
    with database.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
    with pytest.raises(NotFoundError), database.write() as unit:  # noqa: PT012 - the second line raises
        unit.parties.add(NewParty(person("maria")), NOW)
        unit.parties.get("nobody")
    with database.read() as unit, pytest.raises(NotFoundError):
        unit.parties.get("maria")


def test_a_unit_commits_once(database):
    with database.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        unit.commit()
        with pytest.raises(RuntimeError):
            unit.commit()


def test_a_read_unit_can_neither_write_nor_commit(database):
    with database.read() as unit:
        with pytest.raises(RuntimeError):
            unit.commit()
        with pytest.raises(DBAPIError):
            unit.parties.add(NewParty(person("maria")), NOW)


def test_a_read_unit_sees_one_moment(database):
    with database.read() as reading:
        before = reading.parties.get_many(["maria"])
        with database.write() as writing:
            writing.parties.add(NewParty(person("maria")), NOW)
            writing.commit()
        assert reading.parties.get_many(["maria"]) == before == {}
    with database.read() as unit:
        assert unit.parties.get("maria") == person("maria")


COMMIT_AND_DIE = """
import os, signal, sys
from broker.records import NewParty
from broker.storage.database import SqlDatabase
from mandates.model import Party, PartyKind
with SqlDatabase(sys.argv[1]).write() as unit:
    unit.parties.add(NewParty(Party("maria", PartyKind.PERSON, "Maria")), 1)
    if sys.argv[2] == "commit":
        unit.commit()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("last", ["commit", "no commit"])
def test_what_was_committed_survives_a_kill_and_nothing_else_does(url, last):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}"}
    killed = subprocess.run(
        [sys.executable, "-c", COMMIT_AND_DIE, url, last], env=environment, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    database = SqlDatabase(url)
    with database.read() as unit:
        assert set(unit.parties.get_many(["maria"])) == ({"maria"} if last == "commit" else set())
    database.close()


def test_sqlite_runs_with_the_promised_safety_and_a_private_file(tmp_path):
    database = SqlDatabase(f"sqlite:///{tmp_path}/volmacht.db")
    database.upgrade()
    for engine in (database._engines.write, database._engines.read):
        with engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert pragmas == {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "busy_timeout": 10_000,
            }
    assert stat.S_IMODE((tmp_path / "volmacht.db").stat().st_mode) == 0o600
    database.close()


def test_a_database_that_is_away_is_unavailable(tmp_path):
    away = f"postgresql://volmacht:secret@/volmacht?host={tmp_path}"
    with pytest.raises(UnavailableError) as caught, SqlDatabase(away).read():
        pass
    assert "secret" not in str(caught.value)
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(UnavailableError), SqlDatabase(f"sqlite:///{tmp_path}/folder.db").write():
        pass


@pytest.mark.parametrize(
    "url",
    ["", "secret", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@host/db", "postgresql+asyncpg://h/d"],
)
def test_any_other_url_is_refused_without_being_quoted(url):
    with pytest.raises(ValueError) as caught:
        SqlDatabase(url)
    assert "secret" not in str(caught.value)


def test_on_sqlite_a_write_unit_is_the_only_writer_from_its_first_moment(tmp_path):
    database = SqlDatabase(f"sqlite:///{tmp_path}/volmacht.db")
    database.upgrade()
    other = sqlite3.connect(tmp_path / "volmacht.db", timeout=0)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    with database.read():
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
    other.close()
    database.close()


def test_another_process_that_comes_and_goes_takes_nothing_from_under_our_feet(tmp_path):
    """Its last connection must not take itself for the last of all, and delete the log."""
    url = f"sqlite:///{tmp_path / 'volmacht.db'}"
    ours = SqlDatabase(url)
    ours.upgrade()
    script = (
        "import sys; from broker.storage.database import SqlDatabase; from mandates.events import Event\n"
        "database = SqlDatabase(sys.argv[1])\n"
        "with database.write() as unit:\n"
        "    unit.journal.append([Event('client.stored', 1, None)], 1)\n"
        "    unit.commit()\n"
        "database.close()\n"
    )
    for rounds in range(1, 4):
        # Several connections of ours, so that opening one after another is part of it.
        with ours.read() as first, ours.read() as second:
            first.registry.version()
            second.registry.version()
        subprocess.run([sys.executable, "-c", script, url], check=True, cwd=ROOT, timeout=60)
        with ours.read() as first, ours.read() as second, ours.read() as third:
            assert [len(one.journal.tail(10)) for one in (first, second, third)] == [rounds] * 3
        with ours.write() as unit:
            assert len(unit.journal.tail(10)) == rounds
    ours.close()
