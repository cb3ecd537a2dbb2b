import dataclasses

import pytest

from builders import DAY, NOW, actor, claimed, ended, mandate, organisation, person, world
from mandates.catalogue import Catalogue
from mandates.decide import Link, Reason, Request, decide, representations
from mandates.model import Approval, Ending, Level
from mandates.world import World

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


# --- who may ---------------------------------------------------------------


def test_an_empty_world_denies():
    assert codes(asked(world())) == ["no_mandate"]


def test_an_unknown_actor_is_denied_even_herself():
    assert codes(asked(world(), actor("stranger"), "stranger")) == ["party_unknown"]
    assert (
        representations(actor("stranger"), world(mandate("citizen-helper", "maria", "stranger")), NOW) == ()
    )


def test_an_organisation_never_acts_itself():
    assert codes(asked(world(), actor("company"), "company")) == ["party_kind"]
    assert codes(asked(world(beneficiary()), actor("ocmw"))) == ["party_kind"]
    assert representations(actor("ocmw"), world(beneficiary()), NOW) == ()


def test_a_person_acts_for_herself_without_a_mandate():
    decision = asked(world(), actor("maria", Level.NONE), "maria", "anything")
    assert decision == dataclasses.replace(
        decision, permitted=True, reasons=(), path=(), powers=(), not_after=None, revision=7
    )


def test_a_pinned_chain_is_never_answered_with_the_self_act():
    w = world(mandate("ocmw-beneficiary", "bram", "ocmw", id="m"), executor())
    assert codes(asked(w, BRAM, "bram", mandate="m")) == ["no_mandate"]
    assert codes(asked(w, BRAM, "bram", executor="x")) == ["no_mandate"]
    assert representations(BRAM, w, NOW) == ()


def test_a_clerk_acts_for_her_company():
    decision = asked(world(clerk()), actor("tom"), "company", "performances:submit")
    assert decision.permitted
    assert decision.path == (Link("c", "company-employee", "company", "tom"),)
    assert decision.not_after == NOW + 10 * DAY
    assert decision.revision == 7
    assert decision.powers == (
        "performances:read",
        "performances:submit",
        "invoices:read",
        "workers:manage",
        "payout:change",
    )


def test_an_officer_acts_for_a_beneficiary_through_the_ocmw():
    decision = asked(world(beneficiary(), executor(valid_until=NOW + 60)))
    assert decision.permitted
    assert decision.path == (
        Link("m", "ocmw-beneficiary", "maria", "ocmw"),
        Link("x", "ocmw-executor", "ocmw", "bram"),
    )
    assert decision.not_after == NOW + 60


def test_an_executor_does_not_act_for_the_ocmw_itself():
    w = world(beneficiary(), executor())
    assert codes(asked(w, BRAM, "ocmw", None)) == ["no_mandate"]
    assert [d.path[0].principal for d in representations(BRAM, w, NOW)] == ["maria"]


def test_a_company_manager_is_no_executor_of_the_same_organisation():
    both = organisation("ocmw", "ocmw", "recognised_company")
    w = world(beneficiary(), claimed("company-manager", "ocmw", "bram"), parties={"ocmw": both})
    assert codes(asked(w)) == ["executor_missing"]


def test_a_mandate_to_somebody_else_is_no_mandate():
    assert codes(asked(world(clerk()), actor("els"), "company", None)) == ["no_mandate"]


def test_a_mandate_that_was_passed_on_makes_no_chain():
    assert codes(asked(world(clerk(parent="other")), actor("tom"), "company", None)) == ["no_mandate"]
    assert codes(asked(world(beneficiary(), executor(parent="other")))) == ["executor_missing"]


def test_a_type_that_left_the_catalogue_gives_nothing():
    w = world(clerk())
    empty = World(Catalogue("0" * 12, {}), w.parties, w.mandates, 7)
    assert codes(asked(empty, actor("tom"), "company", None)) == ["no_mandate"]


# --- powers ----------------------------------------------------------------


def test_a_power_that_the_mandate_lacks_is_not_granted():
    decision = asked(world(clerk(powers=("performances:read",))), actor("tom"), "company", "payout:change")
    assert decision.reasons == (Reason("power_not_granted", needs="payout:change"),)
    assert codes(decision) == ["power_not_granted"]


def test_each_link_narrows_and_none_widens():
    w = world(
        beneficiary(powers=("vouchers:read", "vouchers:order")),
        executor(powers=("profile:read", "vouchers:order")),
    )
    assert asked(w).powers == ("vouchers:order",)
    assert codes(asked(w, power="vouchers:read")) == ["power_not_granted"]
    assert codes(asked(w, power="profile:read")) == ["power_not_granted"]


def test_links_without_a_common_power_are_no_chain():
    w = world(beneficiary(powers=("vouchers:read",)), executor(powers=("vouchers:order",)))
    assert codes(asked(w, power=None)) == ["power_not_granted"]
    assert representations(BRAM, w, NOW) == ()


def test_a_power_that_the_type_no_longer_has_is_gone():
    decision = asked(world(clerk(powers=("vouchers:order", "invoices:read"))), actor("tom"), "company", None)
    assert decision.powers == ("invoices:read",)


def test_an_empty_power_is_not_the_question_whether_there_is_a_chain():
    assert codes(asked(world(clerk()), actor("tom"), "company", "")) == ["power_not_granted"]


# --- time and state --------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"valid_until": NOW}, Reason("mandate_expired", NOW)),
        ({"valid_from": NOW + 1}, Reason("mandate_scheduled", NOW - DAY)),
        ({"suspended_at": NOW}, Reason("mandate_suspended", NOW)),
        ({"activated_at": None}, Reason("mandate_awaiting", NOW - DAY, "principal second_officer")),
        (
            {"activated_at": None, "approvals": (Approval("principal", "maria", NOW),)},
            Reason("awaiting_second_officer", NOW - DAY, "second_officer"),
        ),
        ({"activated_at": None, "lapses_at": NOW}, Reason("mandate_lapsed", NOW)),
        *[(ended(ending), Reason(f"mandate_{ending.value}", NOW)) for ending in Ending],
    ],
)
def test_a_mandate_that_is_not_in_force_says_why_and_since_when(facts, reason):
    decision = asked(world(beneficiary(**facts), executor()))
    assert decision.reasons == (reason,)
    assert codes(decision) == [reason.code]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"valid_until": NOW}, Reason("executor_ended", NOW)),
        (ended(Ending.SESSION_ENDED, NOW - 5), Reason("executor_ended", NOW - 5)),
        (ended(Ending.REFUSED), Reason("executor_missing")),
        ({"valid_from": NOW + 1}, Reason("executor_missing")),
        ({"activated_at": None}, Reason("executor_missing")),
        ({"suspended_at": NOW}, Reason("executor_suspended", NOW)),
        ({"session": "s2"}, Reason("session_only")),
    ],
)
def test_an_executor_that_is_not_in_force_says_why(facts, reason):
    if facts.get("ending") is Ending.REFUSED:
        facts = facts | {"activated_at": None}
    assert asked(world(beneficiary(), executor(**facts))).reasons == (reason,)


def test_a_chain_lasts_until_before_its_end():
    w = world(clerk(valid_until=NOW + 10))
    assert asked(w, actor("tom"), "company", None, now=NOW + 9).permitted
    assert codes(asked(w, actor("tom"), "company", None, now=NOW + 10)) == ["mandate_expired"]


def test_a_mandate_from_claims_serves_its_session_only():
    w = world(claimed("company-manager", "company", "els", "s1"))
    assert asked(w, actor("els", session="s1"), "company", None).permitted
    for session in (None, "s2"):
        assert codes(asked(w, actor("els", session=session), "company", None)) == ["session_only"]
        assert representations(actor("els", session=session), w, NOW) == ()


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


def test_a_mandate_to_an_organisation_without_any_executor_says_so():
    assert codes(asked(world(beneficiary()))) == ["executor_missing"]
    assert codes(asked(world(beneficiary(), claimed("ocmw-executor", "ocmw-far", "bram")))) == [
        "executor_missing"
    ]


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
