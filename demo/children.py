"""The processes that the demo starts: all of them live, or none of them does."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NoReturn, Self

import requests

from demo.vouchers.discovery import http_session

STOP_SECONDS = 12
"""A little more than the broker's graceful timeout; then the door is shut."""
READY_SECONDS = 60
PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies."""


class ChildError(Exception):
    """A server ended or did not come up; the text names it."""

    code: ClassVar[str] = "child_ended"


class Children:
    """Child processes by name. Leaving the context stops them all, newest first."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        """Start one. It gets its own process group, so that Ctrl-C reaches it through us, in order."""
        self._running[name] = subprocess.Popen(
            command,
            env=dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            process_group=0,
            # Safe here: this process has one thread, so no lock can be held across the fork.
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def wait_until_ready(self, addresses: Mapping[str, str]) -> None:
        """Wait until `<address>/healthz` of each answers 200. Raise `ChildError` if one never does."""
        http = http_session()
        until = time.monotonic() + READY_SECONDS
        waiting = dict(addresses)
        while waiting:
            self.check()
            for name, address in list(waiting.items()):
                if _answers(http, address):
                    del waiting[name]
            if waiting and time.monotonic() > until:
                raise ChildError(f"{' and '.join(waiting)} did not answer within {READY_SECONDS} seconds")
            if waiting:
                time.sleep(0.1)

    def check(self) -> None:
        """Raise `ChildError` if one has ended."""
        for name, child in self._running.items():
            status = child.poll()
            if status is not None:
                raise ChildError(f"{name} ended by itself (exit status {status})")

    def watch(self) -> NoReturn:
        """Never return; raise `ChildError` when one ends."""
        while True:
            self.check()
            time.sleep(0.25)

    def _stop(self) -> None:
        children = list(reversed(self._running.values()))
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for child in children:
            try:
                child.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _answers(http: requests.Session, address: str) -> bool:
    try:
        return http.get(f"{address}/healthz", timeout=1).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False


def _end_with_parent() -> None:
    """In the child, before it becomes gunicorn: ask the kernel for SIGTERM when the parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
