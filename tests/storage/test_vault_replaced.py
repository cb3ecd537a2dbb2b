"""The data keys of the vault are replaced while brokers run, stopped half way, and finished."""

import contextlib
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.flows import parties, registry, vault_keys
from broker.port_errors import ConflictError
from keys.vault import Vault
from storage.records import NOW
from vault_place import MASTER, ROOT, number

# --- seals -----------------------------------------------------------------


def test_every_seal_is_made_anew_and_the_old_key_goes_when_nothing_needs_it(place):
    broker, running = place(), place()
    people = broker.add(*range(7))
    (old,) = broker.keys("seal")
    told = []
    done = vault_keys.rotate(broker.services, "seal", told.append, batch=3)
    signing = len(registry.PURPOSES)
    assert (done.moved, told) == (7 + signing, [3, 6, 7, *range(7 + signing, 7 + signing + 1)])
    assert (done.dropped, done.kept, done.kept_until) == ((), (old.id,), NOW + vault_keys.KEEP["seal"])
    prefix = broker.services.vault.prefix(next(key for key in broker.keys("seal") if key.id == done.key))
    stored = broker.rows("SELECT insz_sealed FROM parties") + broker.rows(
        "SELECT sealed_private FROM signing_keys"
    )
    assert all(value.startswith(prefix) for (value,) in stored if value)
    for one in (broker, running, place()):
        assert [one.number_of(party) for party in people] == [number(seq) for seq in range(7)]
        for purpose in registry.PURPOSES:
            assert one.services.keyring().signing_key(purpose, NOW)
    broker.now += vault_keys.KEEP["seal"] - 1
    again = vault_keys.rotate(broker.services, "seal")
    assert (again.key, again.moved, again.kept) == (done.key, 0, (old.id,))
    broker.now += 1
    last = vault_keys.rotate(broker.services, "seal")
    assert (last.key, last.dropped, last.kept, last.kept_until) == (done.key, (old.id,), (), None)
    assert [key.id for key in broker.keys("seal")] == [done.key]
    assert place().number_of(people[0]) == number(0)


def test_a_key_under_which_something_came_late_is_not_dropped(place):
    broker = place()
    broker.add(1)
    stale = Vault(MASTER, broker.keys("root") + broker.keys("index") + broker.keys("seal"))
    vault_keys.rotate(broker.services, "seal")
    broker.now += vault_keys.KEEP["seal"]

    def late(_moved):
        """A broker that hung seals a number under the key that it knew, behind the batch that just passed."""
        with broker.database.write() as uow:
            (value,) = uow.vault_keys.elsewhere("parties.insz_sealed", "nothing", "", 1)
            uow.vault_keys.move(
                "parties.insz_sealed", [(value, stale.seal(number(1).encode(), value.purpose))]
            )
            uow.commit()

    late(0)
    done = vault_keys.rotate(broker.services, "seal", late)
    assert (done.moved, done.dropped, len(done.kept)) == (1, (), 1)
    done = vault_keys.rotate(broker.services, "seal")
    assert (done.moved, len(done.dropped)) == (1, 1)
    assert broker.number_of(broker.find(1)) == number(1)


def test_a_broker_seals_under_the_new_key_once_it_looked_at_the_registry(place):
    running = place()
    running.services.keyring()
    done = vault_keys.rotate(place().services, "seal")
    running.now += 1
    running.services.keyring()
    assert running.services.vault.seal(b"x", "insz").split(".")[1] == done.key


# --- indexes ---------------------------------------------------------------


def test_every_index_is_made_anew_and_nobody_is_lost_or_doubled(place):
    broker, running = place(), place()
    people, before = broker.add(*range(7)), broker.rows("SELECT insz_index FROM parties")
    (old,) = broker.keys("index")
    seen = []

    def half_way(moved):
        seen.append(moved)
        assert [running.find(seq) for seq in range(7)] == people, "found, moved or not"
        assert running.add(*range(7)) == people, "nobody is stored twice"
        running.add(100 + moved)

    done = vault_keys.rotate(broker.services, "index", half_way, batch=3)
    assert seen[:2] == [3, 6]
    assert done.dropped == (old.id,)
    assert not set(before) & set(broker.rows("SELECT insz_index FROM parties"))
    assert [broker.find(seq) for seq in range(7)] == people
    assert [broker.number_of(party) for party in people] == [number(seq) for seq in range(7)]
    assert broker.rows("SELECT count(*) FROM parties WHERE insz_index IS NOT NULL") == [(7 + len(seen),)]
    assert broker.pseudonym() == place().pseudonym()
    again = vault_keys.rotate(broker.services, "index")
    assert again.key != done.key
    assert [running.find(seq) for seq in range(7)] == people


def test_a_run_whose_key_was_replaced_once_more_stops(place):
    broker, other = place(), place()
    people = broker.add(*range(4))

    def replaced(moved):
        if moved == 1:
            vault_keys.rotate(other.services, "index")  # finishes what was begun
            vault_keys.rotate(other.services, "index")  # and once more

    with pytest.raises(ConflictError):
        vault_keys.rotate(broker.services, "index", replaced, batch=1)
    assert [broker.find(seq) for seq in range(4)] == people


def test_whoever_stores_an_index_holds_off_the_next_key_until_she_is_done(place):
    broker, other = place(), place()
    holding, published = threading.Event(), threading.Event()

    def rotate():
        holding.wait(10)
        vault_keys.rotate(other.services, "index")
        published.set()

    with ThreadPoolExecutor(1) as pool:
        rotation = pool.submit(rotate)
        with broker.database.write() as uow:
            added = parties.find_or_add_person(broker.services, uow, number(1), "Maria", NOW)
            holding.set()
            assert not published.wait(0.5)
            uow.commit()
        rotation.result(20)
    assert other.find(1) == broker.find(1) == added.id
    assert len(other.keys("index")) == 1


def test_what_somebody_else_wrote_meanwhile_is_left_as_she_wrote_it(place):
    broker = place()
    (party,) = broker.add(1)
    with broker.database.write() as uow:
        (read,) = uow.vault_keys.elsewhere("parties.insz_sealed", "nothing", "", 9)
        assert (read.key, read.text) == (party, read.sealed)
        assert uow.vault_keys.move("parties.insz_sealed", [(read, "hers")]) == 1
        assert uow.vault_keys.move("parties.insz_sealed", [(read, "ours")]) == 0
        assert uow.parties.insz_sealed(party) == "hers"


def test_pages_go_by_key_and_leave_out_what_was_moved(place):
    broker = place()
    people = sorted(broker.add(*range(5)))
    with broker.database.write() as uow:
        first = uow.vault_keys.elsewhere("parties.insz_index", "new.", "", 2)
        second = uow.vault_keys.elsewhere("parties.insz_index", "new.", first[-1].key, 9)
        assert [one.key for one in first + second] == people
        changes = [(one, f"new.{one.key}") for one in second]
        assert uow.vault_keys.move("parties.insz_index", changes) == 3
        assert uow.vault_keys.elsewhere("parties.insz_index", "new.", "", 9) == first


# --- stopped, and more than one at a time ----------------------------------

RUN = """
import os, signal, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests", sys.argv[1] + "/guard"]
from vault_place import Place
from broker.flows import vault_keys
def told(moved):
    if sys.argv[4] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
vault_keys.rotate(Place(sys.argv[2]).services, sys.argv[3], told, batch=2)
"""


def start(url, use, how):
    return subprocess.Popen([sys.executable, "-c", RUN, str(ROOT), url, use, how], cwd=ROOT)


@pytest.mark.parametrize("use", ["seal", "index"])
def test_a_run_that_was_killed_between_batches_is_finished_by_the_next(place, url, use):
    broker = place()
    people = broker.add(*range(7))
    assert start(url, use, "die").wait(60) == -signal.SIGKILL
    assert len(broker.keys(use)) == 2
    assert [broker.find(seq) for seq in range(7)] == people
    done = vault_keys.rotate(broker.services, use)
    assert done.moved == 7 - 2 + (len(registry.PURPOSES) if use == "seal" else 0)
    assert {key.id for key in broker.keys(use) if key.retired_at is None} == {done.key}
    assert [broker.number_of(broker.find(seq)) for seq in range(7)] == [number(seq) for seq in range(7)]


def test_two_processes_replace_the_index_key_while_people_sign_in(place, url):
    broker, other = place(), place()
    broker.add(*range(40))
    runs = [start(url, "index", "go") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        while any(run.poll() is None for run in runs):
            met = [pool.submit(add_all, who, range(30, 60)) for who in (broker, other)]
            assert met[0].result(60) == met[1].result(60)
    # The slower of the two may find that the faster one finished and somebody began again.
    assert min(run.returncode for run in runs) == 0
    vault_keys.rotate(broker.services, "index")
    assert broker.rows("SELECT count(*) FROM parties WHERE insz_index IS NOT NULL") == [(60,)]
    assert len({broker.find(seq) for seq in range(60)} - {None}) == 60


def add_all(broker, seqs):
    """Each as a person who tries again when two sign-ins of hers met."""
    found = []
    for seq in seqs:
        while len(found) <= seq - seqs.start:
            with contextlib.suppress(ConflictError):
                found += broker.add(seq)
    return found
