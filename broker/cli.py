"""`volmacht`: run it, look after it, ask it what is wrong.

Every command says what it did; `--json` says it for programs. Settings come from
the environment, as for the server (`docs/operators.md`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from broker import wiring
from broker.clock import system_clock
from broker.doctor import examine
from broker.errors import FlowError, answer_to
from broker.flows import journal, mandates, registry
from broker.port_errors import PortError
from broker.ports import Services
from broker.records import Audience, Client
from config import logging as log_config
from config.settings import ROOT, Settings, SettingsError
from keys.keyring import state_of
from mandates.errors import MandateError

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Group(click.Group):
    """A group whose known refusals are one clear sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn our own errors into click's."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except (FlowError, PortError, MandateError) as error:
            text = str(error) or answer_to(error).text
            raise click.ClickException(f"{text} [{error.code}]") from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="volmacht")
def main() -> None:
    """Volmacht: an identity broker that knows who acts for whom, and within which limits."""


def settings() -> Settings:
    """The settings of this environment, with logging set up."""
    found = Settings.from_env(os.environ)
    log_config.configure(found.log_level)
    return found


def services() -> Services:
    """The services of this environment; the schema must be there."""
    found = settings()
    database = wiring.open_database(found)
    current = database.schema_is_current()
    database.close()
    if not current:
        raise click.ClickException("The database schema is not current: run `volmacht db upgrade`.")
    return wiring.build(found)


def tell(value: Any, text: str, *, as_json: bool) -> None:
    """Print `value` as JSON, or `text` for people."""
    click.echo(json.dumps(value, indent=2, sort_keys=True) if as_json else text)


@main.command()
def demo() -> NoReturn:
    """Start the demo village: broker, simulated ACM and voucher service on 127.0.0.1."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "demo"])  # noqa: S606 -- a constant command


@main.command()
def serve() -> NoReturn:
    """Serve the broker with gunicorn, after bringing the schema up to date."""
    found = settings()
    database = wiring.open_database(found)
    database.upgrade()
    database.close()
    os.chdir(ROOT)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(ROOT / "config" / "gunicorn.conf.py"),
        "wsgi:app",
    ]
    os.execv(sys.executable, command)  # noqa: S606 -- a constant command


@main.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Check configuration, stores, keys and upstream; say what to mend. Exit code 1 if anything is wrong."""
    findings = examine(os.environ)
    lines = [f"{'ok  ' if one.fine else 'MEND'} {one.subject}: {one.text}" for one in findings]
    tell([asdict(one) for one in findings], "\n".join(lines), as_json=as_json)
    if not all(one.fine for one in findings):
        raise SystemExit(1)


@main.group()
def db() -> None:
    """Look after the database schema."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema to the newest migration. Safe to repeat."""
    database = wiring.open_database(settings())
    database.upgrade()
    click.echo("The schema is current.")


@main.group()
def keys() -> None:
    """List and rotate signing keys."""


@keys.command("list")
@AS_JSON
def keys_list(as_json: bool) -> None:
    """Show every key with its purpose and state; never a private part."""
    found, now = services(), system_clock()
    with found.database.read() as uow:
        records = uow.registry.keys()
    rows = [
        {
            "kid": r.kid,
            "purpose": r.purpose,
            "alg": r.alg,
            "state": state_of(r, now).value,
            "active_from": r.active_from,
        }
        for r in records
    ]
    lines = [f"{row['purpose']:<12} {row['alg']:<8} {row['state']:<9} {row['kid']}" for row in rows]
    tell(rows, "\n".join(lines), as_json=as_json)


@keys.command("rotate")
@click.option("--purpose", default="tokens", type=click.Choice(sorted(registry.PURPOSES)), show_default=True)
@click.option("--now", "at_once", is_flag=True, help="Sign with the new key at once.")
@click.option("--leaked", is_flag=True, help="Sign at once, and withdraw the old key with all it signed.")
@AS_JSON
def keys_rotate(purpose: str, at_once: bool, leaked: bool, as_json: bool) -> None:
    """Publish a new key; it signs after ten minutes, when every verifier has it."""
    changed = registry.rotate_keys(services(), purpose, system_clock(), at_once=at_once, leaked=leaked)
    kids = [record.kid for record in changed]
    tell(
        {"purpose": purpose, "changed": kids},
        f"{purpose}: {len(kids)} key(s) made or changed.",
        as_json=as_json,
    )


@main.group()
def clients() -> None:
    """Register voucher services (OAuth clients) and their APIs (audiences)."""


@clients.command("list")
@AS_JSON
def clients_list(as_json: bool) -> None:
    """Show the registered clients; never a secret."""
    with services().database.read() as uow:
        found = uow.registry.clients()
    rows = [
        {"id": c.id, "name": c.name, "profile": c.profile, "auth": c.auth, "audiences": list(c.audiences)}
        for c in found
    ]
    tell(rows, "\n".join(f"{c.id:<24} {c.profile:<11} {c.auth:<20} {c.name}" for c in found), as_json=as_json)


@clients.command("add")
@click.option("--id", "client_id", required=True, help="The client_id; an existing one is changed.")
@click.option("--name", help="What people see. Default: the id.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True, help="Exact; may be repeated.")
@click.option("--post-logout-redirect-uri", "post_logout", multiple=True, help="Exact; may be repeated.")
@click.option(
    "--auth",
    type=click.Choice(["private_key_jwt", "client_secret_basic", "none"]),
    default="private_key_jwt",
    show_default=True,
)
@click.option(
    "--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Public keys (JWK Set)."
)
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="May be repeated; `obo:` scopes are delegated."
)
@click.option(
    "--audience", "audiences", multiple=True, help="URI of an API that it may ask tokens for; repeatable."
)
@click.option(
    "--serves", is_flag=True, help="It is the API of these audiences: it may introspect their tokens."
)
@click.option(
    "--mandate-type", "mandate_types", multiple=True, help="Type of the catalogue; may be repeated."
)
@click.option("--vetted", is_flag=True, help="No page at first use that shows service, powers and data.")
@AS_JSON
def clients_add(
    client_id: str,
    name: str | None,
    redirect_uris: tuple[str, ...],
    post_logout: tuple[str, ...],
    auth: str,
    jwks: Path | None,
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    serves: bool,
    mandate_types: tuple[str, ...],
    vetted: bool,
    as_json: bool,
) -> None:
    """Register a client. A new client_secret_basic client gets a secret, shown this once."""
    if (auth == "private_key_jwt") is (jwks is None):
        raise click.UsageError("--jwks FILE goes with --auth private_key_jwt, and only with it.")
    profiles = {"private_key_jwt": "fapi", "client_secret_basic": "compatible", "none": "public"}
    client = Client(
        id=client_id,
        name=name or client_id,
        profile=profiles[auth],
        auth=auth,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout,
        scopes=frozenset(scopes),
        audiences=audiences,
        serves=audiences if serves else (),
        mandate_types=mandate_types,
        sector=audiences[0] if audiences else client_id,
        vetted=vetted,
        jwks=_public_keys(jwks) if jwks else None,
    )
    found = services()
    secret = registry.put_client(found, client, _audiences(found, client), system_clock())
    shown = f"\nclient_secret (shown once): {secret}" if secret else ""
    tell({"id": client_id, "client_secret": secret}, f"{client_id} is registered.{shown}", as_json=as_json)


@clients.command("remove")
@click.argument("client_id")
def clients_remove(client_id: str) -> None:
    """Remove a client: from now on it can start and refresh nothing."""
    registry.remove_client(services(), client_id, system_clock())
    click.echo(f"{client_id} is removed.")


@main.group()
def catalogue() -> None:
    """The mandate types, as data."""


@catalogue.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def catalogue_load(file: Path) -> None:
    """Validate a catalogue and put it in force; running brokers follow within a second or two."""
    loaded = registry.store_catalogue(services().database, file.read_text(encoding="utf-8"), system_clock())
    click.echo(f"Catalogue {loaded.version} is in force, with {len(loaded.types)} types.")


@main.group("journal")
def journal_group() -> None:
    """Read and verify the append-only record of events."""


@journal_group.command("tail")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@AS_JSON
def journal_tail(limit: int, as_json: bool) -> None:
    """Show the newest events, oldest of them first."""
    rows, _ = mandates.journal_of(services(), limit)
    values = [
        {"seq": r.seq, "at": r.at, "type": r.type, "actor": r.actor, "body": dict(r.body)}
        for r in reversed(rows)
    ]
    lines = [f"{v['seq']:>8} {v['at']} {v['type']:<24} {v['actor'] or '-'}" for v in values]
    tell(values, "\n".join(lines), as_json=as_json)


@journal_group.command("verify")
@AS_JSON
def journal_verify(as_json: bool) -> None:
    """Recompute every row and checkpoint. Exit code 1 if anything was edited, dropped or reordered."""
    verdict = journal.verify(services(), system_clock())
    text = "\n".join(verdict.faults) or f"{verdict.rows} rows and {verdict.checkpoints} checkpoints agree."
    tell(asdict(verdict), text, as_json=as_json)
    if verdict.faults:
        raise SystemExit(1)


def _public_keys(path: Path) -> dict[str, Any]:
    try:
        jwks = json.loads(path.read_text(encoding="utf-8"))
        listed = jwks["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError("--jwks: not a JWK Set; give a JSON file with a member `keys`.") from error
    if any({"d", "p", "q", "k"} & set(key) for key in listed):
        raise click.UsageError("--jwks: this file holds private keys; give the public halves only.")
    return {"keys": listed}


def _audiences(found: Services, client: Client) -> list[Audience]:
    """Audiences that are not registered yet: they know this client's scopes."""
    with found.database.read() as uow:
        known = {uri for uri in client.audiences if uow.registry.find_audience(uri)}
    delegated = any(scope.startswith("obo:") for scope in client.scopes)
    own = client.scopes - {"openid", "profile"}
    return [
        Audience(uri, client.name, uri, delegation_aware=delegated, scopes=own)
        for uri in client.audiences
        if uri not in known
    ]


if __name__ == "__main__":
    main()
