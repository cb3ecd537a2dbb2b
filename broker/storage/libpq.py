"""A connection to PostgreSQL as libpq knows it: constant statements prepared once, rows read by psycopg.

A cursor of psycopg takes three times as long for the same, and a pipeline of them six
times: each execution parses its text again, looks its parameters up and steps through
generators. Here a statement is prepared once a connection, and from then on its name
and its values travel. Values are written and read by psycopg's own adapters.

Waiting for the server is done in libpq or in `poll`, so other threads run meanwhile.
"""

from __future__ import annotations

import re
import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Keys = Mapping[str, Any]
Asked = tuple[str, Keys]
"""A constant text in psycopg's own spelling of parameters, `%(name)s`, and their values."""
Rows = list[tuple[Any, ...]]

_PLACE = re.compile(r"%\((\w+)\)s|%%")
_GOOD = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_numbers = count()


@dataclass(frozen=True, slots=True)
class _Statement:
    """A text as the server takes it."""

    name: bytes
    text: bytes
    places: tuple[str, ...]
    """Names of its parameters: the first is `$1`."""
    formats: tuple[PyFormat, ...]


@lru_cache(maxsize=64)
def _statement(text: str) -> _Statement:
    """Kept by its text, of which there are a handful: all are constants of ours."""
    places: dict[str, int] = {}
    numbered = _PLACE.sub(
        lambda found: f"${places.setdefault(found[1], len(places) + 1)}" if found[1] else "%", text
    )
    name = f"volmacht_{next(_numbers)}".encode()
    return _Statement(name, numbered.encode(), tuple(places), (PyFormat.TEXT,) * len(places))


class Libpq:
    """Of one connection, used by one thread at a time. Whoever meets an error drops the connection.

    Every method raises the `psycopg.Error` that psycopg itself would raise.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._libpq: Any = driver.pgconn
        self._transformer = Transformer(driver)
        self._prepared: set[bytes] = set()

    def rows(self, text: str, keys: Keys) -> Rows:
        """Run one statement."""
        name, values = self._ready(text, keys)
        return self._read(self._libpq.exec_prepared(name, values))

    def rows_of_all(self, asked: Sequence[Asked]) -> list[Rows]:
        """Run several statements in their order, in one round trip; after an error none of the rest runs."""
        ready = [self._ready(text, keys) for text, keys in asked]
        libpq = self._libpq
        libpq.enter_pipeline_mode()
        for name, values in ready:
            libpq.send_query_prepared(name, values)
        libpq.pipeline_sync()
        # Each answer is followed by a None, the last pair by what answers the sync.
        answers = [self._awaited() for _ in range(2 * len(ready) + 1)]
        libpq.exit_pipeline_mode()
        return [self._read(answer) for answer in answers[: 2 * len(ready) : 2]]

    def _ready(self, text: str, keys: Keys) -> tuple[bytes, Sequence[Any]]:
        """The statement's name, once it is prepared here, and its values as the server reads them."""
        statement = _statement(text)
        if statement.name not in self._prepared:
            self._read(self._libpq.prepare(statement.name, statement.text))
            self._prepared.add(statement.name)
        values = [keys[place] for place in statement.places]
        return statement.name, self._transformer.dump_sequence(values, statement.formats)

    def _awaited(self) -> PGresult | None:
        """The next answer, sending meanwhile what the server has not yet taken."""
        libpq = self._libpq
        while (unsent := libpq.flush()) or libpq.is_busy():
            poll = select.poll()
            poll.register(libpq.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            poll.poll()
            libpq.consume_input()
        answer: PGresult | None = libpq.get_result()
        return answer

    def _read(self, answer: PGresult | None) -> Rows:
        if answer is None or self._libpq.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        if answer.status not in _GOOD:
            raise error_from_result(answer, "utf-8")
        self._transformer.set_pgresult(answer)
        return self._transformer.load_rows(0, answer.ntuples, tuple)
