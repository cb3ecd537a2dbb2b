"""The same POST twice is done once: a caller that heard no answer asks again with the same key."""

from __future__ import annotations

import threading

import pytest

from api_world import ApiWorld
from broker.endpoints import idempotency

KEY = {"Idempotency-Key": "0b0f0c9e-6f2f"}


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(api):
    return api.person(api.officer())


def asked(**changes):
    return {
        "type": "ocmw-beneficiary",
        "principal": {"insz": "85.07.30-033.28", "name": "Maria"},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read"],
        "evidence": "formulier",
        **changes,
    }


def ask(api, caller, key=KEY, **changes):
    return api.http.post("/api/v1/mandates", json=asked(**changes), headers=caller | key)


def test_a_repeated_request_gets_the_first_answer(api, bram):
    first, second = ask(api, bram), ask(api, bram)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len([row for row in api.journal() if row.type == "mandate.requested"]) == 1


def test_without_a_key_the_second_is_judged_as_any_other(api, bram):
    assert ask(api, bram, {}).status_code == 201
    assert ask(api, bram, {}).json["code"] == "duplicate"


def test_the_same_key_with_another_body_is_refused(api, bram):
    ask(api, bram)
    other = ask(api, bram, powers=["vouchers:read", "vouchers:order"])
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")


def test_a_second_one_while_the_first_runs_is_refused(api, bram, monkeypatch):
    entered, go_on, answers = threading.Event(), threading.Event(), []
    remember = idempotency._remember

    def slow(*args):
        entered.set()
        go_on.wait(10)
        remember(*args)

    monkeypatch.setattr(idempotency, "_remember", slow)
    first = threading.Thread(target=lambda: answers.append(ask(api, bram)))
    first.start()
    entered.wait(10)
    second = api.app.test_client().post("/api/v1/mandates", json=asked(), headers=bram | KEY)
    go_on.set()
    first.join()
    assert (second.status_code, second.json["code"]) == (409, "idempotency_in_flight")
    assert answers[0].status_code == 201
    assert ask(api, bram).json == answers[0].json


def test_a_refused_request_leaves_its_key_free(api, bram):
    assert ask(api, bram, type="nothing").status_code >= 400
    assert ask(api, bram).status_code == 201


def test_a_key_is_its_callers_own(api, bram):
    first = ask(api, bram)
    bea = api.person(api.sign_in("Bea", roles=("DienstenchequesVlaanderen-mandaatuitvoerder:0999000129",)))
    assert ask(api, bea, principal={"insz": "90010100123", "name": "Jan"}).json != first.json
    assert ask(api, bram).json == first.json


def test_what_is_kept_is_sealed(api, bram):
    ask(api, bram)
    kept = [
        text for (kind, _), (_, text) in api.services.ephemeral._entries.items() if kind == idempotency.ANSWER
    ]
    assert len(kept) == 1
    assert "Maria" not in kept[0]


def test_after_a_day_or_a_lost_store_the_rules_stop_a_second_one(api, bram):
    ask(api, bram)
    api.services.ephemeral._entries.clear()
    assert ask(api, bram).json["code"] == "duplicate"


@pytest.mark.parametrize("key", ["short", "x" * 201, "with space 123"])
def test_a_key_that_is_none_is_refused(api, bram, key):
    refused = ask(api, bram, {"Idempotency-Key": key})
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_idempotency_key")
