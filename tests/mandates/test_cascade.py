"""What happens elsewhere ends exactly the right mandates, in one event, and can be taken back the same day."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest

from builders import (
    DAY,
    NOW,
    TOM,
    catalogue,
    claimed,
    ended,
    given,
    mandate,
    organisation,
    seen,
)
from mandates.cascade import Cause, Happening, plan
from mandates.decide import Request, decide
from mandates.model import Approval, Ending, PowerEnding, Suspension
from mandates.status import State, status_of

ALL = (
    given(approvals=(Approval("second_officer", "fatima", NOW - 3),)),  # m: Maria -> OCMW
    mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m"),
    mandate("ocmw-beneficiary", "maria", "bakery", id="q", parent="p"),
    given(id="w", activated_at=None, lapses_at=NOW + DAY, parent="lost"),
    dataclasses.replace(given(id="j"), principal="jozef"),
    mandate("citizen-helper", "maria", "tom", id="h"),
    mandate("citizen-helper", "tom", "maria", id="r"),
    mandate("court-administrator", "maria", "tom", id="court"),
    mandate("ocmw-executor", "ocmw", "bram", id="x"),
    mandate("ocmw-executor", "ocmw", "fatima", id="y"),
    mandate("ocmw-executor", "ocmw-far", "bram", id="z"),
    mandate("company-employee", "company", "bram", id="c"),
    mandate("company-employee", "company", "tom", id="d", valid_from=NOW + DAY),
    claimed("ocmw-executor", "ocmw", "bram", id="claim"),
    given(id="old", valid_until=NOW),
    given(id="gone", **ended(Ending.WAIVED)),
    given(id="lapsed", activated_at=None, lapses_at=NOW),
)
"""Passed on: `p` from `m`, `q` from `p`; `w` waits; the last four are nobody's any more or a session's."""

BY_ID = {one.id: one for one in ALL}


def happened(cause, party, at=NOW, **facts):
    return Happening(cause, party, at, "Crossroads Bank", **facts)


def planned(happening, mandates=ALL, **facts):
    return plan(happening, mandates, catalogue(), NOW, **facts)


def names(values):
    return {one.id for one in values}


@pytest.mark.parametrize(
    ("happening", "expected"),
    [
        (happened(Cause.DEATH, "maria"), "m p q w h r court"),
        (happened(Cause.DEATH, "tom"), "h r court d"),
        (happened(Cause.DEATH, "bram"), "x z c"),
        (happened(Cause.DEATH, "nobody"), ""),
        (happened(Cause.LEAVER, "bram", organisation="ocmw"), "x"),
        (happened(Cause.LEAVER, "bram", organisation="company"), "c"),
        (happened(Cause.LEAVER, "bram"), ""),
        (happened(Cause.CEASED, "ocmw"), "m p q w j x y"),
        (happened(Cause.CEASED, "ocmw-far"), "p q z"),
        (happened(Cause.CEASED, "company"), "c d"),
        (happened(Cause.MERGED, "ocmw", successor="ocmw-far"), "m p q w j x y"),
        (happened(Cause.RECOGNITION_LOST, "ocmw", kind="ocmw"), "m p q w j x y"),
        (happened(Cause.RECOGNITION_LOST, "ocmw", kind="recognised_company"), ""),
        (happened(Cause.RECOGNITION_LOST, "company", kind="recognised_company"), "c d"),
        (happened(Cause.RECOGNITION_LOST, "company"), ""),
        (happened(Cause.MEASURE, "maria"), "m p q h"),
        (happened(Cause.MEASURE, "tom"), "r"),
    ],
)
def test_each_cause_touches_exactly_these(happening, expected):
    done = planned(happening)
    assert names(done.changed) == set(expected.split())
    assert done.successors == ()
    for now in done.changed:
        assert now.version == BY_ID[now.id].version + 1
        assert status_of(now, NOW).state is (
            State.SUSPENDED if happening.cause is Cause.MEASURE else State.CASCADED
        )


@pytest.mark.parametrize("order", list(itertools.permutations(ALL[:3])))
def test_what_was_passed_on_goes_too_in_whatever_order_it_is_read(order):
    assert names(planned(happened(Cause.CEASED, "ocmw"), order).changed) == {"m", "p", "q"}


def test_a_type_that_left_the_catalogue_ends_with_a_recognition():
    lost = dataclasses.replace(ALL[0], type="of-old")
    assert names(planned(happened(Cause.RECOGNITION_LOST, "ocmw", kind="ocmw"), [lost]).changed) == {"m"}


def test_it_ended_in_law_when_it_happened_and_never_before_it_began():
    begun = {"m": NOW - DAY, "w": NOW - DAY}
    for at, expected in ((NOW - 5, NOW - 5), (NOW - 9 * DAY, NOW - DAY)):
        done = {one.id: one for one in planned(happened(Cause.DEATH, "maria", at)).changed}
        for key in begun:
            one = done[key]
            assert (one.ended_at, one.ended_by, one.ending, one.grounds) == (
                expected,
                None,
                Ending.CASCADED,
                "death",
            )
            assert status_of(one, expected).state is State.CASCADED


def test_what_was_to_end_later_ends_earlier():
    m = given(ended_at=NOW + 5, ending=Ending.SUPERSEDED)
    (done,) = planned(happened(Cause.DEATH, "maria"), [m]).changed
    assert (done.ended_at, done.ending) == (NOW, Ending.CASCADED)


def test_a_measure_sets_aside_and_ends_nothing():
    done = planned(happened(Cause.MEASURE, "maria", NOW - 9))
    for one in done.changed:
        assert one.ended_at is None
        assert one.suspensions[-1] == Suspension(NOW, None, "administrator", "measure")


def test_a_second_measure_adds_to_what_stands():
    paused = given(suspensions=(Suspension(NOW - 5, "maria", "principal"),))
    (done,) = planned(happened(Cause.MEASURE, "maria"), [paused]).changed
    assert [one.capacity for one in done.suspensions] == ["principal", "administrator"]


def test_the_event_of_a_measure_names_what_it_sets_aside_as_suspended():
    done = planned(happened(Cause.MEASURE, "maria"))
    detail = done.event("noor", "v1", NOW).detail
    assert set(detail["suspended"]) == names(done.changed) != set()
    assert "ended" not in detail


def test_one_event_names_everything_and_everybody_that_matters():
    done = planned(
        happened(Cause.MERGED, "ocmw", NOW - 5, successor="ocmw-far"),
        new_id=map("n{}".format, itertools.count()).__next__,
    )
    event = done.event("noor", "v1", NOW)
    assert (event.type, event.at, event.actor, event.mandate) == ("cascade.merged", NOW, "noor", None)
    assert (event.principal, event.representative, event.grounds) == ("ocmw", "ocmw-far", "Crossroads Bank")
    assert set(event.detail["ended"]) == names(done.changed)
    assert event.detail["successors"] == {one.replaces: one.id for one in done.successors}
    assert (event.detail["at"], event.detail["catalogue_version"]) == (NOW - 5, "v1")
    assert json.loads(json.dumps(event.body())) == event.body()
    lost = planned(happened(Cause.RECOGNITION_LOST, "ocmw", kind="ocmw")).event("noor", "v1", NOW)
    assert lost.detail["kind"] == "ocmw"


def test_a_plan_changes_nothing_until_somebody_stores_it():
    before = tuple(ALL)
    assert planned(happened(Cause.DEATH, "maria")) == planned(happened(Cause.DEATH, "maria"))
    assert before == ALL


# --- legal succession ------------------------------------------------------

OCMW_B = {"ocmw-b": organisation("ocmw-b", "ocmw")}
MERGER = happened(Cause.MERGED, "ocmw", NOW - 5, successor="ocmw-b")


def merged(mandates=ALL, happening=MERGER):
    ids = map("n{}".format, itertools.count())
    return planned(happening, mandates, new_id=ids.__next__)


def test_the_successor_takes_over_powers_period_and_approvals():
    power = PowerEnding("vouchers:order", NOW - 3, "maria", Ending.REVOKED)
    pause = Suspension(NOW - 2, "noor", "issuer")
    m = dataclasses.replace(ALL[0], ended_powers=(power,), suspensions=(pause,))
    (taken,) = merged([m]).successors
    assert taken == dataclasses.replace(
        m, id="n0", representative="ocmw-b", replaces="m", valid_from=NOW, version=1
    )


def test_staff_and_mandates_of_the_people_go_over_and_what_waited_or_was_passed_on_does_not():
    done = merged()
    assert {one.replaces for one in done.successors} == {"m", "j", "x", "y"}
    assert {one.replaces for one in done.successors if one.principal == "ocmw-b"} == {"x", "y"}


def test_what_was_to_begin_later_begins_then():
    later = given(valid_from=NOW + DAY)
    (taken,) = merged([later]).successors
    assert (taken.valid_from, status_of(taken, NOW).state) == (NOW + DAY, State.SCHEDULED)


def test_a_merger_leaves_no_instant_with_two_and_the_officer_goes_on_after_it():
    m, hand = ALL[0], mandate("ocmw-executor", "ocmw", "tom", id="x")
    done = merged([m, hand])
    w = seen(*done.changed, *done.successors, parties=OCMW_B)
    for t in (NOW - 6, NOW - 5, NOW - 1, NOW, NOW + DAY):
        running = [one.id for one in w.given_by("maria") if status_of(one, t).state is State.ACTIVE]
        assert len(running) <= 1
    assert decide(Request(TOM, "maria"), w, NOW).permitted
    assert decide(Request(TOM, "maria"), w, NOW - 6).permitted
    assert not decide(Request(TOM, "maria", mandate="m"), w, NOW).permitted


def test_without_names_or_a_successor_a_merger_ends_like_a_cessation():
    assert planned(MERGER).successors == ()
    assert merged(happening=happened(Cause.MERGED, "ocmw")).successors == ()


def test_who_stands_on_the_other_side_already_takes_nothing_over():
    own = mandate("ocmw-executor", "ocmw", "ocmw-b", id="o")
    assert merged([own]).successors == ()


@pytest.mark.parametrize("first", [True, False])
def test_what_the_successor_has_already_is_not_taken_over_beside_it(first):
    """Two in force between the same parties, of a type that lets one run."""
    m, theirs = ALL[0], mandate("ocmw-beneficiary", "maria", "ocmw-b", id="b")
    done = merged([m, theirs] if first else [theirs, m])
    assert names(done.changed) == {"m"}
    assert done.successors == ()
    assert merged([m, dataclasses.replace(theirs, **ended(Ending.REVOKED))]).successors


def test_what_runs_beside_others_is_taken_over_beside_others():
    m, theirs = ALL[0], mandate("ocmw-beneficiary", "maria", "ocmw-b", id="b", several=True)
    assert len(merged([dataclasses.replace(m, several=True), theirs]).successors) == 1


def test_only_a_merger_has_a_successor():
    ids = map("n{}".format, itertools.count())
    ceased = happened(Cause.CEASED, "ocmw", successor="ocmw-b")
    assert planned(ceased, new_id=ids.__next__).successors == ()


def test_what_was_approved_in_time_is_open_long_after_the_request_would_have_lapsed():
    m = given(lapses_at=NOW - 5)
    assert names(planned(happened(Cause.DEATH, "maria"), [m]).changed) == {"m"}


@pytest.mark.parametrize("facts", [{"parent": "elsewhere"}, {"activated_at": None}])
def test_what_was_passed_on_to_it_or_still_waits_ends_and_is_asked_anew(facts):
    done = merged([given(**facts)])
    assert names(done.changed) == {"m"}
    assert done.successors == ()


def test_what_was_approved_after_it_happened_never_was_in_force():
    m = given(requested_at=NOW - DAY, activated_at=NOW - 5)
    (done,) = planned(happened(Cause.DEATH, "maria", NOW - 9), [m]).changed
    assert done.ended_at == NOW - 5
    assert [status_of(done, t).state for t in (NOW - 6, NOW - 5)] == [State.AWAITING, State.CASCADED]


def test_what_waits_at_the_successor_holds_no_place():
    waits = mandate("ocmw-beneficiary", "maria", "ocmw-b", id="b", activated_at=None)
    assert len(merged([ALL[0], waits]).successors) == 1


def test_the_event_of_a_leaver_names_the_house_that_she_leaves():
    event = planned(happened(Cause.LEAVER, "bram", organisation="ocmw")).event("els", "v1", NOW)
    assert (event.type, event.principal, event.representative) == ("cascade.leaver", "bram", "ocmw")
