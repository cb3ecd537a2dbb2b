"""The broker's own signing keys: which signs now, which still verifies, which are published.

A record holds four instants and no state; `state_of` is the one answer to what
they mean now. Intervals are half-open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keys.algorithms import PURPOSES, PrivateKey, PublicKey, allow, generate, load, serialize
from keys.errors import KeyringError
from keys.jwks import jwk_of, load_public, public_members, thumbprint
from keys.vault import Vault

Instant = int
"""Seconds since 1970-01-01T00:00:00Z."""

JWKS_PURPOSES = ("tokens", "status", "id_tokens_rs256")
"""Published in the JWKS. Checkpoint keys sign no token and are made known as verifier keys (`notes`)."""


class KeyState(StrEnum):
    """Where a key is in its life."""

    PENDING = "pending"  # published, does not sign yet
    ACTIVE = "active"
    RETIRING = "retiring"  # signs no more, still verifies
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as stored. The private half is sealed by the vault for `key:<purpose>`."""

    kid: str
    purpose: str
    """`tokens`, `status`, `checkpoints` or `id_tokens_rs256`."""
    alg: str
    public_jwk: Mapping[str, Any]
    sealed_private: str = field(repr=False)
    created_at: Instant
    active_from: Instant
    retires_at: Instant | None = None
    """From here it signs no more."""
    gone_at: Instant | None = None
    """From here it has left the JWKS and verifies nothing."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with what a header says of it."""

    kid: str
    alg: str
    private: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with its one algorithm; fits the guard's Protocol of the same name."""

    kid: str
    alg: str
    key: PublicKey = field(repr=False)


def state_of(record: KeyRecord, now: Instant) -> KeyState:
    """Return the state of `record` at `now`.

    The end is looked at first: a key that was withdrawn before its first day
    never signs.
    """
    if record.gone_at is not None and now >= record.gone_at:
        return KeyState.GONE
    if record.retires_at is not None and now >= record.retires_at:
        return KeyState.RETIRING
    return KeyState.PENDING if now < record.active_from else KeyState.ACTIVE


def generate_record(
    purpose: str, alg: str, vault: Vault, now: Instant, active_from: Instant | None = None
) -> KeyRecord:
    """Return a new key that signs from `active_from` (default: now).

    Raises `KeyringError` if keys of `purpose` may not have `alg`.
    """
    allow(purpose, alg)
    private = generate(alg)
    jwk = jwk_of(private.public_key())
    return KeyRecord(
        kid=thumbprint(jwk),
        purpose=purpose,
        alg=alg,
        public_jwk=jwk,
        sealed_private=vault.seal(serialize(private), _seal_purpose(purpose)),
        created_at=now,
        active_from=now if active_from is None else active_from,
    )


class Keyring:
    """All keys of one moment. Private keys are opened when first needed, and kept."""

    def __init__(self, records: Iterable[KeyRecord], vault: Vault) -> None:
        self._records = {record.kid: record for record in records}
        self._vault = vault
        self._private: dict[str, SigningKey] = {}
        self._public: dict[str, VerificationKey] = {}

    def signing_key(self, purpose: str, now: Instant) -> SigningKey:
        """Return the newest active key of `purpose`; raise `KeyringError` if there is none."""
        active = [
            record
            for record in self._records.values()
            if record.purpose == purpose and state_of(record, now) is KeyState.ACTIVE
        ]
        if not active:
            raise KeyringError(f"no active key for purpose {purpose!r}")
        newest = max(active, key=lambda record: (record.active_from, record.created_at, record.kid))
        return self._private.get(newest.kid) or self._open(newest)

    def verification_key(
        self, kid: str, now: Instant, purposes: Collection[str] = ("tokens",)
    ) -> VerificationKey | None:
        """Return the public key `kid` of one of `purposes`, or None if unknown or gone.

        The purpose is asked for because a key that signs lists or checkpoints
        must not vouch for a token.
        """
        record = self._records.get(kid)
        if record is None or record.purpose not in purposes or state_of(record, now) is KeyState.GONE:
            return None
        found = self._public.get(kid)
        if found is None:
            public = load_public(record.public_jwk, record.alg)
            found = self._public[kid] = VerificationKey(kid, record.alg, public)
        return found

    def public_keys(self, purpose: str) -> list[PublicKey]:
        """Return every public key of `purpose`, gone ones too: what was signed long ago stays signed."""
        records = [record for record in self._records.values() if record.purpose == purpose]
        return [load_public(record.public_jwk, record.alg) for record in records]

    def jwks(self, now: Instant, purposes: Collection[str] = JWKS_PURPOSES) -> dict[str, Any]:
        """Return the JWK Set (RFC 7517 section 5): pending, active and retiring keys, public members only."""
        unknown = set(purposes) - set(PURPOSES)
        if unknown:
            raise KeyringError(f"unknown purposes {sorted(unknown)}")
        return {
            "keys": [
                {**public_members(record.public_jwk), "kid": record.kid, "alg": record.alg, "use": "sig"}
                for record in sorted(self._records.values(), key=lambda each: (each.active_from, each.kid))
                if record.purpose in purposes and state_of(record, now) is not KeyState.GONE
            ]
        }

    def _open(self, record: KeyRecord) -> SigningKey:
        allow(record.purpose, record.alg)
        private = load(record.alg, self._vault.open(record.sealed_private, _seal_purpose(record.purpose)))
        # A row whose two halves belong to different keys would sign what nobody can verify.
        if thumbprint(jwk_of(private.public_key())) != record.kid:
            raise KeyringError("a stored private key is not the one that its record names")
        key = self._private[record.kid] = SigningKey(record.kid, record.alg, private)
        return key


def _seal_purpose(purpose: str) -> str:
    return f"key:{purpose}"
