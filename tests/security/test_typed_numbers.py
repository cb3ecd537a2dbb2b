"""Class 28: a number that somebody typed answers alike, whatever we know of whom it belongs to.

Through the form, the API and a file: a number that nobody has, one of somebody who is recorded, under
another name, who died, or who signs in herself. What our record says of her counts when somebody
approves and when it is used, never in the answer to whoever typed (mandates.md sections 4 and 6).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html import unescape

import pytest

from api_world import ApiWorld
from broker.days import day_of
from broker.flows import decisions, mandates, parties, registry
from bulk_requests import apply, beneficiary, bring, employee, rows_of
from flow_world import ACM, EXECUTOR_ROLE, ISSUER
from mandates.decide import Actor, Request
from mandates.errors import NotEligibleError
from mandates.model import Level

TYPED = "Jan Getypt"
COMPANY = "0999000228"
KINDS = ("unknown", "known", "another name", "dead", "signs in")


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    world.organisation("Poetshulp", COMPANY, "recognised_company")
    yield world
    world.close()


def number(serial: int, born: str = "850730", century: str = "") -> str:
    digits = f"{born}{serial:03}"
    return f"{digits}{97 - int(century + digits) % 97:02}"


def known_as(api: ApiWorld, kind: str, insz: str, **facts: object) -> None:
    """Have this number belong to such a person, or to nobody."""
    if kind == "unknown":
        return
    name = "Wilhelmina Verborgen" if kind == "another name" else TYPED
    facts |= {"deceased_at": api.now - 86_400} if kind == "dead" else {}
    with api.services.database.write() as uow:
        found = parties.find_or_add_person(api.services, uow, insz, name, api.now)
        if facts:
            uow.parties.save(dataclasses.replace(found, **facts), api.now)
        if kind == "signs in":
            uow.parties.add_identity(ACM, f"sub of {insz}", found.id, api.now)
        uow.commit()


def without_references(answer: object) -> str:
    return re.sub(r"[mp]-[\w-]{20,}", "reference", str(answer))


# --- the API ---


def by_api(api: ApiWorld, caller: dict[str, str], insz: str, **changes: object) -> tuple[int, str]:
    asked: dict[str, object] = {
        "type": "ocmw-beneficiary",
        "principal": {"insz": insz, "name": TYPED},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read"],
        "evidence": "form",
    }
    answer = api.http.post("/api/v1/mandates", json=asked | changes, headers=caller)
    return answer.status_code, without_references(answer.json)


def answers_of(api: ApiWorld, ask: Callable[[str], object], **number_of: str) -> list[object]:
    found = []
    for serial, kind in enumerate(KINDS):
        insz = number(serial + 1, **number_of)
        known_as(api, kind, insz)
        found.append(ask(insz))
    return found


def test_the_api_answers_alike_for_what_waits(api):
    caller = api.person(api.officer())
    found = answers_of(api, lambda insz: by_api(api, caller, insz))
    assert {status for status, _ in found} == {201}
    assert len(set(found)) == 1, found


def manager_of_company(api: ApiWorld) -> dict[str, str]:
    els = api.sign_in("Els")
    with api.services.database.read() as uow:
        company = uow.parties.find_by_kbo(COMPANY)
    api.give("company-manager", company, api.stored(els.party))
    return api.person(els)


def test_the_api_answers_alike_for_what_is_active_at_once_and_the_dead_never_use_it(api):
    caller = manager_of_company(api)

    def employ(insz: str) -> tuple[int, str]:
        party = {"insz": insz, "name": TYPED}
        body = {"type": "company-employee", "principal": {"kbo": COMPANY}, "representative": party}
        return by_api(api, caller, insz, powers=["invoices:read"], **body)

    found = answers_of(api, employ)
    assert "'state': 'active'" in found[0][1]
    assert len(set(found)) == 1, found
    with api.services.database.read() as uow:
        dead = parties.find_people(api.services, uow, [number(KINDS.index("dead") + 1)])
        company = uow.parties.find_by_kbo(COMPANY)
    (party,) = dead.values()
    actor = Actor(party.id, Level.HIGH)
    denied = decisions.decide_one(api.services, Request(actor, company.id, "invoices:read"), api.now)
    assert [one.code for one in denied.reasons] == ["actor_deceased"]


def test_a_renewal_answers_alike_until_somebody_else_approved(api):
    caller = manager_of_company(api)
    last_day = day_of(api.now + 30 * 86_400).isoformat()

    def employ_and_renew(insz: str) -> tuple[int, str]:
        asked = {
            "type": "company-employee",
            "principal": {"kbo": COMPANY},
            "representative": {"insz": insz, "name": TYPED},
            "powers": ["invoices:read"],
            "last_day": last_day,
        }
        made = api.http.post("/api/v1/mandates", json=asked, headers=caller).json["identifier"]
        answer = api.http.post(f"/api/v1/mandates/{made}/renew", json={}, headers=caller)
        return answer.status_code, without_references(answer.json)

    found = answers_of(api, employ_and_renew)
    assert found[0][0] == 201, found[0]
    assert len(set(found)) == 1, found


@pytest.mark.parametrize(
    ("born", "century", "status"), [("150730", "2", 201), ("850730", "", 400)], ids=["child", "adult"]
)
def test_the_api_answers_alike_for_a_parent_whatever_the_record_says_of_the_age(api, born, century, status):
    """The number itself tells when somebody comes of age; a record that was corrected says more."""
    caller = api.person(api.sign_in("Els"))
    party = {"type": "parent", "representative": {"me": True}, "evidence": "birth certificate"}
    found = set()
    for serial, adult_at in enumerate((None, api.now - 86_400, api.now + 86_400), start=20):
        insz = number(serial, born, century)
        known_as(api, "known", insz, adult_at=adult_at)
        found.add(by_api(api, caller, insz, **party))
    found.update(answers_of(api, lambda insz: by_api(api, caller, insz, **party), born=born, century=century))
    assert {one for one, _ in found} == {status}
    assert len(found) == 1, found


def test_somebody_who_died_is_refused_when_the_second_officer_approves(api):
    insz = number(1)
    known_as(api, "dead", insz)
    caller = api.person(api.officer())
    assert by_api(api, caller, insz)[0] == 201
    second = api.sign_in("Bea", roles=(EXECUTOR_ROLE,))
    with api.services.database.read() as uow:
        (waiting,) = uow.mandates.of_representatives([api.ocmw.id])
    with pytest.raises(NotEligibleError, match="principal_deceased"):
        mandates.approve(api.services, second, waiting.id, api.now)


def test_passing_on_answers_alike(api):
    with api.services.database.read() as uow:
        _, text = uow.registry.catalogue()
    helper_type = "[types.citizen-helper]\n"
    wider = text.replace(helper_type, f'{helper_type}depth = 1\npass_on_by = ["representative"]\n')
    registry.store_catalogue(api.services.database, wider, api.now)
    api.clock.forward(5)
    helper = api.sign_in("Helper")
    caller = api.person(helper)
    given = api.give("citizen-helper", api.party("Maria"), api.stored(helper.party))
    where = f"/api/v1/mandates/{api.services.vault.pseudonym('m-', 'desk', given.id)}/pass-on"

    def pass_on(insz: str) -> tuple[int, str]:
        body = {"representative": {"insz": insz, "name": TYPED}, "powers": ["vouchers:read"], "evidence": "x"}
        answer = api.http.post(where, json=body, headers=caller)
        return answer.status_code, without_references(answer.json)

    found = answers_of(api, pass_on)
    assert found[0][0] == 201, found[0]
    assert len(set(found)) == 1, found


# --- the form ---


def test_the_form_answers_alike_and_shows_no_name_that_was_not_typed(api):
    session = api.officer()
    api.http.set_cookie(
        "__Host-volmacht_session", api.cookies[session.id], domain="id.example.be", secure=True
    )
    token = api.services.vault.index(f"mandate:{session.id}", "form")

    def send(insz: str) -> tuple[int, str]:
        typed = {"token": token, "name": TYPED, "insz": insz, "powers": "vouchers:read", "evidence": "form"}
        answer = api.http.post("/portal/begunstigden/nieuw", data=typed, base_url=ISSUER)
        return answer.status_code, answer.headers.get("Location", answer.text)

    found = answers_of(api, send)
    assert len(set(found)) == 1, found
    assert found[0][0] == 303
    page = api.http.get("/portal/aanvragen", base_url=ISSUER).text
    assert (page.count("<article"), "Verborgen" in unescape(page)) == (len(KINDS), False)
    rows = [
        re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", row)
        for row in re.findall(r"<article.*?</article>", page, re.DOTALL)
    ]
    assert len(set(rows)) == 1, rows


# --- a file ---


@pytest.mark.parametrize(("kind", "row"), [("mandates", beneficiary), ("staff", employee)])
def test_a_file_answers_alike(api, kind, row):
    roles = {"mandates": EXECUTOR_ROLE, "staff": EXECUTOR_ROLE.replace("mandaatuitvoerder", "beheerder")}
    session = api.sign_in("Bram", roles=(roles[kind],))
    numbers = answers_of(api, lambda insz: insz)
    extra = {"begunstigden": "alle"} if kind == "staff" else {}
    rows = [row(serial, rijksregisternummer=insz, naam=TYPED, **extra) for serial, insz in enumerate(numbers)]
    job = bring(api, session, *rows, kind=kind)
    apply(api, session, job)
    told = {(one.verdict, one.code, one.column, one.needs) for one in rows_of(api, job)}
    assert len(told) == 1, told
    assert {verdict for verdict, *_ in told} <= {"accepted", "needs_approval"}
