"""Which algorithms there are, what each is for, and the four things done with them.

The list is short on purpose (RFC 8725 section 3.1). ES256 signs tokens; EdDSA,
with Ed25519 only, signs checkpoints and may sign tokens; RS256 exists for
security event tokens and for ID tokens of clients that registered it
(tokens.md section 3). PS256 is verified in client assertions (FAPI 2.0 section
5.4.1) and never signed with. There is no `none` and no shared secret, so a
public key can never be mistaken for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from keys.errors import KeyringError

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

PURPOSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tokens": ("ES256", "EdDSA"),
        "status": ("ES256", "EdDSA"),
        "checkpoints": ("EdDSA",),
        "id_tokens_rs256": ("RS256",),
    }
)
"""Purpose -> algorithms that its keys may have; the first is the default."""

ASSERTION_ALGORITHMS = ("ES256", "PS256", "EdDSA")
"""What a client may sign its assertions with."""

_RSA_BITS = 2048
_HALF = 32  # bytes of r and of s in an ES256 signature (RFC 7518 section 3.4)
_ECDSA = ECDSA(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)


def allow(purpose: str, alg: str) -> None:
    """Raise `KeyringError` unless keys of `purpose` may have the algorithm `alg`."""
    if alg not in PURPOSES.get(purpose, ()):
        raise KeyringError(f"no key of algorithm {alg!r} for purpose {purpose!r}")


def fits(alg: str, key: object) -> bool:
    """Whether `key`, private or public, is of the type, curve and size that `alg` asks for."""
    if alg == "ES256":
        return isinstance(key, EllipticCurvePrivateKey | EllipticCurvePublicKey) and isinstance(
            key.curve, SECP256R1
        )
    if alg == "EdDSA":
        return isinstance(key, Ed25519PrivateKey | Ed25519PublicKey)
    if alg in ("RS256", "PS256"):
        return isinstance(key, RSAPrivateKey | RSAPublicKey) and key.key_size >= _RSA_BITS
    return False


def generate(alg: str) -> PrivateKey:
    """Return a new private key for `alg`; raise `KeyringError` for one that we do not sign with."""
    if alg == "ES256":
        return generate_ec(SECP256R1())
    if alg == "EdDSA":
        return Ed25519PrivateKey.generate()
    if alg == "RS256":
        return generate_rsa(public_exponent=65537, key_size=_RSA_BITS)
    raise KeyringError(f"no keys are made for algorithm {alg!r}")


def serialize(private: PrivateKey) -> bytes:
    """Return PKCS #8 DER, unencrypted: seal it before it goes anywhere."""
    return private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load(alg: str, serialized: bytes) -> PrivateKey:
    """Return the private key in PKCS #8 DER; raise `KeyringError` unless it fits `alg`."""
    try:
        private = serialization.load_der_private_key(serialized, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyringError("a stored private key does not load") from None
    if isinstance(private, EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey) and fits(
        alg, private
    ):
        return private
    raise KeyringError(f"a stored private key does not fit algorithm {alg!r}")


def sign_bytes(private: PrivateKey, alg: str, signed: bytes) -> bytes:
    """Return the JWS signature (RFC 7518 section 3, RFC 8037) over `signed`."""
    if not fits(alg, private):
        raise KeyringError(f"the key does not fit algorithm {alg!r}")
    if isinstance(private, EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(signed, _ECDSA))
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    if isinstance(private, Ed25519PrivateKey):
        return private.sign(signed)
    if alg == "PS256":
        raise KeyringError("PS256 is verified here, never signed with")
    return private.sign(signed, _PKCS1, hashes.SHA256())


def is_signed(public: PublicKey, alg: str, signed: bytes, unverified_signature: bytes) -> bool:
    """Whether the signature over `signed` is by `public` with `alg`; False for a key that does not fit."""
    if not fits(alg, public):
        return False
    try:
        if isinstance(public, EllipticCurvePublicKey):
            return _is_ecdsa(public, signed, unverified_signature)
        if isinstance(public, Ed25519PublicKey):
            public.verify(unverified_signature, signed)
        elif alg == "PS256":
            public.verify(unverified_signature, signed, _PSS, hashes.SHA256())
        else:
            public.verify(unverified_signature, signed, _PKCS1, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _is_ecdsa(public: EllipticCurvePublicKey, signed: bytes, unverified_signature: bytes) -> bool:
    if len(unverified_signature) != 2 * _HALF:
        return False
    r = int.from_bytes(unverified_signature[:_HALF], "big")
    s = int.from_bytes(unverified_signature[_HALF:], "big")
    public.verify(encode_dss_signature(r, s), signed, _ECDSA)
    return True
