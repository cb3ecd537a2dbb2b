"""The data keys of the vault, with data under them, on both databases: carried over, replaced, stopped half way."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from broker import wiring
from broker.flows import contacts, parties, registry, vault_keys
from broker.port_errors import ConflictError
from broker.records import Contact
from broker.storage import migrations
from broker.storage.database import SqlDatabase
from broker.storage.tables import metadata
from flow_world import AnsweringUpstream, settings
from keys.errors import SealError
from keys.vault import Vault
from storage.records import NOW

ROOT = Path(__file__).parents[2]
MASTER, OTHER = bytes(range(32)), bytes(range(100, 132))
PARTY = "6f1c2c1e-7a53-4d0a-9d53-0a1f4a3b2c1d"


def number(seq):
    """A national number whose check digits agree; seq from 0 to 27,000."""
    base = int(f"70{seq // 900 % 12 + 1:02}{seq // 30 % 28 + 1:02}{seq % 30 + 1:03}")
    return f"{base:09}{97 - base % 97:02}"


class Place:
    """A broker on this database: its own services, its own vault, its own idea of the keys."""

    def __init__(self, url, master=MASTER, previous=None):
        self.now = NOW
        plain = settings(Path("unused.db"), database_url=url, master_key=master, master_key_previous=previous)
        self.services = wiring.build(plain, lambda: self.now, AnsweringUpstream())
        self.database = self.services.database

    def add(self, *seqs):
        with self.database.write() as uow:
            found = [
                parties.find_or_add_person(self.services, uow, number(seq), f"Person {seq}", self.now).id
                for seq in seqs
            ]
            uow.commit()
        return found

    def find(self, seq):
        with self.database.read() as uow:
            found = uow.parties.find_by_insz_index(*parties.insz_indexes(self.services, uow, number(seq)))
            return found and found.id

    def number_of(self, party):
        with self.database.read() as uow:
            sealed = uow.parties.insz_sealed(party)
        return self.services.vault.open(sealed, f"insz:{party}").decode()

    def keys(self, use):
        with self.database.read() as uow:
            return [one for one in uow.vault_keys.all() if one.use == use]

    def rows(self, statement):
        with self.database._engines.read.begin() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def pseudonym(self):
        return self.services.vault.pseudonym("p-", "vouchers", PARTY)


@pytest.fixture
def place(url):
    made = []

    def open_place(**changes):
        made.append(Place(url, **changes))
        return made[-1]

    yield open_place
    for one in made:
        one.database.close()


# --- a database of before data keys ----------------------------------------

# Written by the release of before them, under MASTER:
OLD_NUMBER = "85073003328"
OLD_SEALED = "s1.bO9oNvvC72KY4wqKhPGkYEoEtLmAdM9hhQ7Y8mZteypT_n3X74cT"
OLD_INDEX = "025661c407717eb4410f60f9042c7d0830cfa3c9b6effdbff4e2392d32ca3a9a"
OLD_PERSON = "p--Sf5VNTEMNRTnPiaBYOeIV2UMkHlsWPXrE8o1URXeN0"
OLD_MANDATE = "m-dbMP6KzrZvyQ1JcovTbqS5RMmo0wtZwbdvswnAgQidc"
OLD_FORM = "0ae8e82a79e5deedb13b4d7637e2895250daa975dc81660922cb4e3f4de931ac"
OLD_KEY = {
    "kid": "7VQyc7a_deF0wYnTgxG2GAi9r8E5EDxNaiMXJWxPSxA",
    "jwk": '{"crv":"P-256","kty":"EC","x":"sqrZZP0qixTX728AunUyn5WIPVE3kpppaTS6hMtnh6s",'
    '"y":"bzYQlylBrH11su3DZXPjvqBYka4YtPhTDzm_gl-CN2s"}',
    "sealed": "s1.rlFVX6zxcQaQEuVyJ4al5A6yVhRlCqA6AqcgCjzPRye1aEKdw6OpipgndTEUPzFdijfQFiRmu0N3mQGHtsBW_AXJIUY1Vn1MHp"
    "WertOheaJE0v1_GpK4IZu1xiEh-1ee86Nra0u5E90sVY4gbf1D4dQr1WjGPtywAmbxhW84obDPStgV_VU9DGr3xYEhT0dMPM7BJIQORb-BH4J4Fi3"
    "gdrS0A6DnVg",
    "now": NOW,
}


@pytest.fixture
def old_url(empty_url):
    database = SqlDatabase(empty_url)
    with database._engines.write.begin() as connection:
        config = migrations._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO parties (id, kind, name, org_kinds, insz_index, insz_sealed, created_at)"
                " VALUES (:id, 'person', 'Maria', '[]', :index, :sealed, 1)"
            ),
            {"id": PARTY, "index": OLD_INDEX, "sealed": OLD_SEALED},
        )
        connection.execute(
            text(
                "INSERT INTO signing_keys (kid, purpose, alg, public_jwk, sealed_private, created_at, active_from)"
                " VALUES (:kid, 'tokens', 'ES256', :jwk, :sealed, :now, :now)"
            ),
            OLD_KEY,
        )
    database.upgrade()
    database.close()
    return empty_url


def check_nothing_changed(broker):
    vault = broker.services.vault
    assert broker.number_of(PARTY) == OLD_NUMBER
    assert vault.pseudonym("p-", "vouchers", PARTY) == OLD_PERSON
    assert vault.pseudonym("m-", "vouchers", PARTY) == OLD_MANDATE
    assert vault.index("mandate:browser", "form") == OLD_FORM
    assert broker.services.keyring().signing_key("tokens", NOW).kid == OLD_KEY["kid"]
    with broker.database.write() as uow:
        found = parties.find_or_add_person(broker.services, uow, OLD_NUMBER, "Maria", NOW)
    assert found.id == PARTY


def test_a_database_of_before_data_keys_is_carried_over_whole(old_url):
    broker = Place(old_url)
    check_nothing_changed(broker)
    assert broker.rows("SELECT insz_index FROM parties") == [(OLD_INDEX,)]
    for use in ("seal", "index"):
        vault_keys.rotate(broker.services, use)
        check_nothing_changed(broker)
    broker.now += vault_keys.KEEP["seal"]
    vault_keys.rotate(broker.services, "seal")
    check_nothing_changed(Place(old_url))
    assert broker.rows("SELECT count(*) FROM parties WHERE insz_sealed LIKE 's1.%'") == [(0,)]


def test_a_database_of_before_data_keys_is_not_carried_over_by_another_master_key(old_url):
    with pytest.raises(SealError, match="another VOLMACHT_MASTER_KEY"):
        Place(old_url, master=OTHER)
    check_nothing_changed(Place(old_url))


def test_a_database_of_before_data_keys_may_get_its_new_master_key_at_once(old_url):
    check_nothing_changed(Place(old_url, master=OTHER, previous=MASTER))
    check_nothing_changed(Place(old_url, master=OTHER))


def test_brokers_that_start_together_make_one_set_of_keys(place):
    with ThreadPoolExecutor(4) as pool:
        brokers = list(pool.map(lambda _: place(), range(4)))
    assert {use: len(brokers[0].keys(use)) for use in ("root", "seal", "index")} == {
        "root": 1,
        "seal": 1,
        "index": 1,
    }
    (party,) = brokers[0].add(1)
    assert {broker.number_of(party) for broker in brokers} == {number(1)}
    made = "SELECT count(*) FROM journal WHERE type = 'vault_keys.made'"
    assert brokers[0].rows(made) == [(1,)]


# --- the master key --------------------------------------------------------


def test_the_master_key_is_replaced_while_brokers_run(place):
    running, ready = place(), place(master=OTHER, previous=MASTER)
    (party,) = running.add(1)
    assert vault_keys.under_previous_master(ready.services)
    changed = vault_keys.rotate_master(ready.services, NOW)
    assert len(changed) == 3
    assert vault_keys.rotate_master(ready.services, NOW) == [], "once is enough"
    assert not vault_keys.under_previous_master(ready.services)
    after = place(master=OTHER)
    for broker in (running, ready, after):
        assert broker.number_of(party) == number(1)
        assert broker.find(1) == party
        assert broker.pseudonym() == running.pseudonym()
    assert after.services.keyring().signing_key("tokens", NOW)
    with pytest.raises(SealError, match="another VOLMACHT_MASTER_KEY"):
        place()
    assert after.rows("SELECT count(*) FROM journal WHERE type = 'master_key.rotated'") == [(1,)]


def test_a_master_key_that_opens_nothing_changes_nothing(place):
    first = place()
    before = first.rows("SELECT id, wrapped FROM vault_keys ORDER BY id")
    with pytest.raises(SealError):
        place(master=OTHER, previous=bytes(range(50, 82)))
    assert first.rows("SELECT id, wrapped FROM vault_keys ORDER BY id") == before


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
from storage.test_vault_keys import Place
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


# --- what the rows may be --------------------------------------------------


def test_every_sealed_or_indexed_column_is_moved_when_its_key_is_replaced():
    """Who adds a column adds it to `PLACES`, or what is in it is lost with the old key."""
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if "sealed" in column.name or column.name == "insz_index"
    } - {"bulk_rows.sealed"}  # under the key of its job, which is sealed in `bulk_jobs`
    assert columns == {place for places in vault_keys.PLACES.values() for place in places}


def test_an_address_is_sealed_anew_for_the_same_person(place):
    broker = place()
    (party,) = broker.add(1)
    vault, purpose = broker.services.vault, contacts.purpose(party)
    with broker.database.write() as uow:
        uow.contacts.put(Contact(party, vault.seal(b"Kerkstraat 1", purpose), "register", NOW))
        uow.commit()
    done = vault_keys.rotate(broker.services, "seal")
    ((sealed,),) = broker.rows("SELECT address_sealed FROM contacts")
    assert sealed.split(".")[1] == done.key
    assert vault.open(sealed, purpose) == b"Kerkstraat 1"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO vault_keys VALUES ('another', 'seal', 'w', 1, NULL)",
        "INSERT INTO vault_keys VALUES ('another', 'root', 'w', 1, 1)",
        "INSERT INTO vault_keys VALUES ('another', 'else', 'w', 1, NULL)",
        "UPDATE vault_keys SET retired_at = 1 WHERE use = 'root'",
    ],
)
def test_rows_that_make_no_sense_are_refused(place, statement):
    from sqlalchemy.exc import SQLAlchemyError

    from broker.port_errors import PortError

    broker = place()
    with pytest.raises((SQLAlchemyError, PortError)), broker.database._engines.write.begin() as connection:
        connection.execute(text(statement))


def test_neither_journal_nor_keys_show_a_number_or_a_key(place):
    broker = place()
    broker.add(1)
    for use in ("seal", "index"):
        vault_keys.rotate(broker.services, use)
    with broker.database.read() as uow:
        entries = [
            entry
            for entry in uow.journal.tail(50)[::-1]
            if entry.type.startswith(("vault_keys", "master_key"))
        ]
        wrapped = [key.wrapped for key in uow.vault_keys.all()]
    assert [entry.type for entry in entries] == [
        "vault_keys.made",
        "vault_keys.rotated",
        "vault_keys.rotated",
        "vault_keys.dropped",
    ]
    shown = json.dumps([dict(entry.body) for entry in entries])
    for secret in (number(1), *wrapped):
        assert secret not in shown
