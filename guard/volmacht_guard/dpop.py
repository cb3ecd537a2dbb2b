"""Proofs of possession (RFC 9449): who presents a token also holds the key that it is bound to.

A proof is a JWT that its sender signed with a key of its own for one request:
this method, this address, this moment, this token, once. It says nothing about
who the sender is; what it is worth stands in the token, as the thumbprint of
that key. `verify_proof` makes the checks of section 4.3 that concern the proof
alone. Comparing keys, remembering marks and demanding a nonce are left to its
callers, the guard here and the broker's endpoints, which have a token, a store
and a secret to do it with.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from volmacht_guard.errors import PROOF_ALGORITHMS, InvalidProofError, InvalidTokenError
from volmacht_guard.jws import UnverifiedJws, holds, json_object, parse_jws
from volmacht_guard.proof_keys import ProofKey, read_key, thumbprint
from volmacht_guard.replay import MemoryReplayStore, ReplayStore
from volmacht_guard.urls import normalised

__all__ = [
    "AHEAD_SECONDS",
    "ALGORITHMS",
    "PROOF_SECONDS",
    "InvalidProofError",
    "MemoryReplayStore",
    "Proof",
    "ReplayStore",
    "VerifiedProof",
    "thumbprint",
    "verify_proof",
]

ALGORITHMS = PROOF_ALGORITHMS
"""Asymmetric, and no RS256 (FAPI 2.0 section 5.4); Ed25519 is EdDSA with that curve by name (RFC 9864)."""
PROOF_SECONDS = 60
"""Age from which a proof is refused."""
AHEAD_SECONDS = 60
"""How far a client's clock may run ahead of ours; more is refused (FAPI 2.0 section 5.3.2.1 number 13)."""
MAX_PROOF = 4096
"""Characters."""

_MAX_TEXT = 256  # characters of jti and nonce
_ELSEWHERE = frozenset({"kid", "jku", "x5c", "x5t", "x5t#S256", "x5u"})
_KEPT = 1024  # keys


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request brought as proof, and the request that it must be for."""

    unverified: str = field(repr=False)
    method: str
    url: str | None
    """Address of the request for its client; None leaves judging `VerifiedProof.url` to the caller."""


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A proof that holds; single use only once its mark was claimed."""

    jkt: str
    """Thumbprint of the key that signed it (RFC 7638)."""
    jti: str
    iat: int
    nonce: str | None
    method: str
    url: str
    """`htu` in its one form, see `urls.normalised`."""

    @property
    def mark(self) -> str:
        """What to remember: key and `jti`, never the text, since ES256 signatures can be respelled."""
        return hashlib.sha256(f"{self.jkt}:{self.jti}".encode()).hexdigest()

    def lives(self, now: int) -> int:
        """Return for how many seconds the mark must be remembered, one more for clocks that differ."""
        return self.iat + PROOF_SECONDS - now + 1


def verify_proof(
    proof: Proof, now: int, *, access_token: str | None = None, methods: Collection[str] | None = None
) -> VerifiedProof:
    """Return the proof if it holds at `now`; raise `InvalidProofError` (RFC 9449 section 4.3).

    With `access_token` the proof must have been made for that very token. `methods`
    are those that `htm` may name in place of `proof.method`, for a proof that was
    made for a request to somebody else.
    """
    jws, key = _read(proof.unverified)
    if not holds(key.alg, key.key, jws):
        raise InvalidProofError("proof_signature", "the signature of the proof does not hold")
    try:
        claims = json_object(jws.unverified_payload)
    except ValueError:
        raise InvalidProofError("proof_claims", "the proof cannot be read") from None
    verified = VerifiedProof(
        jkt=key.jkt,
        jti=_text(claims, "jti"),
        iat=_issued_at(claims, now),
        nonce=_nonce(claims),
        method=_method(claims, (proof.method,) if methods is None else methods),
        url=_url(claims, proof.url),
    )
    if access_token is not None and claims.get("ath") != _hash(access_token):
        raise InvalidProofError("proof_token", "the proof is for another token")
    return verified


def _read(unverified_proof: str) -> tuple[UnverifiedJws, ProofKey]:
    try:
        jws = parse_jws(unverified_proof, MAX_PROOF)
    except InvalidTokenError:
        raise InvalidProofError("proof_header", "not exactly one proof") from None
    return jws, _key_of(jws.unverified_header)


@lru_cache(maxsize=_KEPT)
def _key_of(segment: str) -> ProofKey:
    """Return the key in a header that we accept; raise `InvalidProofError`.

    A client's header is the same in all its proofs, so what was read is kept: a
    point on the curve costs a third of a verification. Only what is refused is
    read again.
    """
    try:
        header = json_object(segment)
    except ValueError:
        raise InvalidProofError("proof_header", "the header of the proof cannot be read") from None
    if header.get("typ") != "dpop+jwt":
        raise InvalidProofError("proof_type", "not a proof")
    alg, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise InvalidProofError("proof_algorithm", "the algorithm is not allowed")
    if "crit" in header:
        raise InvalidProofError("proof_header", "extensions are not understood")
    if not _ELSEWHERE.isdisjoint(header) or not isinstance(jwk, dict):
        # A proof names its key in one way only; a second way could name a second key.
        raise InvalidProofError("proof_key", "a proof brings its key as jwk and in no other way")
    try:
        return read_key(jwk, alg)
    except ValueError:
        raise InvalidProofError("proof_key", "the key is not a public key for this algorithm") from None


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not _is_text(value):
        raise InvalidProofError("proof_claims", "a claim is missing, too long or not text")
    return str(value)


def _is_text(value: object) -> bool:
    # Half a surrogate pair is a string to JSON and to no store.
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and value.isprintable()


def _issued_at(claims: dict[str, Any], now: int) -> int:
    value = claims.get("iat")
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidProofError("proof_claims", "the proof does not say when it was made")
    if not now - PROOF_SECONDS < value <= now + AHEAD_SECONDS:
        raise InvalidProofError("proof_time", "the proof is not of this time")
    return value


def _nonce(claims: dict[str, Any]) -> str | None:
    if "nonce" not in claims:
        return None
    if not _is_text(claims["nonce"]):
        raise InvalidProofError("proof_nonce", "the nonce is not one of ours")
    return str(claims["nonce"])


def _method(claims: dict[str, Any], methods: Collection[str]) -> str:
    value = claims.get("htm")
    if not isinstance(value, str):
        raise InvalidProofError("proof_claims", "the proof names no method")
    if value not in methods:  # methods are case-sensitive (RFC 9110 section 9.1)
        raise InvalidProofError("proof_method", "the proof is for another method")
    return value


def _url(claims: dict[str, Any], wanted: str | None) -> str:
    value = claims.get("htu")
    if not isinstance(value, str):
        raise InvalidProofError("proof_claims", "the proof names no address")
    try:
        url = normalised(value)
        if wanted is not None and url != normalised(wanted):
            raise InvalidProofError("proof_url", "the proof is for another address")
    except ValueError:
        raise InvalidProofError("proof_url", "the address cannot be compared") from None
    return url


def _hash(access_token: str) -> str:
    """`ath` (RFC 9449 section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode("ascii")
