"""What a store may answer instead of a value.

They stand beside `ports`, so that a flow can catch them without knowing which
database or server stands behind a port. Their texts name a table or a kind of
thing, never a key, number or token: they end up in logs.
"""

from __future__ import annotations

from typing import ClassVar


class PortError(Exception):
    """Base of everything that a store raises on purpose."""

    code: ClassVar[str] = "port_error"


class NotFoundError(PortError):
    """Something was asked for, or referred to, that is not stored."""

    code: ClassVar[str] = "not_found"


class ConflictError(PortError):
    """Somebody else was first: the key is taken, or the stored version is not the one that was read."""

    code: ClassVar[str] = "conflict"


class ChangedError(PortError):
    """What was judged is not what is stored any more: judge again."""

    code: ClassVar[str] = "changed"


class ImpossibleStateError(PortError):
    """The schema forbids what was to be stored: a fault of ours, found before it did harm."""

    code: ClassVar[str] = "impossible_state"


class UnavailableError(PortError):
    """The store is away, full or too busy: nothing may be issued now, and trying later may help."""

    code: ClassVar[str] = "unavailable"


class JournalDamagedError(PortError):
    """The stored tree of the journal is not the one that was signed: somebody was at it."""

    code: ClassVar[str] = "journal_damaged"
