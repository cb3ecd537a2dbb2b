"""The composition root: from `Settings` to `Services`. Nobody else imports storage or upstream."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

from broker.clock import system_clock
from broker.flows import registry, vault_keys
from broker.flows.status_lists import list_at
from broker.numbers import BelgianNumbers
from broker.ports import Clock, Database, EphemeralStore, Services, Upstream
from broker.records import Registrations
from broker.spreadsheets import ExcelSpreadsheets
from broker.storage.database import SqlDatabase
from broker.storage.ephemeral_memory import MemoryStore
from broker.storage.ephemeral_redis import RedisStore
from broker.upstream.acm import AcmUpstream
from broker.upstream.client_keys import ClientKeySets
from broker.upstream.guarded_fetch import GuardedFetcher
from broker.upstream.tables import UpstreamTables
from config.settings import ROOT, Settings
from config.vms import VmsFormat
from keys.algorithms import PURPOSES
from keys.envelope import MasterKeys
from keys.keyring import Keyring
from keys.vault import Vault
from mandates.catalogue import Catalogue, load_catalogue
from mandates.model import Instant
from volmacht_guard import Guard, InvalidTokenError, StatusSource, VerificationKey

T = TypeVar("T")


class RegistryVersion:
    """The registry's version in SQL, read at most once a second.

    So `keys rotate` or a changed catalogue on the command line reaches a running broker within
    that second. There is one for all that is made from the registry: whoever judges by the
    catalogue and stores under the version of the registrations never has an older catalogue
    than that.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read: tuple[Instant, int] = (-1, -1)

    def __call__(self) -> int:
        """The version as it was a second ago at most."""
        now, (read_at, version) = self._clock(), self._read
        if read_at == now:
            return version
        with self._lock:
            # Another thread may have read it while this one waited.
            return self._read[1] if self._read[0] == now else self._read_at(now)

    def renew(self) -> int:
        """The version of this very moment: somebody saw that it moved."""
        with self._lock:
            return self._read_at(self._clock())

    def _read_at(self, now: Instant) -> int:
        with self._database.read() as uow:
            version = uow.registry.version()
        self._read = (now, version)
        return version


class Registered(Generic[T]):
    """A value made from the registry, made anew when the registry's version has grown.

    `make` is told that version: what it reads is as it was then or later, never called newer.
    """

    def __init__(self, version: RegistryVersion, make: Callable[[int], T]) -> None:
        self._version = version
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[int, T] | None = None

    def __call__(self) -> T:
        """The value that fits the registry as it was a second ago at most."""
        return self._fitting(self._version())

    def renew(self) -> T:
        """The value that fits the registry of this very moment."""
        return self._fitting(self._version.renew())

    def _fitting(self, version: int) -> T:
        made = self._made
        if made is not None and made[0] >= version:
            return made[1]
        with self._lock:
            if self._made is None or self._made[0] < version:
                self._made = (version, self._make(version))
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
        self._issuer = issuer

    def check(self, uri: str, index: int, now: int) -> None:
        """Raise `InvalidTokenError` unless this index was handed out and its bit is 0."""
        del now
        revoked = self._database.is_revoked(list_at(self._issuer, uri), index)
        if revoked is None:
            raise InvalidTokenError("status_index", "the token is not in its list")
        if revoked:
            raise InvalidTokenError("revoked", "the token was revoked")


class ReplayMarks:
    """Used proofs for the guard, in the store that all workers share (RFC 9449 section 11.1)."""

    def __init__(self, ephemeral: EphemeralStore) -> None:
        self._ephemeral = ephemeral

    def claim(self, key: str, ttl: int, issued_at: int) -> bool:
        """Whether this is the first use, of a proof that the store cannot have forgotten (decision 0005)."""
        free, epoch = self._ephemeral.claim_all([("dpop", key, ttl)])
        return free and issued_at >= epoch


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
    version = RegistryVersion(database, clock)
    keyring = Registered(version, lambda _: _keyring(database, vault))
    ephemeral = _ephemeral(settings, clock)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        ephemeral=ephemeral,
        vault=vault,
        keyring=keyring,
        catalogue=Registered(version, lambda _: _catalogue(database)),
        upstream=upstream or AcmUpstream(settings, UpstreamTables.from_file(settings.upstreams_file), clock),
        numbers=BelgianNumbers(),
        spreadsheets=ExcelSpreadsheets(),
        vms=VmsFormat.from_file(ROOT / "config" / "vms.toml"),
        guard=_guards(settings.issuer, database, keyring, ephemeral, clock),
        registrations=Registered(version, lambda at: _registrations(database, at)),
        client_keys=ClientKeySets(GuardedFetcher(demo=settings.demo)),
    )


def _guards(
    issuer: str, database: Database, keyring: Callable[[], Keyring], ephemeral: EphemeralStore, clock: Clock
) -> Callable[..., Guard]:
    """Make guards: each once, for they are of the audiences that the broker itself is."""
    key_source, status_source = RingKeySource(keyring, clock), SqlStatusSource(database, issuer)
    replays = ReplayMarks(ephemeral)

    @lru_cache(maxsize=16)
    def guard(audience: str, status: StatusSource | None = None) -> Guard:
        return Guard(
            issuer,
            audience,
            key_source,
            status or status_source,
            algorithms=PURPOSES["tokens"],  # also of what was signed before a change of algorithm
            clock=clock,
            replays=replays,
        )

    return guard


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


def _registrations(database: Database, version: int) -> Registrations:
    """All of one moment: a read unit sees nothing that came after its beginning."""
    with database.read() as uow:
        clients = {one.id: one for one in uow.registry.clients()}
        audiences = {one.uri: one for one in uow.registry.audiences()}
        return Registrations(version, clients, audiences)


def _stored_catalogue(database: Database) -> tuple[str, str] | None:
    with database.read() as uow:
        return uow.registry.catalogue()


def _catalogue(database: Database) -> Catalogue:
    stored = _stored_catalogue(database)
    if stored is None:
        raise LookupError("no catalogue is stored")
    return load_catalogue(stored[1])
