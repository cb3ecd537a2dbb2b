"""Tokens that are bound to a key (RFC 9449 section 7): nobody but its holder uses them, and each proof once."""

from __future__ import annotations

import pytest
from jwt.algorithms import ECAlgorithm

from guard_builders import (
    CLAIMS,
    HIGH,
    JKT,
    NOW,
    OTHER_KEY,
    FakeStatus,
    bound,
    delegated_claims,
    guard,
    malleated,
    proof,
    self_claims,
    sign,
    sign_proof,
)
from volmacht_guard import GuardError, MemoryReplayStore, UnavailableError

POWER = {"self": "vouchers:order", "delegated": "vouchers:order", "machine": "insz:resolve"}
TOKEN = sign(bound(self_claims()))


def verify(token, unverified_proof, judge=None, scheme="DPoP", **requirement):
    shown = None if unverified_proof is None else proof(unverified_proof)
    wanted = {"power": "vouchers:order", "serves": {"self", "delegated", "machine"}, **requirement}
    return (judge or guard()).verify(token, proof=shown, scheme=scheme, **wanted)


def refusal(token, unverified_proof, judge=None, **options):
    with pytest.raises(GuardError) as refused:
        verify(token, unverified_proof, judge, **options)
    return refused.value


@pytest.mark.parametrize("kind", sorted(CLAIMS))
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_every_kind_of_token_can_be_bound(kind, scheme):
    token = sign(bound(CLAIMS[kind]()))
    found = verify(token, sign_proof(token), scheme=scheme, power=POWER[kind])
    assert (found.kind, found.jkt) == (kind, JKT)


def test_a_bearer_token_names_no_key():
    assert guard().verify(sign(self_claims()), power="vouchers:order", serves={"self"}).jkt is None


def test_a_bound_token_as_bearer_is_a_stolen_one_even_with_its_proof():
    error = refusal(TOKEN, sign_proof(TOKEN), scheme="Bearer")
    assert (error.code, error.status, error.error) == ("sender_constrained", 401, "invalid_token")
    assert error.challenge().startswith('DPoP error="invalid_token"')
    assert 'algs="ES256 EdDSA Ed25519 PS256"' in error.challenge()


def test_a_bound_token_without_its_proof_is_refused():
    error = refusal(TOKEN, None)
    assert (error.code, error.error) == ("proof_missing", "invalid_dpop_proof")


def test_a_token_that_is_not_bound_is_refused_under_the_scheme_dpop():
    token = sign(self_claims())
    error = refusal(token, sign_proof(token))
    assert error.code == "not_bound"
    assert error.challenge().startswith('DPoP error="invalid_token"')


def test_the_key_of_another_does_not_open_the_token():
    jwk = ECAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
    foreign = sign_proof(TOKEN, {"jwk": jwk}, OTHER_KEY)
    assert refusal(TOKEN, foreign).code == "proof_key"


def test_a_proof_for_another_token_of_the_same_key_is_refused():
    another = sign(bound({**self_claims(), "jti": "jti-9"}))
    assert refusal(TOKEN, sign_proof(another)).code == "proof_token"
    assert refusal(TOKEN, sign_proof()).code == "proof_token"


@pytest.mark.parametrize(
    ("code", "claims"),
    [
        ("proof_method", {"htm": "GET"}),
        ("proof_url", {"htu": "https://evil.example.be/"}),
        ("proof_time", {"iat": 1}),
    ],
)
def test_a_proof_for_another_request_is_refused(code, claims):
    assert refusal(TOKEN, sign_proof(TOKEN, **claims)).code == code


def test_a_proof_counts_once_also_when_its_signature_is_respelled():
    judge, unverified = guard(), sign_proof(TOKEN)
    assert verify(TOKEN, unverified, judge)
    for again in (unverified, malleated(unverified), sign_proof(TOKEN)):
        assert refusal(TOKEN, again, judge).code == "proof_replayed"
    assert verify(TOKEN, sign_proof(TOKEN, jti="proof-2"), judge)


def test_a_token_whose_own_signature_is_respelled_needs_a_proof_of_its_own():
    assert refusal(malleated(TOKEN), sign_proof(TOKEN)).code == "proof_token"


def test_a_proof_leaves_no_mark_before_the_token_and_the_key_hold():
    class Watched:
        marks = 0

        def claim(self, key, ttl, issued_at):
            self.marks += 1
            return True

    watched = Watched()
    judge = guard(replays=watched)
    forged = sign(bound(self_claims()), key=OTHER_KEY)
    assert refusal(forged, sign_proof(forged), judge).code == "signature"
    jwk = ECAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
    assert refusal(TOKEN, sign_proof(TOKEN, {"jwk": jwk}, OTHER_KEY), judge).code == "proof_key"
    assert watched.marks == 0


def test_a_store_that_two_processes_share_refuses_in_the_second_what_the_first_took():
    shared = MemoryReplayStore(clock=lambda: NOW)
    verify(TOKEN, sign_proof(TOKEN), guard(replays=shared))
    assert refusal(TOKEN, sign_proof(TOKEN), guard(replays=shared)).code == "proof_replayed"


def test_a_full_store_refuses_with_503():
    judge = guard(replays=MemoryReplayStore(0, lambda: NOW))
    error = refusal(TOKEN, sign_proof(TOKEN), judge)
    assert isinstance(error, UnavailableError)
    assert (error.code, error.status, error.challenge()) == ("replays_full", 503, "")


def test_refusals_of_other_steps_are_challenged_in_the_scheme_that_was_used():
    short = refusal(TOKEN, sign_proof(TOKEN), power="refunds:request")
    assert short.challenge().startswith('DPoP error="insufficient_scope"')
    low = sign(bound({**self_claims(), "acr": "http://eidas.europa.eu/LoA/low"}))
    step_up = refusal(low, sign_proof(low), acr=HIGH).challenge()
    assert step_up.startswith('DPoP error="insufficient_user_authentication"')
    assert f'acr_values="{HIGH}"' in step_up


def test_authenticate_asks_for_the_proof_unless_its_caller_does():
    judge = guard()
    with pytest.raises(GuardError) as refused:
        judge.authenticate(TOKEN, serves={"self"})
    assert refused.value.code == "sender_constrained"
    shown = proof(sign_proof(TOKEN))
    assert judge.authenticate(TOKEN, serves={"self"}, proof=shown, scheme="DPoP").jkt == JKT
    assert judge.authenticate(TOKEN, serves={"self"}, bound=True).jkt == JKT
    assert judge.authenticate(sign(self_claims()), serves={"self"}, bound=True).jkt is None


def test_a_revoked_token_stays_revoked_whatever_its_proof():
    judge = guard(status=FakeStatus(7))
    assert refusal(TOKEN, sign_proof(TOKEN), judge).code == "revoked"


def test_the_time_of_login_is_told_when_it_is_known():
    claims = {**delegated_claims(), "auth_time": NOW - 500}
    assert guard().authenticate(sign(claims), serves={"delegated"}).auth_time == NOW - 500
    assert guard().authenticate(sign(self_claims()), serves={"self"}).auth_time is None
