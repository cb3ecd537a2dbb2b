import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.port_errors import ConflictError
from broker.records import Checkpoint, JournalLeaf
from mandates.events import Event
from storage.records import NOW


def event(number, **facts):
    return Event(
        f"mandate.test{number}", NOW + number, "bram", grounds="“grond”", detail={"n": number}, **facts
    )


@pytest.fixture
def journal(database):
    with database.write() as unit:
        unit.journal.append([event(0, mandate="a"), event(1, mandate="b"), event(2, mandate="a")], NOW + 50)
        unit.journal.append([Event("session.ended", NOW, None)], NOW + 51)
        unit.journal.append([], NOW)
        unit.commit()
    return database


def types(entries):
    return [entry.type for entry in entries]


def test_an_entry_says_what_the_event_said(journal):
    with journal.read() as unit:
        first, *_, last = unit.journal.all()
    assert (first.at, first.type, first.actor) == (NOW, "mandate.test0", "bram")
    assert first.body == event(0, mandate="a").body()
    assert last.actor is None


def test_the_order_is_the_order_of_recording(journal):
    with journal.read() as unit:
        entries = list(unit.journal.all())
        assert types(entries) == ["mandate.test0", "mandate.test1", "mandate.test2", "session.ended"]
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        assert types(unit.journal.tail(2)) == ["session.ended", "mandate.test2"]
        assert types(unit.journal.tail(9, "a")) == ["mandate.test2", "mandate.test0"]


def test_a_long_journal_is_streamed_whole(database):
    with database.write() as unit:
        unit.journal.append([event(number) for number in range(1201)], NOW)
        unit.commit()
    with database.read() as unit:
        assert [entry.body["detail"]["n"] for entry in unit.journal.all()] == list(range(1201))


def test_entries_wait_for_their_leaf_and_wait_no_longer_once_they_have_it(journal):
    with journal.write() as unit:
        waiting = unit.journal.unsequenced(10)
        assert [entry.seq for entry in waiting] == [entry.seq for entry in unit.journal.all()]
        assert unit.journal.unsequenced(2) == waiting[:2]
        # The second first: no watermark may take the earlier entry for done.
        leaves = [JournalLeaf(0, waiting[1].seq, "00" * 32), JournalLeaf(1, waiting[2].seq, "11" * 32)]
        unit.journal.add_leaves(leaves)
        unit.journal.add_leaves([])
        assert unit.journal.unsequenced(10) == [waiting[0], waiting[3]]
        assert unit.journal.leaves() == leaves


def test_two_sequencers_cannot_both_place_a_leaf(journal):
    with journal.write() as unit:
        first, second, *_ = unit.journal.unsequenced(10)
        unit.journal.add_leaves([JournalLeaf(0, first.seq, "00")])
        unit.commit()
    for leaf in (JournalLeaf(0, second.seq, "00"), JournalLeaf(1, first.seq, "00")):
        with journal.write() as unit, pytest.raises(ConflictError):
            unit.journal.add_leaves([leaf])


def test_checkpoints_come_oldest_first_and_one_per_size(journal):
    one, two = Checkpoint(3, "r3", "note 3", NOW), Checkpoint(12, "r12", "note 12", NOW + 1)
    with journal.write() as unit:
        unit.journal.add_checkpoint(two)
        unit.journal.add_checkpoint(one)
        assert unit.journal.checkpoints() == [one, two]
        unit.commit()
    with journal.write() as unit, pytest.raises(ConflictError):
        unit.journal.add_checkpoint(Checkpoint(3, "other", "other note", NOW))


REWRITES = {
    "change an entry": "UPDATE journal SET actor = 'nobody'",
    "remove an entry": "DELETE FROM journal",
    "change a leaf": "UPDATE journal_leaves SET hash = 'ff'",
    "remove a leaf": "DELETE FROM journal_leaves",
    "change a checkpoint": "UPDATE journal_checkpoints SET root = 'ff'",
    "remove a checkpoint": "DELETE FROM journal_checkpoints",
}
AROUND = {
    # What each database has besides UPDATE and DELETE to make rows disappear.
    "sqlite": {
        "journal": "REPLACE INTO journal SELECT seq, at, recorded_at, type, 'x', mandate, body FROM journal",
        "journal_leaves": "REPLACE INTO journal_leaves SELECT \"index\", seq, 'ff' FROM journal_leaves",
        "journal_checkpoints": "REPLACE INTO journal_checkpoints SELECT size, 'ff', note, at FROM journal_checkpoints",
    },
    "postgresql": {
        table: f"TRUNCATE {table} CASCADE" for table in ("journal", "journal_leaves", "journal_checkpoints")
    },
}


@pytest.mark.parametrize("rewrite", [*REWRITES, "journal", "journal_leaves", "journal_checkpoints"])
def test_the_database_itself_refuses_to_rewrite_the_journal(journal, rewrite):
    with journal.write() as unit:
        unit.journal.add_leaves([JournalLeaf(0, unit.journal.unsequenced(1)[0].seq, "00")])
        unit.journal.add_checkpoint(Checkpoint(1, "r", "note", NOW))
        unit.commit()

    def contents():
        with journal.read() as unit:
            return list(unit.journal.all()), unit.journal.leaves(), unit.journal.checkpoints()

    before = contents()
    statements = REWRITES | AROUND[journal._engines.write.dialect.name]
    with journal._engines.write.begin() as connection, pytest.raises((DBAPIError, ConflictError)) as caught:
        connection.execute(text(statements[rewrite]))
    assert "append-only" in str(caught.value) or isinstance(caught.value, ConflictError)
    assert contents() == before
