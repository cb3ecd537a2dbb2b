"""The composition root: from `Settings` to `Services`. Nobody else imports storage or upstream."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from broker.clock import system_clock
from broker.flows import registry, vault_keys
from broker.flows.status_lists import uri as status_uri
from broker.numbers import BelgianNumbers
from broker.ports import Clock, Database, EphemeralStore, Services, Upstream
from broker.spreadsheets import ExcelSpreadsheets
from broker.storage.database import SqlDatabase
from broker.storage.ephemeral_memory import MemoryStore
from broker.storage.ephemeral_redis import RedisStore
from broker.upstream.acm import AcmUpstream
from broker.upstream.tables import UpstreamTables
from config.settings import ROOT, Settings
from config.vms import VmsFormat
from keys.envelope import MasterKeys
from keys.keyring import Keyring
from keys.vault import Vault
from mandates.catalogue import Catalogue, load_catalogue
from mandates.model import Instant
from volmacht_guard import Guard, InvalidTokenError, VerificationKey

T = TypeVar("T")


class Registered(Generic[T]):
    """A value made from the registry, made anew when the registry's version in SQL has grown.

    The version is read at most once a second, so that `keys rotate` or a changed
    catalogue on the command line reaches a running broker within that second.
    """

    def __init__(self, database: Database, clock: Clock, make: Callable[[], T]) -> None:
        self._database = database
        self._clock = clock
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[int, T] | None = None
        self._checked_at: Instant = -1

    def __call__(self) -> T:
        """The value that fits the newest registry."""
        now, made = self._clock(), self._made
        if made is not None and self._checked_at == now:
            return made[1]
        with self._lock:
            if self._made is not None and self._checked_at == now:
                return self._made[1]  # another thread asked while this one waited
            with self._database.read() as uow:
                version = uow.registry.version()
            if self._made is None or self._made[0] != version:
                self._made = (version, self._make())
            self._checked_at = now
            return self._made[1]


class RingKeySource:
    """Our own keyring as the guard's key source: no HTTP to ourselves."""

    def __init__(self, keyring: Callable[[], Keyring], clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock

    def key(self, kid: str) -> VerificationKey | None:
        """The public key that signs tokens under this `kid`, while it is published."""
        return self._keyring().verification_key(kid, self._clock(), ("tokens",))


class SqlStatusSource:
    """Our own status, straight from SQL: not a second behind."""

    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._prefix = status_uri(issuer, "")

    def check(self, uri: str, index: int, now: int) -> None:
        """Raise `InvalidTokenError` unless this index was handed out and its bit is 0."""
        del now
        with self._database.read() as uow:
            entry = (
                uow.status.entry(uri.removeprefix(self._prefix), index)
                if uri.startswith(self._prefix)
                else None
            )
        if entry is None:
            raise InvalidTokenError("status_index", "the token is not in its list")
        if entry.revoked_at is not None:
            raise InvalidTokenError("revoked", "the token was revoked")


def open_database(settings: Settings) -> SqlDatabase:
    """The database of these settings, its schema as it is."""
    # A write unit may read the registry beside it: two connections a thread are enough, never too few.
    return SqlDatabase(settings.database_url, connections=max(10, 2 * settings.threads))


def build(settings: Settings, clock: Clock = system_clock, upstream: Upstream | None = None) -> Services:
    """Everything that a use case may reach.

    The schema must be current (`volmacht db upgrade`); keys of a purpose that has
    none are made, and the catalogue file is loaded when none was.
    """
    database = open_database(settings)
    now = clock()
    masters = MasterKeys(settings.master_key, settings.master_key_previous)
    vault = vault_keys.open_vault(database, masters, now)
    registry.ensure_keys(database, vault, now)
    if _stored_catalogue(database) is None:
        registry.store_catalogue(database, settings.catalogue_file.read_text(encoding="utf-8"), now)
    keyring = Registered(database, clock, lambda: _keyring(database, vault))
    issuer = settings.issuer
    key_source, status_source = RingKeySource(keyring, clock), SqlStatusSource(database, issuer)

    def guard(audience: str) -> Guard:
        return Guard(issuer, audience, key_source, status_source, clock=clock)

    return Services(
        settings=settings,
        clock=clock,
        database=database,
        ephemeral=_ephemeral(settings, clock),
        vault=vault,
        keyring=keyring,
        catalogue=Registered(database, clock, lambda: _catalogue(database)),
        upstream=upstream or AcmUpstream(settings, UpstreamTables.from_file(settings.upstreams_file), clock),
        numbers=BelgianNumbers(),
        spreadsheets=ExcelSpreadsheets(),
        vms=VmsFormat.from_file(ROOT / "config" / "vms.toml"),
        guard=guard,
    )


def own_guards(services: Services) -> tuple[Guard, Guard]:
    """The guards of our own APIs: UserInfo, and everything under /api/v1."""
    issuer = services.settings.issuer
    return services.guard(issuer), services.guard(f"{issuer}/api/v1")


def _ephemeral(settings: Settings, clock: Clock) -> EphemeralStore:
    return RedisStore(settings.redis_url, clock) if settings.redis_url else MemoryStore(clock)


def _keyring(database: Database, vault: Vault) -> Keyring:
    with database.read() as uow:
        vault.adopt(uow.vault_keys.all())  # replacing one raises the registry's version, too
        return Keyring(uow.registry.keys(), vault)


def _stored_catalogue(database: Database) -> tuple[str, str] | None:
    with database.read() as uow:
        return uow.registry.catalogue()


def _catalogue(database: Database) -> Catalogue:
    stored = _stored_catalogue(database)
    if stored is None:
        raise LookupError("no catalogue is stored")
    return load_catalogue(stored[1])
