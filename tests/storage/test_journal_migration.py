"""A journal of before there were commitments: its rows, leaves and signed checkpoints stay true."""

import pytest
from alembic import command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.flows.journal import Sequencer
from broker.flows.journal_file import _woven, row_records
from broker.flows.journal_verify import VERSION, Examination
from broker.storage.database import SqlDatabase
from broker.storage.migrations import _config
from keys.notes import signed_note
from mandates.commitments import leaf_of_contents
from mandates.ledger import canonical, checkpoint_body, root_of
from storage.records import NOW

LOG = "id.example.be/journal"
KEY = Ed25519PrivateKey.generate()
ROWS = 600


def old_row(seq):
    """What version 0.1.0 wrote: the parties stood in the body, and the leaf was the row itself."""
    body = {
        "mandate": "m",
        "principal": "maria",
        "representative": None,
        "grounds": "é",
        "detail": {"n": seq},
    }
    return {"seq": seq, "at": NOW + seq, "type": "mandate.revoked", "actor": "bram", "body": body}


def old_leaf(row):
    return leaf_of_contents(
        seq=row["seq"], at=row["at"], type_=row["type"], actor=row["actor"], body=row["body"]
    )


@pytest.fixture
def upgraded(empty_url):
    """At step 0002 with parties, rows, leaves and two signed heads; then brought up to date."""
    database = SqlDatabase(empty_url)
    rows = [old_row(seq) for seq in range(1, ROWS + 1)]
    leaves = [old_leaf(row) for row in rows]
    with database._engines.write.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for party in ("maria", "bram"):
            connection.execute(
                text(
                    "INSERT INTO parties (id, kind, name, org_kinds, created_at) VALUES (:id, 'person', :id, '[]', 1)"
                ),
                {"id": party},
            )
        connection.execute(
            text(
                "INSERT INTO journal (seq, at, recorded_at, type, actor, mandate, body)"
                " VALUES (:seq, :at, :at, :type, :actor, 'm', :text)"
            ),
            [row | {"text": canonical(row["body"]).decode()} for row in rows],
        )
        connection.execute(
            text('INSERT INTO journal_leaves ("index", seq, hash) VALUES (:index, :seq, :hash)'),
            [{"index": n, "seq": n + 1, "hash": leaf.hex()} for n, leaf in enumerate(leaves)],
        )
        for size in (300, ROWS):
            root = root_of(leaves[:size])
            note = signed_note(checkpoint_body(LOG, size, root), LOG, KEY)
            connection.execute(
                text(
                    "INSERT INTO journal_checkpoints (size, root, note, at) VALUES (:size, :root, :note, 1)"
                ),
                {"size": size, "root": root.hex(), "note": note},
            )
    database.upgrade()
    yield database
    database.close()


def faults(database):
    with database.read() as unit:
        size = unit.journal.tree_size()
        rows = row_records(unit.journal, unit.journal.placed(0, size))
        lines = [{"kind": "journal", "version": VERSION, "size": size}]
        lines += _woven(rows, unit.journal.checkpoints(0, size))
    examination = Examination([(LOG, KEY.public_key())])
    return list(examination.faults(lines)), examination


def test_old_checkpoints_stay_true(upgraded):
    found, examination = faults(upgraded)
    assert found == []
    assert (examination.rows, examination.checkpoints) == (ROWS, 2)


def test_old_rows_are_found_by_the_parties_that_stood_in_their_body(upgraded):
    with upgraded.read() as unit:
        (newest,) = unit.journal.tail(1)
        assert (newest.principal, newest.representative, newest.commitments) == ("maria", None, None)
        assert len(list(unit.journal.of_party("maria"))) == ROWS


def test_every_party_has_a_salt_of_its_own(upgraded):
    with upgraded._engines.read.begin() as connection:
        salts = connection.execute(text("SELECT salt FROM parties")).scalars().all()
    assert [len(bytes.fromhex(salt)) for salt in salts] == [16, 16]
    assert len(set(salts)) == 2


def test_old_rows_are_as_append_only_as_before(upgraded):
    for statement in (
        "UPDATE journal SET actor = 'x'",
        "UPDATE journal SET body = '{}'",
        "DELETE FROM journal",
    ):
        with upgraded._engines.write.begin() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))


def test_an_old_row_that_was_blanked_keeps_its_leaf(upgraded):
    with upgraded._engines.write.begin() as connection:
        connection.execute(text("INSERT INTO erasures VALUES ('maria', 1, 'test')"))
        connection.execute(text("UPDATE journal SET principal = NULL, body = '{}' WHERE seq = 7"))
    found, examination = faults(upgraded)
    assert found == ["1 rows are blank where the journal tells of 0"]
    assert examination.erased == 1


def test_an_old_row_that_says_something_else_is_found(upgraded):
    with upgraded.read() as unit:
        (record,) = row_records(unit.journal, unit.journal.placed(4, 5))
    examination = Examination([])
    record["body"]["grounds"] = "e"
    assert "row 5: its contents are not what was recorded" in list(examination.faults([record]))


def test_the_kept_nodes_are_built_once_from_the_leaves(upgraded):
    class Shell:
        database = upgraded

    Sequencer()._start(Shell())
    with upgraded.read() as unit:
        assert unit.journal.nodes_at(8) == 2
        leaves = [one.leaf.hash for one in unit.journal.placed(256, 512)]
        assert unit.journal.hashes([(8, 1, 2)]) == {(8, 1): root_of([bytes.fromhex(one) for one in leaves])}
    Sequencer()._start(Shell())
