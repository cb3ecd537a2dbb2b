"""Starts the whole demo as a stranger would, on free ports and in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parent.parent


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports on 127.0.0.1 that nobody uses now."""
    for base in range(20000 + os.getpid() % 3000 * 4, 32700, count):
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("no free ports")


class Village:
    """`with Village() as village:` runs broker, ACM and voucher service; `environ` adds variables."""

    def __init__(self, **environ: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="village-")
        self.home = Path(self._folder.name) / "home"
        self.port = free_ports(3)
        self.broker = f"http://127.0.0.1:{self.port}"
        self.portal = f"{self.broker}/portal/"
        self.acm = f"http://127.0.0.1:{self.port + 1}"
        self.vouchers = f"http://127.0.0.1:{self.port + 2}"
        ours = {
            "VOLMACHT_DEMO_PORT": str(self.port),
            "VOLMACHT_HOME": str(self.home),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'guard'}",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VOLMACHT_")}
        self.environ = clean | ours | environ
        self.started_at = 0.0
        """When the replay store of its broker began to remember, or a moment before (monotonic clock)."""
        self.log = Path(self._folder.name) / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start and wait until all three servers are ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.started_at = time.monotonic()
        deadline = self.started_at + 60
        for base in (self.broker, self.acm, self.vouchers):
            while not _healthy(base):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the demo did not start:\n{self.log.read_text()}")
                time.sleep(0.1)

    def stop(self) -> int:
        """Stop everything as Ctrl-C does; returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL everything at once, as a power cut does."""
        assert self.process is not None
        family = [
            *psutil.Process(self.process.pid).children(recursive=True),
            psutil.Process(self.process.pid),
        ]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)
        self.process.wait(10)

    def broker_environ(self) -> dict[str, str]:
        """The environment in which `volmacht` commands speak to this village's broker."""
        from demo.__main__ import broker_environment
        from demo.settings import DemoSettings

        return self.environ | broker_environment(DemoSettings.from_env(self.environ), self.environ)

    def volmacht(
        self, *arguments: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a `volmacht` command against this village, or in another environment."""
        return subprocess.run(
            [sys.executable, "-m", "broker.cli", *arguments],
            cwd=ROOT,
            env=self.broker_environ() if environ is None else environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _healthy(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/healthz", timeout=2) as answer:
            return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
