"""A proof of possession, unlike a valid one in exactly one respect (RFC 9449 section 4.3).

Take any check out of `volmacht_guard.dpop`, and its row fails.
"""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from guard_builders import (
    GONE,
    JKT,
    NOW,
    OTHER_KEY,
    PROOF_JWK,
    PROOF_KEY,
    URL,
    b64,
    malleated,
    proof,
    sign_proof,
)
from volmacht_guard import InvalidProofError, thumbprint, verify_proof
from volmacht_guard.dpop import AHEAD_SECONDS, PROOF_SECONDS
from volmacht_guard.proof_keys import read_key

PRIVATE_JWK = ECAlgorithm.to_jwk(PROOF_KEY, as_dict=True)
OTHER_JWK = ECAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
P384_JWK = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_JWK = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
SMALL_RSA_JWK = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
ED_KEY = Ed25519PrivateKey.generate()
ED_JWK = OKPAlgorithm.to_jwk(ED_KEY.public_key(), as_dict=True)


def verified(unverified, **options):
    return verify_proof(proof(unverified), NOW, **options)


def reason(unverified, now=NOW, method="POST", url=URL, **options):
    with pytest.raises(InvalidProofError) as refused:
        verify_proof(proof(unverified, method, url), now, **options)
    assert refused.value.error == "invalid_dpop_proof"
    return refused.value.code


def without(jwk, *names):
    return {name: value for name, value in jwk.items() if name not in {"key_ops", *names}}


def test_a_valid_proof_says_who_signed_what_for_which_request():
    good = verified(sign_proof("token", nonce="n-1"), access_token="token")
    assert (good.jkt, good.jti, good.iat, good.nonce) == (JKT, "proof-1", NOW, "n-1")
    assert (good.method, good.url) == ("POST", URL)


def test_a_proof_without_a_nonce_has_none():
    assert verified(sign_proof()).nonce is None


HEADERS = [
    ("proof_type", {"typ": "jwt"}),
    ("proof_type", {"typ": "at+jwt"}),
    ("proof_type", {"typ": "DPOP+JWT"}),
    ("proof_type", {"typ": GONE}),
    ("proof_algorithm", {"alg": "none"}),
    ("proof_algorithm", {"alg": "HS256"}),
    ("proof_algorithm", {"alg": "RS256"}),
    ("proof_algorithm", {"alg": ["ES256"]}),
    ("proof_algorithm", {"alg": GONE}),
    ("proof_header", {"crit": ["exp"]}),
    ("proof_header", {"crit": []}),
    ("proof_key", {"jwk": GONE}),
    ("proof_key", {"jwk": json.dumps(PROOF_JWK)}),
    ("proof_key", {"jwk": [PROOF_JWK]}),
    ("proof_key", {"jwk": without(PRIVATE_JWK)}),
    ("proof_key", {"jwk": {"kty": "oct", "k": b64(bytes(32))}}),
    ("proof_key", {"jwk": {**PROOF_JWK, "use": "enc"}}),
    ("proof_key", {"jwk": {**PROOF_JWK, "alg": "ES384"}}),
    ("proof_key", {"jwk": {**PROOF_JWK, "crv": "P-384"}}),
    ("proof_key", {"jwk": without(P384_JWK)}),
    ("proof_key", {"jwk": {**PROOF_JWK, "kty": "RSA"}}),
    ("proof_key", {"jwk": without(PROOF_JWK, "y")}),
    ("proof_key", {"jwk": {**PROOF_JWK, "x": 7}}),
    ("proof_key", {"jwk": {**PROOF_JWK, "x": b64(bytes(32))}}),
    (
        "proof_key",
        {"jwk": {**PROOF_JWK, "x": b64(bytes(1) + base64.urlsafe_b64decode(PROOF_JWK["x"] + "="))}},
    ),
    ("proof_key", {"jwk": {**PROOF_JWK, "x": PROOF_JWK["x"] + "="}}),
    ("proof_key", {"alg": "PS256", "jwk": PROOF_JWK}),
    ("proof_key", {"alg": "PS256", "jwk": without(SMALL_RSA_JWK)}),
    ("proof_key", {"kid": "k1"}),
    ("proof_key", {"jku": "https://client.example.be/jwks"}),
    ("proof_key", {"x5u": "https://client.example.be/x5u"}),
    ("proof_key", {"x5c": []}),
    ("proof_key", {"x5t": "x"}),
    ("proof_key", {"x5t#S256": "x"}),
    ("proof_signature", {"jwk": without(OTHER_JWK)}),
]


@pytest.mark.parametrize(("code", "header"), HEADERS, ids=range(len(HEADERS)))
def test_a_header_is_refused(code, header):
    assert reason(sign_proof(header=header)) == code


CLAIMS = [
    ("proof_claims", {"jti": GONE}),
    ("proof_claims", {"jti": ""}),
    ("proof_claims", {"jti": 7}),
    ("proof_claims", {"jti": "j" * 257}),
    ("proof_claims", {"jti": "\ud800"}),
    ("proof_claims", {"htm": GONE}),
    ("proof_claims", {"htm": ["POST"]}),
    ("proof_method", {"htm": "GET"}),
    ("proof_method", {"htm": "post"}),
    ("proof_claims", {"htu": GONE}),
    ("proof_claims", {"htu": [URL]}),
    ("proof_url", {"htu": URL + "/1"}),
    ("proof_url", {"htu": URL.upper()}),
    ("proof_url", {"htu": URL.replace("https", "http")}),
    ("proof_url", {"htu": "not an address"}),
    ("proof_url", {"htu": ""}),
    ("proof_claims", {"iat": GONE}),
    ("proof_claims", {"iat": str(NOW)}),
    ("proof_claims", {"iat": True}),
    ("proof_claims", {"iat": NOW + 0.5}),
    ("proof_time", {"iat": NOW - PROOF_SECONDS}),
    ("proof_time", {"iat": NOW + AHEAD_SECONDS + 1}),
    ("proof_token", {"ath": GONE}),
    ("proof_token", {"ath": b64(bytes(32))}),
    ("proof_token", {"ath": 7}),
    ("proof_nonce", {"nonce": 7}),
    ("proof_nonce", {"nonce": ""}),
    ("proof_nonce", {"nonce": None}),
    ("proof_nonce", {"nonce": "n" * 257}),
]


@pytest.mark.parametrize(("code", "claims"), CLAIMS, ids=range(len(CLAIMS)))
def test_a_claim_is_refused(code, claims):
    assert reason(sign_proof("token", **claims), access_token="token") == code


@pytest.mark.parametrize("iat", [NOW - PROOF_SECONDS + 1, NOW - 10, NOW + 10, NOW + AHEAD_SECONDS])
def test_clocks_may_differ_as_fapi_says(iat):
    assert verified(sign_proof(iat=iat)).iat == iat


def test_without_a_token_nobody_asks_for_its_hash():
    assert verified(sign_proof("another"))


def test_a_proof_for_somebody_else_may_name_other_methods_and_its_address_is_the_callers_to_judge():
    unverified = sign_proof(htm="DELETE", htu=URL + "/7?x=1")
    found = verify_proof(proof(unverified, url=None), NOW, methods={"GET", "DELETE"})
    assert (found.method, found.url) == ("DELETE", URL + "/7")
    assert reason(unverified, url=None, methods={"POST"}) == "proof_method"
    assert reason(unverified, url=None, methods=()) == "proof_method"


NOT_A_PROOF = [
    ("proof_header", ""),
    ("proof_header", "a.b"),
    ("proof_header", sign_proof() + ".x"),
    ("proof_header", sign_proof() + "="),
    ("proof_header", f"{sign_proof()},{sign_proof(jti='proof-2')}"),
    ("proof_header", f"{sign_proof()}, "),
    ("proof_header", f",{sign_proof()}"),
    ("proof_header", sign_proof(padding="a" * 4096)),
    ("proof_header", f"{b64(b'[]')}.e30.AA"),
    ("proof_header", f"{b64(b'{')}.e30.AA"),
    ("proof_header", b64(b'{"typ":"dpop+jwt","typ":"dpop+jwt"}') + ".e30.AA"),
    ("proof_header", "é.é.é"),
]


@pytest.mark.parametrize(("code", "unverified"), NOT_A_PROOF, ids=range(len(NOT_A_PROOF)))
def test_what_is_not_exactly_one_proof_is_refused(code, unverified):
    assert reason(unverified) == code


@pytest.mark.parametrize("payload", [b"[]", b'{"jti":"a","jti":"b"}', b"\xff", b'{"iat":NaN}'])
def test_claims_that_cannot_be_read_in_one_way_are_refused(payload):
    head = sign_proof().split(".")[0]
    signed = f"{head}.{b64(payload)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(signed.encode(), PROOF_KEY)
    assert reason(f"{signed}.{b64(signature)}") == "proof_claims"


def test_altered_claims_and_another_signer_are_refused():
    head, _, signature = sign_proof().split(".")
    assert reason(f"{head}.{sign_proof(htm='GET').split('.')[1]}.{signature}") == "proof_signature"
    assert reason(sign_proof(key=OTHER_KEY)) == "proof_signature"


def test_both_spellings_of_a_signature_leave_one_mark():
    honest = sign_proof()
    again = malleated(honest)
    assert again != honest
    assert verified(again).mark == verified(honest).mark


def test_marks_of_two_keys_or_of_two_proofs_differ():
    other = sign_proof(header={"jwk": without(OTHER_JWK)}, key=OTHER_KEY)
    marks = {verified(sign_proof()).mark, verified(other).mark, verified(sign_proof(jti="proof-2")).mark}
    assert len(marks) == 3


@pytest.mark.parametrize("iat", [NOW - 59, NOW, NOW + 60])
def test_a_mark_lives_as_long_as_its_proof_could_be_used_again(iat):
    unverified = sign_proof(iat=iat)
    last = NOW + verified(unverified).lives(NOW) - 1
    assert reason(unverified, now=last) == "proof_time"
    assert verify_proof(proof(unverified), last - 1)


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_an_edwards_key_proves_under_both_names_of_its_algorithm(alg):
    unverified = ed25519(alg)
    assert verified(unverified).jkt == thumbprint(ED_JWK)
    assert reason(unverified.rsplit(".", 1)[0] + "." + b64(bytes(64))) == "proof_signature"
    assert reason(unverified.rsplit(".", 1)[0] + ".AA") == "proof_signature"


def ed25519(alg):
    members = {"typ": "dpop+jwt", "alg": alg, "jwk": without(ED_JWK)}
    head = f"{b64(json.dumps(members).encode())}.{sign_proof().split('.')[1]}"
    return f"{head}.{b64(ED_KEY.sign(head.encode()))}"


def test_the_salt_of_an_rsa_signature_is_as_long_as_the_specification_says():
    """RFC 7518 section 3.5: as long as the hash."""
    head = sign_proof(header={"jwk": without(RSA_JWK)}, key=RSA_KEY, alg="PS256").rsplit(".", 1)[0]
    for salt in (0, padding.PSS.MAX_LENGTH):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        other = RSA_KEY.sign(head.encode(), pss, hashes.SHA256())
        assert reason(f"{head}.{b64(other)}") == "proof_signature"


def test_an_rsa_key_proves_with_ps256_and_not_with_the_older_padding():
    good = sign_proof(header={"jwk": without(RSA_JWK)}, key=RSA_KEY, alg="PS256")
    assert verified(good).jkt == thumbprint(RSA_JWK)
    head = good.rsplit(".", 1)[0]
    old = jwt.get_algorithm_by_name("RS256").sign(head.encode(), RSA_KEY)
    assert reason(f"{head}.{b64(old)}") == "proof_signature"


RSA_REFUSED = [
    {"e": b64((2**32 + 1).to_bytes(5, "big"))},
    {"e": b64(b"\0\1\0\1")},
    {"e": ""},
    {"e": b64(b"\2")},
    {"n": b64(b"\0" + base64.urlsafe_b64decode(RSA_JWK["n"] + "=="))},
    {"n": b64(b"\xff" * 513)},
]


@pytest.mark.parametrize("members", RSA_REFUSED, ids=range(len(RSA_REFUSED)))
def test_an_rsa_key_that_is_slow_or_spelled_at_length_is_refused(members):
    with pytest.raises(ValueError):
        read_key({**without(RSA_JWK), **members}, "PS256")


def test_a_thumbprint_is_that_of_the_specification():
    """RFC 7638 section 3.1 and RFC 8037 appendix A.3."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZ"
        "Hzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kE"
        "gU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    edwards = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(edwards) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256", "x": "AA"}, {"kty": ["EC"]}]
)
def test_what_is_no_known_key_has_no_thumbprint(jwk):
    with pytest.raises(ValueError):
        thumbprint(jwk)


def test_no_refusal_repeats_what_was_sent():
    secret = "zz-secret-zz"
    for bent in ({"htm": secret}, {"htu": secret}, {"jti": [secret]}, {"ath": secret}, {"nonce": [secret]}):
        with pytest.raises(InvalidProofError) as refused:
            verified(sign_proof("token", **bent), access_token="token")
        assert secret not in refused.value.challenge() + str(refused.value)
    assert secret not in repr(proof(secret))
