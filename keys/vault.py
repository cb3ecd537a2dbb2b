"""What must be kept and not be readable: private keys, national numbers, the link behind a pseudonym.

One master key; a key for each use and purpose is derived from it with
HKDF-SHA256 (RFC 5869), so that no two uses ever share one. What is sealed for
one purpose opens for no other: a sealed private key that somebody copies into
the column of national numbers stays shut.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from keys.encoding import decode_base64url, encode_base64url
from keys.errors import PseudonymError, SealError, VaultKeyError

PREFIXES = ("p-", "m-")
"""Kinds of pseudonym: person and mandate (tokens.md section 2)."""

_MASTER_BYTES = 32
_NONCE_BYTES = 12
_SEAL_VERSION = "s1."


class Vault:
    """Seals, indexes and makes pseudonyms under one master key.

    The objects that hold derived keys are kept: deriving one costs more than
    using it. Purposes and sectors come from our own code and registrations,
    never from a request, so the caches stay small.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) < _MASTER_BYTES:
            raise VaultKeyError(
                f"the master key must have at least {_MASTER_BYTES} random bytes; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        self._root = HKDF.extract(hashes.SHA256(), b"volmacht vault v1", master)
        self._seals: dict[str, AESGCMSIV] = {}
        self._indexes: dict[str, bytes] = {}
        self._sectors: dict[str, AESSIV] = {}

    def __repr__(self) -> str:
        """Say nothing: a vault in a traceback must not show its keys."""
        return "Vault(...)"

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Return `plaintext` sealed for `purpose`, as ASCII text.

        AES-256-GCM-SIV (RFC 8452): should a random nonce ever repeat, only the
        equality of two plaintexts shows, where plain GCM would lose its key.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._seal_for(purpose).encrypt(nonce, plaintext, purpose.encode())
        return _SEAL_VERSION + encode_base64url(nonce + sealed)

    def open(self, sealed: str, purpose: str) -> bytes:
        """Return what was sealed for `purpose`; raise `SealError` if anything differs."""
        if not sealed.startswith(_SEAL_VERSION):
            raise SealError("not a sealed value of this vault")
        try:
            box = decode_base64url(sealed.removeprefix(_SEAL_VERSION))
            return self._seal_for(purpose).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            raise SealError(f"a sealed value for {purpose} does not open") from None

    def index(self, value: str, purpose: str) -> str:
        """Return HMAC-SHA-256 of `value` as hex: equal values can be found, none can be guessed.

        A plain hash would not do: there are only some 10^10 national numbers.
        """
        key = self._indexes.get(purpose)
        if key is None:
            key = self._indexes[purpose] = self._derive("index", purpose, 32)
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()

    def pseudonym(self, prefix: str, sector: str, identifier: str) -> str:
        """Return the name by which `sector` knows the party or mandate with UUID `identifier`.

        `prefix` + base64url(AES-SIV(sector key, UUID; associated data = prefix,
        sector)) (RFC 5297; tokens.md section 2): the same each time, different
        in every sector, invertible by the holder of the master key alone.
        Raises `PseudonymError` for another prefix, no sector, or no UUID.
        """
        try:
            plain = UUID(identifier).bytes
        except ValueError:
            raise PseudonymError("a pseudonym is made of a UUID") from None
        siv = self._siv_for(prefix, sector)
        return prefix + encode_base64url(siv.encrypt(plain, [prefix.encode(), sector.encode()]))

    def resolve(self, pseudonym: str, prefix: str, sector: str) -> str:
        """Return the UUID behind a pseudonym of `sector`; raise `PseudonymError` if it is none."""
        siv = self._siv_for(prefix, sector)
        if not pseudonym.startswith(prefix):
            raise PseudonymError("not a pseudonym of this kind")
        try:
            box = decode_base64url(pseudonym.removeprefix(prefix))
            return str(UUID(bytes=siv.decrypt(box, [prefix.encode(), sector.encode()])))
        except (InvalidTag, ValueError):
            raise PseudonymError("not a pseudonym of this sector") from None

    def _derive(self, use: str, purpose: str, size: int) -> bytes:
        if not purpose:
            raise ValueError("a purpose has a name")
        # A zero byte cannot stand in either name, so no two pairs share an info string.
        info = b"\0".join((use.encode(), purpose.encode()))
        return HKDFExpand(hashes.SHA256(), size, info).derive(self._root)

    def _seal_for(self, purpose: str) -> AESGCMSIV:
        # Not kept: there is a purpose for each person and session, and deriving one costs microseconds.
        return AESGCMSIV(self._derive("seal", purpose, 32))

    def _siv_for(self, prefix: str, sector: str) -> AESSIV:
        if prefix not in PREFIXES:
            raise PseudonymError("unknown kind of pseudonym")
        if not sector:
            raise PseudonymError("a pseudonym needs a sector")
        siv = self._sectors.get(sector)
        if siv is None:
            siv = self._sectors[sector] = AESSIV(self._derive("sector", sector, 64))
        return siv
