from __future__ import annotations

import json
from dataclasses import replace

import jwt
import pytest

from keys.algorithms import is_signed, sign_bytes
from keys.errors import KeyringError, SealError
from keys.jwks import load_public, thumbprint
from keys.keyring import Keyring, KeyState, generate_record, state_of
from keys.rotation import DAY, rotate
from keys.tokens import sign
from keys.vault import Vault

VAULT = Vault(bytes(range(32)))
NOW = 1_795_420_000
TOKEN = generate_record("tokens", "ES256", VAULT, NOW)


def test_the_thumbprint_is_that_of_the_rfc():
    rfc_7638 = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB"
        "niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert thumbprint(rfc_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    rfc_8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(rfc_8037) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("purpose", "alg"),
    [
        ("tokens", "ES256"),
        ("tokens", "EdDSA"),
        ("status", "ES256"),
        ("checkpoints", "EdDSA"),
        ("id_tokens_rs256", "RS256"),
    ],
)
def test_what_a_key_signs_verifies_with_what_it_publishes(purpose, alg):
    record = generate_record(purpose, alg, VAULT, NOW)
    ring = Keyring([record], VAULT)
    key = ring.signing_key(purpose, NOW)
    token = sign({"sub": "p-anna", "naam": "Zoë"}, key, "at+jwt")
    published = ring.jwks(NOW, purposes=[purpose])["keys"][0]
    assert jwt.decode(token, jwt.PyJWK(published), algorithms=[alg]) == {"sub": "p-anna", "naam": "Zoë"}
    assert jwt.get_unverified_header(token) == {"alg": alg, "typ": "at+jwt", "kid": record.kid}
    found = ring.verification_key(record.kid, NOW, [purpose])
    head, _, signature = token.rpartition(".")
    raw = jwt.utils.base64url_decode(signature)
    assert is_signed(found.key, found.alg, head.encode(), raw)
    assert not is_signed(found.key, found.alg, head.encode() + b"x", raw)


@pytest.mark.parametrize(
    ("purpose", "alg"),
    [
        ("tokens", "RS256"),
        ("tokens", "HS256"),
        ("tokens", "none"),
        ("checkpoints", "ES256"),
        ("other", "ES256"),
    ],
)
def test_a_purpose_has_its_own_algorithms(purpose, alg):
    with pytest.raises(KeyringError):
        generate_record(purpose, alg, VAULT, NOW)


def test_the_states_of_a_key_follow_its_instants():
    record = replace(TOKEN, active_from=100, retires_at=200, gone_at=300)
    expected = {99: "pending", 100: "active", 199: "active", 200: "retiring", 299: "retiring", 300: "gone"}
    assert {now: state_of(record, now) for now in expected} == expected


def test_a_key_that_retires_before_its_first_day_never_signs():
    record = replace(TOKEN, active_from=300, retires_at=200, gone_at=400)
    assert [state_of(record, now) for now in (199, 200, 300)] == ["pending", "retiring", "retiring"]


def test_the_newest_active_key_signs():
    old, new, coming = (
        replace(generate_record("tokens", "ES256", VAULT, 0), active_from=at) for at in (10, 20, 30)
    )
    ring = Keyring([new, coming, old], VAULT)
    assert [ring.signing_key("tokens", now).kid for now in (10, 20, 29, 30)] == [
        old.kid,
        new.kid,
        new.kid,
        coming.kid,
    ]


@pytest.mark.parametrize("now", [99, 200])
def test_without_an_active_key_nothing_is_signed(now):
    record = replace(TOKEN, active_from=100, retires_at=200)
    with pytest.raises(KeyringError):
        Keyring([record], VAULT).signing_key("tokens", now)
    with pytest.raises(KeyringError):
        Keyring([record], VAULT).signing_key("status", 150)


def test_the_jwks_holds_what_is_not_gone_without_a_private_member():
    states = [{"active_from": 300}, {"active_from": 0}, {"active_from": 0, "retires_at": 50}]
    kept = [replace(generate_record("tokens", "ES256", VAULT, 0), **state) for state in states]
    gone = replace(generate_record("tokens", "ES256", VAULT, 0), retires_at=50, gone_at=100)
    checkpoint = generate_record("checkpoints", "EdDSA", VAULT, 0)
    leaking = replace(kept[0], public_jwk={**kept[0].public_jwk, "d": "secret", "k": "secret"})
    jwks = Keyring([leaking, kept[1], kept[2], gone, checkpoint], VAULT).jwks(100)
    assert {key["kid"] for key in jwks["keys"]} == {record.kid for record in kept}
    for key in jwks["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["use"], key["alg"]) == ("sig", "ES256")
    assert "secret" not in json.dumps(jwks)


def test_public_keys_of_a_purpose_are_found_after_they_are_gone():
    gone = replace(generate_record("checkpoints", "EdDSA", VAULT, 0), retires_at=50, gone_at=100)
    assert Keyring([gone, TOKEN], VAULT).public_keys("checkpoints") == [load_public(gone.public_jwk, "EdDSA")]


def test_an_unknown_purpose_has_no_jwks():
    with pytest.raises(KeyringError):
        Keyring([TOKEN], VAULT).jwks(NOW, purposes=["token"])


def test_a_key_verifies_until_it_is_gone_and_for_its_purpose_only():
    ring = Keyring([replace(TOKEN, retires_at=NOW + 10, gone_at=NOW + 20)], VAULT)
    assert ring.verification_key(TOKEN.kid, NOW + 19).alg == "ES256"
    assert ring.verification_key(TOKEN.kid, NOW + 20) is None
    assert ring.verification_key(TOKEN.kid, NOW, ["status"]) is None
    assert ring.verification_key("unknown", NOW) is None


def test_a_private_key_is_sealed_for_its_purpose_and_bound_to_its_record():
    status = generate_record("status", "ES256", VAULT, NOW)
    with pytest.raises(SealError):
        Keyring([replace(TOKEN, sealed_private=status.sealed_private)], VAULT).signing_key("tokens", NOW)
    other = generate_record("tokens", "ES256", VAULT, NOW)
    with pytest.raises(KeyringError):
        Keyring([replace(TOKEN, sealed_private=other.sealed_private)], VAULT).signing_key("tokens", NOW)
    with pytest.raises(KeyringError):
        Keyring([replace(TOKEN, alg="EdDSA")], VAULT).signing_key("tokens", NOW)


def test_neither_a_record_nor_a_key_shows_its_private_half():
    key = Keyring([TOKEN], VAULT).signing_key("tokens", NOW)
    assert TOKEN.sealed_private not in repr(TOKEN)
    assert "private" not in repr(key).lower()


def test_a_key_of_the_wrong_kind_signs_and_verifies_nothing():
    private = Keyring([TOKEN], VAULT).signing_key("tokens", NOW).private
    for alg in ("EdDSA", "RS256", "HS256"):
        with pytest.raises(KeyringError):
            sign_bytes(private, alg, b"x")
        assert not is_signed(private.public_key(), alg, b"x", sign_bytes(private, "ES256", b"x"))
    assert not is_signed(private.public_key(), "ES256", b"x", bytes(63))
    with pytest.raises(KeyringError):
        load_public({**TOKEN.public_jwk, "use": "enc"}, "ES256")
    with pytest.raises(KeyringError):
        load_public({**TOKEN.public_jwk, "alg": "ES384"}, "ES256")


def test_ps256_is_never_signed_with():
    record = generate_record("id_tokens_rs256", "RS256", VAULT, NOW)
    with pytest.raises(KeyringError):
        sign_bytes(Keyring([record], VAULT).signing_key("id_tokens_rs256", NOW).private, "PS256", b"x")


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": 2}]
)
def test_a_key_of_an_unknown_type_or_shape_has_no_thumbprint(jwk):
    with pytest.raises(KeyringError):
        thumbprint(jwk)


def test_a_token_without_a_type_or_with_claims_that_are_not_json_is_not_signed():
    key = Keyring([TOKEN], VAULT).signing_key("tokens", NOW)
    with pytest.raises(ValueError, match="type"):
        sign({}, key, "")
    with pytest.raises(ValueError, match="JSON"):
        sign({"exp": float("nan")}, key, "at+jwt")


def test_rotation_publishes_first_signs_later_and_keeps_the_old_key_for_a_while():
    records = rotate([TOKEN], "tokens", VAULT, NOW, publish_ahead=600, keep=3600)
    new, old = records
    assert (old.kid, old.retires_at, old.gone_at) == (TOKEN.kid, NOW + 600, NOW + 4200)
    ring = Keyring(records, VAULT)
    assert [ring.signing_key("tokens", NOW + at).kid for at in (0, 599, 600)] == [old.kid, old.kid, new.kid]
    published = [{key["kid"] for key in ring.jwks(NOW + at)["keys"]} for at in (0, 4199, 4200)]
    assert published == [{old.kid, new.kid}, {old.kid, new.kid}, {new.kid}]


def test_the_first_rotation_makes_the_first_key_of_the_default_algorithm():
    assert [record.alg for record in rotate([], "checkpoints", VAULT, NOW)] == ["EdDSA"]
    assert [record.alg for record in rotate([], "tokens", VAULT, NOW)] == ["ES256"]


def test_rotation_keeps_the_algorithm_unless_told_and_leaves_other_purposes_alone():
    edwards = generate_record("tokens", "EdDSA", VAULT, NOW)
    status = generate_record("status", "ES256", VAULT, NOW)
    new, changed = rotate([edwards, status], "tokens", VAULT, NOW)
    assert (new.alg, changed.kid, changed.gone_at) == ("EdDSA", edwards.kid, NOW + DAY)
    assert rotate([edwards], "tokens", VAULT, NOW, alg="ES256")[0].alg == "ES256"


def test_a_key_that_leaked_is_gone_at_once_and_so_is_one_that_was_still_to_come():
    coming = generate_record("tokens", "ES256", VAULT, NOW, NOW + 600)
    new, *changed = rotate([TOKEN, coming], "tokens", VAULT, NOW, keep=0)
    assert {record.kid for record in changed} == {TOKEN.kid, coming.kid}
    assert [state_of(record, NOW) for record in changed] == [KeyState.GONE] * 2
    assert Keyring([new, *changed], VAULT).signing_key("tokens", NOW + 700).kid == new.kid


def test_rotation_never_puts_off_an_end():
    leaving = replace(TOKEN, retires_at=NOW + 10, gone_at=NOW + 20)
    assert len(rotate([leaving], "tokens", VAULT, NOW, publish_ahead=600)) == 1
    retired = replace(TOKEN, retires_at=NOW, gone_at=NOW + 20)
    assert len(rotate([retired], "tokens", VAULT, NOW)) == 1


@pytest.mark.parametrize("wrong", [{"publish_ahead": -1}, {"keep": -1}, {"alg": "RS256"}])
def test_a_rotation_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(KeyringError):
        rotate([TOKEN], "tokens", VAULT, NOW, **wrong)
    with pytest.raises(KeyringError):
        rotate([TOKEN], "token", VAULT, NOW)
