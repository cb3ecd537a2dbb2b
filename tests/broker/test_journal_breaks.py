"""A journal that is built wrong is noticed: each deliberate break lets one tampering pass that a sound one finds.

The breaks of the chain and of the status stand in `tests/mandates/test_reference_breaks.py`; these are the
journal's. If a probe here no longer told the sound from the broken, the tests of tampering would prove nothing.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from broker.flows.journal import Sequencer
from broker.flows.journal_file import verify
from mandates import commitments, ledger
from mandates.events import Event


def write(flow):
    for batch in range(3):
        with flow.services.database.write() as uow:
            events = [Event("test.happened", flow.now, None, grounds=f"{batch}.{n}") for n in range(4)]
            uow.journal.append(events, flow.now)
            uow.commit()
        Sequencer().run(flow.services, flow.clock.forward(1))


def tamper(flow, *statements):
    with closing(sqlite3.connect(flow.file)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        for sql, values in statements:
            assert raw.execute(sql, values).rowcount, sql
        raw.commit()


def reword(flow):
    """Somebody changes what a row says."""
    body = json.dumps({"grounds": "nothing of the kind", "detail": {}})
    tamper(flow, ("UPDATE journal SET body = ? WHERE seq = 6", (body,)))


def date_back(flow):
    """Somebody changes when it was recorded."""
    tamper(flow, ("UPDATE journal SET recorded_at = recorded_at - 86400 WHERE seq = 6", ()))


def change_places(flow):
    """Somebody lets two rows that are siblings change places in the tree, with their leaves."""
    with closing(sqlite3.connect(flow.file)) as raw:
        two = raw.execute('SELECT "index", seq, hash FROM journal_leaves WHERE "index" IN (4, 5)').fetchall()
    (first, seq, leaf), (second, other, other_leaf) = two
    delete = ('DELETE FROM journal_leaves WHERE "index" IN (4, 5)', ())
    add = 'INSERT INTO journal_leaves ("index", seq, hash) VALUES (?, ?, ?)'
    tamper(flow, delete, (add, (first, other, other_leaf)), (add, (second, seq, leaf)))


def forgets_the_contents(monkeypatch):
    sound = commitments.commitments

    def broken(parties, body, opened):
        return sound(parties, {}, opened)

    monkeypatch.setattr(commitments, "commitments", broken)
    monkeypatch.setattr("broker.flows.journal_verify.commitments", broken)


def forgets_when(monkeypatch):
    sound = commitments.leaf_of_commitments

    def broken(**said):
        return sound(**(said | {"recorded_at": 0}))

    for module in ("broker.flows.journal", "broker.flows.journal_verify", "broker.flows.journal_file"):
        monkeypatch.setattr(f"{module}.leaf_of_commitments", broken, raising=False)


def forgets_the_order(monkeypatch):
    sound = ledger.node_hash
    monkeypatch.setattr(ledger, "node_hash", lambda left, right: sound(*sorted((left, right))))


@pytest.mark.parametrize(
    ("breaks", "tampers"),
    [
        (forgets_the_contents, reword),
        (forgets_when, date_back),
        (forgets_the_order, change_places),
    ],
)
def test_each_break_lets_a_tampering_pass_that_the_sound_journal_finds(
    flow, monkeypatch, tmp_path_factory, breaks, tampers
):
    write(flow)
    assert verify(flow.services, flow.now).faults == ()
    tampers(flow)
    assert verify(flow.services, flow.now).faults

    breaks(monkeypatch)
    broken = type(flow)(tmp_path_factory.mktemp("broken"))
    write(broken)
    assert verify(broken.services, broken.now).faults == ()
    tampers(broken)
    assert verify(broken.services, broken.now).faults == (), (
        "the break was not one, or the probe is not sharp"
    )
    broken.close()
