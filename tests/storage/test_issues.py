"""Issuing: what is stored, and what many at once get."""

import dataclasses

import pytest

from broker.port_errors import ChangedError, ConflictError
from broker.records import Client, StatusEntry
from broker.storage.database import SqlDatabase
from storage.issuing import (
    API,
    CHAIN,
    Running,
    attempt,
    basis,
    entry,
    event,
    fill,
    journal,
    judged,
    run_together,
)
from storage.records import LIST_SIZE, NOW, mandate


@pytest.fixture
def database(url):
    """Lists with room for whatever a test draws; small ones are asked for by name."""
    opened = SqlDatabase(url, status_list_size=4096)
    yield opened
    opened.close()


@pytest.fixture
def village(database):
    fill(database)
    return database


# --- what is stored ---


def test_an_issue_stores_its_index_and_its_journal_row_and_a_second_one_finds_the_index(village):
    first = village.issue(judged(village), NOW)
    assert first == StatusEntry(first.list, first.index, "g0", API, NOW + 300, None, "voucher-web", *CHAIN, 0)
    assert first.basis == basis()
    later = village.issue(judged(village, exp=NOW + 400), NOW + 100)
    earlier = village.issue(judged(village, exp=NOW + 350), NOW + 100)
    assert (later.list, later.index, later.last_exp) == (first.list, first.index, NOW + 400)
    assert earlier == later == entry(village, first)
    assert journal(village) == ["g0", "g0", "g0"]


def test_a_row_of_the_journal_is_committed_to_as_any_other(village):
    village.issue(judged(village), NOW + 7)
    with village.write() as unit:
        unit.journal.append([event()], NOW + 7)
        unit.commit()
    with village.read() as unit:
        theirs, ours = unit.journal.tail(2)
        assert dataclasses.replace(ours, seq=theirs.seq) == theirs
        assert ours.commitments
        assert ours.commitments["principal"] is not None
        assert [one.seq for one in unit.journal.unsequenced(10)] == [ours.seq, theirs.seq]


def test_without_an_event_the_journal_is_told_nothing(village):
    village.issue(judged(village, event=None), NOW)
    assert journal(village) == []


@pytest.mark.parametrize(
    "other",
    [
        {"grant": "g1"},
        {"client": "another"},
        {"audience": "https://other"},
        {"mandate": "m2"},
        {"mandate": None},
        {"executor": None},
        {"hops": 1},
    ],
    ids=str,
)
def test_every_basis_has_an_index_of_its_own(village, other):
    first = village.issue(judged(village), NOW)
    second = village.issue(judged(village, basis=basis(**other)), NOW)
    assert (second.list, second.index) != (first.list, first.index)
    with village.write() as unit:  # the other way to an index finds the same one
        assert unit.status.allocate(basis(**other), NOW, NOW) == second


def test_an_ended_grant_gets_nothing_and_leaves_nothing(village):
    with village.write() as unit:
        unit.grants.end(["g0"], "logout", NOW)
        unit.commit()
    for key in ("g0", "unknown"):
        with pytest.raises(ConflictError):
            village.issue(judged(village, key), NOW)
    assert journal(village) == []
    with village.read() as unit:
        assert unit.status.lists() == [] or unit.status.revoked_indices(unit.status.lists()[0].id) == []


def test_what_was_judged_on_older_mandates_is_judged_again(village):
    old = judged(village)
    with village.write() as unit:
        unit.mandates.add(mandate("m3", "fatima", "ocmw"), NOW)
        unit.commit()
    with pytest.raises(ChangedError):
        village.issue(old, NOW)
    village.issue(judged(village), NOW)
    assert journal(village) == ["g0"]


def test_what_was_judged_on_older_registrations_is_judged_again(village):
    old = judged(village)
    with village.write() as unit:
        unit.registry.put_client(Client("new", "New", "public", "none"))
        unit.commit()
    with pytest.raises(ChangedError):
        village.issue(old, NOW)
    village.issue(judged(village), NOW)
    assert journal(village) == ["g0"]


# --- many at once ---


def test_many_at_once_share_commits_and_get_an_index_each(village, monkeypatch):
    groups = []
    together = village._committer.together
    monkeypatch.setattr(
        village._committer, "together", lambda asked: groups.append(len(asked)) or together(asked)
    )
    issues = [judged(village, f"g{number}") for number in range(40)]
    first = Running(lambda: attempt(village, issues[0]))
    taken = run_together(39, lambda number: attempt(village, issues[number + 1]))
    assert isinstance(first.result(), StatusEntry)
    assert [type(one) for one in taken] == [StatusEntry] * 39
    assert len({(one.list, one.index) for one in taken}) == 39
    assert [one.grant for one in taken] == [f"g{number + 1}" for number in range(39)]
    assert sorted(journal(village)) == sorted(f"g{number}" for number in range(40))
    assert max(groups) > 1


def test_one_basis_asked_for_by_many_gets_one_index_and_the_latest_end(village):
    issues = [judged(village, exp=NOW + 300 + number) for number in range(12)]
    taken = run_together(12, lambda number: attempt(village, issues[number]))
    assert len({(one.list, one.index) for one in taken}) == 1
    assert entry(village, taken[0]).last_exp == NOW + 311
    assert len(journal(village)) == 12


def test_of_one_basis_twice_in_a_group_the_latest_end_counts(village):
    group = [(judged(village, exp=NOW + exp), NOW) for exp in (400, 300)]
    first, second = village._committer.together(group)
    assert (first.list, first.index) == (second.list, second.index)
    assert entry(village, first).last_exp == NOW + 400


def test_one_that_fails_harms_nobody_of_its_group(village):
    old = judged(village, "g1", revision=0)
    with village.write() as unit:
        unit.grants.end(["g2"], "logout", NOW)
        unit.commit()
    issues = {0: judged(village, "g0"), 1: old, 2: judged(village, "g2"), 3: judged(village, "g3")}
    outcomes = dict(enumerate(village._committer.together([(one, NOW) for one in issues.values()])))
    assert isinstance(outcomes[0], StatusEntry)
    assert isinstance(outcomes[1], ChangedError)
    assert isinstance(outcomes[3], StatusEntry)
    assert not isinstance(outcomes[2], StatusEntry)
    assert isinstance(attempt(village, issues[2]), ConflictError)
    assert sorted(journal(village)) == ["g0", "g3"]


def test_a_full_list_is_followed_by_the_next_one(url, village):
    village = small = SqlDatabase(url, status_list_size=LIST_SIZE)
    taken = [village.issue(judged(village, f"g{number}"), NOW) for number in range(80)]
    assert len({(one.list, one.index) for one in taken}) == 80
    with village.read() as unit:
        assert len(unit.status.lists()) == 2
    assert all(0 <= one.index < LIST_SIZE for one in taken)
    small.close()


def test_an_index_is_never_a_decoy(village, monkeypatch):
    decoys = tuple(range(0, 4096, 2))
    monkeypatch.setattr("broker.storage.open_lists._decoys", lambda _size: decoys)
    for number in range(20):
        assert village.issue(judged(village, f"g{number}"), NOW).index not in decoys


def test_two_processes_that_draw_the_same_index_both_get_one(url, village, monkeypatch):
    if village._committer.__class__.__name__ != "PostgresCommitter":
        pytest.skip("SQLite has one writer at a time")
    other = SqlDatabase(url, status_list_size=4096)
    village.issue(judged(village, "g9"), NOW)
    draws = [[5], [5], [6], [7]]
    monkeypatch.setattr("broker.storage.issues_postgresql._draw", lambda _size, _taken: draws.pop(0))
    with other.write() as unit:
        # An uncommitted row that nobody sees, at the place that is drawn.
        monkeypatch.setattr("broker.storage.status.secrets.randbelow", lambda _size: 5)
        unit.status.allocate(basis("g1"), NOW, NOW)
        beside = Running(lambda: attempt(village, judged(village, "g2")))
        assert beside.waits()
        unit.commit()
    assert isinstance(beside.result(), StatusEntry)
    assert beside.result().index != 5
    other.close()
