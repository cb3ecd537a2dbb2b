"""A cascade taken back the same day: what it ended comes back, what somebody did since stays."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from builders import (
    BRAM,
    MARIA,
    NOW,
    TOM,
    after,
    catalogue,
    ended,
    given,
    mandate,
    organisation,
    seen,
)
from mandates.cascade import Cause, Happening, plan, undo
from mandates.decide import Request, decide
from mandates.errors import UndoTooLateError
from mandates.lifecycle import end, suspend
from mandates.model import Ending

PEOPLES = (
    given(id="m"),
    mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m"),
    dataclasses.replace(given(id="j"), principal="jozef"),
    mandate("citizen-helper", "maria", "tom", id="h"),
)
BY_ID = {one.id: one for one in PEOPLES}
OCMW_B = {"ocmw-b": organisation("ocmw-b", "ocmw")}
MERGER = Happening(Cause.MERGED, "ocmw", NOW - 5, "Crossroads Bank", successor="ocmw-b")


def planned(cause, party, mandates=PEOPLES):
    return plan(Happening(cause, party, NOW, "Crossroads Bank"), mandates, catalogue(), NOW)


def merged():
    return plan(MERGER, [BY_ID["m"]], catalogue(), NOW, map("n{}".format, itertools.count()).__next__)


def names(values):
    return {one.id for one in values}


MIDNIGHT = NOW + 3600


def pairs(done):
    return [(BY_ID[one.id], one) for one in done.changed]


def test_undo_puts_everything_back_one_version_on():
    done = planned(Cause.DEATH, "maria")
    back = undo(pairs(done), (), MIDNIGHT, NOW + 5)
    assert {one.id: one for one in back} == {
        one.id: dataclasses.replace(BY_ID[one.id], version=one.version + 1) for one in done.changed
    }


def test_undo_is_too_late_at_midnight_exactly():
    done = planned(Cause.DEATH, "maria")
    assert undo(pairs(done), (), MIDNIGHT, MIDNIGHT - 1)
    with pytest.raises(UndoTooLateError) as error:
        undo(pairs(done), (), MIDNIGHT, MIDNIGHT)
    assert error.value.code == "undo_too_late"


def test_undo_of_a_merger_ends_what_had_taken_its_place():
    done = merged()
    gone, back = undo(pairs(done), done.successors, MIDNIGHT, NOW + 5)
    assert (gone.id, gone.ended_at, gone.ending, gone.version) == ("n0", NOW + 5, Ending.CASCADED, 2)
    assert (back.id, back.ended_at) == ("m", None)


def test_what_somebody_changed_since_stays_as_it_is():
    done = planned(Cause.MEASURE, "maria")
    w = seen(*done.changed)
    w = after(w, end(w.get("h"), TOM, w, "", NOW + 1))
    back = undo([(BY_ID[one.id], w.get(one.id)) for one in done.changed], (), MIDNIGHT, NOW + 5)
    assert names(back) == {"m", "p"}


@pytest.mark.parametrize("act", [end, suspend])
def test_what_she_did_to_the_successor_is_not_undone_with_the_merger(act):
    """Otherwise the merger that never was would give the OCMW back what she took."""
    done = merged()
    w = seen(*done.changed, *done.successors, parties=OCMW_B)
    w = after(w, act(w.get("n0"), MARIA, w, "", NOW + 1))
    back = undo(pairs(done), [w.get("n0")], MIDNIGHT, NOW + 5)
    assert back == ()


def test_what_was_given_anew_meanwhile_keeps_the_place():
    """Two in force between the same parties, of a type that lets one run."""
    done = planned(Cause.CEASED, "ocmw", [BY_ID["m"], BY_ID["j"]])
    anew = given(id="anew", activated_at=NOW + 1)
    everything = [*done.changed, anew]
    back = undo(pairs(done), (), MIDNIGHT, NOW + 5, since=everything)
    assert names(back) == {"j"}
    over = dataclasses.replace(anew, **ended(Ending.REVOKED, NOW + 2))
    assert names(undo(pairs(done), (), MIDNIGHT, NOW + 5, since=[over])) == {"m", "j"}
    beside = dataclasses.replace(anew, several=True)
    assert names(undo(pairs(done), (), MIDNIGHT, NOW + 5, since=[beside])) == {"m", "j"}


def test_after_undo_the_chain_carries_again():
    done = planned(Cause.CEASED, "ocmw", [BY_ID["m"]])
    assert not decide(Request(BRAM, "maria"), seen(*done.changed), NOW).permitted
    back = undo(pairs(done), (), MIDNIGHT, NOW + 5)
    assert decide(Request(BRAM, "maria"), seen(*back), NOW + 5).permitted


def test_what_was_set_aside_stands_in_nobodys_way_when_it_comes_back():
    done = planned(Cause.MEASURE, "maria")
    back = undo(pairs(done), (), MIDNIGHT, NOW + 5, since=done.changed)
    assert names(back) == names(done.changed)
