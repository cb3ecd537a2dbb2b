"""What a flow needs from outside, as Protocols; the records that pass through stand in `records`.

Stores are handed out by a unit of work: everything that one use case reads and
writes stands in one transaction, the journal rows included. The ephemeral store
stands apart: it holds only what may be lost (codes, pushed requests, replay
marks), and losing it never grants anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from broker.records import (
    Audience,
    Checkpoint,
    Client,
    Grant,
    JournalEntry,
    JournalLeaf,
    LoginRequest,
    NewParty,
    RefreshToken,
    Session,
    StatusEntry,
    StatusList,
    UpstreamLogin,
)
from config.settings import Settings
from keys.keyring import KeyRecord, Keyring
from keys.vault import Vault
from mandates.catalogue import Catalogue
from mandates.events import Event
from mandates.model import Instant, Mandate, Party
from volmacht_guard import Guard

Clock = Callable[[], Instant]


# --- stores ----------------------------------------------------------------


class PartyStore(Protocol):
    """People and organisations, and the identities that they are known by."""

    def get(self, party: str) -> Party:
        """Raise `NotFoundError` if unknown."""

    def get_many(self, parties: Iterable[str]) -> dict[str, Party]:
        """One query, whatever the number; unknown ids are left out."""

    def find_by_insz_index(self, index: str) -> Party | None: ...
    def find_by_kbo(self, kbo: str) -> Party | None: ...
    def find_by_identity(self, issuer: str, subject: str) -> Party | None: ...
    def identities(self, party: str) -> list[tuple[str, str]]:
        """(issuer, subject) pairs by which the party is known."""

    def insz_sealed(self, party: str) -> str | None: ...
    def add(self, new: NewParty, now: Instant) -> None:
        """Raise `ConflictError` if the id, the number or the KBO is taken."""

    def save(self, party: Party) -> None:
        """Change name, organisation kinds, deceased_at or ceased_at of a stored party."""

    def set_insz(self, party: str, index: str, sealed: str) -> None:
        """Give a person the number that she lacks. Raise `ConflictError` if it is taken or she has one."""

    def add_identity(self, issuer: str, subject: str, party: str, now: Instant) -> None:
        """Raise `ConflictError` if (issuer, subject) is known already."""


class MandateStore(Protocol):
    """Mandates. Queries pre-select; `mandates.decide` judges."""

    def find(self, mandate: str) -> Mandate | None: ...
    def get_many(self, mandates: Iterable[str]) -> dict[str, Mandate]: ...
    def add(self, mandate: Mandate) -> None: ...
    def save(self, mandate: Mandate) -> None:
        """Store the next version. Raise `ConflictError` unless the stored version is one less."""

    def between(self, principal: str, actor: str, session: str | None = None) -> list[Mandate]:
        """Everything that can make a chain principal -> actor.

        That is: mandates principal -> actor, mandates principal -> X for the
        organisations X of which the actor holds a mandate X -> actor, and those
        X -> actor themselves. Ended ones included; of mandates from claims only those of
        this session, because no other serves it. One query.
        """

    def of_principal(self, principal: str) -> list[Mandate]:
        """What somebody gave; powers of sessions are left out."""

    def of_representatives(self, representatives: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Of mandates from claims, those of this session alone."""

    def of_session(self, session: str) -> list[Mandate]:
        """Mandates with `source = claims` of this session that have not ended."""

    def waiting(self) -> list[Mandate]:
        """Requests neither activated nor ended, oldest first."""

    def revision(self) -> int:
        """Grows with every mandate added or saved."""


class SessionStore(Protocol):
    """Sign-ins at the broker."""

    def add(self, session: Session) -> None: ...
    def find(self, session: str) -> Session | None: ...
    def touch(self, session: str, now: Instant) -> None: ...
    def end(self, session: str, now: Instant) -> None: ...


class GrantStore(Protocol):
    """Grants, their refresh tokens, and what people agreed to."""

    def add(self, grant: Grant) -> None: ...
    def find(self, grant: str) -> Grant | None: ...
    def end(self, grants: Iterable[str], reason: str, now: Instant) -> None:
        """End those that have not ended yet."""

    def live_on_mandates(self, mandates: Iterable[str]) -> list[Grant]:
        """Not ended, with one of these as mandate or as executor."""

    def live_of_session(self, session: str) -> list[Grant]: ...
    def live_of_client(self, client: str) -> list[Grant]: ...
    def add_refresh_token(self, token: RefreshToken) -> None: ...
    def find_refresh_token(self, token_hash: str) -> RefreshToken | None: ...
    def use_refresh_token(self, token_hash: str, now: Instant) -> bool:
        """Mark it used; False if it was used already. Atomic."""

    def remember_consent(self, party: str, client: str, scopes: Iterable[str], now: Instant) -> None: ...
    def forget_consents(self, client: str) -> None:
        """What people agreed to for this client counts no more: it is gone, or goes elsewhere now."""

    def consented(self, party: str, client: str) -> frozenset[str]:
        """Scopes that this person was shown for this client."""


class StatusStore(Protocol):
    """Allocation and revocation of status indices (tokens.md section 6)."""

    def allocate(self, grant: str, audience: str, exp: Instant, now: Instant) -> StatusEntry:
        """The live entry of (grant, audience), its last_exp raised to `exp`, or a fresh random index.

        Opens the audience's next list when the open one is three quarters full.
        An index is handed out once, also under concurrency.
        """

    def entry(self, status_list: str, index: int) -> StatusEntry | None: ...
    def revoke(self, grants: Iterable[str], now: Instant) -> int:
        """Set the bits of these grants' live entries and raise the lists' versions. Returns how many."""

    def lists(self) -> list[StatusList]: ...
    def find_list(self, status_list: str) -> StatusList | None: ...
    def revoked_indices(self, status_list: str) -> list[int]:
        """Indices of this list whose bit is set, decoys among them."""


class JournalStore(Protocol):
    """Append-only, by database rule."""

    def append(self, events: Sequence[Event], now: Instant) -> None: ...
    def tail(self, limit: int, mandate: str | None = None) -> list[JournalEntry]:
        """Newest first."""

    def all(self) -> Iterable[JournalEntry]:
        """Oldest first, streamed."""

    def unsequenced(self, limit: int) -> list[JournalEntry]:
        """Entries that have no leaf yet, oldest first."""

    def add_leaves(self, leaves: Sequence[JournalLeaf]) -> None: ...
    def leaves(self) -> list[JournalLeaf]: ...
    def add_checkpoint(self, checkpoint: Checkpoint) -> None: ...
    def checkpoints(self) -> list[Checkpoint]:
        """Oldest first."""


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

    def put_catalogue(self, version: str, text: str, now: Instant) -> None: ...
    def version(self) -> int:
        """Grows with every put or remove; processes compare it to drop their caches."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without `commit()` rolls back."""

    parties: PartyStore
    mandates: MandateStore
    sessions: SessionStore
    grants: GrantStore
    status: StatusStore
    journal: JournalStore
    registry: RegistryStore

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def commit(self) -> None: ...


class Database(Protocol):
    """Where units of work come from."""

    def write(self) -> UnitOfWork:
        """A transaction that may write (SQLite: BEGIN IMMEDIATE)."""

    def read(self) -> UnitOfWork:
        """A consistent view that never writes; `commit` on it is an error."""

    def upgrade(self) -> None:
        """Bring the schema to the newest migration."""

    def schema_is_current(self) -> bool: ...
    def close(self) -> None: ...


class EphemeralStore(Protocol):
    """What may be lost. Every value is a JSON object; every key has a time to live in seconds."""

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> None: ...
    def get(self, kind: str, key: str) -> dict[str, Any] | None: ...
    def replace(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> bool:
        """Store only if the key is there, in one atomic step: what was taken does not come back."""

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one atomic step: of two callers one gets it."""

    def claim(self, kind: str, key: str, ttl: int) -> bool:
        """Set if absent, atomically: True for the first caller within `ttl` seconds only."""

    def epoch(self) -> Instant:
        """When this store began to remember. A replay mark older than this may be lost."""

    def ping(self) -> None:
        """Raise `UnavailableError` if the store is away."""


class Upstream(Protocol):
    """An identity provider that people are sent to."""

    issuer: str

    def start(self, *, state: str, redirect_uri: str, force: bool = False) -> LoginRequest: ...
    def finish(
        self,
        unverified_response: Mapping[str, str],
        memory: Mapping[str, Any],
        redirect_uri: str,
        now: Instant,
    ) -> UpstreamLogin:
        """Redeem the code once and verify the ID token in full. Raise `UpstreamError`."""

    def logout_url(self, post_logout_redirect_uri: str, state: str) -> str | None: ...
    def check(self) -> str:
        """Fetch the metadata; one sentence on what was found. Raise `UpstreamError`."""


class NumberChecks(Protocol):
    """Check digits of Belgian numbers (python-stdnum, behind a port)."""

    def insz(self, typed: str) -> str:
        """The eleven digits; raise `InvalidTypedNumberError`."""

    def kbo(self, typed: str) -> str:
        """The ten digits; raise `InvalidTypedNumberError`."""


# --- everything together ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Services:
    """What a use case may reach. Built once, in `wiring`."""

    settings: Settings
    clock: Clock
    database: Database
    ephemeral: EphemeralStore
    vault: Vault
    keyring: Callable[[], Keyring]
    catalogue: Callable[[], Catalogue]
    upstream: Upstream
    numbers: NumberChecks
    guard: Callable[[str], Guard]
    """The verifier of our own tokens for one audience; the same that voucher services use."""
