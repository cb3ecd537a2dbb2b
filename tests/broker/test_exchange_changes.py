"""What changes between the judgement of an exchange and its storing is judged again (decision 0016)."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from broker.errors import ExchangeRefusedError, InvalidScopeError, JudgedError
from broker.flows import registry, revocation
from broker.port_errors import UnavailableError
from builders import CATALOGUE_TEXT
from exchange_world import ORDER, ExchangeWorld
from flow_world import VOUCHERS
from mandates.model import Level


@pytest.fixture
def flow(tmp_path):
    world = ExchangeWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def token(flow, bram):
    """Bram's own, at the API that exchanges."""
    return flow.self_token(bram)


def refusal(call, *args, **options):
    with pytest.raises(ExchangeRefusedError) as refused:
        call(*args, **options)
    return refused.value


def test_a_registration_that_changed_a_moment_ago_is_seen_when_it_is_stored(flow, given, token):
    """Running brokers look once a second; whoever issues never relies on less."""
    flow.act(given, token)
    with flow.services.database.write() as uow:
        uow.registry.put_client(replace(flow.api, scopes=frozenset({ORDER})))
        uow.commit()
    assert flow.services.registrations().find_client(flow.api.id) == flow.api
    with pytest.raises(InvalidScopeError):
        flow.act(given, token)


def test_a_stricter_catalogue_judges_from_the_moment_at_which_it_is_stored(flow, given):
    bram = flow.officer(level=Level.SUBSTANTIAL)
    acting = flow.tokens(flow.web, bram, flow.key_of(flow.web, given))
    own = flow.self_token(bram)
    narrowed = flow.narrow(acting["access_token"])["access_token"]
    flow.act(given, own)
    head, name, tail = CATALOGUE_TEXT.partition("[types.ocmw-beneficiary]")
    stricter = head + name + tail.replace('level_to_use = "substantial"', 'level_to_use = "high"', 1)
    registry.store_catalogue(flow.services.database, stricter, flow.now)
    assert refusal(flow.act, given, own).reason == "assurance_too_low"
    assert "revoked" in str(refusal(flow.narrow, narrowed, client=flow.next, targets=(VOUCHERS,)))
    with pytest.raises(JudgedError):
        flow.refresh(flow.web, acting)


def between_judgement_and_storing(flow, monkeypatch, happen, times=1):
    """`happen` comes in between, as often as said."""
    database, left = flow.services.database, [times]
    plain = database.issue

    def issue(what, now):
        if left[0]:
            left[0] -= 1
            happen()
        return plain(what, now)

    monkeypatch.setattr(database, "issue", issue)


def test_a_mandate_that_ends_in_between_is_judged_again(flow, given, token, monkeypatch):
    between_judgement_and_storing(flow, monkeypatch, lambda: flow.end(given.id))
    assert refusal(flow.act, given, token).reason == "mandate_revoked"
    assert flow.rows("token.exchanged") == []


def test_something_else_that_changes_in_between_costs_a_second_look_and_no_refusal(
    flow, given, token, monkeypatch
):
    jozef = flow.beneficiary("Jozef")
    between_judgement_and_storing(flow, monkeypatch, lambda: flow.end(jozef.id))
    assert flow.act(given, token)
    assert len(flow.rows("token.exchanged")) == 1


def test_a_grant_that_ends_in_between_gives_nothing(flow, bram, given, token, monkeypatch):
    def end():
        with flow.services.database.write() as uow:
            revocation.end_grants(uow, uow.grants.live_of_session(bram.id), "test", flow.now)
            uow.commit()

    between_judgement_and_storing(flow, monkeypatch, end)
    assert "revoked" in str(refusal(flow.act, given, token))


def test_what_changes_without_end_is_unavailable_and_gives_nothing(flow, given, token, monkeypatch):
    between_judgement_and_storing(flow, monkeypatch, lambda: flow.beneficiary(str(uuid4())), times=100)
    with pytest.raises(UnavailableError):
        flow.act(given, token)
    assert flow.rows("token.exchanged") == []
