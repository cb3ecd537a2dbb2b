"""The public key that a proof brings along, read strictly (RFC 7517, RFC 7518 section 6, RFC 8037).

Nothing vouches for such a key but its thumbprint in a token, so one key must
have one thumbprint: numbers are taken in their one spelling only.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from volmacht_guard.jws import decode_base64url

_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""Members that make the key, in the order of their thumbprint (RFC 7638 section 3.2, RFC 8037 section 2)."""
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE = 32  # bytes (RFC 7518 section 6.2.1.2)
_MODULUS = range(2048 // 8, 4096 // 8 + 1)  # bytes: FAPI 2.0 section 5.4 below, the cost of verifying above
_EXPONENT = 4  # bytes at most: a larger one only makes verifying slow


@dataclass(frozen=True, slots=True)
class ProofKey:
    """A key that signed, or pretends to have signed, a proof."""

    alg: str
    key: Any
    jkt: str


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a JWK (RFC 7638); raise `ValueError` for a kind that is not known."""
    members = {name: jwk.get(name) for name in _REQUIRED.get(str(jwk.get("kty")), ())}
    if not members or not all(isinstance(value, str) for value in members.values()):
        raise ValueError("not a key of a known kind")
    canonical = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode("ascii")


def read_key(jwk: Mapping[str, Any], alg: str) -> ProofKey:
    """Return the public key for `alg`, one of `dpop.ALGORITHMS`; raise `ValueError`.

    A private key is refused, whoever sent it (RFC 9449 section 4.3 number 7).
    """
    if not _PRIVATE.isdisjoint(jwk):
        raise ValueError("a private key")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", alg) != alg:
        raise ValueError("a key for something else")
    try:
        match alg, jwk.get("kty"), jwk.get("crv"):
            case "ES256", "EC", "P-256":
                x, y = _number(jwk, "x"), _number(jwk, "y")
                key: Any = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
            case "EdDSA" | "Ed25519", "OKP", "Ed25519":
                key = Ed25519PublicKey.from_public_bytes(_octets(jwk, "x"))
            case "PS256", "RSA", None:
                key = _rsa(jwk)
            case _:
                raise ValueError("a key for another algorithm")
    except UnsupportedAlgorithm:
        raise ValueError("a key that is not supported here") from None
    return ProofKey(alg, key, thumbprint(jwk))


def _rsa(jwk: Mapping[str, Any]) -> Any:
    modulus, exponent = _octets(jwk, "n"), _octets(jwk, "e")
    if len(modulus) not in _MODULUS or not 0 < len(exponent) <= _EXPONENT or 0 in (modulus[0], exponent[0]):
        raise ValueError("too small, too large or not in its shortest spelling")
    return RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()


def _number(jwk: Mapping[str, Any], name: str) -> int:
    octets = _octets(jwk, name)
    if len(octets) != _COORDINATE:
        raise ValueError("not a coordinate")
    return int.from_bytes(octets, "big")


def _octets(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError("a member is missing")  # noqa: TRY004 - one kind of error for whatever is not a key
    return decode_base64url(value)
