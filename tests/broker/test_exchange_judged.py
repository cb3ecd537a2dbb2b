"""What a mandate-bound exchange is judged on, sentence by sentence (tokens.md section 4, item 2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import (
    ExchangeRefusedError,
    InvalidScopeError,
    InvalidTargetError,
    ProofMissingError,
)
from broker.flows import revocation
from broker.flows.exchange import Asked, Caller, mandate_bound
from exchange_world import ORDER, READ, ExchangeWorld
from flow_world import DELEGATED, OTHER, OWN, VOUCHERS, access_claims
from mandates.model import Level

UNKNOWN = "m-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def flow(tmp_path):
    world = ExchangeWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def token(flow, bram):
    """Bram's own, at the API that exchanges."""
    return flow.self_token(bram)


def refusal(call, *args, **options):
    with pytest.raises(ExchangeRefusedError) as refused:
        call(*args, **options)
    return refused.value


# --- audience, scope, type ---


@pytest.mark.parametrize(
    "targets", [(), (OTHER, OTHER), (OTHER, VOUCHERS), (VOUCHERS,), ("https://x.example",), ("",)]
)
def test_one_registered_audience_is_named(flow, given, token, targets):
    with pytest.raises(InvalidTargetError):
        flow.act(given, token, targets=targets)


def test_the_audience_is_delegation_aware(flow, given, token):
    flow.audience(uri=OTHER, sector="companies", delegation_aware=False, scopes=OWN | DELEGATED)
    with pytest.raises(InvalidTargetError):
        flow.act(given, token)


@pytest.mark.parametrize(
    "scope", [None, frozenset(), {"vouchers:read"}, {READ, "vouchers:read"}, {READ, "openid"}]
)
def test_scope_is_required_and_each_one_is_obo(flow, given, token, scope):
    with pytest.raises(InvalidScopeError):
        flow.act(given, token, scope=scope and frozenset(scope))


def test_each_scope_is_within_the_mandate(flow, token):
    narrow = flow.beneficiary("Jozef", powers=("vouchers:read",))
    assert flow.act(narrow, token)
    with pytest.raises(InvalidScopeError):
        flow.act(narrow, token, scope=frozenset({READ, ORDER}))


def test_each_scope_is_within_the_client(flow, given, token):
    flow.service(scopes=frozenset({READ}))
    assert flow.act(given, token)
    with pytest.raises(InvalidScopeError):
        flow.act(given, token, scope=frozenset({READ, ORDER}))


def test_each_scope_is_within_the_audience(flow, given, token):
    flow.audience(uri=OTHER, sector="companies", scopes=frozenset({READ}))
    assert flow.act(given, token)
    with pytest.raises(InvalidScopeError):
        flow.act(given, token, scope=frozenset({READ, ORDER}))


def test_the_type_of_the_mandate_is_allowed_for_the_client(flow, given, token):
    flow.service(mandate_types=("company-employee",))
    assert refusal(flow.act, given, token).reason == "mandate_type_not_registered"


# --- what it is bound to ---


def test_the_result_is_bound_to_the_key_of_the_callers_proof_else_to_that_of_its_assertion(
    flow, given, token
):
    assert access_claims(flow.act(given, token))["cnf"] == {"jkt": flow.jkt}
    assert access_claims(flow.act(given, token, jkt="own-key"))["cnf"] == {"jkt": "own-key"}


def test_a_caller_that_proved_no_key_gets_nothing(flow, given, token):
    asked = Asked(flow.reference(given), (OTHER,), frozenset({READ}), token)
    with pytest.raises(ProofMissingError):
        mandate_bound(flow.services, Caller(flow.api), asked, flow.now)


def test_the_result_is_bound_to_the_grant_of_the_actor_token(flow, bram, given, token):
    answer = flow.act(given, token)
    (grant,) = flow.grants(bram)
    entry = flow.entry_of(answer)
    assert (entry.grant, entry.client, entry.mandate) == (grant.id, "voucher-api", given.id)
    assert entry.executor is not None
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, [grant], "test", flow.now)
        uow.commit()
    assert flow.entry_of(answer).revoked_at == flow.now
    assert refusal(flow.act, given, token)


@pytest.mark.parametrize("how", ["logout", "idle"])
def test_an_ended_session_gives_nothing(flow, bram, given, how):
    if how == "logout":
        token = flow.self_token(bram)
        revocation.end_session(flow.services, bram.id, "test", flow.now)
    else:
        flow.clock.forward(1700)
        token = flow.self_token(bram)
        flow.clock.forward(100)
    assert refusal(flow.act, given, token)


# --- a reference is no credential ---


def strangers(flow):
    """References that are nobody's, or that Bram has nothing to do with."""
    far = flow.organisation("OCMW Verre", "0999000327", "ocmw")
    theirs = flow.give("ocmw-beneficiary", flow.party("Jozef"), far)
    helper = flow.give("citizen-helper", flow.party("Ann"), flow.party("Bo"))
    his_own = flow.give("citizen-helper", flow.party("Cas"), flow.party("Dirk"))
    other_sector = flow.services.vault.pseudonym("m-", "elsewhere", theirs.id)
    return [theirs, helper, his_own, UNKNOWN, other_sector, "m-", "x", "p-" + UNKNOWN[2:]]


def test_an_unknown_reference_and_one_that_is_not_hers_answer_alike(flow, given, token):
    answers = {(str(one), one.reason) for one in (refusal(flow.act, ref, token) for ref in strangers(flow))}
    assert len(answers) == 1
    assert answers.pop()[1] is None


def test_a_mandate_that_she_gave_herself_is_not_one_under_which_she_acts(flow, bram, token):
    with flow.services.database.read() as uow:
        person = uow.parties.get(bram.party)
    to_another = flow.give("citizen-helper", person, flow.party("Ann"))
    assert refusal(flow.act, to_another, token).reason is None


def test_the_executors_own_mandate_carries_nobody(flow, bram, given, token):
    with flow.services.database.read() as uow:
        (executor,) = uow.mandates.of_session(bram.id)
    assert refusal(flow.act, executor, token).reason is None


def test_references_are_of_the_callers_sector(flow, given, token):
    flow.service("stranger", sector="elsewhere")
    assert refusal(flow.act, flow.reference(given, replace(flow.api, sector="elsewhere")), token)


# --- judged again ---


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"ended_at": 0}, "mandate_revoked"),
        ({"valid_until": 0}, "mandate_expired"),
        ({"powers": ()}, "power_not_granted"),
    ],
)
def test_everything_is_judged_again_at_every_exchange(flow, given, token, facts, reason):
    flow.act(given, token)
    if "ended_at" in facts:
        flow.end(given.id)
    else:
        flow.change(given.id, **{"valid_until": flow.now} if "valid_until" in facts else facts)
    assert refusal(flow.act, given, token).reason == reason


def test_another_mandate_of_the_same_principal_does_not_carry_the_one_that_was_named(flow, given, token):
    flow.end(given.id)
    newer = flow.give("ocmw-beneficiary", flow.stored(given.principal), flow.ocmw, valid_from=flow.now)
    assert refusal(flow.act, given, token).reason == "mandate_revoked"
    (entry,) = flow.act(newer, token)["authorization_details"]
    assert entry["identifier"] == flow.reference(newer)


def test_an_executor_that_ended_carries_nothing(flow, bram, given, token):
    flow.act(given, token)
    with flow.services.database.read() as uow:
        (executor,) = uow.mandates.of_session(bram.id)
    flow.end(executor.id)
    assert refusal(flow.act, given, token).reason == "executor_ended"


def test_the_level_is_that_of_the_grant(flow, given):
    weak = flow.self_token(flow.officer(level=Level.LOW))
    assert refusal(flow.act, given, weak).reason == "assurance_too_low"


def test_powers_from_claims_count_two_hours(flow, given):
    bram = flow.officer(claims_age=2 * 3600 - 60)
    token = flow.self_token(bram)
    assert flow.act(given, token)["expires_in"] == 60
    flow.clock.forward(60)
    assert refusal(flow.act, given, token).reason


@pytest.mark.parametrize("left", [1, 100, 299])
def test_no_exchanged_token_outlives_the_mandate(flow, token, left):
    short = flow.beneficiary("Kort", valid_until=flow.now + left)
    assert flow.act(short, token)["expires_in"] == left


def test_no_exchanged_token_outlives_the_session(flow, bram, given):
    flow.clock.now = bram.expires_at - 100
    flow.keep_alive(bram, flow.now)
    person = flow.give("citizen-helper", flow.party("Ann"), flow.stored(bram.party))
    flow.service(mandate_types=("citizen-helper",))
    answer = flow.act(person, flow.self_token(bram))
    assert (answer["expires_in"], access_claims(answer)["exp"]) == (100, bram.expires_at)


def test_a_citizen_who_helps_another_acts_without_an_executor(flow):
    bo = flow.sign_in("Bo")
    flow.service(mandate_types=("citizen-helper",))
    helper = flow.give("citizen-helper", flow.party("Ann"), flow.stored(bo.party))
    answer = flow.act(helper, flow.self_token(bo))
    (entry,) = access_claims(answer)["authorization_details"]
    assert entry["representative"] == access_claims(answer)["act"]["sub"]
    assert flow.entry_of(answer).executor is None
