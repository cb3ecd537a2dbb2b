"""The data keys of the vault, with data under them, on both databases: carried over, replaced, stopped half way."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import text

from broker.flows import contacts, parties, vault_keys
from broker.records import Contact
from broker.storage import migrations
from broker.storage.database import SqlDatabase
from broker.storage.tables import metadata
from keys.errors import SealError
from storage.records import NOW
from vault_place import MASTER, OTHER, PARTY, Place, number

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
