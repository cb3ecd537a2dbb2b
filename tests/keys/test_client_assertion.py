from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from keys.errors import ClientAssertionError, KeyringError
from keys.jwks import MAX_CLIENT_KEYS, read_client_jwks, thumbprint
from keys.tokens import read_client_assertion, verify_client_assertion

ISSUER = "https://id.example.be"
CLIENT = "voucher-web"
NOW = 1_795_420_000
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = rsa.generate_private_key(65537, 2048)


def public(algorithm, key, **members):
    jwk = {
        name: value
        for name, value in algorithm.to_jwk(key.public_key(), as_dict=True).items()
        if name != "key_ops"
    }
    return {**jwk, **members}


JWKS = {
    "keys": [
        public(ECAlgorithm, EC_KEY, kid="ec"),
        public(OKPAlgorithm, ED_KEY, kid="ed"),
        public(RSAAlgorithm, RSA_KEY, kid="rsa"),
    ]
}
CLAIMS = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "a-1"}


def assertion(claims=None, key=EC_KEY, alg="ES256", kid="ec", **header):
    headers = {**({"kid": kid} if kid is not None else {}), **header}
    merged = {**CLAIMS, **(claims or {})}
    kept = {name: value for name, value in merged.items() if value is not ...}
    return jwt.PyJWS().encode(json.dumps(kept).encode(), key, alg, headers=headers)


def verify(token, **changes):
    options = {"jwks": JWKS, "client_id": CLIENT, "issuer": ISSUER, "now": NOW, **changes}
    return verify_client_assertion(read_client_assertion(token), **options)


def reason(token, **changes):
    with pytest.raises(ClientAssertionError) as refused:
        verify(token, **changes)
    return refused.value.reason


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(EC_KEY, "ES256", "ec"), (ED_KEY, "EdDSA", "ed"), (RSA_KEY, "PS256", "rsa")]
)
def test_an_assertion_is_accepted_in_each_algorithm_with_and_without_kid(key, alg, kid):
    verified = verify(assertion(key=key, alg=alg, kid=kid))
    assert (verified.jti, verified.exp, verified.iat, verified.replay_until) == (
        "a-1",
        NOW + 60,
        NOW,
        NOW + 120,
    )
    assert verify(assertion(key=key, alg=alg, kid=None)) == verified
    (jwk,) = [one for one in JWKS["keys"] if one["kid"] == kid]
    assert verified.jkt == thumbprint(jwk)


@pytest.mark.parametrize("typ", ["", "JWT", "client-authentication+jwt"])
def test_a_type_is_that_of_an_assertion_or_none(typ):
    """rfc7523bis; PyJWT leaves an empty type out."""
    token = assertion(typ=typ)
    assert ("typ" in read_client_assertion(token).jws.unverified_header) is bool(typ)
    assert verify(token).jti == "a-1"


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "jwt", "application/jwt", 7, ["JWT"]]
)
def test_something_else_that_the_same_key_signed_is_no_assertion(typ):
    """RFC 8725 section 3.11: its DPoP proof, for instance, with the claims of an assertion added."""
    assert reason(assertion(typ=typ)) == "type"


ROWS = [
    ("issuer", {"iss": "other"}),
    ("issuer", {"iss": ...}),
    ("subject", {"sub": "other"}),
    ("subject", {"sub": ...}),
    ("audience", {"aud": [ISSUER]}),
    ("audience", {"aud": f"{ISSUER}/token"}),
    ("audience", {"aud": ISSUER + "/"}),
    ("audience", {"aud": ...}),
    ("expired", {"exp": NOW - 60}),
    ("expired", {"exp": ...}),
    ("expires_too_late", {"exp": NOW + 601}),
    ("not_yet_valid", {"iat": NOW + 61}),
    ("not_yet_valid", {"nbf": NOW + 61}),
    ("identifier", {"jti": ...}),
    ("identifier", {"jti": ""}),
    ("identifier", {"jti": 7}),
    ("malformed", {"exp": "soon"}),
    ("malformed", {"exp": True}),
    ("malformed", {"iat": "now"}),
]


@pytest.mark.parametrize(("code", "claims"), ROWS)
def test_a_claim_that_is_wrong_is_refused(code, claims):
    assert reason(assertion(claims)) == code


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 59}, {"exp": NOW + 600}, {"iat": NOW + 60}, {"nbf": NOW + 60}, {"iat": ...}]
)
def test_the_edges_are_accepted(claims):
    assert verify(assertion(claims)).jti == "a-1"


@pytest.mark.parametrize(
    "header", [{"jwk": {}}, {"jku": "https://a"}, {"x5u": "https://a"}, {"x5c": []}, {"crit": []}]
)
def test_a_header_that_brings_keys_or_extensions_is_refused(header):
    assert reason(assertion(**header)) == "header"


@pytest.mark.parametrize(("alg", "key"), [("RS256", RSA_KEY), ("HS256", "x" * 40), ("none", None)])
def test_an_algorithm_that_is_not_on_the_list_is_refused(alg, key):
    assert reason(assertion(key=key, alg=alg, kid="rsa")) == "algorithm"


def test_the_key_must_be_registered_fit_and_be_the_only_one():
    assert reason(assertion(kid="unknown")) == "key"
    assert reason(assertion(kid="ed")) == "key"
    assert reason(assertion(kid=None), jwks={"keys": []}) == "key"
    assert reason(assertion(), jwks={}) == "key"
    two = {"keys": [public(ECAlgorithm, EC_KEY), public(ECAlgorithm, OTHER)]}
    assert reason(assertion(kid=None), jwks=two) == "key"
    twice = {"keys": [public(ECAlgorithm, EC_KEY, kid="ec"), public(ECAlgorithm, OTHER, kid="ec")]}
    assert reason(assertion(), jwks=twice) == "key"
    encryption = {"keys": [public(ECAlgorithm, EC_KEY, kid="ec", use="enc")]}
    assert reason(assertion(), jwks=encryption) == "key"
    small = rsa.generate_private_key(65537, 1024)
    weak = {"keys": [public(RSAAlgorithm, small, kid="rsa")]}
    assert reason(assertion(key=RSA_KEY, alg="PS256", kid="rsa"), jwks=weak) == "key"


def test_another_key_under_the_same_name_is_refused():
    assert reason(assertion(key=OTHER)) == "signature"


def test_an_empty_client_or_issuer_matches_nothing():
    assert reason(assertion({"iss": "", "sub": ""}), client_id="") == "issuer"
    assert reason(assertion({"aud": ""}), issuer="") == "audience"


@pytest.mark.parametrize("token", ["", "a.b", "é.é.é", assertion() + "=", assertion() + ".x"])
def test_what_is_not_a_token_is_malformed(token):
    assert reason(token) == "malformed"


def test_a_long_assertion_is_not_even_parsed():
    assert reason(assertion({"padding": "x" * 8192})) == "too_long"


def test_a_repeated_member_is_refused():
    payload = json.dumps(CLAIMS)[:-1] + f', "aud": "{ISSUER}"}}'
    assert reason(jwt.PyJWS().encode(payload.encode(), EC_KEY, "ES256", headers={"kid": "ec"})) == "malformed"


def test_claims_that_are_no_object_are_malformed():
    assert reason(jwt.PyJWS().encode(b"[]", EC_KEY, "ES256", headers={"kid": "ec"})) == "malformed"


def test_an_instant_that_is_infinite_is_malformed():
    payload = json.dumps({**CLAIMS, "exp": 0}).replace('"exp": 0', '"exp": 1e999')
    assert reason(jwt.PyJWS().encode(payload.encode(), EC_KEY, "ES256", headers={"kid": "ec"})) == "malformed"


def test_the_text_of_a_refusal_repeats_nothing_of_the_assertion():
    with pytest.raises(ClientAssertionError) as refused:
        verify(assertion({"iss": "zz-secret"}))
    assert "zz-secret" not in str(refused.value)


def test_who_it_says_it_is_and_with_which_key_are_read_before_anything_is_believed():
    read = read_client_assertion(assertion(key=OTHER))
    assert (read.unverified_subject, read.unverified_kid) == (CLIENT, "ec")
    nothing = read_client_assertion(assertion({"sub": 7}, kid=None))
    assert (nothing.unverified_subject, nothing.unverified_kid) == (None, None)


# --- the keys themselves ---


def test_a_key_that_is_replaced_under_its_name_is_another_key_at_once():
    """Parsed keys are kept by what they are made of, so an old one never answers for a new one."""
    assert verify(assertion()).jti == "a-1"
    replaced = {"keys": [public(ECAlgorithm, OTHER, kid="ec")]}
    assert reason(assertion(), jwks=replaced) == "signature"
    assert verify(assertion(key=OTHER), jwks=replaced).jkt == thumbprint(replaced["keys"][0])
    for_encryption = {"keys": [public(ECAlgorithm, OTHER, kid="ec", use="enc")]}
    assert reason(assertion(key=OTHER), jwks=for_encryption) == "key"


def test_a_set_of_public_keys_is_read_as_it_is():
    assert read_client_jwks(JWKS) == JWKS
    more = {"keys": [*JWKS["keys"], {"kty": "EC", "crv": "P-521", "kid": "other"}], "note": "ours"}
    assert read_client_jwks(more) == {"keys": more["keys"]}


EC_PUBLIC = JWKS["keys"][0]
NOT_A_SET = {
    "nothing": None,
    "a list": [EC_PUBLIC],
    "no member keys": {},
    "keys that are no list": {"keys": {"0": EC_PUBLIC}},
    "a key that is text": {"keys": ["key"]},
    "no key": {"keys": []},
    "no key that signs": {"keys": [EC_PUBLIC | {"use": "enc"}]},
    "a curve of another algorithm": {"keys": [EC_PUBLIC | {"crv": "P-384"}]},
    "a private key": {"keys": [EC_PUBLIC | {"d": "AA"}]},
    "a shared key beside it": {"keys": [EC_PUBLIC, {"kty": "oct", "k": "AA", "kid": "s"}]},
    "half of an RSA key": {"keys": [EC_PUBLIC, {"kty": "RSA", "dp": "AA", "kid": "s"}]},
    "one kid twice": {"keys": [EC_PUBLIC, EC_PUBLIC | {"x": EC_PUBLIC["y"]}]},
    "a kid that is a number": {"keys": [EC_PUBLIC | {"kid": 1}]},
    "more keys than anybody rotates": {
        "keys": [EC_PUBLIC | {"kid": str(number)} for number in range(MAX_CLIENT_KEYS + 1)]
    },
}


@pytest.mark.parametrize("name", NOT_A_SET)
def test_what_is_no_set_of_public_keys_is_refused(name):
    with pytest.raises(KeyringError):
        read_client_jwks(NOT_A_SET[name])
