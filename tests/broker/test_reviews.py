"""The issuer looks again: at a random few, and at what somebody reported (mandates.md section 4)."""

import dataclasses
import secrets

import pytest

from broker.errors import JudgedError, NotFoundHereError
from broker.flows import mandates, reviews
from broker.port_errors import ConflictError
from builders import DAY, catalogue
from mandates.errors import (
    AssuranceTooLowError,
    NotAllowedError,
    NotEligibleError,
    OwnRequestError,
    WrongStateError,
)
from mandates.model import Approval, Ending, Level
from mandates.status import State, status_of

BENEFICIARY = catalogue().type("ocmw-beneficiary")


def reviewer(flow, name="Noor"):
    return dataclasses.replace(flow.sign_in(name), staff=frozenset({"reviewer"}))


def stored(flow, given):
    with flow.services.database.read() as uow:
        return uow.mandates.find(given.id)


def state(flow, given):
    return status_of(stored(flow, given), flow.now).state


def misuse(flow, given, session=None, text="hij bestelt voor zichzelf"):
    return reviews.report_misuse(flow.services, session or flow.sign_in("Maria"), given.id, text, flow.now)


def decide(flow, session, case, outcome, grounds="nagekeken"):
    return reviews.decide(flow.services, session, case.id, outcome, grounds, flow.now)


def journal(flow, kind):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type == kind]


def queue(flow, session):
    return reviews.queue(flow.services, session, None, 50, flow.now)


# --- drawn at random ---


def test_as_many_in_a_hundred_are_drawn_as_the_type_says(flow, monkeypatch):
    given = [flow.beneficiary(f"P{number}") for number in range(100)]
    numbers = iter(range(100))
    monkeypatch.setattr(secrets, "randbelow", lambda upper: next(numbers) if upper == 100 else 0)
    with flow.services.database.write() as uow:
        for one in given:
            reviews.sample(uow, one, BENEFICIARY, flow.now)
        uow.commit()
    cases = queue(flow, reviewer(flow))
    assert BENEFICIARY.sample_percent == 5
    assert {case.review.mandate for case in cases} == {one.id for one in given[:5]}
    assert {case.review.kind for case in cases} == {"sample"}
    assert len(journal(flow, "review.opened")) == 5


def test_a_type_without_a_sample_is_never_drawn(flow, monkeypatch):
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)
    given = flow.beneficiary()
    with flow.services.database.write() as uow:
        reviews.sample(uow, given, dataclasses.replace(BENEFICIARY, sample_percent=0), flow.now)
        reviews.sample_many(uow, [], flow.now)
        assert uow.reviews.queue(None, 10) == []


# --- reported ---


def test_a_report_sets_the_mandate_aside_at_once_and_reaches_the_tokens(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    case = misuse(flow, given)
    (aside,) = stored(flow, given).suspensions
    assert (aside.capacity, aside.grounds) == ("principal", reviews.MISUSE)
    with pytest.raises(JudgedError):
        flow.refresh(client, answer)
    (shown,) = queue(flow, reviewer(flow))
    assert shown.review == case
    assert shown.seen.mandate.id == given.id
    (event,) = journal(flow, "review.opened")
    assert "bestelt" not in repr(event)


def test_only_the_principals_side_reports(flow):
    given = flow.beneficiary()
    with pytest.raises(NotAllowedError):
        misuse(flow, given, flow.officer())
    with pytest.raises(NotAllowedError):
        misuse(flow, given, reviewer(flow))
    with pytest.raises(NotFoundHereError):
        misuse(flow, given, flow.sign_in("Stranger"))
    assert state(flow, given) is State.ACTIVE


def test_what_is_over_can_be_reported_too_and_a_request_cannot(flow):
    given = flow.beneficiary()
    flow.end(given.id)
    assert misuse(flow, given).kind == "misuse"
    assert state(flow, given) is State.REVOKED
    request = flow.beneficiary("Jozef", activated_at=None, lapses_at=flow.now + DAY)
    with pytest.raises(WrongStateError):
        misuse(flow, request, flow.sign_in("Jozef"))


def test_what_she_set_aside_herself_is_set_aside_once_and_one_case_waits(flow):
    given, maria = flow.beneficiary(), flow.sign_in("Maria")
    mandates.suspend(flow.services, maria, given.id, flow.now)
    misuse(flow, given, maria)
    assert len(stored(flow, given).suspensions) == 1
    with pytest.raises(ConflictError):
        misuse(flow, given, maria)


# --- decided ---


def test_only_reviewers_see_the_queue_and_decide(flow):
    case = misuse(flow, flow.beneficiary())
    for session in (flow.officer(), flow.sign_in("Maria")):
        with pytest.raises(NotAllowedError):
            queue(flow, session)
        with pytest.raises(NotAllowedError):
            decide(flow, session, case, "confirm")
    weak = dataclasses.replace(reviewer(flow), level=Level.LOW)
    with pytest.raises(AssuranceTooLowError):
        decide(flow, weak, case, "confirm")
    with pytest.raises(NotFoundHereError):
        reviews.decide(flow.services, reviewer(flow), "nothing", "confirm", "", flow.now)


@pytest.mark.parametrize("part", ["approved", "requested", "reported", "party"])
def test_who_had_a_part_in_the_mandate_does_not_review_it(flow, part):
    noor = reviewer(flow)
    facts = {}
    if part == "approved":
        facts = {"approvals": (Approval("issuer", noor.party, flow.now),)}
    elif part == "requested":
        facts = {"requested_by": noor.party}
    given = flow.beneficiary(**facts)
    if part == "party":
        with flow.services.database.read() as uow:
            given = flow.give("citizen-helper", uow.parties.get(given.principal), uow.parties.get(noor.party))
    reporter = flow.sign_in("Maria")
    case = misuse(flow, given, reporter)
    if part == "reported":
        noor = dataclasses.replace(reporter, staff=frozenset({"reviewer"}))
    with pytest.raises(OwnRequestError):
        decide(flow, noor, case, "confirm")
    decide(flow, reviewer(flow, "Karel"), case, "confirm")


def test_confirming_closes_the_case_and_leaves_the_mandate_as_it_is(flow):
    given = flow.beneficiary()
    case = misuse(flow, given)
    noor = reviewer(flow)
    assert decide(flow, noor, case, "confirm").id == given.id
    assert state(flow, given) is State.SUSPENDED
    assert queue(flow, noor) == []
    (event,) = journal(flow, "review.decided")
    assert (event.actor, event.mandate, event.body["grounds"]) == (noor.party, given.id, "nagekeken")
    assert event.body["detail"]["outcome"] == "confirm"
    with pytest.raises(ConflictError):
        decide(flow, noor, case, "confirm")


def test_withdrawing_ends_it_with_its_tokens_whatever_the_type_says_of_reviewers(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    noor = reviewer(flow)
    ended = decide(flow, noor, misuse(flow, given), "withdraw")
    assert (ended.ending, ended.ended_by) == (Ending.WITHDRAWN, noor.party)
    assert stored(flow, given) == ended
    with pytest.raises(JudgedError):
        flow.refresh(client, answer)


def test_withdrawing_what_is_over_already_only_closes_the_case(flow):
    given = flow.beneficiary()
    case = misuse(flow, given)
    flow.end(given.id)
    assert decide(flow, reviewer(flow), case, "withdraw").ending is Ending.REVOKED
    assert queue(flow, reviewer(flow)) == []


def test_resuming_lifts_what_the_report_set_aside_and_nothing_else(flow):
    given = flow.beneficiary()
    case = misuse(flow, given)
    decide(flow, reviewer(flow), case, "resume")
    assert state(flow, given) is State.ACTIVE
    maria = flow.sign_in("Maria")
    mandates.suspend(flow.services, maria, given.id, flow.now)
    second = misuse(flow, given, maria)
    with pytest.raises(WrongStateError):
        decide(flow, reviewer(flow), second, "resume")
    assert state(flow, given) is State.SUSPENDED


def test_nothing_is_resumed_for_who_can_no_longer_stand_in_it(flow):
    given = flow.beneficiary()
    case = misuse(flow, given)
    with flow.services.database.write() as uow:
        lost = dataclasses.replace(uow.parties.get(flow.ocmw.id), recognitions=())
        uow.parties.save(lost, flow.now)
        uow.commit()
    with pytest.raises(NotEligibleError):
        decide(flow, reviewer(flow), case, "resume")
    assert queue(flow, reviewer(flow))
