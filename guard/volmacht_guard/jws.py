"""Compact JWS (RFC 7515 section 7.1), read strictly, and its signature.

Written out rather than left to `jwt.decode`, for three reasons: the order of
the checks is part of the contract, a token must have one spelling only, and
this runs on every request. The keys themselves are read by PyJWT.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from volmacht_guard.errors import InvalidTokenError
from volmacht_guard.keys import KeySource

MAX_TOKEN = 8192
"""Characters; the broker's tokens stay under half of it."""

_MAX_HEADER = 1024  # characters: what is kept must be small
_KEYS_IN_HEADER = frozenset({"jwk", "jku", "x5u", "x5c"})
_SHA256 = SHA256()
_ECDSA = ECDSA(_SHA256)
_PSS = PSS(MGF1(_SHA256), salt_length=_SHA256.digest_size)  # RFC 7518 section 3.5
_HALF = 32  # bytes of r and of s (RFC 7518 section 3.4)
_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")  # to the alphabet of `binascii`, which has no !
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""What the last character of so many over a multiple of four may be: its unused bits are nought."""


class UnverifiedJws(NamedTuple):
    """The parts of a token; the claims are not even read before the signature holds."""

    unverified_header: str
    unverified_payload: str
    signed: bytes
    signature: bytes


def parse_jws(unverified_token: str, max_length: int = MAX_TOKEN) -> UnverifiedJws:
    """Take a compact JWS apart; raise `InvalidTokenError` if it is not exactly one."""
    if len(unverified_token) > max_length:
        raise InvalidTokenError("too_long", "the token is too long")
    signed, _, signature = unverified_token.rpartition(".")
    try:
        header, payload = signed.split(".")
        return UnverifiedJws(header, payload, signed.encode("ascii"), decode_base64url(signature))
    except ValueError:
        raise InvalidTokenError("malformed", "not a token") from None


@lru_cache(maxsize=256)
def verify_header(segment: str, typ: str, algorithms: frozenset[str]) -> tuple[str, str]:
    """Return (alg, kid) of a header that we accept; raise `InvalidTokenError`.

    The type keeps one kind of token from passing for another (RFC 8725 section
    3.11); the algorithm comes from our list, never from the sender (section
    3.1); so does the key: headers that bring one are refused (RFC 7515 section
    10.6), and extensions are refused because we know none (section 4.1.11).

    One header serves all tokens of a key, so the answer is kept; a refusal is not.
    """
    if len(segment) > _MAX_HEADER:
        raise InvalidTokenError("too_long", "the header is too long")
    try:
        header = json_object(segment)
    except ValueError:
        raise InvalidTokenError("malformed", "not a token") from None
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
    if not holds(alg, key.key, jws):
        raise InvalidTokenError("signature", "the signature does not hold")
    try:
        return json_object(jws.unverified_payload)
    except ValueError:
        raise InvalidTokenError("malformed", "not a token") from None


def holds(alg: str, key: Any, jws: UnverifiedJws) -> bool:
    """Whether `key`, a public key for `alg`, an algorithm that the caller allows, made the signature."""
    try:
        match alg:
            case "ES256":
                if len(jws.signature) != 2 * _HALF:
                    return False
                r = int.from_bytes(jws.signature[:_HALF], "big")
                s = int.from_bytes(jws.signature[_HALF:], "big")
                key.verify(encode_dss_signature(r, s), jws.signed, _ECDSA)
            case "EdDSA" | "Ed25519":
                key.verify(jws.signature, jws.signed)
            case "PS256":
                key.verify(jws.signature, jws.signed, _PSS, _SHA256)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def decode_base64url(text: str) -> bytes:
    """Return the bytes that `text` encodes; raise `ValueError` unless it is their only spelling."""
    over = len(text) % 4
    if over and text[-1] not in _LAST[over]:
        raise ValueError("not canonical base64url")
    return a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * (-over % 4), strict_mode=True)


def json_object(segment: str) -> dict[str, Any]:
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
