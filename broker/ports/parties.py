"""People and organisations, how they are reached, and the keys that hide their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from broker.records import (
    Contact,
    NewParty,
    VaultedValue,
)
from keys.envelope import VaultKeyRecord
from mandates.model import Instant, Party


class PartyStore(Protocol):
    """People and organisations, and the identities that they are known by."""

    def get(self, party: str) -> Party:
        """Raise `NotFoundError` if unknown."""

    def get_many(self, parties: Iterable[str]) -> dict[str, Party]:
        """One query, whatever the number; unknown ids are left out."""

    def find_by_insz_index(self, *indexes: str) -> Party | None:
        """The person under any of these, which are one number's. One query."""

    def find_by_kbo(self, kbo: str) -> Party | None: ...
    def find_by_identity(self, issuer: str, subject: str) -> Party | None: ...
    def identities(self, party: str) -> list[tuple[str, str]]:
        """(issuer, subject) pairs by which the party is known."""

    def insz_sealed(self, party: str) -> str | None: ...
    def insz_sealed_many(self, parties: Iterable[str]) -> dict[str, str]:
        """Party -> its sealed number, of many; those without a number are left out. One query."""

    def add(self, new: NewParty, now: Instant) -> None:
        """Raise `ConflictError` if the id, the number or the KBO is taken."""

    def save(self, party: Party, now: Instant) -> None:
        """Change a stored party's facts (not kind, KBO or number); the version before it is kept."""

    def add_many(self, new: Sequence[NewParty], now: Instant) -> None:
        """All or none. Raise `ConflictError` if an id or a number is taken."""

    def find_by_insz_indexes(self, indexes: Iterable[str]) -> dict[str, Party]:
        """Keyed index -> person, for many at once; unknown ones are left out."""

    def find_by_ovo(self, ovo: str) -> Party | None: ...
    def find_by_kbos(self, kbos: Iterable[str]) -> dict[str, Party]:
        """Enterprise number -> organisation, for many at once; unknown ones are left out."""

    def organisations(self) -> list[Party]:
        """Every organisation, by enterprise number."""

    def save_many(self, parties: Sequence[Party], now: Instant) -> None:
        """As `save`, all or none."""

    def set_insz(self, party: str, index: str, sealed: str) -> None:
        """Give a person the number that she lacks. Raise `ConflictError` if it is taken or she has one."""

    def add_identity(self, issuer: str, subject: str, party: str, now: Instant) -> None:
        """Raise `ConflictError` if (issuer, subject) is known already."""


class ContactStore(Protocol):
    """Where letters go."""

    def put(self, contact: Contact) -> None:
        """Replaces what was on record."""

    def find(self, party: str) -> Contact | None: ...


class VaultKeyStore(Protocol):
    """The data keys of the vault, wrapped; and everything that is sealed or indexed under one."""

    def all(self) -> list[VaultKeyRecord]:
        """In a write unit nobody adds or drops a key from here until its end."""

    def claim(self) -> None:
        """Wait until no write unit rests on the keys as they are; until commit, none can."""

    def add_missing(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Leave out each whose use has a current key already."""

    def put(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Replace `wrapped` and `retired_at` of stored keys."""

    def drop(self, keys: Iterable[str]) -> None: ...
    def elsewhere(self, place: str, prefix: str, after: str, limit: int) -> list[VaultedValue]:
        """What does not begin with `prefix` in a place (`table.column`), by key, from `after` on."""

    def move(self, place: str, changes: Sequence[tuple[VaultedValue, str]]) -> int:
        """Put the new text in place of each that is still the same. Returns how many were."""
