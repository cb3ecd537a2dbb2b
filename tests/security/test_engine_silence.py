"""Whose number is this? Every door through which the engine might tell more than was typed.

Somebody types a national number that she found, with a name that she made up; whatever she
then does with the mandate that she got, no answer holds the name on record (mandates.md section 4).
"""

from __future__ import annotations

import pytest

from api_world import ApiWorld
from broker.days import day_of
from broker.flows import parties
from builders import DAY
from flow_world import EXECUTOR_ROLE, OCMW
from mandates.model import Party

RECORDED, TYPED = "Wilhelmina Verborgen", "Jan Gok"
NUMBER = "85.07.30-033.28"
COMPANY = "0999000228"
URN = "iso6523-actorid-upis::0208:"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def hidden(api) -> Party:
    """Somebody on record whom nobody at the desk has ever met."""
    with api.services.database.write() as uow:
        found = parties.find_or_add_person(api.services, uow, NUMBER, RECORDED, api.now)
        uow.commit()
    return found


@pytest.fixture
def manager(api):
    """Els manages a company and an OCMW."""
    els = api.sign_in("Els")
    company = api.organisation("Company", COMPANY, "recognised_company")
    api.give("company-manager", company, api.stored(els.party))
    api.give("ocmw-manager", api.ocmw, api.stored(els.party))
    return api.person(els)


def post(api, path, caller, **body):
    return api.http.post(f"/api/v1/{path}", json=body, headers=caller)


def get(api, path, caller, **query):
    return api.http.get(f"/api/v1/{path}", query_string=query, headers=caller)


def employ(api, manager, **changes):
    """A mandate that needs nobody's approval, to the holder of the number."""
    asked = {
        "type": "company-employee",
        "principal": {"kbo": COMPANY},
        "representative": {"insz": NUMBER, "name": TYPED},
        "powers": ["invoices:read"],
        "last_day": day_of(api.now + 30 * DAY).isoformat(),
    }
    made = post(api, "mandates", manager, **(asked | changes))
    assert made.status_code == 201, made.json
    assert made.json["representative"]["name"] == TYPED
    return made.json


def test_a_renewal_with_other_evidence_does_not_lift_the_name_that_was_typed(api, hidden, manager):
    made = employ(api, manager)
    shown = get(api, f"mandates/{made['identifier']}/preview", manager, evidence="new papers")
    assert shown.status_code == 200, shown.json
    assert RECORDED not in shown.text
    renewed = post(api, f"mandates/{made['identifier']}/renew", manager, evidence="new papers")
    assert renewed.status_code == 201, renewed.json
    assert renewed.json["mandate"]["representative"]["name"] == TYPED
    seen = get(api, f"mandates/{renewed.json['mandate']['identifier']}", manager)
    assert (seen.json["representative"]["name"], RECORDED in seen.text) == (TYPED, False)


def test_who_could_act_for_an_organisation_goes_by_the_name_that_was_typed(api, hidden, manager):
    employ(api, manager)
    answer = get(api, "representatives", manager, principal=f"{URN}{COMPANY}")
    assert answer.status_code == 200, answer.json
    assert [one["person"]["name"] for one in answer.json["representatives"]].count(TYPED) == 1
    assert RECORDED not in answer.text


@pytest.mark.parametrize("page", [1, 100])
def test_delegates_are_searched_by_the_name_that_was_typed(api, hidden, manager, page):
    employ(api, manager)

    def found(name):
        answer = get(api, f"organisations/{URN}{COMPANY}/delegates", manager, name=name, limit=page)
        assert answer.status_code == 200, answer.json
        return [one["representative"]["name"] for one in answer.json["delegates"]], answer.json["next"]

    assert found("Wilh") == ([], None)
    assert found("Verborgen") == ([], None)
    assert found("Gok") == ([TYPED], None)


def test_a_caseload_takes_nobody_whom_the_organisation_has_no_mandate_of(api, hidden, manager):
    executor = employ(
        api, manager, type="ocmw-executor", principal={"kbo": OCMW}, powers=["vouchers:read"], whole=False
    )
    where = f"/api/v1/mandates/{executor['identifier']}/caseload"
    stranger = executor["representative"]["identifier"]
    added = api.http.put(where, json={"principals": [stranger]}, headers=manager)
    assert (added.status_code, RECORDED in added.text) == (404, False)
    assert get(api, f"mandates/{executor['identifier']}/caseload", manager).json["principals"] == []


def test_a_caseload_shows_who_was_asked_by_the_name_that_was_typed(api, hidden, manager):
    bram = api.officer()
    waiting = post(
        api, "mandates", api.person(bram), type="ocmw-beneficiary", principal={"insz": NUMBER, "name": TYPED},
        representative={"my_organisation": True}, powers=["vouchers:read"], evidence="form",
    )  # fmt: skip
    assert waiting.status_code == 201, waiting.json
    officer = api.party("Bea")
    executor = api.give("ocmw-executor", api.ocmw, officer, whole=False)
    reference = api.services.vault.pseudonym("m-", "desk", executor.id)
    added = api.http.put(
        f"/api/v1/mandates/{reference}/caseload",
        json={"principals": [waiting.json["principal"]["identifier"]]},
        headers=manager,
    )
    assert (added.status_code, RECORDED in added.text) == (200, False)
    assert [one["name"] for one in added.json["principals"]] == [TYPED]
    bea = api.sign_in("Bea", roles=(EXECUTOR_ROLE,))
    approved = post(api, f"mandates/{waiting.json['identifier']}/approve", api.person(bea))
    assert approved.status_code == 200, approved.json
    known = get(api, f"mandates/{reference}/caseload", manager)
    assert [one["name"] for one in known.json["principals"]] == [RECORDED]


def test_a_request_of_ones_own_does_not_open_what_she_gave_to_others(api, hidden):
    """Whoever may type a number asks for a mandate, and then asks the engine to explain."""
    far = api.organisation("OCMW Verre", "0999000327", "ocmw")
    api.give("ocmw-beneficiary", hidden, far)
    api.give("court-administrator", hidden, api.party("Advocaat"))
    bram = api.person(api.officer())
    waiting = post(
        api, "mandates", bram, type="ocmw-beneficiary", principal={"insz": NUMBER, "name": TYPED},
        representative={"my_organisation": True}, powers=["vouchers:read"], evidence="form",
    ).json  # fmt: skip
    answer = post(api, "decisions", bram, principal=waiting["principal"]["identifier"], explain=True)
    assert answer.status_code == 200, answer.json
    considered = answer.json["considered"]
    named = {link["identifier"] for chain in considered for link in chain["path"][:1]}
    assert named == {waiting["identifier"]}
    assert "0999000327" not in answer.text
