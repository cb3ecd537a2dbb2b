"""Where a request's CPU goes: the same WSGI application, sampled in process, by the part it is in.

A timer interrupts the thread that sends; the CPU that it used since belongs to the innermost frame
whose file is known. HTTP is what a route that does nothing costs when it is served, beyond what it
costs in process.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

EVERY = 0.0005
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


def sampled(app: Any, requests: Sequence[bytes]) -> Mapping[str, float]:
    """Seconds of CPU that one request spends in each part, one request after the other."""
    asked = [environ(request) for request in requests]
    for one in asked[:50]:
        _answer(app, one)
    sampler = _Sampler()
    with sampler:
        for one in asked[50:]:
            _answer(app, one)
    return {part: spent / (len(asked) - 50) for part, spent in sampler.spent.items()}


def alone(app: Any, request: bytes, count: int = 3_000) -> float:
    """Seconds of CPU that one request costs in process, one after the other."""
    asked = [environ(request) for _ in range(count)]
    begun = time.process_time()
    for one in asked:
        _answer(app, one)
    return (time.process_time() - begun) / count


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


def tell(name: str, served: float, http: float, parts: Mapping[str, float]) -> None:
    """Figures, largest first: microseconds and percent of what one request costs that is alone.

    `served` is what it costs the worker in company: whoever shares a commit shares its cost, and
    whoever shares the interpreter waits for it.
    """
    costs = {"HTTP": http, **parts}
    total = sum(costs.values())
    for part, cost in sorted(costs.items(), key=lambda item: -item[1]):
        print(f"figure: {name}_{part.lower()}_us {cost * 1e6:.0f} us")
        print(f"figure: {name}_{part.lower()}_share {100 * cost / total:.0f} %")
    print(f"figure: {name}_alone_us {total * 1e6:.0f} us")
    print(f"figure: {name}_in_company {served / total:.2f} of alone", flush=True)
