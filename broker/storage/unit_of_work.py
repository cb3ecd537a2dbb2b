"""One use case, one transaction: the stores share a connection and are committed together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from broker.storage.activation import SqlActivationStore
from broker.storage.bulk import SqlBulkStore
from broker.storage.cascades import SqlCascadeStore
from broker.storage.contacts import SqlContactStore
from broker.storage.data_subjects import SqlDataSubjectStore
from broker.storage.documents import SqlDocumentStore
from broker.storage.grants import SqlGrantStore
from broker.storage.journal import SqlJournalStore
from broker.storage.mandates import SqlMandateStore
from broker.storage.outbox import SqlOutboxStore
from broker.storage.parties import SqlPartyStore
from broker.storage.registry import SqlRegistryStore
from broker.storage.retention import SqlRetentionStore
from broker.storage.reviews import SqlReviewStore
from broker.storage.revision import Revision
from broker.storage.sessions import SqlSessionStore
from broker.storage.staff import SqlStaffStore
from broker.storage.status import SqlStatusStore
from broker.storage.transactions import Transaction
from broker.storage.uses import SqlUseStore
from broker.storage.vault_keys import SqlVaultKeyStore


class SqlUnitOfWork:
    """`ports.UnitOfWork`. Used once, by one thread, in a `with` statement; its stores live as long."""

    def __init__(self, begin: Callable[[], Transaction], *, writes: bool, status_list_size: int) -> None:
        self._begin = begin
        self._writes = writes
        self._status_list_size = status_list_size

    def __enter__(self) -> Self:
        """Begin. Raise `UnavailableError` if the database is away or stays locked."""
        self._transaction = self._begin()
        self._connection = connection = self._transaction.connection
        self._revision = revision = Revision(connection)
        self.parties = SqlPartyStore(connection, revision)
        self.mandates = SqlMandateStore(connection, revision, writes=self._writes)
        self.sessions = SqlSessionStore(connection, writes=self._writes)
        self.grants = SqlGrantStore(connection)
        self.status = SqlStatusStore(connection, self._status_list_size)
        self.journal = SqlJournalStore(connection)
        self.data_subjects = SqlDataSubjectStore(connection)
        self.retention = SqlRetentionStore(connection)
        self.registry = SqlRegistryStore(connection)
        self.vault_keys = SqlVaultKeyStore(connection, writes=self._writes)
        self.activation = SqlActivationStore(connection)
        self.contacts = SqlContactStore(connection)
        self.documents = SqlDocumentStore(connection)
        self.reviews = SqlReviewStore(connection)
        self.uses = SqlUseStore(connection)
        self.cascades = SqlCascadeStore(connection)
        self.staff = SqlStaffStore(connection, writes=self._writes)
        self.bulk = SqlBulkStore(connection)
        self.outbox = SqlOutboxStore(connection)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Roll back unless `commit` was called, and give the connection back."""
        try:
            # To a reader it is the same, but psycopg forgets its prepared statements at a ROLLBACK,
            # and planning one again takes ten times as long as running it.
            if kind is None and not self._writes:
                self._transaction.commit()
        finally:
            self._transaction.close()

    def commit(self) -> int | None:
        """Make everything durable, once; return the revision that this made, None if it made none.

        Raise `RuntimeError` in a read unit or the second time.
        """
        if not self._writes:
            raise RuntimeError("a read unit has nothing to commit")
        if not self._transaction.is_active:
            raise RuntimeError("this unit of work is over")
        revision = self._revision.settle()
        self._transaction.commit()
        return revision
