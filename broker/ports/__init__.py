"""What a flow needs from outside, as Protocols; the records that pass through stand in `records`.

Stores are handed out by a unit of work: everything that one use case reads and
writes stands in one transaction, the journal rows included. The ephemeral store
stands apart: it holds only what may be lost (codes, pushed requests, replay
marks), and losing it never grants anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from broker.ports.documents import DocumentStore
from broker.ports.journal import DataSubjectStore, JournalStore, RetentionStore
from broker.ports.life import ActivationStore, BulkStore, CascadeStore, OutboxStore, ReviewStore, UseStore
from broker.ports.mandates import MandateStore
from broker.ports.outside import ClientKeys, Clock, EphemeralStore, Mark, NumberChecks, Spreadsheets, Upstream
from broker.ports.parties import ContactStore, PartyStore, VaultKeyStore
from broker.ports.registry import RegistryStore, StaffStore
from broker.ports.sign_in import GrantStore, SessionStore, StatusStore
from broker.records import Issue, Question, Registrations, Snapshot, Standing, StatusEntry
from config.settings import Settings
from config.vms import VmsFormat
from keys.keyring import Keyring
from keys.vault import Vault
from mandates.catalogue import Catalogue
from mandates.model import Instant
from volmacht_guard import Guard

__all__ = [
    "ActivationStore",
    "BulkStore",
    "CascadeStore",
    "ClientKeys",
    "Clock",
    "ContactStore",
    "DataSubjectStore",
    "Database",
    "DocumentStore",
    "EphemeralStore",
    "GrantStore",
    "JournalStore",
    "MandateStore",
    "Mark",
    "NumberChecks",
    "OutboxStore",
    "PartyStore",
    "RegistrationSource",
    "RegistryStore",
    "RetentionStore",
    "ReviewStore",
    "Services",
    "SessionStore",
    "Spreadsheets",
    "StaffStore",
    "StatusStore",
    "UnitOfWork",
    "Upstream",
    "UseStore",
    "VaultKeyStore",
]


class UnitOfWork(Protocol):
    """One transaction. Leaving it without `commit()` rolls back."""

    parties: PartyStore
    mandates: MandateStore
    sessions: SessionStore
    grants: GrantStore
    status: StatusStore
    journal: JournalStore
    data_subjects: DataSubjectStore
    retention: RetentionStore
    registry: RegistryStore
    bulk: BulkStore
    outbox: OutboxStore
    vault_keys: VaultKeyStore
    activation: ActivationStore
    contacts: ContactStore
    documents: DocumentStore
    reviews: ReviewStore
    uses: UseStore
    cascades: CascadeStore
    staff: StaffStore

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def commit(self) -> int | None:
        """Make everything durable; return the revision that this made, None if it changed no decision."""


class Database(Protocol):
    """Where units of work come from."""

    def write(self) -> UnitOfWork:
        """A transaction that may write (SQLite: BEGIN IMMEDIATE)."""

    def read(self) -> UnitOfWork:
        """A consistent view that never writes; `commit` on it is an error."""

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Everything that can make the chains asked about, as `MandateStore.between` for each.

        With all parties and caseload entries that they need: one statement, one round trip, one moment.
        """

    def is_revoked(self, status_list: str, index: int) -> bool | None:
        """Whether this bit is set, and nothing else about it; None if it was never handed out."""

    def standing(self, status_list: str, index: int, mandate: str | None) -> Standing | None:
        """What the token at this place of a list stands on, and what can make a chain from a mandate.

        From the principal of `mandate` to the grant's actor, that is; an unknown mandate and
        none give no mandates. None if the place was never handed out. One statement, as `look`.
        """

    def issue(self, issue: Issue, now: Instant) -> StatusEntry:
        """Store the index of a judged token and its journal row; durable when it returns.

        Raise `ChangedError` if mandates or registrations moved since the judgement,
        `ConflictError` if the grant has ended. Issues that arrive while another one is being
        committed share the next commit.
        """

    def upgrade(self) -> None:
        """Bring the schema to the newest migration."""

    def schema_is_current(self) -> bool: ...
    def close(self) -> None: ...


class RegistrationSource(Protocol):
    """What is registered, kept, and compared with the database about once a second."""

    def __call__(self) -> Registrations: ...
    def renew(self) -> Registrations:
        """As they are in the database at this moment."""


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
    spreadsheets: Spreadsheets
    vms: VmsFormat
    guard: Callable[..., Guard]
    """The verifier of our own tokens: of an audience, and of a source of status if not our own SQL."""
    registrations: RegistrationSource
    client_keys: ClientKeys
