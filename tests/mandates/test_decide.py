import dataclasses

import pytest

from builders import DAY, NOW, actor, claimed, ended, mandate, organisation, seen, world
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
        Link("x", "ocmw-executor", "ocmw", "bram", executor=True),
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


def test_what_was_passed_on_from_something_unknown_carries_nothing():
    assert codes(asked(world(clerk(parent="other")), actor("tom"), "company", None)) == ["passed_on_missing"]
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
        ({"activated_at": None, "lapses_at": NOW}, Reason("mandate_lapsed", NOW)),
        *[(ended(ending), Reason(f"mandate_{ending.value}", NOW)) for ending in Ending],
    ],
)
def test_a_mandate_that_is_not_in_force_says_why_and_since_when(facts, reason):
    decision = asked(world(beneficiary(**facts), executor()))
    assert decision.reasons == (reason,)
    assert codes(decision) == [reason.code]


def test_a_mandate_that_waits_says_for_whom_now_and_at_that_time():
    m = beneficiary(activated_at=None, approvals=(Approval("principal", "maria", NOW),))
    both = seen(m, types={"ocmw-beneficiary": {"approvals_mode": "all"}})
    assert asked(both).reasons == (Reason("awaiting_second_officer", NOW - DAY, "second_officer"),)
    since = asked(both, now=NOW - 1).reasons[0]
    assert since == Reason("mandate_awaiting", NOW - DAY, "principal second_officer")
    done = dataclasses.replace(m, activated_at=NOW)
    w = seen(done, types={"ocmw-beneficiary": {"approvals_mode": "all"}})
    assert asked(w, now=NOW - 1).reasons[0] == since


def test_a_mandate_that_waits_says_whose_word_the_law_or_her_own_ending_asks():
    court = mandate("court-administrator", "maria", "tom", id="court")
    m = beneficiary(activated_at=None, approvals=(Approval("second_officer", "fatima", NOW),))
    assert asked(seen(m, court)).reasons == (Reason("awaiting_administrator", NOW - DAY, "administrator"),)
    old = beneficiary(**ended(Ending.REVOKED))
    w = seen(m, dataclasses.replace(old, id="old"))
    pinned = asked(w, mandate="m")
    assert pinned.reasons == (Reason("mandate_awaiting", NOW - DAY, "principal issuer"),)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"valid_until": NOW}, Reason("executor_ended", NOW)),
        (ended(Ending.SESSION_ENDED, NOW - 5), Reason("executor_ended", NOW - 5)),
        (ended(Ending.REFUSED), Reason("executor_missing")),
        ({"valid_from": NOW + 1}, Reason("executor_missing")),
        ({"activated_at": None}, Reason("executor_missing")),
        ({"suspended_at": NOW}, Reason("executor_suspended", NOW)),
        ({"session": "s2"}, Reason("no_mandate")),
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
        assert codes(asked(w, actor("els", session=session), "company", None)) == ["no_mandate"]
        assert representations(actor("els", session=session), w, NOW) == ()
