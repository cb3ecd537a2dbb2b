import json

import pytest

from builders import DAY, NOW, VILLAGE, catalogue, event_types, give
from mandates import errors
from mandates.lifecycle import claim_mandate, end_with_session
from mandates.model import Ending, Source
from mandates.status import State, status_of

# --- from claims -----------------------------------------------------------


def claim(type_key="ocmw-executor", principal="ocmw", representative="bram", **facts):
    values = {
        "id": "x",
        "type_key": type_key,
        "principal": VILLAGE[principal],
        "representative": VILLAGE[representative],
        "session": "s1",
        "catalogue": catalogue(),
        "now": NOW,
        "until": NOW + 7200,
    }
    return claim_mandate(**(values | facts))


def test_claims_give_all_powers_for_their_session():
    change = claim()
    m = change.mandate
    assert (m.source, m.session, m.activated_at, m.valid_from, m.valid_until) == (
        Source.CLAIMS,
        "s1",
        NOW,
        NOW,
        NOW + 7200,
    )
    assert (m.powers, m.version) == (tuple(catalogue().type("ocmw-executor").powers), 1)
    assert event_types(change) == ["mandate.activated"]
    assert (change.events[0].actor, change.events[0].detail["source"]) == ("bram", "claims")
    assert "s1" not in json.dumps(change.events[0].body())


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"type_key": "company-employee", "principal": "company"}, errors.NotAllowedError),
        ({"session": ""}, errors.NotAllowedError),
        ({"principal": "company"}, errors.NotEligibleError),
        ({"type_key": "company-manager", "principal": "bakery"}, errors.NotEligibleError),
        ({"representative": "company"}, errors.NotEligibleError),
        ({"until": NOW}, errors.InvalidPeriodError),
        ({"type_key": "ocmw-manager", "until": NOW + DAY + 1}, errors.InvalidPeriodError),
        ({"type_key": "no-such-type"}, errors.CatalogueError),
    ],
)
def test_claims_that_give_nothing_are_refused(facts, error):
    with pytest.raises(error):
        claim(**facts)


def test_it_ends_with_its_session_by_nobodys_hand():
    change = end_with_session(claim().mandate, NOW + 1)
    m = change.mandate
    assert (m.ending, m.ended_at, m.ended_by, m.version) == (Ending.SESSION_ENDED, NOW + 1, None, 2)
    assert (event_types(change), change.events[0].actor) == (["mandate.session_ended"], None)
    assert status_of(m, NOW + 1).state is State.SESSION_ENDED


def test_one_that_ran_out_is_closed_and_stays_expired():
    m = end_with_session(claim().mandate, NOW + 7200).mandate
    assert m.ended_at == NOW + 7200
    assert status_of(m, NOW + 7200).state is State.EXPIRED


def test_a_stored_mandate_does_not_end_with_a_session():
    with pytest.raises(errors.NotAllowedError):
        end_with_session(give().mandate, NOW)


def test_a_session_ends_its_mandate_once():
    with pytest.raises(errors.WrongStateError):
        end_with_session(end_with_session(claim().mandate, NOW).mandate, NOW + 1)
