"""What is registered: clients, audiences, keys, the catalogue, staff."""

from __future__ import annotations

from typing import Protocol

from broker.records import (
    Audience,
    Client,
    StaffRole,
)
from keys.keyring import KeyRecord
from mandates.model import Instant


class StaffStore(Protocol):
    """Staff roles given by the command line (mandates.md section 2)."""

    def all(self) -> list[StaffRole]: ...
    def roles_of(self, party: str) -> frozenset[str]: ...
    def give(self, role: StaffRole) -> None:
        """Raise `ConflictError` if she has it."""

    def take(self, party: str, role: str) -> bool:
        """False if she did not have it."""


class RegistryStore(Protocol):
    """Clients, audiences, keys and the catalogue: changed by the command line, read by all."""

    def find_client(self, client: str) -> Client | None: ...
    def clients(self) -> list[Client]: ...
    def put_client(self, client: Client) -> None: ...
    def remove_client(self, client: str) -> bool: ...
    def find_audience(self, uri: str) -> Audience | None: ...
    def audiences(self) -> list[Audience]: ...
    def put_audience(self, audience: Audience) -> None: ...
    def keys(self) -> list[KeyRecord]: ...
    def put_key(self, key: KeyRecord) -> None: ...
    def catalogue(self) -> tuple[str, str] | None:
        """(version, TOML text), or None when none was loaded yet."""

    def catalogue_at(self, known_at: Instant) -> tuple[str, str] | None:
        """The catalogue that was in force at this instant; None before the first one."""

    def put_catalogue(self, version: str, text: str, now: Instant) -> None: ...
    def version(self) -> int:
        """Grows with every put or remove; processes compare it to drop their caches."""

    def hold(self) -> int:
        """As `version`, held until the commit: a registration that changes waits for whoever issues on it."""
