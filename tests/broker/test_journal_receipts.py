"""Receipts and consistency: checked with a public key and nothing of ours."""

import copy
import json

import pytest
from sqlalchemy import text

from broker.errors import NotFoundHereError
from broker.flows import journal
from broker.flows.journal import Sequencer, verifier_keys
from broker.flows.journal_verify import head_of, receipt_faults
from broker.flows.receipts import consistency, receipt_of
from broker.storage.journal import SqlJournalStore
from keys.notes import read_verifier_key
from mandates import ledger
from mandates.events import Event

SIZES = (1, 2, 3, 200, 255, 256, 257, 400, 511, 512, 513, 700)


def happened(flow, *events):
    with flow.services.database.write() as uow:
        uow.journal.append(events, flow.now)
        uow.commit()


def signers(flow):
    return [read_verifier_key(key) for key in verifier_keys(flow.services)]


def faults(flow, receipt):
    return list(receipt_faults(json.loads(json.dumps(receipt)), signers(flow)))


@pytest.fixture
def maria(flow):
    return flow.party("Maria")


@pytest.fixture
def receipt(flow, maria):
    """Three rows of mandate m among others."""
    for number in range(3):
        other = Event("test.other", flow.now, None, mandate="n")
        mine = Event(
            "mandate.tested", flow.now, maria.id, mandate="m", principal=maria.id, detail={"n": number}
        )
        happened(flow, other, mine, other)
        Sequencer().run(flow.services, flow.now)
    return receipt_of(flow.services, "m")


def test_a_receipt_holds_every_row_of_its_mandate_and_verifies(flow, receipt, maria):
    assert [row["body"]["detail"]["n"] for row in receipt["rows"]] == [0, 1, 2]
    assert {row["principal"] for row in receipt["rows"]} == {maria.id}
    assert faults(flow, receipt) == []


def test_the_openings_of_a_receipt_are_not_the_salt_of_the_party(flow, receipt, maria):
    with flow.services.database._engines.read.begin() as connection:
        salt = connection.execute(
            text("SELECT salt FROM parties WHERE id = :id"), {"id": maria.id}
        ).scalar_one()
    assert salt not in json.dumps(receipt)


def change(receipt, **facts):
    changed = copy.deepcopy(receipt)
    changed["rows"][1] |= facts
    return changed


@pytest.mark.parametrize(
    "facts",
    [
        {"at": 5},
        {"type": "mandate.x"},
        {"actor": "els"},
        {"body": {"grounds": "", "detail": {"n": 9}}},
        {"commitments": {}},
        {"seq": 2},
    ],
)
def test_a_receipt_with_another_fact_in_it_is_refused(flow, receipt, facts):
    assert faults(flow, change(receipt, **facts))


def test_a_receipt_whose_row_stands_elsewhere_is_refused(flow, receipt):
    seq = receipt["rows"][1]["seq"]
    where = f"row {seq}: does not stand under the checkpoint"
    assert faults(flow, change(receipt, index=receipt["rows"][1]["index"] + 1)) == [where]
    assert faults(flow, change(receipt, proof=receipt["rows"][1]["proof"][:-1])) == [where]


def test_a_row_of_another_mandate_is_refused(flow, receipt):
    other = receipt_of(flow.services, "n")
    mixed = receipt | {"rows": [*receipt["rows"], other["rows"][0]]}
    assert [fault for fault in faults(flow, mixed) if "another mandate" in fault]


def test_a_receipt_that_nobody_signed_or_that_is_none_is_refused(flow, receipt):
    unsigned = receipt | {"checkpoint": receipt["checkpoint"].replace("\n", "\nx", 1)}
    assert faults(flow, unsigned) == ["the checkpoint is not signed by a key that was given"]
    assert list(receipt_faults(receipt, [])) == ["the checkpoint is not signed by a key that was given"]
    for value in (
        None,
        [],
        "receipt",
        {},
        receipt | {"rows": [{}]},
        receipt | {"rows": 5},
        receipt | {"version": 2},
    ):
        assert faults(flow, value) == ["this is not a receipt"]


def test_a_mandate_of_which_nothing_is_known_has_no_receipt(flow, receipt):
    with pytest.raises(NotFoundHereError):
        receipt_of(flow.services, "unknown")


@pytest.mark.parametrize("stride", [2, 8], ids=["many levels", "as it is"])
def test_receipts_and_consistency_hold_at_the_borders_of_kept_nodes(flow, monkeypatch, stride):
    """One sequencer goes on while others start from what is kept; the proofs are those of the whole tree."""
    monkeypatch.setattr(journal, "STRIDE", stride)
    steady, roots = Sequencer(), {}
    for size in SIZES:
        with flow.services.database.read() as uow:
            waiting, placed = len(uow.journal.unsequenced(5000)), uow.journal.tree_size()
        events = [Event("test.row", flow.now, None, mandate=str(size))] * (size - placed - waiting)
        happened(flow, *events)
        (steady if size % 2 else Sequencer()).run(flow.services, flow.clock.forward(1))
        steady = steady if size % 2 else Sequencer()
        with flow.services.database.read() as uow:
            leaves = [bytes.fromhex(one.leaf.hash) for one in uow.journal.placed(0, 5000)]
            newest = uow.journal.newest_checkpoint()
        roots[newest.size] = ledger.root_of(leaves)
        assert newest.root == roots[newest.size].hex()
        if events:
            receipt = receipt_of(flow.services, str(size))
            assert faults(flow, receipt) == []
            for row in (receipt["rows"][0], receipt["rows"][-1]):
                proof = ledger.inclusion_proof(leaves, row["index"])
                assert row["proof"] == [hash_.hex() for hash_ in proof]
        for old, root in roots.items():
            found = consistency(flow.services, old)
            head = head_of(found["checkpoint"], signers(flow))
            proof = [bytes.fromhex(hash_) for hash_ in found["proof"]]
            assert tuple(proof) == ledger.consistency_proof(leaves, old)
            assert ledger.verify_consistency(old, root, head.size, head.root, proof)
    with pytest.raises(NotFoundHereError):
        consistency(flow.services, 10_000)


def test_a_proof_reads_a_few_hundred_hashes_of_a_large_tree(flow, monkeypatch):
    happened(
        flow, *[Event("test.row", flow.now, None)] * 2100, Event("test.row", flow.now, None, mandate="m")
    )
    Sequencer().run(flow.services, flow.now)
    read = []
    hashes = SqlJournalStore.hashes
    monkeypatch.setattr(
        SqlJournalStore, "hashes", lambda self, runs: read.append(hashes(self, runs)) or read[-1]
    )
    assert faults(flow, receipt_of(flow.services, "m")) == []
    assert [len(found) for found in read] == [len(read[0])]
    assert len(read[0]) < 2 * 256
