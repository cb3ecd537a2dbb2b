import pytest

from builders import DAY, NOW, claimed, ended, mandate
from mandates.model import Ending
from mandates.status import State, Status, in_force, status_of


def helper(**facts):
    return mandate("citizen-helper", "maria", "tom", **facts)


def state(m, now=NOW):
    return status_of(m, now).state


def test_a_mandate_is_active_from_its_first_second_to_before_its_last():
    m = helper(valid_from=NOW, valid_until=NOW + 10, activated_at=NOW - 5)
    assert status_of(m, NOW - 1) == Status(State.SCHEDULED, NOW - 5)
    assert status_of(m, NOW) == Status(State.ACTIVE, NOW)
    assert status_of(m, NOW + 9) == Status(State.ACTIVE, NOW)
    assert status_of(m, NOW + 10) == Status(State.EXPIRED, NOW + 10)


def test_it_is_active_since_its_activation_when_that_came_after_its_start():
    m = helper(valid_from=NOW - 100, activated_at=NOW)
    assert status_of(m, NOW - 1).state is State.AWAITING
    assert status_of(m, NOW) == Status(State.ACTIVE, NOW)


def test_a_request_waits_until_the_instant_at_which_it_lapses():
    m = helper(activated_at=None, requested_at=NOW - 3, lapses_at=NOW + 10)
    assert status_of(m, NOW + 9) == Status(State.AWAITING, NOW - 3)
    assert status_of(m, NOW + 10) == Status(State.LAPSED, NOW + 10)


@pytest.mark.parametrize("lapses_at", [None, NOW + 2 * DAY])
def test_a_request_lapses_no_later_than_the_period_that_it_asks_for(lapses_at):
    m = helper(activated_at=None, lapses_at=lapses_at, valid_until=NOW + 5)
    assert state(m, NOW + 4) is State.AWAITING
    assert status_of(m, NOW + 5) == Status(State.LAPSED, NOW + 5)


@pytest.mark.parametrize("ending", Ending)
def test_an_ended_mandate_says_how_and_since_when(ending):
    m = helper(**ended(ending, NOW))
    assert state(m, NOW - 1) is State.ACTIVE
    assert status_of(m, NOW) == Status(State(ending.value), NOW)
    assert not in_force(m, NOW)


@pytest.mark.parametrize("ending", [Ending.REFUSED, Ending.CANCELLED])
def test_an_ended_request_says_how_also_after_it_would_have_lapsed(ending):
    m = helper(activated_at=None, lapses_at=NOW + 10, **ended(ending, NOW))
    assert status_of(m, NOW + 20) == Status(State(ending.value), NOW)
    assert state(m, NOW - 1) is State.AWAITING


def test_what_had_expired_already_was_not_ended_by_a_later_hand():
    m = helper(valid_until=NOW, **ended(Ending.SESSION_ENDED, NOW))
    assert status_of(m, NOW + 10) == Status(State.EXPIRED, NOW)


def test_a_record_that_ended_without_saying_how_is_not_in_force():
    m = helper(ended_at=NOW)
    assert status_of(m, NOW) == Status(State.CASCADED, NOW)


def test_a_suspended_mandate_is_not_in_force_and_still_expires():
    m = helper(suspended_at=NOW, valid_until=NOW + 10)
    assert in_force(m, NOW - 1)
    assert status_of(m, NOW) == Status(State.SUSPENDED, NOW)
    assert not in_force(m, NOW)
    assert state(m, NOW + 10) is State.EXPIRED


def test_suspension_is_seen_before_the_start_too():
    assert state(helper(suspended_at=NOW, valid_from=NOW + 5), NOW) is State.SUSPENDED


@pytest.mark.parametrize("session", [None, "s2", ""])
def test_a_mandate_from_claims_is_in_force_for_no_other_session(session):
    assert not in_force(claimed("company-manager", "company", "els", "s1"), NOW, session)


def test_a_mandate_from_claims_is_in_force_for_its_own_session():
    assert in_force(claimed("company-manager", "company", "els", "s1"), NOW, "s1")


def test_a_mandate_from_claims_without_a_session_is_in_force_for_nobody():
    assert not in_force(claimed("company-manager", "company", "els", None), NOW, None)


@pytest.mark.parametrize("session", [None, "s1", "s2"])
def test_a_stored_mandate_is_in_force_in_every_session(session):
    assert in_force(helper(), NOW, session)
