"""`volmacht doctor`: looks at configuration, stores, keys and upstream, and says what to mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker import wiring
from broker.errors import FlowError
from broker.flows.registry import PURPOSES
from broker.flows.vault_keys import under_previous_master
from broker.port_errors import PortError
from broker.ports import Services
from config.settings import Settings, SettingsError
from keys.errors import KeysError
from mandates.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    fine: bool
    text: str


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Everything that can be checked; what depends on something broken is left out."""
    try:
        settings = Settings.from_env(environ)
    except SettingsError as error:
        return [Finding("configuration", fine=False, text=fault) for fault in error.faults]
    found = [Finding("configuration", fine=True, text=f"complete; issuer {settings.issuer}")]
    schema = _look("database", lambda: _schema(settings))
    found.append(schema)
    if not schema.fine:
        return found
    built: list[Services] = []
    wired = _look("wiring", lambda: _wire(settings, built))
    if not wired.fine:
        return [*found, wired]
    services = built[0]
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("ephemeral store", lambda: _ephemeral(services)),
        ("keys", lambda: _keys(services)),
        (
            "catalogue",
            lambda: f"version {services.catalogue().version}, {len(services.catalogue().types)} types",
        ),
        ("upstream", services.upstream.check),
    )
    return [*found, *(_look(subject, look) for subject, look in looks)]


def _look(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, fine=True, text=look())
    except (FlowError, PortError, KeysError, CatalogueError, LookupError, ValueError) as error:
        return Finding(subject, fine=False, text=f"{error}")


def _wire(settings: Settings, built: list[Services]) -> str:
    built.append(wiring.build(settings))
    return "every part could be made"


def _schema(settings: Settings) -> str:
    database = wiring.open_database(settings)
    current = database.schema_is_current()
    database.close()
    if not current:
        raise LookupError("the schema is not current: run `volmacht db upgrade`")
    return "reachable, schema current"


def _ephemeral(services: Services) -> str:
    services.ephemeral.ping()
    return "redis answers" if services.settings.redis_url else "in process: one worker only"


def _keys(services: Services) -> str:
    now = services.clock()
    for purpose in PURPOSES:
        services.keyring().signing_key(purpose, now)
    if under_previous_master(services):
        raise LookupError(
            "data keys still stand under VOLMACHT_MASTER_KEY_PREVIOUS: run `volmacht keys rotate-master`"
        )
    return f"every purpose ({', '.join(PURPOSES)}) has a key that signs"
