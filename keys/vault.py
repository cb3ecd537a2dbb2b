"""What must be kept and not be readable: private keys, national numbers, the link behind a pseudonym.

A key for each use and purpose is derived from the data keys (`envelope`) with
HKDF-SHA256 (RFC 5869), so that no two uses ever share one. What is sealed for
one purpose opens for no other: a sealed private key that somebody copies into
the column of national numbers stays shut.

A sealed value is `s2.<id of its seal key>.<box>`; of before data keys it is
`s1.<box>`, under the root key, and opens for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from keys.encoding import decode_base64url, encode_base64url
from keys.envelope import FIRST_INDEX, DataKey, MasterKeys, VaultKeyRecord, root_of
from keys.errors import PseudonymError, SealError, VaultKeyError

PREFIXES = ("p-", "m-")
"""Kinds of pseudonym: person and mandate (tokens.md section 2)."""

_NAMES = 16_384
"""Pseudonyms that are kept, each way: who is at work is named again in every token."""
_ROOT_SEAL = "s1."
_DATA_SEAL = "s2."


class Vault:
    """Seals, indexes and makes pseudonyms under the data keys that it was given.

    It holds every key that it ever met, so that a running broker goes on while keys
    are replaced; `reload` is asked for the stored keys when a value names one that it
    has not met. Without any (`Vault(master)`) the root key follows from the master
    key and does everything, as it did before data keys were stored.

    The objects that hold derived keys are kept: deriving one costs more than
    using it. Purposes and sectors come from our own code and registrations,
    never from a request, so the caches stay small.
    """

    def __init__(
        self,
        masters: MasterKeys | bytes,
        records: Sequence[VaultKeyRecord] = (),
        reload: Callable[[], Sequence[VaultKeyRecord]] = tuple,
    ) -> None:
        self.masters = masters if isinstance(masters, MasterKeys) else MasterKeys(masters)
        self._reload = reload
        self._records: dict[str, VaultKeyRecord] = {}
        self._adopting = threading.Lock()
        self._secrets: dict[str, bytes] = {}
        self._seals: dict[str, DataKey] = {}
        self._indexes: dict[str, bytes] = {}
        self._sectors: dict[str, AESSIV] = {}
        self._names = lru_cache(maxsize=_NAMES)(self._name)
        self._named = lru_cache(maxsize=_NAMES)(self._identifier)
        self.adopt(records)
        root = next((record for record in records if record.use == "root"), None)
        self._root = DataKey(self._secret(root) if root else root_of(self.masters.known[0]))

    def __repr__(self) -> str:
        """Say nothing: a vault in a traceback must not show its keys."""
        return "Vault(...)"

    def adopt(self, records: Iterable[VaultKeyRecord]) -> None:
        """Learn of keys that were made or retired since. What is known is never unlearned.

        So an old view of the database, brought by a slow transaction, does no harm.
        """
        with self._adopting:
            known = dict(self._records)
            for record in records:
                if known.get(record.id) is None or record.retired_at is not None:
                    known[record.id] = record
            self._records = known

    def seal(self, plaintext: bytes, purpose: str) -> str:
        """Return `plaintext` sealed for `purpose` under the current seal key, as ASCII text."""
        current = self._current_seal()
        if current is None:
            return _ROOT_SEAL + self._root.box(plaintext, purpose)
        return self.prefix(current) + self._seal_key(current).box(plaintext, purpose)

    def open(self, sealed: str, purpose: str) -> bytes:
        """Return what was sealed for `purpose`; raise `SealError` if anything differs."""
        if sealed.startswith(_ROOT_SEAL):
            return self._root.unbox(sealed.removeprefix(_ROOT_SEAL), purpose)
        key_id, _, box = sealed.removeprefix(_DATA_SEAL).partition(".")
        if not sealed.startswith(_DATA_SEAL) or not box:
            raise SealError("not a sealed value of this vault")
        if key_id not in self._records:
            self.adopt(self._reload())  # made by another process, after this one last looked
        record = self._records.get(key_id)
        if record is None or record.use != "seal":
            raise SealError(f"a sealed value for {purpose} names a key that is not there")
        return self._seal_key(record).unbox(box, purpose)

    def index(self, value: str, purpose: str) -> str:
        """Return HMAC-SHA-256 of `value` as hex: equal values can be found, none can be guessed.

        A plain hash would not do: there are only some 10^10 national numbers.
        """
        key = self._indexes.get(purpose)
        if key is None:
            key = self._indexes[purpose] = self._root.derive("index", purpose, 32)
        return _hmac(key, value)

    def number_indexes(self, number: str, records: Sequence[VaultKeyRecord]) -> tuple[str, ...]:
        """Return the indexes of a national number under the index keys among `records`, the current first.

        `records` are the keys as the caller's transaction sees them: an index under a key
        that is not current any more would let one person be stored twice. What the
        transaction seals after this is under the seal key that it sees, too.
        Raises `VaultKeyError` if no index key is current.
        """
        self.adopt(records)
        keys = [record for record in records if record.use == "index"]
        keys.sort(key=lambda record: record.retired_at is not None)
        if not keys or keys[0].retired_at is not None:
            raise VaultKeyError("no index key is stored")
        return tuple(self.prefix(key) + _hmac(self._secret(key), number) for key in keys)

    def prefix(self, record: VaultKeyRecord) -> str:
        """How everything begins that is sealed or indexed under this key.

        Empty for the first index key: its indexes are older than the ids of keys.
        """
        if record.use == "index":
            return "" if record.id == FIRST_INDEX else f"{record.id}."
        return f"{_DATA_SEAL}{record.id}."

    def pseudonym(self, prefix: str, sector: str, identifier: str) -> str:
        """Return the name by which `sector` knows the party or mandate with UUID `identifier`.

        `prefix` + base64url(AES-SIV(sector key, UUID; associated data = prefix,
        sector)) (RFC 5297; tokens.md section 2): the same each time, different
        in every sector, invertible by the holder of the root key alone.
        Raises `PseudonymError` for another prefix, no sector, or no UUID.
        """
        return self._names(prefix, sector, identifier)

    def _name(self, prefix: str, sector: str, identifier: str) -> str:
        try:
            plain = UUID(identifier).bytes
        except ValueError:
            raise PseudonymError("a pseudonym is made of a UUID") from None
        siv = self._siv_for(prefix, sector)
        return prefix + encode_base64url(siv.encrypt(plain, [prefix.encode(), sector.encode()]))

    def resolve(self, pseudonym: str, prefix: str, sector: str) -> str:
        """Return the UUID behind a pseudonym of `sector`; raise `PseudonymError` if it is none.

        What was opened once is kept; what was not, is not.
        """
        return self._named(pseudonym, prefix, sector)

    def _identifier(self, pseudonym: str, prefix: str, sector: str) -> str:
        siv = self._siv_for(prefix, sector)
        if not pseudonym.startswith(prefix):
            raise PseudonymError("not a pseudonym of this kind")
        try:
            box = decode_base64url(pseudonym.removeprefix(prefix))
            return str(UUID(bytes=siv.decrypt(box, [prefix.encode(), sector.encode()])))
        except (InvalidTag, ValueError):
            raise PseudonymError("not a pseudonym of this sector") from None

    def _secret(self, record: VaultKeyRecord) -> bytes:
        # Kept by id: once opened, a key stays open also when it is wrapped by a master key not known here.
        secret = self._secrets.get(record.id)
        if secret is None:
            secret = self._secrets[record.id] = self.masters.unwrap(record)
        return secret

    def _current_seal(self) -> VaultKeyRecord | None:
        found = [one for one in self._records.values() if one.use == "seal" and one.retired_at is None]
        return max(found, key=lambda record: record.created_at, default=None)

    def _seal_key(self, record: VaultKeyRecord) -> DataKey:
        key = self._seals.get(record.id)
        if key is None:
            key = self._seals[record.id] = DataKey(self._secret(record))
        return key

    def _siv_for(self, prefix: str, sector: str) -> AESSIV:
        if prefix not in PREFIXES:
            raise PseudonymError("unknown kind of pseudonym")
        if not sector:
            raise PseudonymError("a pseudonym needs a sector")
        siv = self._sectors.get(sector)
        if siv is None:
            siv = self._sectors[sector] = AESSIV(self._root.derive("sector", sector, 64))
        return siv


def _hmac(key: bytes, value: str) -> str:
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
