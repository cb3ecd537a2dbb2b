"""Where a request's CPU goes: the same WSGI application, sampled in process, by the part it is in.

A timer interrupts one of several threads that send; the CPU that it used since belongs to the innermost
frame whose file is known. HTTP is what the served worker used beyond that.
"""

from __future__ import annotations

import io
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

EVERY = 0.0005
CROWD = 15
"""Threads that send beside the one that is looked at."""
PARTS = (
    ("Redis", ("/redis/", "/hiredis/", "/storage/ephemeral_")),
    ("SQL", ("/psycopg", "/sqlalchemy/", "/broker/storage/")),
    (
        "cryptography",
        (
            "/cryptography/", "/keys/", "/volmacht_guard/", "/joserfc/",
        ),
    ),
    ("Authlib", ("/authlib/",)),
    ("Flask", ("/flask/", "/werkzeug/", "/jinja2/", "/broker/app.", "/broker/endpoints/")),
    ("engine", ("/mandates/",)),
    ("ours", ("/broker/",)),
)  # fmt: skip


def environ(request: bytes) -> dict[str, Any]:
    """A prebuilt request as a WSGI server would hand it over."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    path, _, query = path.partition("?")
    found = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    for line in lines:
        name, _, value = line.partition(": ")
        plain = name.upper().replace("-", "_")
        found[plain if plain in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{plain}"] = value
    return found


def sampled(app: Any, requests: Sequence[bytes], served: float) -> Mapping[str, float]:
    """Microseconds of CPU a request spends in each part; `served` is what it costs the worker, in seconds.

    Other threads send as well, so that commits are shared as they are when it is served.
    """
    prepared = iter([environ(request) for request in requests])
    lock, over = threading.Lock(), threading.Event()

    def send() -> bool:
        with lock:
            one = next(prepared, None)
        if one is not None:
            _answer(app, one)
        return one is not None

    def crowd() -> None:
        while not over.is_set() and send():
            pass

    threads = [threading.Thread(target=crowd) for _ in range(CROWD)]
    for _ in range(20):
        send()
    for thread in threads:
        thread.start()
    sampler = _Sampler()
    with sampler:
        count = sum(1 for _ in iter(send, False))
    over.set()
    for thread in threads:
        thread.join()
    shares = {part: spent / count * 1e6 for part, spent in sampler.spent.items()}
    return {"HTTP": max(0.0, served * 1e6 - sum(shares.values())), **shares}


class _Sampler:
    """Gives the CPU of this thread to the part that a tick finds it in; what waits costs nothing."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._last = 0.0

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, self._tick)
        self._last = time.thread_time()
        signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _tick(self, _signal: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self.spent[_part(frame)] += now - self._last
        self._last = time.thread_time()


def _answer(app: Any, asked: dict[str, Any]) -> None:
    statuses: list[str] = []
    body = b"".join(app(asked, lambda status, _headers, _info=None: statuses.append(status)))
    if not statuses[0].startswith("2"):
        raise SystemExit(f"not the expected answer: {statuses[0]} {body[:300]!r}")


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        file = frame.f_code.co_filename
        for part, places in PARTS:
            if any(place in file for place in places):
                return part
        frame = frame.f_back
    return "other"


def tell(name: str, shares: Mapping[str, float]) -> None:
    """Figures, largest first: microseconds and percent."""
    total = sum(shares.values())
    for part, cost in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"figure: {name}_{part.lower()}_us {cost:.0f} us")
        print(f"figure: {name}_{part.lower()}_share {100 * cost / total:.0f} %", flush=True)
