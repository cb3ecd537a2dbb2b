"""What is written for services with each bit that is set (tokens.md section 6), on both databases."""

from __future__ import annotations

import pytest

from broker.records import Basis
from storage.records import NOW, grant, mandate, populate

API, OTHER = "https://vouchers.example.be/api", "https://companies.example.be/api"


@pytest.fixture
def issued(database):
    """Bram under Maria's mandate through his executor, Fatima under the same one, and Bram for himself."""
    populate(database)
    with database.write() as unit:
        unit.mandates.add(mandate("m1", "maria", "ocmw"), NOW)
        for key, who in (("x1", "bram"), ("x2", "fatima")):
            unit.mandates.add(mandate(key, "ocmw", who, type="ocmw-executor"), NOW)
        for key, facts in {
            "g-bram": {"mandate": "m1", "executor": "x1"},
            "g-fatima": {"mandate": "m1", "executor": "x2", "actor": "fatima"},
            "g-self": {"principal": "bram"},
        }.items():
            unit.grants.add(grant(key, **facts))
        for basis in (
            Basis("g-bram", "voucher-web", API, "m1", "x1"),
            Basis("g-bram", "back-end", OTHER, "m1", "x1", 1),
            Basis("g-fatima", "voucher-web", API, "m1", "x2"),
            Basis("g-self", "voucher-web", API),
        ):
            unit.status.allocate(basis, NOW + 300, NOW)
        unit.commit()
    return database


def told(database, act, what, topic="session-revoked"):
    """(audience, mandate, actor) of what an act of the store posts; of `status-changed`, how many bits."""
    with database.write() as unit:
        getattr(unit.status, act)(what, NOW)
        unit.commit()
    with database.read() as unit:
        waiting = unit.outbox.waiting(topic, 100)
    if topic == "status-changed":
        return sorted((one.body["audience"], len(one.body["idx"])) for one in waiting)
    return sorted(
        (one.body["audience"], ended["mandate"], ended["actor"])
        for one in waiting
        for ended in one.body["ended"]
    )


def test_a_mandate_that_ended_for_all_is_named_once_an_audience_and_without_an_actor(issued):
    assert told(issued, "revoke_on_mandates", ["m1"]) == [
        (OTHER, "m1", None),
        (API, "m1", None),
    ]


def test_so_is_one_whose_executors_ended_with_it(issued):
    act = "revoke_on_mandates", ["x1", "m1", "x2"]
    assert told(issued, *act) == [(OTHER, "m1", None), (API, "m1", None)]


def test_an_executor_that_ended_names_who_acted_through_it(issued):
    assert told(issued, "revoke_on_mandates", ["x2"]) == [(API, "m1", "fatima")]


def test_a_type_of_mandate_that_reads_otherwise_ended_for_all(issued):
    assert told(issued, "revoke_on_types", ["ocmw-beneficiary"]) == [
        (OTHER, "m1", None),
        (API, "m1", None),
    ]


def test_a_type_of_executor_that_reads_otherwise_names_each(issued):
    assert told(issued, "revoke_on_types", ["ocmw-executor"]) == [
        (OTHER, "m1", "bram"),
        (API, "m1", "bram"),
        (API, "m1", "fatima"),
    ]


def test_a_grant_that_ended_names_its_actor_wherever_its_tokens_went(issued):
    assert told(issued, "revoke", ["g-bram"]) == [
        (OTHER, "m1", "bram"),
        (API, "m1", "bram"),
    ]


def test_a_client_or_one_token_that_ended_names_the_actor(issued):
    assert told(issued, "revoke_of_client", "back-end") == [(OTHER, "m1", "bram")]


def test_who_acts_for_herself_has_no_mandate_to_name(issued):
    act = "revoke", ["g-self"]
    assert told(issued, *act) == []
    assert told(issued, *act, "status-changed") == [(API, 1)]


def test_the_bits_are_told_by_list_with_the_audience_that_reads_it(issued):
    act = "revoke_on_mandates", ["m1"]
    assert told(issued, *act, "status-changed") == [(OTHER, 1), (API, 2)]


def test_a_bit_that_is_set_is_told_once(issued):
    act = "revoke_on_mandates", ["m1"]
    first = told(issued, *act)
    assert told(issued, *act) == first


def test_nothing_is_told_of_what_was_not_committed(issued):
    with issued.write() as unit:
        assert unit.status.revoke(["g-bram"], NOW) == 2
    with issued.read() as unit:
        assert unit.outbox.waiting("status-changed", 10) == unit.outbox.waiting("session-revoked", 10) == []


def test_one_bit_is_read_alone(issued):
    with issued.write() as unit:
        set_, unset = (
            unit.status.allocate(Basis(grant, "voucher-web", API, *chain), NOW + 300, NOW)
            for grant, *chain in (("g-bram", "m1", "x1"), ("g-self",))
        )
        unit.status.revoke(["g-bram"], NOW)
        unit.commit()
    assert issued.is_revoked(set_.list, set_.index) is True
    assert issued.is_revoked(unset.list, unset.index) is False
    assert issued.is_revoked("nothing", 0) is issued.is_revoked(set_.list, 64) is None
