"""Compact JWS (RFC 7515 section 7.1), read strictly, and its signature.

Written out rather than left to `jwt.decode`, for three reasons: the order of
the checks is part of the contract, a token must have one spelling only, and
this runs on every request. The keys themselves are read by PyJWT.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from volmacht_guard.errors import InvalidTokenError
from volmacht_guard.keys import KeySource

MAX_TOKEN = 8192
"""Characters; the broker's tokens stay under half of it."""

_KEYS_IN_HEADER = frozenset({"jwk", "jku", "x5u", "x5c"})
_ECDSA = ECDSA(hashes.SHA256())
_HALF = 32  # bytes of r and of s (RFC 7518 section 3.4)


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """The parts of a token; the claims are not even read before the signature holds."""

    unverified_header: dict[str, Any]
    unverified_payload: str
    signed: bytes
    signature: bytes


def parse_jws(unverified_token: str, max_length: int = MAX_TOKEN) -> UnverifiedJws:
    """Take a compact JWS apart; raise `InvalidTokenError` if it is not exactly one."""
    if len(unverified_token) > max_length:
        raise InvalidTokenError("too_long", "the token is too long")
    try:
        header, payload, signature = unverified_token.split(".")
        return UnverifiedJws(
            unverified_header=_json_object(header),
            unverified_payload=payload,
            signed=f"{header}.{payload}".encode("ascii"),
            signature=decode_base64url(signature),
        )
    except ValueError:
        raise InvalidTokenError("malformed", "not a token") from None


def verify_header(jws: UnverifiedJws, typ: str, algorithms: frozenset[str]) -> tuple[str, str]:
    """Return (alg, kid) of a header that we accept; raise `InvalidTokenError`.

    The type keeps one kind of token from passing for another (RFC 8725 section
    3.11); the algorithm comes from our list, never from the sender (section
    3.1); so does the key: headers that bring one are refused (RFC 7515 section
    10.6), and extensions are refused because we know none (section 4.1.11).
    """
    header = jws.unverified_header
    found = header.get("typ")
    if not isinstance(found, str) or found.lower().removeprefix("application/") != typ:
        raise InvalidTokenError("typ", "not a token of this type")
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in algorithms:
        raise InvalidTokenError("alg", "the algorithm is not allowed")
    if not isinstance(kid, str) or not kid:
        raise InvalidTokenError("kid", "the key is not named")
    if "crit" in header:
        raise InvalidTokenError("crit", "extensions are not understood")
    if not _KEYS_IN_HEADER.isdisjoint(header):
        raise InvalidTokenError("key_in_header", "a token does not bring its own key")
    return alg, kid


def verify_signature(jws: UnverifiedJws, alg: str, kid: str, keys: KeySource) -> dict[str, Any]:
    """Return the claims once the issuer's key `kid` has signed them; raise `InvalidTokenError`."""
    key = keys.key(kid)
    if key is None:
        raise InvalidTokenError("unknown_key", "the key is not one of the issuer's")
    if key.alg != alg:
        raise InvalidTokenError("key_alg", "the key is for another algorithm")
    try:
        if not _is_signed(key.key, jws):
            raise InvalidTokenError("signature", "the signature does not hold")
        return _json_object(jws.unverified_payload)
    except InvalidSignature:
        raise InvalidTokenError("signature", "the signature does not hold") from None
    except ValueError:
        raise InvalidTokenError("malformed", "not a token") from None


def decode_base64url(text: str) -> bytes:
    """Return the bytes that `text` encodes; raise `ValueError` unless it is their only spelling."""
    value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(value).rstrip(b"=") != text.encode("ascii"):
        raise ValueError("not canonical base64url")
    return value


def _is_signed(key: EllipticCurvePublicKey | Ed25519PublicKey, jws: UnverifiedJws) -> bool:
    if isinstance(key, Ed25519PublicKey):
        key.verify(jws.signature, jws.signed)
        return True
    if len(jws.signature) != 2 * _HALF:
        return False
    r = int.from_bytes(jws.signature[:_HALF], "big")
    s = int.from_bytes(jws.signature[_HALF:], "big")
    key.verify(encode_dss_signature(r, s), jws.signed, _ECDSA)
    return True


def _json_object(segment: str) -> dict[str, Any]:
    """Return the JSON object in a segment, without repeated members; raise `ValueError`."""
    try:
        value = _DECODER.decode(decode_base64url(segment).decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for whatever is not a JWS
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(_name: str) -> None:
    raise ValueError("not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant)
