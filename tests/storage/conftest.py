"""Every test of a store runs on all its implementations: the fixtures `database` and `ephemeral`."""

from __future__ import annotations

import shutil

import pytest
from redis import Redis

import servers
from broker.storage.database import SqlDatabase
from broker.storage.ephemeral_memory import MemoryStore
from broker.storage.ephemeral_redis import RedisStore
from storage.records import LIST_SIZE
from vault_place import Place


class FakeClock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="session")
def postgres_server():
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server):
    with servers.postgres_database(postgres_server) as url:
        migrated = SqlDatabase(url)
        migrated.upgrade()
        migrated.close()
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    file = tmp_path_factory.mktemp("template") / "volmacht.db"
    migrated = SqlDatabase(f"sqlite:///{file}")
    migrated.upgrade()
    migrated.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """A database in which no migration ran."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        with servers.postgres_database(request.getfixturevalue("postgres_server")) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of this test alone, migrated."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "volmacht.db")
        yield f"sqlite:///{tmp_path}/volmacht.db"
    else:
        template = request.getfixturevalue("postgres_template")
        with servers.postgres_database(request.getfixturevalue("postgres_server"), template) as fresh:
            yield fresh


@pytest.fixture
def database(url):
    opened = SqlDatabase(url, status_list_size=LIST_SIZE)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey_server():
    with servers.valkey() as url:
        yield url


@pytest.fixture
def clock():
    return FakeClock(1_795_420_000)


@pytest.fixture(params=["memory", "valkey"])
def ephemeral(request, clock):
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    url = request.getfixturevalue("valkey_server")
    with Redis.from_url(url) as server:
        server.flushdb()
    store = RedisStore(url, clock)
    yield store
    store.close()


@pytest.fixture
def place(url):
    made = []

    def open_place(**changes):
        made.append(Place(url, **changes))
        return made[-1]

    yield open_place
    for one in made:
        one.database.close()
