"""A report is shown first, and taken back the same day."""

import dataclasses
from datetime import UTC, datetime

import pytest

from broker.days import after_last_instant, day_of
from broker.errors import (
    NotFoundHereError,
)
from broker.flows import cascades, revocation
from broker.port_errors import ConflictError
from broker.records import Basis
from builders import DAY, NOW
from cascade_tools import bits, content, died, journal, merged, party, report, reviewer, state, stored
from flow_world import VOUCHERS
from mandates.change import Change, next_version
from mandates.errors import NotAllowedError, UndoTooLateError
from mandates.model import Ending
from mandates.status import State
from storage.records import grant


def test_a_dry_run_shows_the_same_and_leaves_every_byte_as_it_was(flow, far):
    client, bram = flow.client(), flow.officer()
    flow.tokens(client, bram, flow.key_of(client, flow.beneficiary()))
    before = content(flow)
    shown = report(flow, merged(flow, far), dry_run=True)
    assert content(flow) == before
    assert shown.reference is None
    done = report(flow, merged(flow, far))
    plain = {"reference": None, "lines": ()}
    assert dataclasses.replace(done, **plain) == dataclasses.replace(shown, **plain)
    assert [dataclasses.replace(line, successor=None) for line in done.lines] == [
        dataclasses.replace(line, successor=None) for line in shown.lines
    ]
    assert content(flow) != before


def test_undo_brings_back_mandates_and_facts_the_same_day(flow, far):
    given = flow.beneficiary()
    before = party(flow, flow.ocmw.id)
    done = report(flow, merged(flow, far))
    flow.clock.forward(60)
    back = cascades.undo(flow.services, done.reference, None, flow.now)
    assert (back.changed, back.taken_over) == (1, 1)
    restored = stored(flow, given.id)
    assert restored == dataclasses.replace(given, version=3)
    assert state(flow, done.lines[0].successor) is State.CASCADED
    assert party(flow, flow.ocmw.id) == before
    assert journal(flow)[0].type == "cascade.undone"
    assert journal(flow)[0].body["detail"]["restored"] == [given.id]
    with pytest.raises(ConflictError):
        cascades.undo(flow.services, done.reference, None, flow.now)


def test_undo_reaches_the_tokens_of_what_had_taken_its_place(flow, far):
    given = flow.beneficiary()
    done = report(flow, merged(flow, far))
    tom = flow.sign_in("Tom")
    facts = {"mandate": done.lines[0].successor, "principal": given.principal}
    with flow.services.database.write() as uow:
        uow.grants.add(grant("g1", **facts, actor=tom.party, session=tom.id))
        basis = Basis("g1", "voucher-web", VOUCHERS, facts["mandate"])
        uow.status.allocate(basis, flow.now + 300, flow.now)
        uow.commit()
    assert bits(flow) == set()
    assert cascades.undo(flow.services, done.reference, None, flow.now).grants == 1
    assert len(bits(flow)) == 1


def test_undo_gives_back_an_end_that_was_fixed_for_later(flow):
    later = {"ended_at": NOW + DAY, "ended_by": "bram", "ending": Ending.SUPERSEDED}
    given = flow.beneficiary()
    flow.change(given.id, **later)
    done = report(flow, died(given.principal))
    assert stored(flow, given.id).ending is Ending.CASCADED
    cascades.undo(flow.services, done.reference, None, flow.now)
    back = stored(flow, given.id)
    assert (back.ended_at, back.ended_by, back.ending) == (NOW + DAY, "bram", Ending.SUPERSEDED)


def test_undo_is_of_the_day_in_brussels_on_which_it_was_done(flow):
    given = flow.beneficiary(valid_until=NOW + 100 * DAY)
    midnight = after_last_instant(day_of(flow.now))
    assert datetime.fromtimestamp(midnight, UTC).hour == 23
    done = report(flow, died(given.principal))
    flow.clock.now = midnight
    with pytest.raises(UndoTooLateError):
        cascades.undo(flow.services, done.reference, None, flow.now)
    assert state(flow, given.id) is State.CASCADED
    flow.clock.now = midnight - 1
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 1


def test_undo_leaves_what_somebody_changed_since(flow):
    given, other = flow.beneficiary(), None
    other = flow.give("citizen-helper", party(flow, given.principal), flow.party("Tom"))
    done = report(flow, died(given.principal))
    with flow.services.database.write() as uow:
        changed = next_version(uow.mandates.find(given.id), grounds="corrected")
        revocation.record(uow, Change(changed, ()), flow.now)
        facts = dataclasses.replace(uow.parties.get(given.principal), deceased_at=flow.now - 5)
        uow.parties.save(facts, flow.now)
        uow.commit()
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 1
    assert state(flow, given.id) is State.CASCADED
    assert state(flow, other.id) is State.ACTIVE
    assert party(flow, given.principal).deceased_at == flow.now - 5


def test_undo_leaves_the_place_to_what_was_made_since(flow):
    given = flow.beneficiary()
    done = report(flow, died(given.principal))
    anew = flow.give("ocmw-beneficiary", party(flow, given.principal), flow.ocmw)
    assert cascades.undo(flow.services, done.reference, None, flow.now).changed == 0
    assert state(flow, given.id) is State.CASCADED
    assert state(flow, anew.id) is State.ACTIVE


def test_a_bit_that_was_set_stays_set_and_nobody_else_undoes(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    flow.tokens(client, bram, flow.key_of(client, given))
    done = report(flow, died(given.principal))
    with pytest.raises(NotAllowedError):
        cascades.undo(flow.services, done.reference, bram, flow.now)
    with pytest.raises(NotFoundHereError):
        cascades.undo(flow.services, "nothing", None, flow.now)
    before = bits(flow)
    assert before
    cascades.undo(flow.services, done.reference, reviewer(flow), flow.now)
    assert bits(flow) == before
