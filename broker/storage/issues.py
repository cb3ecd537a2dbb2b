"""Issuing: the status index and the journal row of a judged token, durable before it is signed.

A commit waits for the disk, longer than all the rest takes. So threads that come while
one commit runs share the next one: the first of those that wait leads, commits what
waits, hands each its entry or its error, and passes the lead on. Nobody sleeps to make
a group grow.

What would make a group wait for somebody else (a row that another transaction holds), and
what makes it fail as a whole (two that drew the same index), is left to those concerned,
each in a transaction and a thread of its own: nobody's issue harms another's.

Who may issue beside who revokes is told in `status`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from broker.port_errors import ConflictError, PortError, UnavailableError
from broker.records import Issue, StatusEntry
from mandates.model import Instant

_TOGETHER = 64
"""Issues in one commit at most."""
_TRIES = 8
"""How often one that goes alone meets another that was faster before it gives up."""

Asked = tuple[Issue, Instant]
"""What is to be stored, and when that is."""
Outcome = StatusEntry | PortError | None
"""None: it must go alone."""


class Committer(Protocol):
    """Stores issues in one transaction of one of the databases."""

    def together(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Store what can be stored without waiting for anybody. Raise a `PortError` if nothing was."""

    def alone(self, asked: Asked) -> StatusEntry:
        """Store one, waiting for whoever holds what it rests on; errors as `ports.Database.issue`.

        `CrossedError` if another hand was faster at something that says nothing about the issue.
        """

    def close(self) -> None:
        """Close the connections that are not in use."""


class CrossedError(ConflictError):
    """Two drew the same index, or stood in each other's way: the next try will do."""

    code = "crossed"


@dataclass(slots=True, eq=False)
class _Waiting:
    """A thread that waits, or that is to lead."""

    asked: Asked
    turn: Lock
    """Held until there is an outcome, or the lead."""
    outcome: Outcome = None
    leads: bool = False


class Issues:
    """The queue before the commit, of one process."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._lock = Lock()
        self._queue: deque[_Waiting] = deque()
        self._led = False

    def issue(self, issue: Issue, now: Instant) -> StatusEntry:
        """Store it; errors as `ports.Database.issue`."""
        mine = _Waiting((issue, now), Lock())
        mine.turn.acquire()
        with self._lock:
            self._queue.append(mine)
            mine.leads = not self._led
            self._led = True
        if not mine.leads:
            mine.turn.acquire()  # released by whoever leads before us
        if mine.leads:
            self._lead()
        if mine.outcome is None:
            return self._alone(mine.asked)
        if isinstance(mine.outcome, PortError):
            raise mine.outcome
        return mine.outcome

    def _lead(self) -> None:
        """Commit what waits, ourselves first, and pass the lead on."""
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(_TOGETHER, len(self._queue)))]
        outcomes: list[Outcome] = [UnavailableError("whoever committed for this one was cut off")] * len(
            group
        )
        try:
            outcomes = self._together([one.asked for one in group])
        finally:
            for one, outcome in zip(group, outcomes, strict=True):
                one.outcome = outcome
                if not one.leads:
                    one.turn.release()
            self._pass_on()

    def _together(self, asked: Sequence[Asked]) -> list[Outcome]:
        try:
            return self._committer.together(asked)
        except ConflictError:
            return [None] * len(asked)
        except PortError as error:
            return [error] * len(asked)

    def _pass_on(self) -> None:
        with self._lock:
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].turn.release()
            else:
                self._led = False

    def _alone(self, asked: Asked) -> StatusEntry:
        for _ in range(_TRIES):
            try:
                return self._committer.alone(asked)
            except CrossedError:
                continue
        raise UnavailableError("others were faster each time")
