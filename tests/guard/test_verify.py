from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from guard_builders import (
    AUDIENCE,
    CLAIMS,
    HIGH,
    ISSUER,
    JWKS,
    NOW,
    FakeStatus,
    b64,
    delegated_claims,
    guard,
    self_claims,
    sign,
)
from volmacht_guard import (
    Actor,
    Guard,
    GuardError,
    InsufficientScopeError,
    InvalidTokenError,
    Principal,
    StaticKeySource,
    StatusReference,
    TokenMissingError,
    UnavailableError,
)


def test_a_delegated_token_says_who_acts_for_whom_under_what():
    token = guard().verify(sign(delegated_claims()), power="vouchers:order", serves={"delegated"})
    assert token.acting
    assert token.subject == "p-anna"
    assert token.actor == Actor(ISSUER, "p-officer")
    assert token.mandate.principal == Principal("p-anna")
    assert token.mandate.representative == "iso6523-actorid-upis::0208:0999000129"
    assert token.mandate.actions == {"vouchers:read", "vouchers:order"}
    assert token.mandate.not_after == NOW + 200
    assert token.status == StatusReference(f"{ISSUER}/status/7f3a", 7)
    assert (token.acr, token.client_id, token.jti) == (HIGH, "voucher-web", "jti-1")


def test_only_the_outermost_actor_counts():
    claims = delegated_claims()
    claims["act"]["act"] = {"iss": ISSUER, "sub": "p-someone-else"}
    assert guard().authenticate(sign(claims), serves={"delegated"}).actor == Actor(ISSUER, "p-officer")


def test_a_power_cannot_be_left_out_or_be_empty():
    token = sign(self_claims())
    with pytest.raises(TypeError):
        guard().verify(token, serves={"self"})
    with pytest.raises(TypeError):
        guard().verify(token, power=None, serves={"self"})
    for power in ("", "obo:vouchers:order", "vouchers:read vouchers:order"):
        with pytest.raises(ValueError, match="power"):
            guard().verify(token, power=power, serves={"self"})


def test_a_route_must_say_whom_it_serves():
    token = sign(self_claims())
    with pytest.raises(TypeError):
        guard().verify(token, power="vouchers:order", serves="self")
    for serves in ((), {"everybody"}, {"self", "everybody"}):
        with pytest.raises(ValueError, match="serves"):
            guard().verify(token, power="vouchers:order", serves=serves)
        with pytest.raises(ValueError, match="serves"):
            guard().authenticate(token, serves=serves)


def test_an_unknown_level_is_misuse():
    with pytest.raises(ValueError, match="level"):
        guard().verify(sign(self_claims()), power="vouchers:order", serves={"self"}, acr="very high")


@pytest.mark.parametrize("algorithms", [(), ("none",), ("ES256", "HS256"), ("RS256",)])
def test_a_guard_that_allows_a_foreign_algorithm_or_none_does_not_start(algorithms):
    with pytest.raises(ValueError, match="ES256"):
        guard(algorithms=algorithms)


def test_algorithms_are_a_collection_of_names():
    with pytest.raises(TypeError):
        guard(algorithms="ES256")


@pytest.mark.parametrize(("issuer", "audience"), [("", AUDIENCE), (ISSUER, "")])
def test_a_guard_without_issuer_or_audience_does_not_start(issuer, audience):
    with pytest.raises(ValueError, match="issuer"):
        Guard(issuer, audience, StaticKeySource(JWKS), FakeStatus())


def test_authenticate_asks_for_no_operation_but_for_everything_else():
    claims = {**self_claims(), "scope": "openid"}
    assert guard().authenticate(sign(claims), serves={"self"}).scopes == {"openid"}
    with pytest.raises(InvalidTokenError) as revoked:
        guard(status=FakeStatus(7)).authenticate(sign(claims), serves={"self"})
    assert revoked.value.code == "revoked"
    with pytest.raises(InsufficientScopeError):
        guard().authenticate(sign(claims), serves={"delegated"})
    ended = delegated_claims()
    ended["authorization_details"][0]["not_after"] = NOW
    with pytest.raises(InvalidTokenError):
        guard().authenticate(sign(ended), serves={"delegated"})


def test_authenticate_takes_the_audiences_on_whose_behalf_it_is_asked():
    other = "https://companies.example.be/api"
    token = sign({**self_claims(), "aud": other})
    assert guard().authenticate(token, serves={"self"}, audiences={AUDIENCE, other}).audience == other
    for audiences in (None, set(), {AUDIENCE}):
        with pytest.raises(InvalidTokenError) as refused:
            guard().authenticate(token, serves={"self"}, audiences=audiences)
        assert refused.value.code == "aud"
    with pytest.raises(TypeError):
        guard().authenticate(token, serves={"self"}, audiences=other)


def test_an_ed25519_token_is_accepted_by_a_guard_that_allows_it_and_by_no_other():
    key = Ed25519PrivateKey.generate()
    jwks = {"keys": [{**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e1", "alg": "EdDSA"}]}
    head = sign(self_claims(), {"alg": "EdDSA", "kid": "e1"}).rsplit(".", 1)[0]
    token = f"{head}.{b64(key.sign(head.encode()))}"
    options = {"keys": StaticKeySource(jwks)}
    allowing = guard(algorithms=("EdDSA",), **options)
    assert allowing.verify(token, power="vouchers:order", serves={"self"}).subject == "p-anna"
    with pytest.raises(InvalidTokenError) as refused:
        guard(**options).verify(token, power="vouchers:order", serves={"self"})
    assert refused.value.code == "alg"
    with pytest.raises(InvalidTokenError) as forged:
        allowing.verify(f"{head}.{b64(bytes(64))}", power="vouchers:order", serves={"self"})
    assert forged.value.code == "signature"


def refusal(claims, **requirement):
    with pytest.raises(GuardError) as refused:
        guard(status=FakeStatus(99)).verify(
            sign(claims), **{"power": "vouchers:order", "serves": {"self"}, **requirement}
        )
    return refused.value


def test_a_bad_token_is_401_and_a_short_one_403():
    bad = refusal({**self_claims(), "aud": "elsewhere"})
    assert (bad.status, bad.error) == (401, "invalid_token")
    assert bad.challenge().startswith('Bearer error="invalid_token"')
    short = refusal(self_claims(), power="refunds:request")
    assert (short.status, short.error) == (403, "insufficient_scope")


def test_a_low_login_is_answered_with_the_level_that_is_needed():
    low = refusal({**self_claims(), "acr": "http://eidas.europa.eu/LoA/low"}, acr=HIGH)
    assert (low.status, low.error) == (401, "insufficient_user_authentication")
    assert low.challenge().endswith(f'acr_values="{HIGH}"')


def test_no_token_is_answered_without_an_error_and_an_absent_broker_without_a_challenge():
    assert TokenMissingError().challenge() == 'Bearer, DPoP algs="ES256 EdDSA Ed25519 PS256"'
    away = UnavailableError("keys_unavailable", "text")
    assert (away.status, away.challenge()) == (503, "")


def test_a_refusal_carries_the_token_only_once_it_was_verified():
    assert refusal(self_claims(), power="refunds:request").token.jti == "jti-1"
    assert refusal({**self_claims(), "iss": "https://other.example.be"}).token is None


@pytest.mark.parametrize("kind", ["self", "delegated"])
def test_no_refusal_repeats_a_value_of_the_token(kind):
    secret = "zz-secret-zz"
    for name in CLAIMS[kind]():
        with pytest.raises(GuardError) as refused:
            guard().verify(sign({**CLAIMS[kind](), name: secret}), power="vouchers:cancel", serves={kind})
        assert secret not in refused.value.challenge() + str(refused.value) + refused.value.code
