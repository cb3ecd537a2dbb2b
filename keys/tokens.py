"""Signing tokens, and verifying what clients sign about themselves.

Access tokens are verified by `volmacht_guard` and nowhere else, here neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from keys.algorithms import ASSERTION_ALGORITHMS, is_signed, sign_bytes
from keys.encoding import encode_base64url
from keys.errors import ClientAssertionError
from keys.jwks import ClientKey, find_client_key
from keys.jws import UnverifiedJws, parse_jws
from keys.keyring import Instant, SigningKey

MAX_ASSERTION = 8192
"""Characters."""

MAX_ASSERTION_LIFE = 600
"""Seconds that `exp` may lie ahead: the replay store must remember every `jti` until then."""

_MAX_AHEAD = 60  # seconds that `iat` and `nbf` may lie ahead (FAPI 2.0 section 5.3.2.1)
_KEYS_IN_HEADER = frozenset({"jwk", "jku", "x5u", "x5c", "crit"})
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_TYPES = (None, "JWT", "client-authentication+jwt")
"""`typ` of an assertion: what rfc7523bis asks for, what libraries send, or nothing. An access token,
a DPoP proof or a request object that the same key signed is no assertion (RFC 8725 section 3.11)."""


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """A client assertion that was taken apart once; nobody verified it yet."""

    jws: UnverifiedJws

    @property
    def unverified_subject(self) -> str | None:
        """Who it says it is: only to know whose keys must verify it."""
        return _text(self.jws.unverified_claims, "sub")

    @property
    def unverified_kid(self) -> str | None:
        """The key that it names: only to know which one must be there."""
        return _text(self.jws.unverified_header, "kid")


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """A client assertion that was verified. Single use is the caller's affair."""

    jti: str
    exp: Instant
    iat: Instant | None
    replay_until: Instant
    """Remember `jti` until here: `exp` plus the leeway that was granted."""
    jkt: str
    """Thumbprint (RFC 7638) of the key that signed it."""


def sign(claims: Mapping[str, Any], key: SigningKey, typ: str) -> str:
    """Return `claims` as a compact JWS of type `typ` (`at+jwt`, `JWT`, `statuslist+jwt`, ...).

    Written out rather than left to a library: this is the hot path of the token
    endpoint, and the header of a key is the same every time. Raises `TypeError`
    or `ValueError` if the claims are not JSON.
    """
    body = _ENCODER.encode(dict(claims)).encode()
    signed = f"{_header(key.alg, key.kid, typ)}.{encode_base64url(body)}"
    return f"{signed}.{encode_base64url(sign_bytes(key.private, key.alg, signed.encode('ascii')))}"


@lru_cache(maxsize=64)
def _header(alg: str, kid: str, typ: str) -> str:
    if not typ:
        # Without a type, one kind of token can stand in for another (RFC 8725 section 3.11).
        raise ValueError("a token has a type")
    members = {"alg": alg, "typ": typ, "kid": kid}
    return encode_base64url(json.dumps(members, separators=(",", ":")).encode())


def read_client_assertion(unverified_assertion: str) -> UnverifiedAssertion:
    """Return the parts of a client assertion; raise `ClientAssertionError` if it is no compact JWS."""
    if len(unverified_assertion) > MAX_ASSERTION:
        raise ClientAssertionError("too_long")
    try:
        return UnverifiedAssertion(parse_jws(unverified_assertion))
    except ValueError:
        raise ClientAssertionError("malformed") from None


def verify_client_assertion(
    assertion: UnverifiedAssertion,
    *,
    jwks: Mapping[str, Any],
    client_id: str,
    issuer: str,
    now: Instant,
    leeway: int = 60,
) -> VerifiedAssertion:
    """Return what a `private_key_jwt` assertion proves (RFC 7523 as updated by rfc7523bis; FAPI 2.0).

    `aud` must be the issuer itself, one string: a list, or the address of an
    endpoint, lets another server that the client trusts replay the assertion
    here. `leeway` is in seconds and applies to `exp`. Raises `ClientAssertionError`.
    """
    key = _verify_signature(assertion.jws, jwks)
    claims = assertion.jws.unverified_claims
    _verify_parties(claims, client_id, issuer)
    return _verify_times(claims, now, leeway, key.thumbprint)


def _verify_signature(jws: UnverifiedJws, jwks: Mapping[str, Any]) -> ClientKey:
    header = jws.unverified_header
    if _KEYS_IN_HEADER & header.keys():
        # The sender must not choose the key, nor extensions that we do not know (RFC 7515 section 4.1.11).
        raise ClientAssertionError("header")
    if header.get("typ") not in _TYPES:
        raise ClientAssertionError("type")
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in ASSERTION_ALGORITHMS:
        raise ClientAssertionError("algorithm")
    if kid is not None and not isinstance(kid, str):
        raise ClientAssertionError("key")
    key = find_client_key(jwks, alg, kid)
    if key is None:
        raise ClientAssertionError("key")
    if not is_signed(key.public, alg, jws.signed, jws.signature):
        raise ClientAssertionError("signature")
    return key


def _verify_parties(claims: Mapping[str, Any], client_id: str, issuer: str) -> None:
    if not client_id or claims.get("iss") != client_id:
        raise ClientAssertionError("issuer")
    if claims.get("sub") != client_id:
        raise ClientAssertionError("subject")
    if not issuer or claims.get("aud") != issuer:
        raise ClientAssertionError("audience")


def _verify_times(claims: Mapping[str, Any], now: Instant, leeway: int, jkt: str) -> VerifiedAssertion:
    exp = _instant(claims, "exp")
    if exp is None or now >= exp + leeway:
        raise ClientAssertionError("expired")
    if exp > now + MAX_ASSERTION_LIFE:
        raise ClientAssertionError("expires_too_late")
    iat, nbf = _instant(claims, "iat"), _instant(claims, "nbf")
    if max(iat or 0, nbf or 0) > now + _MAX_AHEAD:
        raise ClientAssertionError("not_yet_valid")
    jti = claims.get("jti")
    # Half a surrogate pair is a string to JSON and to no store.
    if not isinstance(jti, str) or not jti or not jti.isprintable():
        raise ClientAssertionError("identifier")
    return VerifiedAssertion(jti=jti, exp=exp, iat=iat, replay_until=exp + leeway, jkt=jkt)


def _instant(claims: Mapping[str, Any], name: str) -> Instant | None:
    """Return a NumericDate in whole seconds; fractions are allowed (RFC 7519 section 2) and dropped."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClientAssertionError("malformed")
    try:
        return int(value)
    except OverflowError:  # 1e999 reads as infinity
        raise ClientAssertionError("malformed") from None


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None
