"""Which chains there are, before anybody judges them: an organisation acts through its own executors alone."""

from __future__ import annotations

import dataclasses

from builders import NOW, actor, catalogue, claimed, mandate, world
from mandates.catalogue import Catalogue
from mandates.chain import candidate_chains
from mandates.decide import Request, decide, representations

BRAM = actor("bram", session="s1")
GIVEN = mandate("ocmw-beneficiary", "maria", "ocmw", id="m")
OFFICER = claimed("ocmw-executor", "ocmw", "bram", id="x")
CLEANER = dataclasses.replace(OFFICER, id="y", type="ocmw-cleaner")
"""Staff of the same organisation, an executor too, but of other mandates than this one."""


def with_cleaners(*mandates, carries=()):
    """A catalogue with a second type of executor, which the mandate types in `carries` accept."""
    types = dict(catalogue().types)
    types["ocmw-cleaner"] = dataclasses.replace(types["ocmw-executor"], key="ocmw-cleaner")
    for key in carries:
        types[key] = dataclasses.replace(types[key], executors=(*types[key].executors, "ocmw-cleaner"))
    return world(*mandates, catalogue=Catalogue("f" * 12, types))


def chains(w, who="bram", principal=None):
    return [tuple(link.id for link in chain.links) for chain in candidate_chains(who, w, principal, "s1")]


def test_an_executor_carries_the_mandates_that_name_its_type():
    assert chains(with_cleaners(GIVEN, OFFICER)) == [("m", "x")]


def test_an_executor_of_another_type_carries_nothing():
    w = with_cleaners(GIVEN, CLEANER)
    assert chains(w) == [("m",)]
    decision = decide(Request(BRAM, "maria", "vouchers:order"), w, NOW)
    assert not decision.permitted
    assert [reason.code for reason in decision.reasons] == ["executor_missing"]
    assert representations(BRAM, w, NOW) == ()


def test_of_two_executors_the_one_whose_type_fits_is_taken():
    w = with_cleaners(GIVEN, CLEANER, OFFICER)
    assert chains(w) == [("m", "x")]
    (found,) = representations(BRAM, w, NOW)
    assert [link.mandate for link in found.path] == ["m", "x"]


def test_a_type_that_the_mandate_names_as_well_carries_it_too():
    w = with_cleaners(GIVEN, CLEANER, carries=("ocmw-beneficiary",))
    assert chains(w) == [("m", "y")]
    assert decide(Request(BRAM, "maria", "vouchers:order"), w, NOW).permitted


def test_a_grant_that_was_issued_on_a_misfit_executor_is_refused():
    pinned = Request(BRAM, "maria", "vouchers:order", mandate="m", executor="y")
    assert not decide(pinned, with_cleaners(GIVEN, CLEANER, OFFICER), NOW).permitted


def test_a_mandate_of_staff_that_is_no_executor_carries_nothing():
    helper = mandate("citizen-helper", "ocmw", "bram", id="h")
    assert chains(world(GIVEN, helper), principal="maria") == [("m",)]


def test_a_type_that_is_no_executor_carries_nothing_even_if_a_table_names_it():
    """No catalogue that loads says so; a chain does not rely on it."""
    types = dict(catalogue().types)
    given = types["ocmw-beneficiary"]
    types["ocmw-beneficiary"] = dataclasses.replace(given, executors=(*given.executors, "citizen-helper"))
    helper = mandate("citizen-helper", "ocmw", "bram", id="h")
    w = world(GIVEN, helper, catalogue=Catalogue("f" * 12, types))
    assert chains(w, principal="maria") == [("m",)]


def test_an_executor_of_another_organisation_carries_nothing():
    elsewhere = claimed("ocmw-executor", "ocmw-far", "bram", id="far")
    assert chains(world(GIVEN, elsewhere)) == []
    assert not decide(Request(BRAM, "maria", "vouchers:order"), world(GIVEN, elsewhere), NOW).permitted


def test_an_executor_is_no_mandate_to_act_for_the_organisation_itself():
    assert chains(world(OFFICER)) == []
    assert not decide(Request(BRAM, "ocmw"), world(OFFICER), NOW).permitted


def test_an_executor_is_never_passed_on():
    assert chains(world(GIVEN, dataclasses.replace(OFFICER, parent="another"))) == [("m",)]


def test_what_was_passed_on_makes_a_chain_with_all_that_it_came_from():
    far = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m")
    hand = claimed("ocmw-executor", "ocmw-far", "bram", id="y")
    found = candidate_chains("bram", world(GIVEN, far, hand), "maria", "s1")
    (passed,) = [one for one in found if one.acting is far]
    assert (passed.passed_on, passed.executor, passed.complete) == ((GIVEN, far), hand, True)
    (lost,) = candidate_chains("bram", world(far, hand), "maria", "s1")
    assert (lost.passed_on, lost.complete) == ((far,), False)


def test_a_ring_of_parents_is_walked_once_and_makes_no_power():
    ring = [mandate("ocmw-beneficiary", "maria", "ocmw", id=a, parent=b) for a, b in ("pq", "qp")]
    w = world(*ring, OFFICER)
    assert not any(one.complete for one in candidate_chains("bram", w, session="s1"))
    assert not decide(Request(BRAM, "maria"), w, NOW).permitted


def test_no_chain_leads_from_a_person_to_herself():
    given = mandate("ocmw-beneficiary", "bram", "ocmw", id="own")
    assert chains(world(given, OFFICER)) == []


def test_a_mandate_of_a_type_that_is_in_no_table_makes_no_chain():
    assert chains(world(dataclasses.replace(GIVEN, type="of-old"), OFFICER)) == []
    assert chains(world(GIVEN, dataclasses.replace(OFFICER, type="of-old"))) == [("m",)]
