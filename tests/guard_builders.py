"""Tokens and lists as the broker would sign them, to be altered in one respect at a time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from volmacht_guard import Guard, InvalidTokenError, Proof, StaticKeySource, encode_list, thumbprint

ISSUER = "https://id.example.be"
AUDIENCE = "https://vouchers.example.be/api"
LIST = f"{ISSUER}/status/7f3a"
NOW = 1_795_420_100
HIGH = "http://eidas.europa.eu/LoA/high"
LOW = "http://eidas.europa.eu/LoA/low"
KID = "k1"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
PROOF_KEY = ec.generate_private_key(ec.SECP256R1())
METHOD = "POST"
URL = f"{AUDIENCE}/orders"
GONE = object()
"""As a claim or header member: left out."""


def jwk(key: ec.EllipticCurvePrivateKey, kid: str, **members: str) -> dict[str, Any]:
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "alg": "ES256", "use": "sig", **members}


JWKS = {"keys": [jwk(KEY, KID)]}
PROOF_JWK = ECAlgorithm.to_jwk(PROOF_KEY.public_key(), as_dict=True)
JKT = thumbprint(PROOF_JWK)


def self_claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "voucher-web",
        "sub": "p-anna",
        "iat": NOW - 100,
        "exp": NOW + 200,
        "jti": "jti-1",
        "acr": HIGH,
        "scope": "vouchers:read vouchers:order",
        "status": {"status_list": {"uri": LIST, "idx": 7}},
    }


def delegated_claims() -> dict[str, Any]:
    return {
        **self_claims(),
        "act": {"iss": ISSUER, "sub": "p-officer"},
        "scope": "obo:vouchers:read obo:vouchers:order",
        "authorization_details": [
            {
                "type": "urn:volmacht:mandate",
                "identifier": "m-5e1d",
                "mandate_type": "ocmw-beneficiary",
                "locations": [AUDIENCE],
                "actions": ["vouchers:read", "vouchers:order"],
                "principal": "p-anna",
                "representative": "iso6523-actorid-upis::0208:0999000129",
                "not_after": NOW + 200,
            }
        ],
    }


def machine_claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "batch",
        "sub": "batch",
        "iat": NOW - 100,
        "exp": NOW + 200,
        "jti": "jti-2",
        "scope": "insz:resolve",
    }


CLAIMS: dict[str, Callable[[], dict[str, Any]]] = {
    "self": self_claims,
    "delegated": delegated_claims,
    "machine": machine_claims,
}


def sign(claims: Mapping[str, Any], header: Mapping[str, Any] | None = None, key: Any = KEY) -> str:
    """Sign with a reference implementation; a header member of None is left out."""
    members = {"typ": "at+jwt", "kid": KID, "alg": "ES256", **(header or {})}
    kept = {name: value for name, value in members.items() if value is not None}
    return raw(json.dumps(kept).encode(), json.dumps(claims).encode(), key)


def raw(header: bytes, payload: bytes, key: Any = KEY) -> str:
    """Sign any bytes at all as ES256, whatever the header says."""
    signed = f"{b64(header)}.{b64(payload)}"
    algorithm = jwt.get_algorithm_by_name("ES256")
    return f"{signed}.{b64(algorithm.sign(signed.encode(), key))}"


def bound(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The same claims, for the holder of `PROOF_KEY` alone."""
    return {**claims, "cnf": {"jkt": JKT}}


def sign_proof(
    token: str | None = None,
    header: Mapping[str, Any] | None = None,
    key: Any = PROOF_KEY,
    alg: str = "ES256",
    **claims: Any,
) -> str:
    """A proof as an honest client makes it (RFC 9449 section 4.2), but for what is given otherwise."""
    members = {"typ": "dpop+jwt", "alg": alg, "jwk": PROOF_JWK, **(header or {})}
    body = {"jti": "proof-1", "htm": METHOD, "htu": URL, "iat": NOW}
    if token is not None:
        body["ath"] = b64(hashlib.sha256(token.encode()).digest())
    signed = f"{b64(_members(members))}.{b64(_members({**body, **claims}))}"
    signature = jwt.get_algorithm_by_name(alg).sign(signed.encode(), key)
    return f"{signed}.{b64(signature)}"


def proof(unverified: str, method: str = METHOD, url: str | None = URL) -> Proof:
    return Proof(unverified, method, url)


def malleated(es256: str) -> str:
    """The same ES256 token or proof with the other signature that holds for it, made without the key."""
    head, _, text = es256.rpartition(".")
    signature = base64.urlsafe_b64decode(text + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = order - int.from_bytes(signature[32:], "big")
    return f"{head}.{b64(signature[:32] + s.to_bytes(32, 'big'))}"


def _members(members: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in members.items() if value is not GONE}).encode()


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def list_claims(revoked: tuple[int, ...] = (), **changes: Any) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "sub": LIST,
        "iat": NOW,
        "exp": NOW + 600,
        "ttl": 10,
        "status_list": {"bits": 1, "lst": encode_list(1024, revoked)},
        **changes,
    }


def sign_list(claims: Mapping[str, Any], key: Any = KEY, typ: str = "statuslist+jwt") -> bytes:
    return sign(claims, {"typ": typ}, key).encode()


class FakeStatus:
    """Everything stands, but for the indices that were revoked; remembers what it was asked."""

    def __init__(self, *revoked: int) -> None:
        self.revoked = revoked
        self.asked: list[tuple[str, int, int]] = []

    def check(self, uri: str, index: int, now: int) -> None:
        self.asked.append((uri, index, now))
        if index in self.revoked:
            raise InvalidTokenError("revoked", "the token was revoked")


def guard(**changes: Any) -> Guard:
    options: dict[str, Any] = {
        "keys": StaticKeySource(JWKS),
        "status": FakeStatus(),
        "clock": lambda: NOW,
        **changes,
    }
    return Guard(ISSUER, AUDIENCE, **options)
