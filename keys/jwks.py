"""JSON Web Keys (RFC 7517): ours as published, a client's as registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from keys.algorithms import PublicKey, fits
from keys.encoding import encode_base64url
from keys.errors import KeyringError

_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""Members that make a public key, per type, in the order of RFC 7638 section 3.2 and RFC 8037."""

_PARSERS = {"EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk, "RSA": RSAAlgorithm.from_jwk}


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
    if jwk.get("alg", alg) != alg or jwk.get("use", "sig") != "sig":
        raise KeyringError("a key is meant for something else")
    members = public_members(jwk)
    try:
        public = _PARSERS[members["kty"]](dict(members))
    except (InvalidKeyError, ValueError, TypeError):
        raise KeyringError("a public key does not load") from None
    if not fits(alg, public):
        raise KeyringError(f"a public key does not fit algorithm {alg!r}")
    return cast("PublicKey", public)


def find_client_key(jwks: Mapping[str, Any], alg: str, kid: str | None) -> PublicKey | None:
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


def _load_or_none(jwk: Mapping[str, Any], alg: str) -> PublicKey | None:
    try:
        return load_public(jwk, alg)
    except KeyringError:
        return None
