"""The choice on the chooser: by whom, in which session, at which level, once, and true when it is made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from broker.errors import InteractionGoneError, LevelTooLowError, NotFoundHereError, SessionEndedError
from broker.flows import authorize, choices, revocation
from flow_world import BROWSER
from mandates.model import Level, Mandate


@pytest.fixture
def client(flow):
    return flow.client()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow) -> Mandate:
    return flow.beneficiary()


def offered(flow, interaction, session):
    with flow.services.database.read() as uow:
        lines = choices.offer(flow.services, uow, interaction.request, session, flow.now).choices
    return [line.key for line in lines]


def test_an_api_that_is_not_registered_for_delegation_is_offered_no_delegation(flow, client, bram, given):
    interaction = flow.ask(client, bram)
    assert offered(flow, interaction, bram) == ["self", flow.key_of(client, given)]
    flow.audience(delegation_aware=False)
    assert offered(flow, interaction, bram) == ["self"]


@pytest.mark.parametrize(
    ("login", "asked"), [(Level.LOW, "HIGH"), (Level.SUBSTANTIAL, "HIGH"), (Level.LOW, "SUBSTANTIAL")]
)
def test_a_login_weaker_than_the_service_asks_gives_no_code(flow, client, login, asked):
    session = flow.sign_in("Tom", level=login)
    with pytest.raises(LevelTooLowError):
        flow.choose(flow.ask(client, session, level=asked), session, "self")
    assert flow.grants(session) == []
    assert flow.choose(flow.ask(client, session, level=login.name), session, "self")


def test_a_login_of_no_known_level_gives_no_code_to_anybody(flow, client):
    session = flow.sign_in("Tom", level=Level.NONE)
    with pytest.raises(LevelTooLowError):
        flow.choose(flow.ask(client, session, level="NONE"), session, "self")


def test_another_session_does_not_answer_in_the_place_of_the_one_that_was_asked(flow, client, bram):
    interaction, tom = flow.ask(client, bram), flow.sign_in("Tom")
    with pytest.raises(InteractionGoneError):
        flow.choose(interaction, tom, "self")
    assert flow.grants(tom) == []
    assert flow.choose(interaction, bram, "self")


def test_an_interaction_that_nobody_signed_in_for_is_answered_by_nobody(flow, client, bram):
    with pytest.raises(InteractionGoneError):
        flow.choose(flow.ask(client), bram, "self")
    assert flow.grants(bram) == []


def test_a_session_that_ended_on_the_way_gives_no_code(flow, client, bram):
    interaction = flow.ask(client, bram)
    revocation.end_session(flow.services, bram.id, "signed out in another tab", flow.now)
    with pytest.raises(SessionEndedError):
        flow.choose(interaction, bram, "self")
    assert flow.grants(bram) == []


def test_a_session_that_is_not_stored_gives_no_code(flow, client, bram):
    unknown = replace(bram, id="0" * 64)
    with pytest.raises(SessionEndedError):
        flow.choose(flow.ask(client, unknown), unknown, "self")


def test_a_choice_that_was_offered_is_judged_again_when_it_is_made(flow, client, bram, given):
    interaction, key = flow.ask(client, bram), flow.key_of(client, given)
    assert key in offered(flow, interaction, bram)
    flow.end(given.id)
    with pytest.raises(NotFoundHereError):
        flow.choose(interaction, bram, key)
    assert flow.grants(bram) == []


def test_a_mandate_that_is_not_hers_is_no_choice(flow, client, given):
    tom = flow.sign_in("Tom")
    with pytest.raises(NotFoundHereError):
        flow.choose(flow.ask(client, tom), tom, flow.key_of(client, given))


def test_an_interaction_is_answered_once(flow, client, bram, given):
    interaction = flow.ask(client, bram)
    assert flow.choose(interaction, bram, "self")
    for key in ("self", flow.key_of(client, given)):
        with pytest.raises(InteractionGoneError):
            flow.choose(interaction, bram, key)
    assert len(flow.grants(bram)) == 1


def test_of_clicks_at_the_same_moment_one_counts(flow, client, bram):
    interaction = flow.ask(client, bram)

    def click(_):
        try:
            return flow.choose(interaction, bram, "self")
        except InteractionGoneError:
            return None

    with ThreadPoolExecutor(4) as pool:
        codes = [code for code in pool.map(click, range(4)) if code]
    assert (len(codes), len(flow.grants(bram))) == (1, 1)


def test_an_interaction_belongs_to_the_browser_in_which_it_began(flow, client, bram):
    interaction = flow.ask(client, bram)
    assert authorize.resume(flow.services, interaction.id, BROWSER) == interaction
    with pytest.raises(InteractionGoneError):
        authorize.resume(flow.services, interaction.id, "another browser")
    flow.clock.forward(15 * 60)
    with pytest.raises(InteractionGoneError):
        authorize.resume(flow.services, interaction.id, BROWSER)
