"""Rows are numbered before they are committed: the tree follows the commits, and still verifies."""

import base64

import pytest

import servers
from broker import wiring
from broker.flows import journal, journal_file
from broker.port_errors import ConflictError
from config.settings import Settings
from mandates.events import Event

NOW = 1_800_000_000


@pytest.fixture
def services(tmp_path):
    with servers.postgres() as server, servers.postgres_database(server) as url:
        settings = Settings.from_env(
            {
                "VOLMACHT_ENV": "demo",
                "VOLMACHT_ISSUER": "http://127.0.0.1:8000",
                "VOLMACHT_DATABASE_URL": url,
                "VOLMACHT_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
                "VOLMACHT_ACM_ISSUER": "http://127.0.0.1:8001/op",
                "VOLMACHT_ACM_CLIENT_ID": "c",
                "VOLMACHT_ACM_CLIENT_SECRET": "s",
            }
        )
        database = wiring.open_database(settings)
        database.upgrade()
        database.close()
        built = wiring.build(settings, clock=lambda: NOW)
        yield built
        built.database.close()


def test_a_row_that_is_committed_after_a_later_one_still_verifies(services):
    sequencer = journal.Sequencer()
    with services.database.write() as slow:
        slow.journal.append([Event("first.numbered", NOW, None)], NOW)
        with services.database.write() as quick:
            quick.journal.append([Event("first.committed", NOW, None)], NOW)
            quick.commit()
        sequencer.run(services, NOW)
        slow.commit()
    sequencer.run(services, NOW)
    with services.database.read() as unit:
        order = [one.leaf.seq for one in unit.journal.placed(0, 100)]
    assert order != sorted(order), "the rows were committed in the other order"
    verdict = journal_file.verify(services, NOW)
    assert verdict.faults == ()


def test_of_two_sequencers_one_wins_and_nothing_is_lost(services):
    first, second = journal.Sequencer(), journal.Sequencer()
    for number in range(3):
        with services.database.write() as unit:
            unit.journal.append([Event("something.happened", NOW, None)], NOW)
            unit.commit()
        for one in (first, second) if number % 2 else (second, first):
            try:
                one.run(services, NOW)
            except ConflictError:
                one.run(services, NOW)
    assert journal_file.verify(services, NOW).faults == ()
