"""What is registered is kept for a second, and read again at once when somebody saw that it moved."""

from types import SimpleNamespace

import pytest

from broker.flows.journal import Sequencer
from broker.housekeeping import RETIRE_EVERY, Housekeeper
from broker.port_errors import UnavailableError
from broker.records import Audience, Basis, Client
from broker.wiring import Registered, RegistryVersion, _registrations
from storage.records import NOW, grant, populate

CLIENT = Client("web", "Web", "public", "none")
AUDIENCE = Audience("https://api", "API", "api")


@pytest.fixture
def registrations(database, clock):
    return Registered(RegistryVersion(database, clock), lambda at: _registrations(database, at))


def register(database, client=CLIENT):
    with database.write() as unit:
        unit.registry.put_client(client)
        unit.registry.put_audience(AUDIENCE)
        unit.commit()


def test_clients_and_audiences_are_found_by_name_with_the_version_they_are_of(database, registrations):
    register(database)
    found = registrations()
    assert found.find_client("web") == CLIENT
    assert found.find_audience("https://api") == AUDIENCE
    assert found.find_client("other") is found.find_audience("https://other") is None
    with database.read() as unit:
        assert found.version == unit.registry.version()


def test_a_change_is_seen_within_a_second_and_by_renewing_at_once(database, registrations, clock):
    before = registrations()
    register(database)
    assert registrations() is before
    assert registrations.renew().find_client("web") == CLIENT
    assert registrations().find_client("web") == CLIENT
    register(database, Client("new", "New", "public", "none"))
    clock.now += 1
    assert registrations().find_client("new")
    assert registrations() is registrations.renew()


def test_free_indices_are_let_go_about_once_a_minute(database, monkeypatch):
    populate(database)
    rounds = []
    monkeypatch.setattr(Sequencer, "run", lambda *_values: rounds.append(1))
    housekeeper = Housekeeper(SimpleNamespace(database=database))
    over = NOW + 300 + 86_401

    def place():
        with database.write() as unit:
            entry = unit.status.allocate(Basis("g0", "web", "https://api"), NOW + 300, NOW)
            unit.commit()
        return entry

    def is_there(entry):
        with database.read() as unit:
            return unit.status.entry(entry.list, entry.index) is not None

    with database.write() as unit:
        unit.grants.add(grant("g0"))
        unit.commit()
    first = place()
    housekeeper.round(over)
    assert not is_there(first)
    second = place()
    housekeeper.round(over + RETIRE_EVERY - 1)
    assert is_there(second)
    housekeeper.round(over + RETIRE_EVERY)
    assert not is_there(second)
    assert len(rounds) == 3


def test_a_database_that_is_away_is_tried_again(monkeypatch, caplog):
    def away(*_values):
        raise UnavailableError("away")

    monkeypatch.setattr(Sequencer, "run", away)
    housekeeper = Housekeeper(SimpleNamespace(database=SimpleNamespace(write=away)))
    housekeeper.round(NOW)
    assert [record.getMessage() for record in caplog.records] == [
        "journal not sequenced: unavailable",
        "status indices not retired: unavailable",
    ]
