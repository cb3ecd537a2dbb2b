"""tokens.md section 1: who is who in a token, and one name for one power."""

from __future__ import annotations

import pytest
from authlib.oauth2.rfc6749.resource_protector import TokenValidator

from attack_tools import claims_of
from flow_world import ISSUER, OTHER, VOUCHERS, access_claims

SECTOR = {VOUCHERS: "vouchers", OTHER: "companies"}
CITIZENS = {
    "vouchers:read", "vouchers:order", "vouchers:assign", "performances:confirm", "profile:read",
    "profile:manage", "refunds:request",
}  # fmt: skip
COMPANIES = {
    "performances:read", "performances:submit", "invoices:read", "workers:manage", "payout:change",
}  # fmt: skip


def test_sub_is_whose_right_it_is_and_act_who_sits_at_the_keyboard(roads):
    for road, answer in roads.acting().items():
        said = access_claims(answer)
        sector = SECTOR[said["aud"]]
        assert said["sub"] == roads.called(roads.maria.id, sector), road
        assert said["act"] == {"iss": ISSUER, "sub": roads.called(roads.bram.party, sector)}, road
    for road, answer in roads.own().items():
        said = access_claims(answer)
        assert said["sub"] == roads.called(roads.bram.party, SECTOR[said["aud"]]), road
        assert "act" not in said, road


def test_an_id_token_is_about_who_signed_in_and_represents_names_the_other(roads):
    for road in ("code", "refresh"):
        own, acting = (claims_of(found[road]["id_token"]) for found in (roads.own(), roads.acting()))
        assert own["sub"] == acting["sub"] == roads.called(roads.bram.party, "vouchers")
        assert "represents" not in own
        assert acting["represents"]["represents"]["sub"] == roads.called(roads.maria.id, "vouchers")
        assert not {"act", "authorization_details"} & set(acting)


def test_an_actor_stands_in_no_actor_and_the_rest_in_one_entry(roads):
    entry = {
        "type", "identifier", "mandate_type", "locations", "actions", "principal", "representative",
        "not_after",
    }  # fmt: skip
    for answer in roads.acting().values():
        said = access_claims(answer)
        assert set(said["act"]) == {"iss", "sub"}
        (one,) = said["authorization_details"]
        assert one["type"] == "urn:volmacht:mandate"
        assert set(one) == entry
        assert "represents" not in said


def test_a_service_that_never_heard_of_act_refuses_with_its_stock_scope_check(roads):
    """As Authlib's own resource server checks it."""
    for power in CITIZENS:
        for answer in roads.acting().values():
            assert TokenValidator.scope_insufficient(answer["scope"], [power])
            assert TokenValidator.scope_insufficient(access_claims(answer)["scope"], [power])
    assert not TokenValidator.scope_insufficient(roads.own()["code"]["scope"], ["vouchers:order"])


@pytest.mark.parametrize("power", ["vouchers:read", "vouchers:order"])
def test_a_power_is_a_scope_is_an_action(roads, power):
    own = roads.tokens(roads.web, roads.bram, scopes=(power,), wants_mandate=False)
    assert access_claims(own)["scope"] == power
    chosen = roads.key_of(roads.web, roads.given)
    said = access_claims(roads.tokens(roads.web, roads.bram, chosen, scopes=(f"obo:{power}",)))
    assert said["scope"] == f"obo:{power}"
    assert said["authorization_details"][0]["actions"] == [power]


def test_the_powers_of_either_side_have_these_names(roads):
    types = roads.services.catalogue().types
    assert set(types["ocmw-beneficiary"].powers) == CITIZENS
    assert set(types["company-employee"].powers) == COMPANIES
    # To say who acts for the company is managed here and opens nothing at a service.
    assert set(types["company-manager"].powers) - COMPANIES <= {"delegates:manage"}
    known = {power for kind in types.values() for power in kind.powers}
    assert known - {"delegates:manage"} == CITIZENS | COMPANIES
