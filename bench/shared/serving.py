"""One gunicorn worker on the first core, PostgreSQL and Valkey behind it, everything else on the other.

The broker is started as in production, housekeeping included, with a country of mandates in its
database. The benchmark registers what it needs before the start, through the same stores.
"""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from shared.places import ROOT, migrated
from shared.population import Population, load

from broker import wiring
from broker.flows import claims, status_lists
from broker.ports import Services
from broker.records import Audience, Basis, Client, Grant, Session
from config.settings import Settings
from keys.tokens import sign
from mandates.model import Level, Party
from servers import postgres, postgres_database, valkey

SECONDS = float(os.environ.get("VOLMACHT_BENCH_SECONDS", "10"))
MANDATES = [int(one) for one in os.environ.get("VOLMACHT_BENCH_MANDATES", "10000").split(",")]
THREADS = os.environ.get("VOLMACHT_THREADS")
"""In place of the benchmark's own number."""
TOKEN_SECONDS = 3600
"""Of the tokens that the load brings: no run outlives them."""


@dataclass
class Place:
    """A database with a country in it, a Valkey, and a broker that is to be started over them."""

    services: Services
    population: Population
    environ: dict[str, str]

    @property
    def issuer(self) -> str:
        return self.services.settings.issuer

    @property
    def port(self) -> int:
        return int(self.issuer.rpartition(":")[2])

    def register(self, client: Client, *audiences: Audience) -> None:
        with self.services.database.write() as uow:
            for audience in audiences:
                uow.registry.put_audience(audience)
            uow.registry.put_client(client)
            uow.commit()
        self.services.registrations.renew()

    def sign_in(self, party: str, now: int, **facts: str) -> Session:
        """A session of this person, as strong as can be."""
        session = Session(
            secrets.token_hex(32), secrets.token_urlsafe(16), party, Level.HIGH, "https://acm.example.be",
            f"bench-{party}", now, now, now + 8 * 3600, now, **facts,
        )  # fmt: skip
        with self.services.database.write() as uow:
            uow.sessions.add(session)
            uow.commit()
        return session

    def self_token(self, client: Client, session: Session, audience: Audience, now: int) -> str:
        """A live token of this person for herself, with a grant and a status index behind it."""
        with self.services.database.write() as uow:
            grant = _self_grant(client, session, audience, now)
            uow.grants.add(grant)
            entry = uow.status.allocate(Basis(grant.id, client.id, audience.uri), now + TOKEN_SECONDS, now)
            person = uow.parties.get(session.party)
            uow.commit()
        return self._signed(client, session, grant, person, audience, entry, now)

    def _signed(
        self,
        client: Client,
        session: Session,
        grant: Grant,
        person: Party,
        audience: Audience,
        entry,
        now: int,
    ) -> str:
        unsigned = claims.access_token(
            self.services.vault,
            issuer=self.issuer, client=client, session=session, grant=grant, actor=person, chain=None,
            audience=audience, scopes=audience.scopes & set(grant.scopes),
            status_uri=status_lists.uri(self.issuer, entry.list), index=entry.index, jkt=None,
            jti=secrets.token_urlsafe(16), now=now, exp=now + TOKEN_SECONDS,
        )  # fmt: skip
        return sign(unsigned, self.services.keyring().signing_key("tokens", now), "at+jwt")

    @contextmanager
    def started(self) -> Iterator[psutil.Process]:
        """The broker, its one worker held to the first core; this process keeps to the other."""
        arguments = ["--config", "config/gunicorn.conf.py", "wsgi:app"]
        with gunicorn(arguments, self.environ, f"{self.issuer}/healthz") as worker:
            yield worker


def _self_grant(client: Client, session: Session, audience: Audience, now: int) -> Grant:
    scopes = tuple(sorted(scope for scope in audience.scopes if not scope.startswith(claims.OBO)))
    return Grant(
        secrets.token_hex(16), client.id, session.id, session.party, session.party, Level.HIGH, scopes,
        audience.uri, now,
    )  # fmt: skip


@contextmanager
def place(size: int, threads: int = 4) -> Iterator[Place]:
    """PostgreSQL (durable) with `size` mandates and Valkey; both keep to the last core.

    `threads` are the broker's: few where nobody waits, more where they share commits.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})  # what is started from here stays there
    with postgres(durable=True) as server, postgres_database(server) as url, valkey() as redis:
        migrated(url)
        environ = _environ(url, redis, threads)
        os.sched_setaffinity(0, cores)
        services = wiring.build(Settings.from_env(environ))
        population = Population(size)
        print(f"loading {size:,} mandates", file=sys.stderr)
        seconds = load(url, population, services.catalogue())
        services.ephemeral.epoch()  # what is signed from now on is younger than the store
        print(f"  loaded in {seconds:.0f} s", file=sys.stderr)
        try:
            yield Place(services, population, environ)
        finally:
            services.database.close()


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _environ(url: str, redis: str, threads: int) -> dict[str, str]:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOLMACHT_")}
    return kept | {
        "VOLMACHT_ENV": "demo",
        "VOLMACHT_ISSUER": f"http://127.0.0.1:{port}",
        "VOLMACHT_BIND": f"127.0.0.1:{port}",
        "VOLMACHT_DATABASE_URL": url,
        "VOLMACHT_REDIS_URL": redis,
        "VOLMACHT_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
        "VOLMACHT_ACM_ISSUER": "http://127.0.0.1:9",
        "VOLMACHT_ACM_CLIENT_ID": "bench",
        "VOLMACHT_ACM_CLIENT_SECRET": "s" * 32,
        "VOLMACHT_THREADS": THREADS or str(threads),
        "VOLMACHT_LOG_LEVEL": "WARNING",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "guard")]),
    }


@contextmanager
def gunicorn(arguments: list[str], environ: dict[str, str], url: str) -> Iterator[psutil.Process]:
    """One worker, held to the first core; ends with the block."""
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "gunicorn", *arguments]
    with tempfile.TemporaryFile() as log:
        master = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            _until_it_answers(url)
            (worker,) = psutil.Process(master.pid).children()
            for thread in worker.threads():
                os.sched_setaffinity(thread.id, {cores[0]})
            os.sched_setaffinity(0, {cores[-1]})
            yield worker
        finally:
            os.sched_setaffinity(0, cores)
            master.terminate()
            master.wait(timeout=30)


@contextmanager
def plain_flask() -> Iterator[tuple[int, psutil.Process]]:
    """Port and worker of a Flask route that does nothing, served alike: what the rest is compared with."""
    port = free_port()
    arguments = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4"]
    arguments += ["--no-control-socket", "--chdir", str(ROOT / "bench" / "shared"), "plain:app"]
    with gunicorn(arguments, dict(os.environ), f"http://127.0.0.1:{port}/") as worker:
        yield port, worker


def _until_it_answers(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not start")


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that this process used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
