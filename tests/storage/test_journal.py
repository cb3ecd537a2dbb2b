import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.port_errors import ConflictError
from broker.records import Checkpoint, JournalLeaf, JournalNode, NewParty
from mandates.commitments import commitments
from mandates.events import Event
from storage.records import NOW, person
from storage.statements import Sent


def event(number, **facts):
    return Event(
        f"mandate.test{number}", NOW + number, "bram", grounds="“grond”", detail={"n": number}, **facts
    )


@pytest.fixture
def journal(database):
    with database.write() as unit:
        unit.parties.add(NewParty(person("maria")), NOW)
        unit.parties.add(NewParty(person("bram")), NOW)
        unit.journal.append(
            [event(0, mandate="a", principal="maria"), event(1, mandate="b"), event(2, mandate="a")], NOW + 50
        )
        unit.journal.append([Event("session.ended", NOW, None)], NOW + 51)
        unit.journal.append([], NOW)
        unit.commit()
    return database


def types(entries):
    return [entry.type for entry in entries]


def entries_of(unit):
    return unit.journal.tail(10_000)[::-1]


def sequence(unit, limit=10_000):
    """A leaf for every row that waits, in their order."""
    size = unit.journal.tree_size()
    waiting = unit.journal.unsequenced(limit)
    leaves = [JournalLeaf(size + n, entry.seq, f"{size + n:064x}") for n, entry in enumerate(waiting)]
    unit.journal.add_leaves(leaves)
    return leaves


def test_an_entry_says_what_the_event_said(journal):
    with journal.read() as unit:
        first, *_, last = entries_of(unit)
    said = event(0, mandate="a", principal="maria")
    assert (first.at, first.recorded_at, first.type, first.mandate) == (NOW, NOW + 50, said.type, "a")
    assert (first.actor, first.principal, first.representative) == ("bram", "maria", None)
    assert first.body == said.body()
    assert (last.actor, last.mandate, last.recorded_at) == (None, None, NOW + 51)


def test_an_entry_is_committed_to_with_the_salts_of_its_parties(journal):
    with journal.read() as unit:
        entries = entries_of(unit)
        opened = unit.journal.openings(entries)
    for entry, openings in zip(entries, opened, strict=True):
        parties = {role: getattr(entry, role) for role in ("actor", "principal", "representative")}
        assert entry.commitments == commitments(parties, entry.body, openings)
    assert opened[0]["actor"] != opened[0]["principal"]
    assert entries[0].commitments["actor"] != entries[1].commitments["actor"]


def test_every_party_has_a_salt_of_its_own(journal):
    with journal._engines.read.begin() as connection:
        salts = connection.execute(text("SELECT salt FROM parties")).scalars().all()
    assert len(set(salts)) == 2
    assert [len(bytes.fromhex(salt)) for salt in salts] == [16, 16]


def test_a_batch_of_events_costs_two_statements(database):
    """On the hot path of every grant: one query for salts, one insert of many rows."""
    with database.write() as unit:
        sent = Sent(unit)
        unit.journal.append([event(number, principal="maria") for number in range(50)], NOW)
        assert [text.split()[0] for text in sent.texts] == ["SELECT", "INSERT"]


def test_the_order_is_the_order_of_recording(journal):
    with journal.read() as unit:
        entries = entries_of(unit)
        assert types(entries) == ["mandate.test0", "mandate.test1", "mandate.test2", "session.ended"]
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        assert types(unit.journal.tail(2)) == ["session.ended", "mandate.test2"]
        assert types(unit.journal.tail(9, "a")) == ["mandate.test2", "mandate.test0"]


def test_the_rows_of_a_party_are_streamed_whole(database):
    with database.write() as unit:
        unit.journal.append([event(number) for number in range(1201)], NOW)
        unit.journal.append(
            [Event("other", NOW, "els", representative="bram"), Event("none", NOW, "els")], NOW
        )
        unit.commit()
    with database.read() as unit:
        found = list(unit.journal.of_party("bram"))
    assert [entry.body["detail"].get("n") for entry in found] == [*range(1201), None]


def test_entries_wait_for_their_leaf_and_wait_no_longer_once_they_have_it(journal):
    with journal.write() as unit:
        waiting = unit.journal.unsequenced(10)
        assert waiting == entries_of(unit)
        assert unit.journal.unsequenced(2) == waiting[:2]
        assert unit.journal.tree_size() == 0
        # The second first: no watermark may take the earlier entry for done.
        leaves = [JournalLeaf(0, waiting[1].seq, "00" * 32), JournalLeaf(1, waiting[2].seq, "11" * 32)]
        unit.journal.add_leaves(leaves)
        unit.journal.add_leaves([])
        assert unit.journal.unsequenced(10) == [waiting[0], waiting[3]]
        assert unit.journal.tree_size() == 2
        placed = unit.journal.placed(0, 10)
        assert [one.leaf for one in placed] == leaves
        assert [one.entry for one in placed] == waiting[1:3]
        assert unit.journal.placed(1, 2) == placed[1:]
        assert [one.leaf for one in unit.journal.placed_of_mandate("a")] == leaves[1:]
        assert unit.journal.stray(10) == []


def test_hashes_are_found_in_runs_over_leaves_and_kept_levels(database):
    with database.write() as unit:
        unit.journal.append([event(number) for number in range(600)], NOW)
        sequence(unit)
        assert unit.journal.nodes_at(8) == 0
        unit.journal.add_nodes([JournalNode(8, 0, "aa" * 32), JournalNode(8, 1, "bb" * 32)])
        unit.journal.add_nodes([])
        assert unit.journal.nodes_at(8) == 2
        assert unit.journal.nodes_at(16) == 0
        found = unit.journal.hashes([(0, 3, 5), (8, 0, 2), (16, 0, 1), (0, 599, 700)])
        assert found == {
            (0, 3): (3).to_bytes(32),
            (0, 4): (4).to_bytes(32),
            (0, 599): (599).to_bytes(32),
            (8, 0): b"\xaa" * 32,
            (8, 1): b"\xbb" * 32,
        }
        many = unit.journal.hashes([(0, number, number + 1) for number in range(600)])
        assert len(many) == 600
        assert unit.journal.hashes([]) == {}


def test_two_sequencers_cannot_both_place_a_leaf(journal):
    with journal.write() as unit:
        first, second, *_ = unit.journal.unsequenced(10)
        unit.journal.add_leaves([JournalLeaf(0, first.seq, "00")])
        unit.journal.add_nodes([JournalNode(8, 0, "00")])
        unit.commit()
    for leaf in (JournalLeaf(0, second.seq, "00"), JournalLeaf(1, first.seq, "00")):
        with journal.write() as unit, pytest.raises(ConflictError):
            unit.journal.add_leaves([leaf])
    with journal.write() as unit, pytest.raises(ConflictError):
        unit.journal.add_nodes([JournalNode(8, 0, "11")])


def test_checkpoints_come_oldest_first_and_one_per_size(journal):
    one, two = Checkpoint(3, "r3", "note 3", NOW), Checkpoint(12, "r12", "note 12", NOW + 1)
    with journal.write() as unit:
        assert unit.journal.newest_checkpoint() is None
        unit.journal.add_checkpoint(two)
        unit.journal.add_checkpoint(one)
        assert unit.journal.checkpoints(0, 100) == [one, two]
        assert unit.journal.checkpoints(0, 3) == [one]
        assert unit.journal.checkpoints(3, 12) == [two]
        assert unit.journal.newest_checkpoint() == two
        unit.commit()
    with journal.write() as unit, pytest.raises(ConflictError):
        unit.journal.add_checkpoint(Checkpoint(3, "other", "other note", NOW))


TABLES = ("journal", "journal_leaves", "journal_nodes", "journal_checkpoints", "erasures", "retention_terms")
REWRITES = {
    "name another actor": "UPDATE journal SET actor = 'nobody'",
    "name no actor": "UPDATE journal SET actor = NULL",
    "name a principal": "UPDATE journal SET principal = 'nobody'",
    "name a representative": "UPDATE journal SET representative = 'nobody'",
    "change the contents": "UPDATE journal SET body = '[]'",
    "blank the contents of somebody who was not erased": "UPDATE journal SET body = '{}' WHERE principal IS NULL",
    "blank contents whose person stays": "UPDATE journal SET actor = NULL, body = '{}' WHERE principal IS NULL",
    "blank somebody beside her who was erased": "UPDATE journal SET actor = NULL WHERE principal = 'maria'",
    "say something else of her who was erased": "UPDATE journal SET body = '{ }' WHERE principal = 'maria'",
    "put another in the place of her who was erased": "UPDATE journal SET principal = 'bram' WHERE principal = 'maria'",
    "change a commitment": "UPDATE journal SET commitments = '{}'",
    "forget the commitments": "UPDATE journal SET commitments = NULL",
    "change an instant": "UPDATE journal SET at = at + 1",
    "change the instant of recording": "UPDATE journal SET recorded_at = recorded_at - 1",
    "change the type": "UPDATE journal SET type = 'x'",
    "change the mandate": "UPDATE journal SET mandate = 'x'",
    "change the number": "UPDATE journal SET seq = seq + 1000",
    "change a leaf": "UPDATE journal_leaves SET hash = 'ff'",
    "change a node": "UPDATE journal_nodes SET hash = 'ff'",
    "change a checkpoint": "UPDATE journal_checkpoints SET root = 'ff'",
    "change an erasure": "UPDATE erasures SET party = 'bram'",
    "change a term": "UPDATE retention_terms SET before = before + 1",
} | {f"remove from {table}": f"DELETE FROM {table}" for table in TABLES}
AROUND = {
    # What each database has besides UPDATE and DELETE to make rows disappear.
    "sqlite": {table: f"REPLACE INTO {table} SELECT * FROM {table}" for table in TABLES},
    "postgresql": {table: f"TRUNCATE {table} CASCADE" for table in TABLES},
}


@pytest.fixture
def written(journal):
    """A row in each append-only table; Maria was erased, her row not yet blanked."""
    with journal.write() as unit:
        sequence(unit, 1)
        unit.journal.add_nodes([JournalNode(8, 0, "00")])
        unit.journal.add_checkpoint(Checkpoint(1, "r", "note", NOW))
        unit.commit()
    run(journal, f"INSERT INTO erasures VALUES ('maria', {NOW}, 'test')")
    run(journal, f"INSERT INTO retention_terms VALUES ('journal', {NOW - 1000}, {NOW})")
    return journal


def run(database, statement):
    with database._engines.write.begin() as connection:
        connection.execute(text(statement))


def contents(database):
    with database._engines.read.begin() as connection:
        return {table: connection.execute(text(f"SELECT * FROM {table}")).all() for table in TABLES}


@pytest.mark.parametrize("rewrite", [*REWRITES, *TABLES])
def test_the_database_itself_refuses_to_rewrite_the_journal(written, rewrite):
    before = contents(written)
    statements = REWRITES | AROUND[written._engines.write.dialect.name]
    with pytest.raises((DBAPIError, ConflictError)) as caught:
        run(written, statements[rewrite])
    assert "append-only" in str(caught.value) or isinstance(caught.value, ConflictError)
    assert contents(written) == before
    assert all(before.values()), "there was something to rewrite in every table"


def test_the_database_lets_the_rows_of_an_erased_party_be_blanked(written):
    run(written, "UPDATE journal SET principal = NULL, body = '{}' WHERE principal = 'maria'")
    with written.read() as unit:
        first, second, *_ = entries_of(unit)
    assert (first.actor, first.principal, first.body) == ("bram", None, {})
    assert first.commitments is not None
    assert (second.actor, second.body["detail"]) == ("bram", {"n": 1})


def test_the_database_lets_rows_be_blanked_whose_term_is_over(written):
    run(written, f"INSERT INTO retention_terms VALUES ('journal', {NOW + 51}, {NOW + 60})")
    run(written, "UPDATE journal SET actor = NULL, principal = NULL, body = '{}' WHERE type LIKE 'mandate.%'")
    with pytest.raises(DBAPIError, match="append-only"):
        run(written, "UPDATE journal SET body = '{}'")  # the last row was recorded at the term itself


def test_a_term_of_other_contents_says_nothing_of_the_journal(written):
    run(written, f"INSERT INTO retention_terms VALUES ('mandates', {NOW + 999}, {NOW})")
    with pytest.raises(DBAPIError, match="append-only"):
        run(written, "UPDATE journal SET actor = NULL, body = '{}'")
