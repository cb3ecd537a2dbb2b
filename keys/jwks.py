"""JSON Web Keys (RFC 7517): ours as published, a client's as registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from keys.algorithms import ASSERTION_ALGORITHMS, PublicKey, fits
from keys.encoding import encode_base64url
from keys.errors import KeyringError

_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""Members that make a public key, per type, in the order of RFC 7638 section 3.2 and RFC 8037."""

_PARSERS = {"EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk, "RSA": RSAAlgorithm.from_jwk}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that only a private or a shared key has (RFC 7518 section 6)."""

MAX_CLIENT_KEYS = 20
"""More keys than anybody rotates; each is looked at for an assertion that names none."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's public key, with the name that a token bound to it bears (`cnf.jkt`)."""

    public: PublicKey = field(repr=False)
    thumbprint: str


def public_members(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Return the members that make the public key, and nothing else of `jwk`.

    A private member cannot pass, whatever it is called: what is published is
    chosen by name, not what is left out. Raises `KeyringError`.
    """
    required = _REQUIRED.get(str(jwk.get("kty")), ())
    members = {name: jwk.get(name) for name in required}
    if not members or not all(isinstance(value, str) for value in members.values()):
        raise KeyringError("a key lacks the members of its type")
    return cast("dict[str, str]", members)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint (RFC 7638), base64url: our `kid`."""
    canonical = json.dumps(public_members(jwk), separators=(",", ":"), sort_keys=True)
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())


def jwk_of(public: PublicKey) -> dict[str, str]:
    """Return the public key's own members, without `kid`, `alg` or `use`."""
    if isinstance(public, EllipticCurvePublicKey):
        return public_members(ECAlgorithm.to_jwk(public, as_dict=True))
    if isinstance(public, RSAPublicKey):
        return public_members(RSAAlgorithm.to_jwk(public, as_dict=True))
    return public_members(OKPAlgorithm.to_jwk(public, as_dict=True))


def load_public(jwk: Mapping[str, Any], alg: str) -> PublicKey:
    """Return the public key in `jwk`; raise `KeyringError` unless it fits `alg`.

    The key's own `alg` and `use`, when it states them, must agree (RFC 7517
    sections 4.2 and 4.4): a key for encryption verifies nothing.
    """
    _check_use(jwk, alg)
    return _load(public_members(jwk), alg)


def _check_use(jwk: Mapping[str, Any], alg: str) -> None:
    if jwk.get("alg", alg) != alg or jwk.get("use", "sig") != "sig":
        raise KeyringError("a key is meant for something else")


def _load(members: Mapping[str, str], alg: str) -> PublicKey:
    try:
        public = _PARSERS[members["kty"]](dict(members))
    except (InvalidKeyError, ValueError, TypeError):
        raise KeyringError("a public key does not load") from None
    if not fits(alg, public):
        raise KeyringError(f"a public key does not fit algorithm {alg!r}")
    return cast("PublicKey", public)


def read_client_jwks(unverified_set: object) -> dict[str, Any]:
    """Return a JWK Set that a client registered or published; raise `KeyringError` for one that is none.

    It holds public keys only, one at least that may sign assertions, and no `kid`
    twice (FAPI 2.0 section 5.4): of two keys of one name nobody could say which.
    """
    entries = unverified_set.get("keys") if isinstance(unverified_set, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeyringError("not a JWK Set: a member `keys` must list keys")
    if any(_PRIVATE & entry.keys() for entry in entries):
        raise KeyringError("the set holds private keys: give the public halves only")
    names = [entry["kid"] for entry in entries if "kid" in entry]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise KeyringError("a `kid` is not text, or stands there twice")
    if len(entries) > MAX_CLIENT_KEYS or not any(_signs_assertions(entry) for entry in entries):
        raise KeyringError(f"the set has no key that may sign assertions, or more than {MAX_CLIENT_KEYS}")
    return {"keys": entries}


def find_client_key(jwks: Mapping[str, Any], alg: str, kid: str | None) -> ClientKey | None:
    """Return the registered key that `kid` names, or without `kid` the only one that fits `alg`.

    None when there is no such key, or more than one: trying keys in turn would
    let a client's old key answer for its new one.
    """
    entries = jwks.get("keys")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return None
    keys = [entry for entry in entries if isinstance(entry, Mapping)]
    if kid is not None:
        keys = [entry for entry in keys if entry.get("kid") == kid]
        return _load_or_none(keys[0], alg) if len(keys) == 1 else None
    fitting = [key for key in (_load_or_none(entry, alg) for entry in keys) if key is not None]
    return fitting[0] if len(fitting) == 1 else None


def _signs_assertions(jwk: Mapping[str, Any]) -> bool:
    return any(_load_or_none(jwk, alg) is not None for alg in ASSERTION_ALGORITHMS)


def _load_or_none(jwk: Mapping[str, Any], alg: str) -> ClientKey | None:
    try:
        _check_use(jwk, alg)
        return _parsed(alg, tuple(public_members(jwk).items()))
    except KeyringError:
        return None


@lru_cache(maxsize=1024)
def _parsed(alg: str, members: tuple[tuple[str, str], ...]) -> ClientKey:
    """Return the key with these members. Kept by all that it is made of: a changed key is another one.

    Reading a key costs as much as verifying a signature with it.
    """
    return ClientKey(_load(dict(members), alg), thumbprint(dict(members)))
