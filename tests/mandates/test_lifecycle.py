import pytest

from builders import (
    BRAM,
    ELS,
    FATIMA,
    MANAGER,
    MARIA,
    NOW,
    OFFICERS,
    TOM,
    VILLAGE_NOW,
    actor,
    awaiting,
    ended,
    event_types,
    give,
    helper,
    person,
    world,
)
from mandates import errors
from mandates.decide import Request, decide
from mandates.lifecycle import cancel, end, refuse, resume, suspend
from mandates.model import Ending, Level, Suspension
from mandates.status import State, status_of

# --- refuse, cancel, end ---------------------------------------------------


@pytest.mark.parametrize("who", [MARIA, FATIMA, actor("maria", Level.LOW)])
def test_a_waiting_request_is_refused(who):
    change = refuse(awaiting(), who, VILLAGE_NOW, "not mine", NOW + 1)
    m = change.mandate
    assert (m.ending, m.ended_at, m.ended_by, m.grounds, m.version) == (
        Ending.REFUSED,
        NOW + 1,
        who.party,
        "not mine",
        2,
    )
    assert event_types(change) == ["mandate.refused"]
    assert change.events[0].grounds == "not mine"
    assert status_of(m, NOW + 1).state is State.REFUSED


def test_a_waiting_request_is_cancelled_on_the_side_that_asked():
    change = cancel(awaiting(), BRAM, VILLAGE_NOW, "mistake", NOW)
    assert (change.mandate.ending, event_types(change)) == (Ending.CANCELLED, ["mandate.cancelled"])


@pytest.mark.parametrize(("act", "who"), [(refuse, BRAM), (refuse, TOM), (cancel, MARIA), (cancel, TOM)])
def test_others_neither_refuse_nor_cancel(act, who):
    with pytest.raises(errors.NotAllowedError):
        act(awaiting(), who, VILLAGE_NOW, "", NOW)


@pytest.mark.parametrize(("act", "who"), [(refuse, MARIA), (cancel, BRAM)])
@pytest.mark.parametrize("facts", [{"activated_at": NOW}, {"lapses_at": NOW}, ended(Ending.REFUSED)])
def test_what_no_longer_waits_is_neither_refused_nor_cancelled(act, who, facts):
    with pytest.raises(errors.WrongStateError):
        act(awaiting(**facts), who, VILLAGE_NOW, "", NOW)


@pytest.mark.parametrize(
    ("m", "who", "ending"),
    [
        (awaiting(activated_at=NOW), MARIA, Ending.REVOKED),
        (awaiting(activated_at=NOW), FATIMA, Ending.WAIVED),
        (give().mandate, ELS, Ending.WITHDRAWN),
        (give().mandate, TOM, Ending.WAIVED),
        (helper(), MARIA, Ending.REVOKED),
        (helper(), actor("tom", Level.NONE), Ending.WAIVED),
        (helper(suspended_at=NOW), TOM, Ending.WAIVED),
        (helper(valid_from=NOW + 5), MARIA, Ending.REVOKED),
        (awaiting(activated_at=NOW, principal="bram"), BRAM, Ending.REVOKED),
        (OFFICERS[0], BRAM, Ending.WAIVED),
    ],
)
def test_the_capacity_says_how_a_mandate_ends(m, who, ending):
    change = end(m, who, VILLAGE_NOW, "enough", NOW)
    assert (change.mandate.ending, change.mandate.ended_at, change.mandate.ended_by) == (
        ending,
        NOW,
        who.party,
    )
    assert (change.mandate.version, change.mandate.grounds) == (m.version + 1, "enough")
    assert event_types(change) == [f"mandate.{ending.value}"]
    assert status_of(change.mandate, NOW).state.value == ending.value


@pytest.mark.parametrize(
    ("m", "who"), [(helper(), BRAM), (give().mandate, MARIA), (OFFICERS[0], MARIA), (MANAGER, ELS)]
)
def test_others_do_not_end_it(m, who):
    with pytest.raises(errors.NotAllowedError):
        end(m, who, VILLAGE_NOW, "", NOW)


@pytest.mark.parametrize("facts", [{"activated_at": None}, {"valid_until": NOW}, ended(Ending.WAIVED)])
def test_what_is_not_alive_is_not_ended(facts):
    with pytest.raises(errors.WrongStateError):
        end(helper(**facts), MARIA, VILLAGE_NOW, "", NOW)


# --- suspend and resume ----------------------------------------------------


def test_the_principal_suspends_and_resumes():
    paused = suspend(helper(), MARIA, VILLAGE_NOW, "on leave", NOW)
    assert event_types(paused) == ["mandate.suspended"]
    assert paused.mandate.suspensions == (Suspension(NOW, "maria", "principal", "on leave"),)
    assert (paused.mandate.version, paused.events[0].detail["capacity"]) == (2, "principal")
    assert not decide(Request(TOM, "maria"), world(paused.mandate), NOW).permitted
    again = resume(paused.mandate, MARIA, VILLAGE_NOW, "back", NOW + 9)
    assert (event_types(again), again.events[0].grounds) == (["mandate.resumed"], "back")
    lifted = Suspension(NOW, "maria", "principal", "on leave", until=NOW + 9)
    assert (again.mandate.suspensions, again.mandate.version) == ((lifted,), 3)
    assert decide(Request(TOM, "maria"), world(again.mandate), NOW + 9).permitted


def test_the_helper_neither_suspends_nor_resumes():
    with pytest.raises(errors.NotAllowedError):
        suspend(helper(), TOM, VILLAGE_NOW, "", NOW)
    with pytest.raises(errors.NotAllowedError):
        resume(helper(suspended_at=NOW), TOM, VILLAGE_NOW, "", NOW)


@pytest.mark.parametrize("facts", [{"activated_at": None}, {"suspended_at": NOW}, {"valid_until": NOW}])
def test_only_what_lives_is_suspended(facts):
    with pytest.raises(errors.WrongStateError):
        suspend(helper(**facts), MARIA, VILLAGE_NOW, "", NOW)


@pytest.mark.parametrize("facts", [{}, {"suspended_at": NOW, "valid_until": NOW}])
def test_only_what_is_suspended_is_resumed(facts):
    with pytest.raises(errors.WrongStateError):
        resume(helper(**facts), MARIA, VILLAGE_NOW, "", NOW)


def test_resuming_makes_power_larger_and_is_judged_so():
    paused = helper(suspended_at=NOW)
    with pytest.raises(errors.AssuranceTooLowError):
        resume(paused, actor("maria", Level.LOW), VILLAGE_NOW, "", NOW)
    with pytest.raises(errors.NotEligibleError):
        resume(paused, MARIA, world(parties={"tom": person("tom", deceased_at=NOW)}), "", NOW)
    assert suspend(helper(), actor("maria", Level.LOW), VILLAGE_NOW, "", NOW).mandate.suspensions


def test_every_error_has_a_code_of_its_own():
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.MandateError)]
    assert len({c.code for c in classes}) == len(classes) == 14
