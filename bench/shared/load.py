"""Load over plain sockets: prebuilt requests, kept connections, every answer looked at.

A general client would cost more than the broker that it measures. A throughput phase sends as
fast as answers come; a steady phase sends at a given rate and counts from the moment a request
was due, so that a stall is seen by all whom it kept waiting.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

CONNECTIONS = 16
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Run:
    """What a phase measured; latencies in seconds, sorted."""

    count: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))] * 1000


def post(path: str, port: int, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> bytes:
    """One request as bytes."""
    body = urlencode(form).encode()
    lines = [
        f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, port: int) -> bytes:
    """One request as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class ExhaustedError(Exception):
    """More requests were needed than were made ahead."""


def flat_out(port: int, requests: Iterator[bytes], marker: bytes, seconds: float) -> Run:
    """As fast as answers come, for so long."""
    return _run(port, requests, marker, seconds, None)


def steady(port: int, requests: Iterator[bytes], marker: bytes, seconds: float, rate: float) -> Run:
    """`rate` requests a second, each due at its own moment."""
    return _run(port, requests, marker, seconds, rate)


def _run(port: int, requests: Iterator[bytes], marker: bytes, seconds: float, rate: float | None) -> Run:
    lock, numbers, failed = threading.Lock(), itertools.count(), []
    latencies: list[float] = []
    begun = time.perf_counter()

    def work() -> None:
        mine: list[float] = []
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not failed:
                    with lock:
                        number, request = next(numbers), next(requests, None)
                    due = begun + number / rate if rate else time.perf_counter()
                    if due - begun >= seconds:
                        break
                    if (wait := due - time.perf_counter()) > 0:
                        time.sleep(wait)
                    answer(connection, made(request), marker)
                    mine.append(time.perf_counter() - due)
        except (OSError, ExhaustedError, UnexpectedAnswerError) as error:
            failed.append(error)
        latencies.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"the load stopped: {failed[0]!r}")
    return Run(len(latencies), time.perf_counter() - begun, sorted(latencies))


def made(request: bytes | None) -> bytes:
    """The request, if one is left."""
    if request is None:
        raise ExhaustedError
    return request


class UnexpectedAnswerError(Exception):
    """A benchmark that measures errors measures nothing."""


def answer(connection: socket.socket, request: bytes, marker: bytes) -> bytes:
    """Send one request and read its answer; raise unless it is a 2xx with `marker` in its body."""
    connection.sendall(request)
    received = connection.recv(65536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head = received[:end].lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    while len(received) < end + 4 + length:
        received += _more(connection)
    body = received[end + 4 :]
    if not head.startswith(b"http/1.1 2") or marker not in body:
        raise UnexpectedAnswerError(received[:600])
    return body


def _more(connection: socket.socket) -> bytes:
    more = connection.recv(65536)
    if not more:
        raise UnexpectedAnswerError("the connection was closed")
    return more
