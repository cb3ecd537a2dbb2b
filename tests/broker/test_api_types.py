"""A check and a list agree: what a client is not registered for carries nothing in either."""

from __future__ import annotations

import pytest

from api_world import ApiWorld
from flow_world import OCMW

URN = "iso6523-actorid-upis::0208:"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)  # its desk is registered for `ocmw-beneficiary` alone
    yield world
    world.close()


@pytest.fixture
def tom(api):
    return api.sign_in("Tom")


def ask(api, caller, principal, **question):
    body = {"principal": principal, **question}
    one = api.http.post("/api/v1/decisions", json=body, headers=caller).json
    (batched,) = api.http.post("/api/v1/decisions/batch", json={"questions": [body]}, headers=caller).json[
        "decisions"
    ]
    assert {key: one[key] for key in batched} == batched
    return one


def listed(api, caller):
    answer = api.http.get("/api/v1/representations", headers=caller).json
    return [row["identifier"] for row in answer["representations"]]


def helped(api, tom):
    maria = api.party("Maria")
    given = api.give("citizen-helper", maria, api.stored(tom.party))
    return maria, given, api.services.vault.pseudonym("p-", "desk", maria.id)


def test_a_type_that_the_client_is_not_registered_for_is_denied_as_it_is_left_out_of_the_list(api, tom):
    _, _, maria = helped(api, tom)
    caller = api.person(tom)
    answer = ask(api, caller, maria)
    assert (answer["permitted"], answer["path"]) == (False, [])
    assert [one["code"] for one in answer["reasons"]] == ["mandate_type_not_registered"]
    assert listed(api, caller) == []
    explained = api.http.post("/api/v1/decisions", json={"principal": maria, "explain": True}, headers=caller)
    (considered,) = explained.json["considered"]
    assert [one["code"] for one in considered["reasons"]] == ["mandate_type_not_registered"]


def test_a_longer_chain_of_a_registered_type_carries_where_the_shorter_one_may_not(api, tom):
    person, given, maria = helped(api, tom)
    through = api.give("ocmw-beneficiary", person, api.ocmw)
    api.give("ocmw-executor", api.ocmw, api.stored(tom.party))
    caller = api.person(tom)
    reference = api.services.vault.pseudonym("m-", "desk", through.id)
    answer = ask(api, caller, maria, power="vouchers:read")
    assert answer["permitted"] is True
    assert answer["path"][0]["identifier"] == reference
    assert listed(api, caller) == [reference]
    pinned = api.services.vault.pseudonym("m-", "desk", given.id)
    assert ask(api, caller, maria, mandate=pinned)["permitted"] is False


def test_her_own_affairs_and_a_plain_no_stay_what_they_are(api, tom):
    caller = api.person(tom)
    assert ask(api, caller, api.called(tom))["permitted"] is True
    assert ask(api, caller, f"{URN}{OCMW}")["reasons"][0]["code"] == "no_mandate"
