"""Somebody with the database in her hands rewrites the journal: the verification names what she did.

Her tools are raw SQL and the right to drop every trigger.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.flows import journal
from broker.flows.journal import Sequencer, leaf_of, origin
from broker.flows.journal_file import verify
from broker.port_errors import JournalDamagedError
from broker.records import JournalEntry
from keys.notes import signed_note
from mandates import ledger
from mandates.events import Event


@pytest.fixture
def written(flow):
    """A journal in three batches, each with its checkpoint."""
    for batch in range(3):
        with flow.services.database.write() as uow:
            events = [Event(f"test.{batch}.{n}", flow.now, "bram", detail={"n": n}) for n in range(3)]
            uow.journal.append(events, flow.now)
            uow.commit()
        Sequencer().run(flow.services, flow.clock.forward(1))
    assert faults(flow) == ()
    return flow


def faults(flow):
    return verify(flow.services, flow.now).faults


def tamper(flow, *statements, triggers=False):
    """Run SQL past every guard of the database."""
    with closing(sqlite3.connect(flow.file)) as raw:
        if not triggers:
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                raw.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            sql, values = statement if isinstance(statement, tuple) else (statement, ())
            assert raw.execute(sql, values).rowcount != 0, sql
        raw.commit()


def column(flow, sql):
    with closing(sqlite3.connect(flow.file)) as raw:
        return [row[0] for row in raw.execute(sql)]


def sequences(flow):
    return column(flow, "SELECT seq FROM journal ORDER BY seq")


def entries(flow):
    with flow.services.database.read() as uow:
        return uow.journal.tail(1000)[::-1]


def checkpoint_fault(*sizes):
    """The first one says where to look; those after it follow from it."""
    first, *later = sizes
    said = (f"checkpoint of size {first}: does not agree with the rows",)
    return said + ((f"{len(later)} checkpoints after that do not agree either",) if later else ())


def signature_fault(*sizes):
    return tuple(f"checkpoint of size {size}: is not signed by a key that was given" for size in sizes)


def contents_fault(row):
    return f"row {row.seq}: its contents are not what was recorded"


def sizes(flow, above=0):
    return [
        size for size in column(flow, "SELECT size FROM journal_checkpoints ORDER BY size") if size > above
    ]


def changed(entry: JournalEntry) -> JournalEntry:
    """Another body and the commitments to it, with every leaf that is hers to write."""
    committed = {**entry.commitments, "content": "99" * 32}
    return dataclasses.replace(entry, body={**entry.body, "detail": {"n": 99}}, commitments=committed)


def set_leaf(seq, hash_):
    return ("UPDATE journal_leaves SET hash = ? WHERE seq = ?", (hash_.hex(), seq))


def set_body(entry):
    values = (json.dumps(dict(entry.body)), json.dumps(dict(entry.commitments)), entry.seq)
    return ("UPDATE journal SET body = ?, commitments = ? WHERE seq = ?", values)


def test_a_journal_that_nobody_touched_has_no_fault(written):
    verdict = verify(written.services, written.now)
    assert verdict.faults == ()
    assert verdict.rows == len(sequences(written)) == sizes(written)[-1]
    assert verdict.checkpoints == len(sizes(written)) == 3


def test_the_database_itself_refuses_what_the_following_do(written):
    for statement in ("UPDATE journal SET actor = 'x'", "DELETE FROM journal", "DELETE FROM journal_leaves"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            tamper(written, statement, triggers=True)


@pytest.mark.parametrize(
    "assignment",
    [
        'body = \'{"detail":{"n":99}}\'',
        "actor = 'els'",
        "actor = NULL",
        "principal = 'els'",
        "representative = 'els'",
        "type = 'test.other'",
        "mandate = 'm'",
        "at = at + 1",
        "recorded_at = recorded_at + 1",
        'commitments = replace(commitments, \'"content":"\', \'"content":"00\')',
        "commitments = NULL",
    ],
)
def test_an_edited_row_is_found_whatever_was_edited(written, assignment):
    seq = sequences(written)[-2]
    tamper(written, f"UPDATE journal SET {assignment} WHERE seq = {seq}")
    assert faults(written) == (f"row {seq}: its contents are not what was recorded",)


def test_a_row_that_was_blanked_as_if_somebody_was_erased_is_found(written):
    seq = sequences(written)[-2]
    tamper(written, f"UPDATE journal SET actor = NULL, body = '{{}}' WHERE seq = {seq}")
    assert faults(written) == ("1 rows are blank where the journal tells of 0",)


def test_contents_that_are_gone_while_their_party_stayed_are_found(written):
    seq = sequences(written)[-2]
    tamper(written, f"UPDATE journal SET body = '{{}}' WHERE seq = {seq}")
    assert f"row {seq}: its contents are not what was recorded" in faults(written)


def test_an_edited_row_whose_leaf_was_mended_does_not_lead_to_the_checkpoints(written):
    row = entries(written)[-2]
    forged = changed(row)
    tamper(written, set_body(forged), set_leaf(row.seq, leaf_of(forged)))
    assert faults(written) == (contents_fault(row), *checkpoint_fault(sizes(written)[-1]))


def test_an_edited_old_row_disagrees_with_every_checkpoint_after_it(written):
    row = entries(written)[0]
    forged = changed(row)
    tamper(written, set_body(forged), set_leaf(row.seq, leaf_of(forged)))
    assert faults(written) == (contents_fault(row), *checkpoint_fault(*sizes(written)))


def test_checkpoints_that_were_signed_anew_need_our_key(written):
    """She rewrites row, leaves, roots and notes; what she has not is the key."""
    row, name, thief = entries(written)[0], origin(written.services), Ed25519PrivateKey.generate()
    forged = changed(row)
    hashes = [leaf_of(forged if one.seq == row.seq else one) for one in entries(written)]
    notes = []
    for size in sizes(written):
        frontier = ledger.Frontier()
        for leaf in hashes[:size]:
            frontier = frontier.append(leaf)
        note = signed_note(ledger.checkpoint_body(name, size, frontier.root()), name, thief)
        notes.append(("UPDATE journal_checkpoints SET root = ?, note = ? WHERE size = ?", (frontier.root().hex(), note, size)))  # fmt: skip
    tamper(written, set_body(forged), set_leaf(row.seq, leaf_of(forged)), *notes)
    assert signature_fault(*sizes(written)) == tuple(one for one in faults(written) if "signed" in one)


def test_a_checkpoint_of_one_size_does_not_stand_for_another(written):
    _, second, third = sizes(written)
    (note,) = column(written, f"SELECT note FROM journal_checkpoints WHERE size = {second}")
    tamper(written, ("UPDATE journal_checkpoints SET note = ? WHERE size = ?", (note, third)))
    assert faults(written) == checkpoint_fault(second), "after the last row stands a head of the second batch"


@pytest.mark.parametrize("place", [0, 4, -1])
def test_a_dropped_row_is_found(written, place):
    seq = sequences(written)[place]
    tamper(written, f"DELETE FROM journal WHERE seq = {seq}")
    assert faults(written) == (f"row {seq}: missing",)


@pytest.mark.parametrize("place", [0, 4])
def test_a_row_dropped_with_its_leaf_leaves_a_gap(written, place):
    seq, later = sequences(written)[place], [size for size in sizes(written) if size > place]
    (index,) = column(written, f'SELECT "index" FROM journal_leaves WHERE seq = {seq}')
    tamper(
        written,
        f"DELETE FROM journal_leaves WHERE seq = {seq}",
        f"DELETE FROM journal WHERE seq = {seq}",
    )
    found = faults(written)
    assert f"leaves {index} to {index}: missing" in found
    assert checkpoint_fault(*later)[0] in found


def test_the_last_rows_dropped_with_their_leaves_are_missed_by_the_checkpoint(written):
    seq, last = sequences(written)[-1], sizes(written)[-1]
    tamper(
        written,
        f"DELETE FROM journal_leaves WHERE seq = {seq}",
        f"DELETE FROM journal WHERE seq = {seq}",
    )
    assert faults(written) == checkpoint_fault(last)


def test_rows_that_changed_places_are_found(written):
    first, second = entries(written)[-2:]
    swap = [
        (
            "UPDATE journal SET type = ?, actor = ?, body = ?, commitments = ? WHERE seq = ?",
            (
                other.type,
                other.actor,
                json.dumps(dict(other.body)),
                json.dumps(dict(other.commitments)),
                one.seq,
            ),
        )
        for one, other in ((first, second), (second, first))
    ]
    tamper(written, *swap)
    found = faults(written)
    for row in (first, second):
        assert f"row {row.seq}: its contents are not what was recorded" in found


def test_leaves_that_changed_places_are_found(written):
    """Rows and leaves agree one by one; only the tree knows the order."""
    first, second = sequences(written)[-2:]
    tamper(
        written,
        f'UPDATE journal_leaves SET "index" = -1 WHERE seq = {first}',
        f'UPDATE journal_leaves SET "index" = "index" - 1 WHERE seq = {second}',
        f'UPDATE journal_leaves SET "index" = (SELECT max("index") + 1 FROM journal_leaves) WHERE seq = {first}',
    )
    assert faults(written) == checkpoint_fault(sizes(written)[-1])


def test_leaves_that_skip_a_place_are_found(written):
    seq = sequences(written)[-1]
    last = sizes(written)[-1] - 1
    tamper(written, f'UPDATE journal_leaves SET "index" = "index" + 5 WHERE seq = {seq}')
    assert f"leaves {last} to {last + 4}: missing" in faults(written)


def test_a_row_that_was_slipped_in_without_a_leaf_is_found(written):
    tamper(
        written,
        "INSERT INTO journal (at, recorded_at, type, actor, body) VALUES (1, 1, 'test.slipped', NULL, '{}')",
    )
    (seq,) = column(written, "SELECT max(seq) FROM journal")
    assert faults(written) == (f"row {seq}: has no leaf",)


def test_a_row_that_was_slipped_in_with_a_leaf_in_the_middle_is_found(written):
    slipped = JournalEntry(1000, 1, 1, "test.slipped", None, None, None, None, {"n": 1}, None)
    (seq,) = sequences(written)[4:5]
    tamper(
        written,
        "INSERT INTO journal (seq, at, recorded_at, type, actor, body) VALUES (1000, 1, 1, 'test.slipped', NULL, '{\"n\":1}')",
        ("UPDATE journal_leaves SET seq = 1000, hash = ? WHERE seq = ?", (leaf_of(slipped).hex(), seq)),
    )
    assert faults(written) == (*checkpoint_fault(*sizes(written)), f"row {seq}: has no leaf")


def test_rows_that_still_wait_are_sequenced_by_the_verification_and_are_no_fault(written):
    with written.services.database.write() as uow:
        uow.journal.append([Event("test.late", written.now, None)], written.now)
        uow.commit()
    verdict = verify(written.services, written.now)
    assert (verdict.faults, verdict.checkpoints) == ((), 4)


def test_the_order_of_the_leaves_counts_and_not_that_of_the_numbers(flow, monkeypatch):
    """Two writers may commit in the other order than they were numbered: the tree is then in theirs."""
    with flow.services.database.write() as uow:
        uow.journal.append([Event(f"test.{n}", flow.now, None) for n in range(3)], flow.now)
        uow.commit()
    late = max(sequences(flow)) - 1
    tamper(flow, f"DELETE FROM journal_pending WHERE seq = {late}", triggers=True)
    Sequencer().run(flow.services, flow.now)
    tamper(flow, f"INSERT INTO journal_pending (seq) VALUES ({late})", triggers=True)
    assert faults(flow) == ()
    assert column(flow, 'SELECT seq FROM journal_leaves ORDER BY "index" DESC LIMIT 1') == [late]


def test_a_sequencer_that_goes_on_and_one_that_starts_afresh_build_one_tree(flow, monkeypatch):
    monkeypatch.setattr(journal, "BATCH", 2)
    steady = Sequencer()
    for number in range(4):
        with flow.services.database.write() as uow:
            uow.journal.append([Event(f"test.{number}.{n}", flow.now, None) for n in range(3)], flow.now)
            uow.commit()
        if number % 2:
            Sequencer().run(flow.services, flow.now)
            steady = Sequencer()
        else:
            steady.run(flow.services, flow.now)
    assert faults(flow) == ()


def test_a_sequencer_signs_nothing_over_a_tree_that_somebody_changed(written):
    seq, before = sequences(written)[-1], sizes(written)
    tamper(written, set_leaf(seq, b"\x00" * 32))
    with written.services.database.write() as uow:
        uow.journal.append([Event("test.late", written.now, None)], written.now)
        uow.commit()
    with pytest.raises(JournalDamagedError):
        Sequencer().run(written.services, written.now)
    assert sizes(written) == before


def test_a_sequencer_signs_nothing_where_leaves_are_gone(written):
    tamper(written, 'DELETE FROM journal_leaves WHERE "index" = 2')
    with pytest.raises(JournalDamagedError):
        Sequencer().run(written.services, written.now)
