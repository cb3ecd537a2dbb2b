"""What a person sees of a mandate, and what she is offered: what the engine would then do."""

from __future__ import annotations

import pytest

from broker.flows import mandates, seen
from builders import DAY
from mandates.errors import MandateError
from mandates.model import Suspension


def may(flow, session, mandate):
    return seen.find(flow.services, session, mandate.id, flow.now).may


@pytest.fixture
def maria(flow):
    return flow.party("Maria")


def test_what_she_set_aside_before_the_measure_is_offered_to_her_administrator_and_not_to_her(flow, maria):
    tom, dirk = flow.party("Tom"), flow.party("Dirk")
    aside = (Suspension(flow.now - DAY, maria.id, "principal"),)
    helper = flow.give("citizen-helper", maria, tom, suspensions=aside)
    assert "resume" in may(flow, flow.sign_in("Maria"), helper)
    flow.give("court-administrator", maria, dirk)
    assert "resume" not in may(flow, flow.sign_in("Maria"), helper)
    with pytest.raises(MandateError):
        mandates.resume(flow.services, flow.sign_in("Maria"), helper.id, flow.now)
    assert "resume" in may(flow, flow.sign_in("Dirk"), helper)
    mandates.resume(flow.services, flow.sign_in("Dirk"), helper.id, flow.now)
    assert may(flow, flow.sign_in("Dirk"), helper) == {"end", "suspend"}


def test_an_approval_is_not_offered_where_her_administrator_alone_gives_what_is_left(flow, maria):
    flow.give("court-administrator", maria, flow.party("Dirk"))
    waits = flow.give("citizen-helper", maria, flow.party("Tom"), requested_by=maria.id, activated_at=None)
    assert "approve" not in may(flow, flow.sign_in("Maria"), waits)
    assert "approve" in may(flow, flow.sign_in("Dirk"), waits)
    mandates.approve(flow.services, flow.sign_in("Tom"), waits.id, flow.now)
    assert "approve" not in may(flow, flow.sign_in("Tom"), waits), "his own approval is in"


def test_nobody_is_left_out_of_what_waits_however_much_there_is(flow, maria, monkeypatch):
    monkeypatch.setattr(seen, "WAITING", 3)
    facts = {"activated_at": None, "requested_by": maria.id}
    asked = [flow.give("citizen-helper", maria, flow.party(f"Helper {one}"), **facts) for one in range(7)]
    with flow.services.database.write() as uow:
        found = list(seen._all_waiting(uow))
    assert sorted(one.id for one in found) == sorted(one.id for one in asked)
    mine = seen.requested_by(flow.services, flow.sign_in("Maria"), flow.now)
    assert {row.mandate.id for row in mine} == {one.id for one in asked}
    assert seen.requested_by(flow.services, flow.sign_in("Vreemde"), flow.now) == []


def test_a_history_is_read_on_from_any_row(flow, maria):
    given = flow.give("citizen-helper", maria, flow.party("Tom"))
    herself = flow.sign_in("Maria")
    for _ in range(3):
        mandates.suspend(flow.services, herself, given.id, flow.now)
        mandates.resume(flow.services, herself, given.id, flow.now)
    whole, _ = seen.journal_of(flow.services, 100, given.id)
    assert len(whole) == 6
    read, before = [], None
    while page := seen.journal_of(flow.services, 4, given.id, before)[0]:
        read += page
        before = page[-1].seq
    assert read == whole
