"""Which bits are set by what ends, and which indices are free again."""

import dataclasses
import threading

import pytest

from broker.records import Basis
from broker.storage.database import SqlDatabase
from storage.records import LIST_SIZE, NOW, grant, mandate, populate

API = "https://vouchers.example.be/api"
DAY = 86_400
OLD = NOW + 300 + DAY + 1
"""An instant at which what ended at NOW + 300 means nothing any more."""


def basis(key="g0", **facts):
    return dataclasses.replace(Basis(key, "voucher-web", API), **facts)


@pytest.fixture
def village(database):
    populate(database)
    with database.write() as unit:
        unit.mandates.add(mandate("m1", "maria", "ocmw"), NOW)
        unit.mandates.add(mandate("x1", "ocmw", "bram", type="ocmw-executor"), NOW)
        unit.mandates.add(mandate("m2", "jozef", "ocmw", type="citizen-helper"), NOW)
        for number in range(80):
            unit.grants.add(grant(f"g{number}"))
        unit.commit()
    return database


@pytest.fixture
def entries(village):
    """Of two grants, of two clients, on several chains."""
    wanted = {
        "self": basis(),
        "given": basis(mandate="m1", executor="x1"),
        "narrowed": basis(mandate="m1", executor="x1", client="back-end", hops=1),
        "other": basis("g1", mandate="m2", executor="x1"),
        "direct": basis("g1", mandate="m2"),
    }
    with village.write() as unit:
        placed = {name: unit.status.allocate(one, NOW + 300, NOW) for name, one in wanted.items()}
        unit.commit()
    return placed


def is_set(unit, entries):
    return {name for name, one in entries.items() if unit.status.entry(one.list, one.index).revoked_at}


def versions(unit):
    return {one.id: one.version for one in unit.status.lists()}


REACHED = [
    (lambda status: status.revoke_on_mandates(["m1"], NOW), {"given", "narrowed"}, 1),
    (lambda status: status.revoke_on_mandates(iter(["x1"]), NOW), {"given", "narrowed", "other"}, 2),
    (
        lambda status: status.revoke_on_mandates(["m1", "m2"], NOW),
        {"given", "narrowed", "other", "direct"},
        2,
    ),
    (lambda status: status.revoke_on_mandates([], NOW), set(), 0),
    (lambda status: status.revoke_on_mandates(["unknown"], NOW), set(), 0),
    (lambda status: status.revoke_on_types(["ocmw-beneficiary"], NOW), {"given", "narrowed"}, 1),
    (lambda status: status.revoke_on_types(["ocmw-executor"], NOW), {"given", "narrowed", "other"}, 2),
    (lambda status: status.revoke_on_types([], NOW), set(), 0),
    (lambda status: status.revoke_of_client("back-end", NOW), {"narrowed"}, 1),
    (lambda status: status.revoke_of_client("unknown", NOW), set(), 0),
    (lambda status: status.revoke(["g0"], NOW), {"self", "given", "narrowed"}, 3),
]


@pytest.mark.parametrize(("revoke", "reached", "told"), REACHED)
def test_exactly_the_bits_of_what_ended_are_set(village, entries, revoke, reached, told):
    with village.write() as unit:
        before = versions(unit)
        assert revoke(unit.status) == told
        assert is_set(unit, entries) == reached
        assert (versions(unit) != before) is bool(reached)
        posted = [index for one in unit.outbox.waiting("status-changed", 9) for index in one.body["idx"]]
        assert sorted(posted) == sorted(entries[name].index for name in reached)
        # A bit that is set stays as it is, and is told of once.
        assert revoke(unit.status) == 0
        assert len(unit.outbox.waiting("status-changed", 9)) == bool(reached)


def test_one_token_loses_its_own_index_alone(village, entries):
    one = entries["narrowed"]
    with village.write() as unit:
        assert unit.status.revoke_entry(one.list, one.index, NOW) is True
        assert unit.status.revoke_entry(one.list, one.index, NOW + 1) is False
        assert unit.status.revoke_entry("no-list", one.index, NOW) is False
        assert is_set(unit, entries) == {"narrowed"}
        assert unit.status.entry(one.list, one.index).revoked_at == NOW
        told = unit.outbox.waiting("status-changed", 9)[0].body
        assert (told["list"], told["idx"]) == (one.list, [one.index])
        assert unit.status.allocate(one.basis, NOW, NOW).index != one.index


# --- what is free again ---


def retire(database, now, limit=LIST_SIZE):
    with database.write() as unit:
        freed = unit.status.retire(now, limit)
        unit.commit()
    return freed


def test_an_index_is_free_a_day_after_its_last_token_and_no_earlier(village, entries):
    one = entries["self"]
    assert retire(village, OLD - 1) == 0
    with village.write() as unit:
        unit.status.allocate(one.basis, NOW + 301, NOW)  # used again: it lasts a second longer
        unit.commit()
    assert retire(village, OLD) == len(entries) - 1
    with village.read() as unit:
        assert unit.status.entry(one.list, one.index).last_exp == NOW + 301
        assert unit.status.entry(one.list, entries["given"].index) is None
    assert retire(village, OLD + 1) == 1


def test_a_bit_that_is_set_stays_set_in_the_open_list(village, entries):
    one = entries["given"]
    with village.write() as unit:
        unit.status.revoke_on_mandates(["m1"], NOW)
        unit.commit()
    for _ in range(3):
        retire(village, OLD + 100 * DAY)
    with village.read() as unit:
        assert set(unit.status.revoked_indices(one.list)) == {one.index, entries["narrowed"].index}


def test_a_list_that_is_closed_goes_when_all_its_tokens_are_over(village, entries):
    one = entries["given"]
    with village.write() as unit:
        unit.status.revoke_on_mandates(["m1"], NOW)
        full = [unit.status.allocate(basis(f"g{number}"), NOW + 999, NOW) for number in range(2, 60)]
        assert len({entry.list for entry in full}) == 2
        unit.commit()
    for _ in range(9):
        retire(village, NOW + 999 + DAY)
    with village.read() as unit:
        assert unit.status.find_list(one.list) is not None
    for _ in range(9):
        retire(village, NOW + 999 + DAY + 1)
    with village.read() as unit:
        assert [entry.id for entry in unit.status.lists()] == [full[-1].list]
        assert unit.status.entry(one.list, one.index) is None


def test_a_look_at_a_stretch_lets_go_of_that_stretch_and_all_are_looked_at(village, entries):
    assert sum(retire(village, OLD, 8) for _ in range(120)) == len(entries)


def test_what_is_extended_while_it_is_let_go_stays(village, entries):
    one = entries["self"]
    done = []
    with village.write() as unit:
        unit.status.allocate(one.basis, OLD + 999, NOW)
        retiring = threading.Thread(target=lambda: done.append(retire(village, OLD)))
        retiring.start()
        retiring.join(0.3)
        assert done == []
        unit.commit()
    retiring.join(20)
    assert done == [len(entries) - 1]
    with village.read() as unit:
        assert unit.status.entry(one.list, one.index).last_exp == OLD + 999


def test_many_that_issue_and_retire_never_use_an_index_twice(village):
    stop, faults = threading.Event(), []

    def keep_retiring():
        # A pause, as housekeeping makes: SQLite's one writer is not handed out in order.
        while not stop.wait(0.002):
            retire(village, OLD)

    def issue(number):
        try:
            for turn in range(6):
                with village.write() as unit:
                    # Half of them are over at once, so that their places are used again.
                    exp = OLD + 999 if turn % 2 else NOW
                    unit.status.allocate(basis(f"g{number * 6 + turn}"), exp, NOW)
                    unit.commit()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            faults.append(error)

    retiring = threading.Thread(target=keep_retiring)
    issuing = [threading.Thread(target=issue, args=(number,)) for number in range(6)]
    for one in (retiring, *issuing):
        one.start()
    for one in issuing:
        one.join(30)
    stop.set()
    retiring.join(30)
    assert faults == []
    with village.write() as unit:  # whoever lives has a place of its own
        live = [unit.status.allocate(basis(f"g{number}"), NOW, NOW) for number in range(1, 36, 2)]
        assert len({(one.list, one.index) for one in live}) == len(live)
        assert all(one.last_exp == OLD + 999 for one in live)


def test_a_bit_outlives_the_grant_that_it_was_about(village, entries):
    one = entries["given"]
    with village.write() as unit:
        unit.status.revoke_on_mandates(["m1"], NOW)
        unit.grants.end(["g0"], "logout", NOW)
        before = unit.status.revoked_indices(one.list)
        unit.commit()
    with village.write() as unit:
        assert unit.retention.clear_stale("grants", NOW + 9 * DAY, NOW + 9 * DAY, 100) > 0
        unit.commit()
    with village.read() as unit:
        assert unit.grants.find("g0") is None
        assert unit.status.revoked_indices(one.list) == before != []
        nobodys = unit.status.entry(one.list, one.index)
        assert (nobodys.grant, nobodys.client, nobodys.mandate, nobodys.executor) == ("", "", None, None)
        assert unit.status.entry(one.list, entries["self"].index) is None
    assert village.standing(one.list, one.index, None) is None


def test_another_process_reads_the_same_bits_decoys_and_all(url, village, entries, monkeypatch):
    monkeypatch.setattr("broker.storage.open_lists._decoys", lambda _size: (3, 5))
    with village.write() as unit:
        unit.status.allocate(basis(audience="https://other"), NOW, NOW)
        unit.status.revoke(["g0"], NOW)
        before = {one.id: unit.status.revoked_indices(one.id) for one in unit.status.lists()}
        unit.commit()
    again = SqlDatabase(url, status_list_size=LIST_SIZE)
    with again.read() as unit:
        assert {one.id: unit.status.revoked_indices(one.id) for one in unit.status.lists()} == before
        assert any({3, 5} <= set(found) for found in before.values())
    again.close()
