"""Envelope encryption: one master key that wraps, data keys that do the work.

The master key stands outside the database and touches nothing but data keys, so
that replacing it means wrapping a handful of rows anew. Data keys stand in the
database, wrapped, and have one use each:

- `root`, one for ever: pseudonyms, indexes, and everything sealed before data keys
  existed. Services store pseudonyms, so it can never be replaced.
- `seal`: what is sealed now; replaced by sealing everything anew.
- `index`: finds a person by national number; replaced by indexing everybody anew.

Of each use exactly one key is current. A retired one still opens or finds what it
once sealed or indexed; it goes when nothing needs it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from keys.encoding import decode_base64url, encode_base64url
from keys.errors import SealError, VaultKeyError

Instant = int
"""Seconds since 1970-01-01T00:00:00Z."""

FIRST_INDEX = "first"
"""Id of the index key that was there before keys had ids: what it indexed bears no name of a key."""

_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAP_VERSION = "w1."


@dataclass(frozen=True, slots=True)
class VaultKeyRecord:
    """A data key as stored: wrapped by the master key for its use and id alone."""

    id: str
    use: str
    """`root`, `seal` or `index`."""
    wrapped: str = field(repr=False)
    created_at: Instant
    retired_at: Instant | None = None
    """From here it seals or indexes nothing new; None while it is the current one of its use."""


class DataKey:
    """A secret of 32 bytes, from which a key is derived for each use and purpose."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        """Say nothing: a key in a traceback must not show itself."""
        return "DataKey(...)"

    def derive(self, use: str, purpose: str, size: int) -> bytes:
        """Return `size` bytes that no other use or purpose gets: HKDF-Expand (RFC 5869 section 2.3)."""
        if not purpose:
            raise ValueError("a purpose has a name")
        # A zero byte cannot stand in either name, so no two pairs share an info string.
        info = b"\0".join((use.encode(), purpose.encode()))
        return HKDFExpand(hashes.SHA256(), size, info).derive(self._secret)

    def box(self, plaintext: bytes, purpose: str) -> str:
        """Return `plaintext` encrypted for `purpose`, as base64url text.

        AES-256-GCM-SIV (RFC 8452): should a random nonce ever repeat, only the
        equality of two plaintexts shows, where plain GCM would lose its key.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return encode_base64url(nonce + self._cipher(purpose).encrypt(nonce, plaintext, purpose.encode()))

    def unbox(self, box: str, purpose: str) -> bytes:
        """Return what was boxed under this key for `purpose`; raise `SealError` if anything differs."""
        try:
            raw = decode_base64url(box)
            return self._cipher(purpose).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            raise SealError(f"a sealed value for {purpose} does not open") from None

    def _cipher(self, purpose: str) -> AESGCMSIV:
        # Not kept: there is a purpose for each person and session, and deriving one costs microseconds.
        return AESGCMSIV(self.derive("seal", purpose, _KEY_BYTES))


def root_of(master: bytes) -> bytes:
    """Return the root key as it followed from the master key before data keys were stored."""
    return HKDF.extract(hashes.SHA256(), b"volmacht vault v1", master)


class MasterKeys:
    """The master key and, while it is being replaced, the one before it. Wraps under the first alone."""

    def __init__(self, current: bytes, previous: bytes | None = None) -> None:
        self.known: tuple[bytes, ...] = (current,) if previous is None else (current, previous)
        """Newest first."""
        if any(len(master) < _KEY_BYTES for master in self.known):
            raise VaultKeyError(
                f"the master key must have at least {_KEY_BYTES} random bytes; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        # Another salt than that of `root_of`: the key that wraps the root is not the root.
        self._wrapping = [
            DataKey(HKDF.extract(hashes.SHA256(), b"volmacht master v1", master)) for master in self.known
        ]

    def __repr__(self) -> str:
        """Say nothing, as `DataKey`."""
        return "MasterKeys(...)"

    def new_key(self, use: str, now: Instant) -> VaultKeyRecord:
        """Return a random data key for `use`, wrapped."""
        return self._wrapped(secrets.token_hex(8), use, secrets.token_bytes(_KEY_BYTES), now)

    def first_keys(self, master: bytes, now: Instant) -> list[VaultKeyRecord]:
        """Return the keys of a database that has none yet, in which `master` did everything.

        Root and index key are those that were derived until now: pseudonyms, indexes
        and sealed values keep their meaning. Only new seals get a key of their own.
        """
        root = root_of(master)
        index = DataKey(root).derive("index", "insz", _KEY_BYTES)
        return [
            self._wrapped("root", "root", root, now),
            self._wrapped(FIRST_INDEX, "index", index, now),
            self.new_key("seal", now),
        ]

    def unwrap(self, record: VaultKeyRecord) -> bytes:
        """Return the data key itself; raise `SealError` if none of these master keys opens it."""
        return self._unwrap(record, self._wrapping)

    def rewrapped(self, record: VaultKeyRecord) -> VaultKeyRecord:
        """Return `record` under the current master key, as it is if it stands there already.

        Raises `SealError` if no master key opens it.
        """
        try:
            self._unwrap(record, self._wrapping[:1])
        except SealError:
            fresh = self._wrapped(record.id, record.use, self.unwrap(record), record.created_at)
            return replace(record, wrapped=fresh.wrapped)
        return record

    def _wrapped(self, key_id: str, use: str, secret: bytes, now: Instant) -> VaultKeyRecord:
        # Bound to use and id: a row's key copied into another row opens nothing.
        box = self._wrapping[0].box(secret, _wrap_purpose(use, key_id))
        return VaultKeyRecord(key_id, use, _WRAP_VERSION + box, now)

    def _unwrap(self, record: VaultKeyRecord, wrapping: Iterable[DataKey]) -> bytes:
        purpose = _wrap_purpose(record.use, record.id)
        for key in wrapping:
            try:
                return key.unbox(record.wrapped.removeprefix(_WRAP_VERSION), purpose)
            except SealError:
                continue
        raise SealError("no master key that was given opens the data keys of this database")


def _wrap_purpose(use: str, key_id: str) -> str:
    return f"{use} key:{key_id}"
