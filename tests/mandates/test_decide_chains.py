"""Of several chains, which one answers; and every chain that a person has."""

import dataclasses

import pytest

from builders import DAY, NOW, actor, claimed, ended, mandate, organisation, person, world
from mandates.decide import Request, decide, representations
from mandates.explain import explain
from mandates.model import Ending, Level

BRAM = actor("bram", session="s1")


def beneficiary(**facts):
    return mandate("ocmw-beneficiary", "maria", "ocmw", id="m", **facts)


def executor(**facts):
    return claimed("ocmw-executor", "ocmw", "bram", id="x", **facts)


def clerk(**facts):
    return mandate("company-employee", "company", "tom", id="c", **facts)


def asked(w, who=BRAM, principal="maria", power="vouchers:order", now=NOW, **pins):
    return decide(Request(who, principal, power, **pins), w, now)


def codes(decision):
    assert not decision.permitted
    assert (decision.path, decision.powers, decision.not_after) == ((), (), None)
    return [reason.code for reason in decision.reasons]


# --- which chain -----------------------------------------------------------


def test_a_pin_admits_that_chain_only():
    first, second = beneficiary(), dataclasses.replace(beneficiary(), id="m2", valid_until=NOW + 20 * DAY)
    w = world(first, second, executor(), dataclasses.replace(executor(), id="x2"))
    assert [link.mandate for link in asked(w, mandate="m").path] == ["m", "x"]
    assert [link.mandate for link in asked(w, mandate="m2", executor="x2").path] == ["m2", "x2"]
    assert codes(asked(w, mandate="m3")) == ["no_mandate"]
    assert codes(asked(w, executor="x3")) == ["no_mandate"]
    assert codes(asked(w, mandate="m", executor="m")) == ["no_mandate"]


def test_a_pinned_executor_that_ended_is_not_replaced_by_another():
    w = world(
        beneficiary(), executor(**ended(Ending.SESSION_ENDED)), dataclasses.replace(executor(), id="x2")
    )
    assert asked(w).permitted
    assert codes(asked(w, executor="x")) == ["executor_ended"]


def test_the_direct_chain_comes_before_the_one_through_an_organisation():
    direct = mandate("citizen-helper", "maria", "bram", id="zz", valid_until=NOW + 1)
    assert [link.mandate for link in asked(world(beneficiary(), executor(), direct)).path] == ["zz"]


def test_of_two_chains_the_one_that_lasts_longest_is_taken():
    other = dataclasses.replace(clerk(), id="a", valid_until=NOW + DAY)
    assert asked(world(other, clerk()), actor("tom"), "company", None).path[0].mandate == "c"


def test_of_several_chains_that_fail_the_nearest_is_explained():
    old = dataclasses.replace(clerk(), id="a", valid_until=NOW, powers=("invoices:read",))
    near = clerk(suspended_at=NOW)
    assert codes(asked(world(old, near), actor("tom"), "company", "payout:change")) == ["mandate_suspended"]


def test_everything_that_is_missing_is_said():
    decision = asked(
        world(clerk(valid_until=NOW, powers=("invoices:read",))),
        actor("tom", Level.LOW),
        "company",
        "payout:change",
    )
    assert codes(decision) == ["mandate_expired", "assurance_too_low", "power_not_granted"]


def test_whoever_has_nothing_of_an_organisation_does_not_learn_what_it_holds():
    elsewhere = claimed("ocmw-executor", "ocmw-far", "bram")
    another_session = executor(session="s2")
    for w in (world(beneficiary()), world(beneficiary(), elsewhere), world(beneficiary(), another_session)):
        assert codes(asked(w)) == ["no_mandate"]


@pytest.mark.parametrize(
    ("edge", "code"),
    [
        (mandate("ocmw-executor", "ocmw", "bram", **ended(Ending.WITHDRAWN)), "executor_ended"),
        (mandate("ocmw-executor", "ocmw", "bram", activated_at=None), "executor_missing"),
        (mandate("citizen-helper", "ocmw", "bram"), "executor_missing"),
        (claimed("company-manager", "ocmw", "bram"), "executor_missing"),
    ],
)
def test_whoever_has_or_had_something_of_it_learns_that_the_executor_is_what_is_missing(edge, code):
    both = organisation("ocmw", "ocmw", "recognised_company")
    w = world(beneficiary(), edge, parties={"ocmw": both})
    assert codes(asked(w)) == [code]


def test_of_two_reasons_as_near_the_one_of_the_newer_mandate_is_given_whatever_their_ids():
    facts = {"valid_from": NOW - 9 * DAY, "activated_at": NOW - 9 * DAY}
    older = mandate(
        "company-employee", "company", "tom", **facts, requested_at=NOW - 9 * DAY, suspended_at=NOW
    )
    newer = mandate("company-employee", "company", "tom", **facts, **ended(Ending.REVOKED))
    for first, second in (("a", "b"), ("b", "a")):
        w = world(dataclasses.replace(older, id=first), dataclasses.replace(newer, id=second))
        assert codes(asked(w, actor("tom"), "company", None)) == ["mandate_revoked"]
        explained = explain(Request(actor("tom"), "company"), w, NOW)
        assert explained.considered[0].reasons == explained.decision.reasons


# --- whom may I represent --------------------------------------------------


def test_representations_are_every_permitted_chain_by_the_name_of_the_principal():
    parties = {"maria": person("maria", name="zoë"), "jozef": person("jozef", name="Anna")}
    w = world(
        beneficiary(),
        mandate("ocmw-beneficiary", "jozef", "ocmw", id="j"),
        mandate("ocmw-beneficiary", "tom", "ocmw", id="t", suspended_at=NOW),
        mandate("citizen-helper", "els", "bram", id="e"),
        executor(),
        dataclasses.replace(executor(), id="x2"),
        parties=parties,
    )
    found = representations(BRAM, w, NOW)
    assert [[link.mandate for link in d.path] for d in found] == [
        ["j", "x"],
        ["j", "x2"],
        ["e"],
        ["m", "x"],
        ["m", "x2"],
    ]
    assert all(d.permitted and not d.reasons and d.powers and d.not_after and d.revision == 7 for d in found)


def test_representations_need_the_level_too():
    assert representations(actor("tom", Level.LOW), world(clerk()), NOW) == ()


def test_a_chain_that_reaches_her_explains_before_one_that_ends_with_others():
    """That the principal gave something to somebody else is no answer to what she herself lacks."""
    elsewhere = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="far")
    hers = beneficiary(valid_until=NOW, powers=("vouchers:read",))
    decision = asked(world(elsewhere, hers, executor()))
    assert codes(decision) == ["mandate_expired", "power_not_granted"]
    assert codes(asked(world(elsewhere, executor()))) == ["no_mandate"]
