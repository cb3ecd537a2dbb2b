"""Class 24 and 25: the journal in hostile hands, and people who were forgotten.

Whoever holds the database blanks a row and says that somebody was forgotten; whoever holds an
exported file takes out a name. `tests/broker/test_journal_tampering.py` has the plain edits.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from broker.flows.data_subjects import erase
from broker.flows.journal import Sequencer
from broker.flows.journal_file import records, verify
from broker.flows.journal_verify import Examination
from broker.flows.receipts import receipt_of
from broker.flows.retention import apply, load_retention
from builders import DAY
from config.settings import ROOT
from flow_world import FlowWorld
from keys.notes import read_verifier_key
from mandates.events import Event

TERMS = load_retention((ROOT / "config" / "retention.toml").read_text(encoding="utf-8"))


@pytest.fixture
def flow(tmp_path):
    world = FlowWorld(tmp_path)
    yield world
    world.close()


def said(flow, *events):
    with flow.services.database.write() as uow:
        uow.journal.append(events, flow.now)
        uow.commit()
    Sequencer().run(flow.services, flow.clock.forward(1))


def forget(flow, party):
    erase(flow.services, party.id, TERMS, by="test", now=flow.now, apply=True)
    Sequencer().run(flow.services, flow.clock.forward(1))


def blank(flow, kind):
    """Past every guard of the database."""
    with closing(sqlite3.connect(flow.file)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        changed = "UPDATE journal SET body = '{}', actor = NULL, principal = NULL, representative = NULL "
        assert raw.execute(f"{changed} WHERE type = ?", (kind,)).rowcount == 1
        raw.commit()


def test_class_25_a_row_of_two_who_were_forgotten_gives_no_room_to_blank_a_third(flow):
    maria, jozef, bram = flow.party("Maria"), flow.party("Jozef"), flow.party("Bram")
    said(flow, Event("shared", flow.now, maria.id, principal=jozef.id, grounds="x"))
    said(flow, Event("damning", flow.now, bram.id, grounds="what Bram did"))
    forget(flow, maria)
    forget(flow, jozef)
    assert verify(flow.services, flow.now).faults == ()
    blank(flow, "damning")
    assert verify(flow.services, flow.now).faults == ("2 rows are blank where the journal tells of 1",)


def test_class_25_a_term_that_is_over_does_not_tell_again_of_who_was_forgotten(flow):
    maria, bram = flow.party("Maria"), flow.party("Bram")
    said(flow, Event("shared", flow.now, maria.id, principal=flow.ocmw.id, grounds="x"))
    forget(flow, maria)
    flow.clock.forward(TERMS.kinds["journal"].seconds + DAY)
    apply(flow.services, TERMS, flow.now)
    said(flow, Event("damning", flow.now, bram.id, grounds="what Bram did"))
    verdict = verify(flow.services, flow.now)
    assert verdict.faults == ()
    blank(flow, "damning")
    (fault,) = verify(flow.services, flow.now).faults
    assert fault == f"{verdict.erased + 1} rows are blank where the journal tells of {verdict.erased}"


def examined(flow, lines):
    keys = [read_verifier_key(key) for key in json.loads(lines[0])["keys"]]
    return list(Examination(keys).faults(json.loads(line) for line in lines))


@pytest.mark.parametrize("role", ["actor", "principal", "representative"])
@pytest.mark.parametrize("opening", [True, False])
def test_class_25_nobody_is_taken_out_of_an_exported_row_whose_contents_stay(flow, role, opening):
    maria, jozef, bram = flow.party("Maria"), flow.party("Jozef"), flow.party("Bram")
    said(flow, Event("done", flow.now, maria.id, principal=jozef.id, representative=bram.id, grounds="x"))
    rows = list(records(flow.services))
    assert examined(flow, [json.dumps(row) for row in rows]) == []
    for row in rows:
        if row.get("type") == "done":
            row[role] = None
            if opening:
                row["openings"][role] = None
    assert len(examined(flow, [json.dumps(row) for row in rows])) == 1


def test_class_25_openings_of_two_rows_do_not_change_places(flow):
    maria, bram = flow.party("Maria"), flow.party("Bram")
    said(flow, Event("first", flow.now, maria.id), Event("second", flow.now, bram.id))
    rows = list(records(flow.services))
    first, second = (next(row for row in rows if row.get("type") == kind) for kind in ("first", "second"))
    for fact in ("actor", "openings", "body"):
        first[fact], second[fact] = second[fact], first[fact]
    assert len(examined(flow, [json.dumps(row) for row in rows])) == 2


def test_class_25_a_receipt_does_not_open_the_row_of_another_mandate_of_hers(flow):
    """Openings are per row: with one row of hers nobody finds her elsewhere in the tree."""
    one, other = flow.beneficiary("Maria"), flow.beneficiary("Jozef")
    said(
        flow,
        Event("mandate.activated", flow.now, one.principal, mandate=one.id, principal=one.principal),
        Event("mandate.activated", flow.now, one.principal, mandate=other.id, principal=other.principal),
    )
    shown, hidden = receipt_of(flow.services, one.id)["rows"], receipt_of(flow.services, other.id)["rows"]
    assert {row["openings"]["actor"] for row in shown}.isdisjoint(row["openings"]["actor"] for row in hidden)
    assert {row["commitments"]["actor"] for row in shown}.isdisjoint(
        row["commitments"]["actor"] for row in hidden
    )


def test_class_25_who_was_forgotten_is_not_brought_back_by_undoing_what_happened_to_her(flow):
    from broker.flows import cascades
    from mandates.cascade import Cause, Happening

    maria = flow.party("Maria")
    died = Happening(Cause.DEATH, maria.id, flow.now - DAY, "register")
    done = cascades.report(flow.services, died, by=None, dry_run=False, now=flow.now)
    forget(flow, maria)
    cascades.undo(flow.services, done.reference, None, flow.now)
    with flow.services.database.read() as uow:
        left = uow.parties.get(maria.id)
    assert (left.name, left.deceased_at, left.adult_at) == ("", None, None)
