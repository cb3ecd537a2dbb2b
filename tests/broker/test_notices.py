"""The principal is always told (mandates.md section 4), and so is everybody else whom a step concerns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.flows import mandates, notices
from broker.flows.mandates import Asked
from broker.flows.naming import ME, MY_ORGANISATION, Named

POWERS = ("vouchers:read", "vouchers:order")


@pytest.fixture
def maria(flow):
    return flow.party("Maria")


def ask(flow, officer, maria):
    session = replace(officer, organisation=flow.ocmw.id)
    asked = Asked("ocmw-beneficiary", Named(party=maria.id), MY_ORGANISATION, POWERS, flow.now, None, "form")
    return mandates.ask(flow.services, session, asked, flow.now)


def told(flow, session):
    return [one.body["type"] for one in reversed(notices.of_person(flow.services, session, None, 100))]


def test_she_is_told_of_each_step_that_others_take_and_of_none_of_her_own(flow, maria):
    bram = flow.officer()
    asked = ask(flow, bram, maria)
    herself = flow.sign_in("Maria")
    assert told(flow, herself) == ["mandate.requested"]
    mandates.approve(flow.services, herself, asked.id, flow.now)
    mandates.suspend(flow.services, herself, asked.id, flow.now)
    assert told(flow, herself) == ["mandate.requested"]
    mandates.resume(flow.services, herself, asked.id, flow.now)
    mandates.end(flow.services, bram, asked.id, flow.now)
    assert told(flow, herself) == ["mandate.requested", "mandate.waived"]
    assert told(flow, bram) == []


def test_the_other_side_is_told_too_and_of_several_steps_the_last(flow, maria):
    tom = flow.party("Tom")
    herself = flow.sign_in("Maria")
    asked = Asked("citizen-helper", ME, Named(party=tom.id), POWERS, flow.now, None, "")
    given = mandates.ask(flow.services, herself, asked, flow.now)
    helper = flow.sign_in("Tom")
    assert told(flow, helper) == ["mandate.requested"]
    mandates.approve(flow.services, helper, given.id, flow.now)
    assert told(flow, herself) == ["mandate.activated"]
    mandates.end_power(flow.services, herself, given.id, "vouchers:order", flow.now)
    mandates.end(flow.services, herself, given.id, flow.now)
    assert told(flow, helper) == ["mandate.requested", "mandate.power_ended", "mandate.revoked"]


def test_powers_of_a_session_are_no_news(flow):
    bram = flow.officer()
    assert told(flow, bram) == []


def test_pages_give_every_notice_once(flow, maria):
    bram = flow.officer()
    herself = flow.sign_in("Maria")
    for _ in range(3):
        asked = ask(flow, bram, maria)
        mandates.cancel(flow.services, bram, asked.id, flow.now)
    seen, before = [], None
    while page := notices.of_person(flow.services, herself, before, 2):
        seen += [one.seq for one in page]
        before = page[-1].seq
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, reverse=True)
