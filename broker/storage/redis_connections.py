"""Connections to Redis or Valkey for what every token request asks: commands sent, answers read.

Through redis-py's pipelines the same costs five times as much: they wrap each command, take
the pool's lock twice and are ready to send again what failed. Nothing is sent again here.
The connections are redis-py's own, with its time-outs, TLS and authentication; they are
taken out of its pool once and kept, the last one used first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

Command = tuple[str | int, ...]


class RedisConnections:
    """Of one client, and closed with it; safe between threads."""

    def __init__(self, redis: Redis) -> None:
        self._pool: Any = redis.connection_pool
        self._idle: deque[Any] = deque()

    def answers(self, commands: Sequence[Command]) -> list[Any]:
        """Send all in one go and return their answers; raise a `RedisError` of theirs or of the connection.

        Some may have been carried out then: the server runs each for itself.
        """
        connection = self._take()
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            answers = [connection.read_response() for _ in commands]
        except BaseException:  # raised again: the next one must not read the answers that are still to come
            connection.disconnect()
            self._pool.release(connection)
            raise
        self._idle.append(connection)
        return answers

    def _take(self) -> Any:
        """One that the server did not close meanwhile, and on which nothing waits to be read."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._pool.get_connection()
        try:
            fresh = not connection.can_read(0)
        except (RedisError, OSError):
            fresh = False
        if fresh:
            return connection
        connection.disconnect()
        self._pool.release(connection)
        return self._pool.get_connection()
