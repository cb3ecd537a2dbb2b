import dataclasses

import pytest

from builders import NOW, VILLAGE, actor, claimed, mandate, organisation, person, world
from mandates.catalogue import Catalogue
from mandates.decide import Reason, Request, decide, representations
from mandates.model import Level

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


# --- parties ---------------------------------------------------------------


def test_the_dead_neither_act_nor_are_acted_for():
    def dead(key, at=NOW):
        return {key: person(key, deceased_at=at)}

    links = (beneficiary(), executor())
    assert asked(world(*links, parties=dead("maria"))).reasons == (Reason("principal_deceased", NOW),)
    assert asked(world(*links, parties=dead("bram"))).reasons == (Reason("actor_deceased", NOW),)
    assert codes(asked(world(parties=dead("maria")), actor("maria"), "maria")) == ["actor_deceased"]
    assert representations(BRAM, world(*links, parties=dead("bram")), NOW) == ()
    assert asked(world(*links, parties=dead("maria", NOW + 1) | dead("bram", NOW + 1))).permitted


def test_a_ceased_organisation_carries_nothing_from_that_instant():
    def gone(at):
        return {"ocmw": organisation("ocmw", "ocmw", ceased_at=at)}

    links = (beneficiary(), executor())
    assert asked(world(*links, parties=gone(NOW))).reasons == (Reason("organisation_ceased", NOW),)
    assert asked(world(*links, parties=gone(NOW + 1))).permitted


def test_a_ceased_company_is_acted_for_no_more():
    w = world(clerk(), parties={"company": organisation("company", "recognised_company", ceased_at=NOW)})
    assert codes(asked(w, actor("tom"), "company", None)) == ["organisation_ceased"]


def test_an_organisation_that_lost_its_recognition_is_acted_for_no_more():
    w = world(clerk(), parties={"company": organisation("company")})
    assert asked(w, actor("tom"), "company", None).reasons == (
        Reason("organisation_kind", needs="recognised_company"),
    )


@pytest.mark.parametrize("missing", ["maria", "ocmw"])
def test_a_party_that_is_not_in_the_world_gives_nothing(missing):
    w = world(beneficiary(), executor())
    w = dataclasses.replace(w, parties={key: p for key, p in VILLAGE.items() if key != missing})
    assert "party_unknown" in codes(asked(w))


@pytest.mark.parametrize("level", [Level.NONE, Level.LOW])
def test_a_weak_login_is_told_what_is_needed(level):
    decision = asked(world(clerk()), actor("tom", level), "company", None)
    assert decision.reasons == (Reason("assurance_too_low", needs="substantial"),)


def test_the_strictest_link_sets_the_level():
    w = world(beneficiary(), executor())
    types = dict(w.catalogue.types)
    types["ocmw-executor"] = dataclasses.replace(types["ocmw-executor"], level_to_use=Level.HIGH)
    strict = dataclasses.replace(w, catalogue=Catalogue("1" * 12, types))
    assert asked(strict).reasons == (Reason("assurance_too_low", needs="high"),)
    assert asked(strict, actor("bram", Level.HIGH, "s1")).permitted
