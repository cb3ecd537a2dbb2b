"""Where a benchmark runs: services over SQLite or PostgreSQL, with a country of some size in it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "guard"), str(ROOT / "tests")]

from shared.population import NOW, Population, load  # noqa: E402

from broker import wiring  # noqa: E402 - the checkout is not installed
from broker.ports import Services  # noqa: E402
from config.settings import Settings  # noqa: E402
from servers import postgres, postgres_database  # noqa: E402


def settings(url: str) -> Settings:
    """The plainest settings with this database."""
    return Settings(
        demo=False,
        issuer="https://id.example.be",
        database_url=url,
        redis_url=None,
        master_key=bytes(range(32)),
        acm_issuer="https://acm.example.be",
        acm_client_id="volmacht",
        acm_client_secret="s" * 32,
        acm_private_key=None,
        acm_acr_values="",
        acm_scopes="openid",
    )


@contextmanager
def database(kind: str) -> Iterator[str]:
    """URL of an empty, migrated database: a file, or a database of a server that is started for it.

    PostgreSQL runs with fsync on: what is measured is durable.
    """
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield migrated(f"sqlite:///{folder}/volmacht.db")
    else:
        with postgres(durable=True) as server, postgres_database(server) as url:
            yield migrated(url)


def migrated(url: str) -> str:
    opened = wiring.open_database(settings(url))
    opened.upgrade()
    opened.close()
    return url


@contextmanager
def country(kind: str, size: int) -> Iterator[tuple[Services, Population, str]]:
    """Services over a database with `size` mandates in it, at an instant that stands still."""
    with database(kind) as url:
        services = wiring.build(settings(url), clock=lambda: NOW)
        population = Population(size)
        print(f"loading {size:,} mandates into {kind}", file=sys.stderr)
        seconds = load(url, population, services.catalogue())
        print(f"  loaded in {seconds:.0f} s", file=sys.stderr)
        try:
            yield services, population, url
        finally:
            services.database.close()


def figure(name: str, value: float, unit: str) -> None:
    """One line for programs and people."""
    print(f"figure: {name} {value:.6g} {unit}", flush=True)
