import dataclasses
import threading

import pytest

from broker.port_errors import ConflictError
from broker.records import Basis
from storage.records import LIST_SIZE, NOW, grant, populate

API = "https://vouchers.example.be/api"


def basis(key, audience=API, **facts):
    return dataclasses.replace(Basis(key, "voucher-web", audience), **facts)


@pytest.fixture
def grants(database):
    populate(database)
    with database.write() as unit:
        for number in range(80):
            unit.grants.add(grant(f"g{number}"))
        unit.commit()
    return database


def test_an_entry_is_one_bit_of_a_list_of_its_audience(grants):
    with grants.write() as unit:
        entry = unit.status.allocate(basis("g0"), NOW + 300, NOW)
        (status_list,) = unit.status.lists()
        assert (status_list.audience, status_list.size, status_list.created_at) == (API, LIST_SIZE, NOW)
        assert unit.status.find_list(entry.list) == status_list
        assert unit.status.find_list("nothing") is None
        assert 0 <= entry.index < LIST_SIZE
        assert (entry.grant, entry.audience, entry.last_exp, entry.revoked_at) == ("g0", API, NOW + 300, None)
        assert unit.status.entry(entry.list, entry.index) == entry
        assert unit.status.entry(entry.list, LIST_SIZE) is None


def test_a_live_entry_is_used_again_and_its_last_exp_only_grows(grants):
    with grants.write() as unit:
        first = unit.status.allocate(basis("g0"), NOW + 300, NOW)
        later = unit.status.allocate(basis("g0"), NOW + 400, NOW + 100)
        earlier = unit.status.allocate(basis("g0"), NOW + 350, NOW + 100)
        other = unit.status.allocate(basis("g0", "https://other"), NOW + 300, NOW)
    assert (later.list, later.index, later.last_exp) == (first.list, first.index, NOW + 400)
    assert earlier == later
    assert other.list != first.list


def test_revoking_sets_the_bits_of_these_grants_and_raises_the_versions(grants):
    with grants.write() as unit:
        mine = unit.status.allocate(basis("g0"), NOW + 300, NOW)
        also = unit.status.allocate(basis("g0", "https://other"), NOW + 300, NOW)
        unit.status.allocate(basis("g1"), NOW + 300, NOW)
        unit.status.allocate(basis("g2", "https://third"), NOW + 300, NOW)
        before = {one.id: one.version for one in unit.status.lists()}
        assert unit.status.revoke(["g0", "unknown"], NOW + 5) == 2
        after = {one.id: one.version for one in unit.status.lists()}
        assert {key for key in after if after[key] != before[key]} == {mine.list, also.list}
        assert all(after[key] >= before[key] for key in after)
        assert unit.status.revoked_indices(mine.list) == [mine.index]
        assert unit.status.entry(mine.list, mine.index).revoked_at == NOW + 5
        # A bit that is set stays as it is.
        assert unit.status.revoke(["g0"], NOW + 9) == 0
        assert unit.status.revoke([], NOW + 9) == 0
        assert unit.status.entry(mine.list, mine.index).revoked_at == NOW + 5
        assert {one.id: one.version for one in unit.status.lists()} == after


def test_after_a_revocation_the_grant_gets_a_fresh_index(grants):
    with grants.write() as unit:
        old = unit.status.allocate(basis("g0"), NOW + 300, NOW)
        unit.status.revoke(["g0"], NOW)
        new = unit.status.allocate(basis("g0"), NOW + 300, NOW)
        assert new.index != old.index
        assert new.revoked_at is None
        assert unit.status.revoked_indices(old.list) == [old.index]


def test_an_ended_or_unknown_grant_gets_no_index(grants):
    with grants.write() as unit:
        unit.grants.end(["g0"], "logout", NOW)
        for key in ("g0", "unknown"):
            with pytest.raises(ConflictError):
                unit.status.allocate(basis(key), NOW + 300, NOW)


def test_the_next_list_opens_at_three_quarters(grants):
    with grants.write() as unit:
        threshold = LIST_SIZE * 3 // 4
        first = [unit.status.allocate(basis(f"g{number}"), NOW, NOW) for number in range(threshold)]
        assert len({entry.list for entry in first}) == 1
        assert len({entry.index for entry in first}) == threshold
        assert [entry.index for entry in first] != sorted(entry.index for entry in first)
        over = unit.status.allocate(basis("g79"), NOW, NOW)
        assert over.list != first[0].list
        assert unit.status.allocate(basis("g78"), NOW, NOW).list == over.list
        assert len(unit.status.lists()) == 2


def run_together(count, work):
    together, faults = threading.Barrier(count), []

    def run(number):
        together.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            faults.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []


def test_eight_threads_get_distinct_indices(grants):
    taken = []

    def allocate(number):
        for turn in range(10):
            with grants.write() as unit:
                taken.append(unit.status.allocate(basis(f"g{number * 10 + turn}"), NOW, NOW))
                unit.commit()

    run_together(8, allocate)
    assert len({(entry.list, entry.index) for entry in taken}) == 80
    with grants.read() as unit:
        assert len(unit.status.lists()) == 2


def test_one_grant_asked_for_by_eight_threads_gets_one_index(grants):
    taken = []

    def allocate(_number):
        with grants.write() as unit:
            taken.append(unit.status.allocate(basis("g0"), NOW, NOW))
            unit.commit()

    run_together(8, allocate)
    assert len({(entry.list, entry.index) for entry in taken}) == 1


def test_an_ending_waits_for_an_allocation_under_way_and_sets_its_bit_too(grants):
    def end():
        with grants.write() as unit:
            unit.grants.end(["g0"], "logout", NOW)
            unit.status.revoke(["g0"], NOW)
            unit.commit()

    with grants.write() as unit:
        entry = unit.status.allocate(basis("g0"), NOW, NOW)
        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.3)
        unit.commit()
    ending.join(20)
    with grants.read() as unit:
        assert unit.status.revoked_indices(entry.list) == [entry.index]
