"""Whom may I represent, page by page: whole, stable, searchable, honest about what it lacks."""

from __future__ import annotations

from uuid import uuid4

import pytest

from broker.errors import InvalidPlaceError, NotFoundHereError
from broker.flows import lists
from broker.flows.sessions import CLAIMS_SECONDS
from broker.records import Wanted
from builders import DAY
from mandates.model import Ending, PartyKind

NAMES = ["Zoë Ardé", "Ann Baert", "ann baert", "Élise Maes", "Jan Van den Berg", "Özlem Aydin", "Bert Çelik"]


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def people(flow):
    return [flow.party(f"{name} {number}") for number in range(5) for name in NAMES]


@pytest.fixture
def given(flow, people):
    return [flow.give("ocmw-beneficiary", person, flow.ocmw) for person in people]


def walk(flow, session, limit, wanted=None):
    """Every line, page after page, and how many pages it took."""
    rows, after, pages = [], None, 0
    while True:
        page = lists.reach(flow.services, session, wanted or Wanted(), after, limit, flow.now)
        rows += [page.parties[one.acting.principal].name for one in page.rows]
        pages, after = pages + 1, page.next
        if after is None:
            return rows, pages


@pytest.mark.parametrize("limit", [1, 2, 5, 16, 34, 35, 36, 100])
def test_pages_of_any_size_give_the_same_people_once_each(flow, bram, given, limit):
    rows, pages = walk(flow, bram, limit)
    assert sorted(rows) == sorted(f"{name} {number}" for number in range(5) for name in NAMES)
    assert pages in {-(-35 // limit), -(-36 // limit)}  # the officer's own edge is looked at and dropped
    assert rows == walk(flow, bram, 1000)[0]


def test_lines_stand_in_the_order_of_names_whatever_accents_and_case(flow, bram):
    for name in ("élise", "Zoë", "Eline", "ann", "Özlem"):
        flow.beneficiary(name)
    assert walk(flow, bram, 2)[0] == ["ann", "Eline", "élise", "Özlem", "Zoë"]


def test_a_list_that_changes_between_two_pages_loses_and_repeats_nobody_who_stayed(flow, bram, people, given):
    first = lists.reach(flow.services, bram, Wanted(), None, 10, flow.now)
    flow.end(first.rows[3].acting.mandate)
    flow.end(first.rows[9].acting.mandate)
    flow.beneficiary("Aaa komt erbij")
    rest, after = [], first.next
    while after:
        page = lists.reach(flow.services, bram, Wanted(), after, 10, flow.now)
        rest, after = rest + [one.acting.principal for one in page.rows], page.next
    seen = [one.acting.principal for one in first.rows] + rest
    assert sorted(seen) == sorted(person.id for person in people)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("elise", {"Élise Maes"}),
        ("MAE", {"Élise Maes"}),
        ("van den b", {"Jan Van den Berg"}),
        ("berg", {"Jan Van den Berg"}),
        ("ann", {"Ann Baert", "ann baert"}),
        ("aert", set()),
        ("celik", {"Bert Çelik"}),
        ("%", set()),
        ("_nn", set()),
    ],
)
def test_a_name_is_found_by_the_beginning_of_any_word(flow, bram, typed, found):
    for name in NAMES:
        flow.beneficiary(name)
    assert set(walk(flow, bram, 2, Wanted(name=typed))[0]) == found


def test_only_what_carries_the_power_and_the_type_asked(flow, bram):
    flow.beneficiary("Leest", powers=("vouchers:read",))
    flow.beneficiary("Bestelt", powers=("vouchers:read", "vouchers:order"))
    assert walk(flow, bram, 1, Wanted(power="vouchers:order"))[0] == ["Bestelt"]
    assert walk(flow, bram, 1, Wanted(type="ocmw-legacy"))[0] == []
    assert walk(flow, bram, 1, Wanted(type="ocmw-beneficiary"))[0] == ["Bestelt", "Leest"]
    assert walk(flow, bram, 1, Wanted(organisation=flow.ocmw.id))[0] == ["Bestelt", "Leest"]
    assert walk(flow, bram, 1, Wanted(organisation=str(uuid4())))[0] == []


def test_what_is_not_in_force_is_not_there(flow, bram):
    flow.beneficiary("Actief")
    flow.beneficiary("Beëindigd", ending=Ending.REVOKED, ended_at=flow.now, ended_by="x")
    flow.beneficiary("Later", valid_from=flow.now + 1, activated_at=flow.now)
    flow.beneficiary("Voorbij", valid_until=flow.now)
    flow.beneficiary("Gevraagd", activated_at=None, lapses_at=flow.now + DAY)
    flow.beneficiary("Gepauzeerd", suspended_at=flow.now)
    dead = flow.party("Overleden", deceased_at=flow.now)
    flow.give("ocmw-beneficiary", dead, flow.ocmw)
    assert walk(flow, bram, 1)[0] == ["Actief"]


def test_one_helps_directly_and_through_an_organisation(flow, bram):
    with flow.services.database.read() as uow:
        herself = uow.parties.get(bram.party)
    flow.give("citizen-helper", flow.party("Buur"), herself)
    flow.beneficiary("Maria")
    assert walk(flow, bram, 1)[0] == ["Buur", "Maria"]


def test_a_list_says_so_when_what_acm_said_is_too_old(flow, bram, given):
    assert lists.reach(flow.services, bram, Wanted(), None, 10, flow.now).incomplete == ()
    flow.clock.forward(CLAIMS_SECONDS)
    page = lists.reach(flow.services, bram, Wanted(), None, 10, flow.now)
    assert page.rows == ()
    assert page.incomplete == ("acm",)


def test_a_place_shows_no_name_and_is_taken_from_nobody_else(flow, bram, given):
    place = lists.reach(flow.services, bram, Wanted(), None, 3, flow.now).next
    assert not any(name.casefold() in place.casefold() for name in ("ann", "baert"))
    for forged in ("", "x", place[:-2], "eyJ9"):
        with pytest.raises(InvalidPlaceError):
            lists.reach(flow.services, bram, Wanted(), forged, 3, flow.now)


def test_delegates_are_for_those_who_manage_the_organisation(flow):
    company = flow.organisation("Poetsbedrijf", "0999000228", "recognised_company")
    clerks = [flow.party(f"Klerk {number}") for number in range(5)]
    for clerk in clerks:
        flow.give("company-employee", company, clerk, powers=("performances:read",))
    els = flow.party("Els")
    flow.give("company-manager", company, els)
    manager, clerk = flow.sign_in("Els"), flow.sign_in("Klerk 0")
    names, after = [], None
    while True:
        page = lists.delegates(flow.services, manager, company.id, Wanted(), after, 2, flow.now)
        names += [page.parties[mandate.representative].name for mandate, _ in page.rows]
        after = page.next
        if after is None:
            break
    assert names == ["Els", *(f"Klerk {number}" for number in range(5))]
    for person in (clerk, flow.sign_in("Vreemde")):
        with pytest.raises(NotFoundHereError):
            lists.delegates(flow.services, person, company.id, Wanted(), None, 10, flow.now)


def test_an_executor_for_a_caseload_reaches_those_in_it(flow):
    kobe = flow.party("Kobe")
    executor = flow.give("ocmw-executor", flow.ocmw, kobe, whole=False)
    mandates = [flow.beneficiary(name) for name in ("Maria", "Jozef", "Ann")]
    session = flow.sign_in("Kobe")
    assert walk(flow, session, 1)[0] == []
    with flow.services.database.write() as uow:
        uow.mandates.add_to_caseload(executor.id, [one.principal for one in mandates[:2]], flow.now)
        uow.commit()
    assert walk(flow, session, 1)[0] == ["Jozef", "Maria"]
    with flow.services.database.write() as uow:
        uow.mandates.remove_from_caseload(executor.id, [mandates[0].principal], flow.now)
        uow.commit()
    assert walk(flow, session, 1)[0] == ["Jozef"]


def test_a_mandate_that_was_passed_on_is_reached_by_the_other_organisation(flow, bram):
    far = flow.organisation("OCMW Ver", "0999000327", "ocmw")
    given = flow.beneficiary("Maria", powers=("vouchers:read",))
    with flow.services.database.read() as uow:
        maria = uow.parties.get(given.principal)
    flow.give("ocmw-beneficiary", maria, far, parent=given.id)
    pieter = flow.party("Pieter", PartyKind.PERSON)
    flow.give("ocmw-executor", far, pieter)
    session = flow.sign_in("Pieter")
    page = lists.reach(flow.services, session, Wanted(), None, 10, flow.now)
    assert [len(one.path) for one in page.rows] == [3]
    assert page.rows[0].powers == ("vouchers:read",)
    flow.end(given.id)
    assert walk(flow, session, 10)[0] == []
