"""A migrated database for each story, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import servers
from broker.storage.database import SqlDatabase
from flow_world import migrated


@pytest.fixture(scope="session")
def postgres_server():
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server):
    with servers.postgres_database(postgres_server) as url:
        database = SqlDatabase(url)
        database.upgrade()
        database.close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of this story alone, migrated."""
    if request.param == "sqlite":
        shutil.copy(Path(migrated().name) / "volmacht.db", tmp_path / "volmacht.db")
        yield f"sqlite:///{tmp_path}/volmacht.db"
    else:
        template = request.getfixturevalue("postgres_template")
        with servers.postgres_database(request.getfixturevalue("postgres_server"), template) as fresh:
            yield fresh
