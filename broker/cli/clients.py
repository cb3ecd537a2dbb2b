"""`volmacht clients`: register voucher services and their APIs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from broker.cli.registration import Application, check
from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import registry
from broker.records import Audience, Registrations
from keys.errors import KeyringError
from keys.jwks import read_client_jwks


@click.group()
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
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact; may be repeated.")
@click.option("--post-logout-redirect-uri", "post_logout", multiple=True, help="Exact; may be repeated.")
@click.option(
    "--auth",
    type=click.Choice(["private_key_jwt", "client_secret_basic", "none"]),
    default="private_key_jwt",
    show_default=True,
)
@click.option(
    "--profile",
    type=click.Choice(["fapi", "compatible"]),
    help="fapi (PAR, private_key_jwt, DPoP) is the rule for clients with a key; the others are compatible.",
)
@click.option(
    "--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Public keys (JWK Set)."
)
@click.option("--jwks-uri", help="Or: the https address where the client publishes them.")
@click.option("--dpop", is_flag=True, help="Only tokens bound to a key (always so for fapi).")
@click.option("--exchange", is_flag=True, help="It may exchange tokens (RFC 8693).")
@click.option("--scope", "scopes", multiple=True, help="May be repeated; `obo:` scopes are delegated.")
@click.option(
    "--machine-scope",
    "machine_scopes",
    multiple=True,
    help="What it may ask for itself, with client credentials; may be repeated.",
)
@click.option(
    "--allow-insz",
    is_flag=True,
    help="It may read the national number at UserInfo; each read is journalled.",
)
@click.option(
    "--allow-insz-actor", is_flag=True, help="The number of whoever acts, too; only with --allow-insz."
)
@click.option(
    "--audience", "audiences", multiple=True, help="URI of an API that it may ask tokens for; repeatable."
)
@click.option(
    "--serves", is_flag=True, help="It is the API of these audiences: it may introspect their tokens."
)
@click.option(
    "--sector", help="Clients and APIs of one sector know people by one name. Default: its first API's own."
)
@click.option(
    "--mandate-type", "mandate_types", multiple=True, help="Type of the catalogue; may be repeated."
)
@click.option(
    "--id-token-alg", type=click.Choice(["ES256", "RS256"]), default="ES256", show_default=True,
    help="RS256 for libraries that know nothing else; never for fapi.",
)  # fmt: skip
@click.option("--vetted", is_flag=True, help="No page at first use that shows service, powers and data.")
@AS_JSON
def clients_add(as_json: bool, **said: Any) -> None:
    """Register a client. A new client_secret_basic client gets a secret, shown this once."""
    application = Application(**said)
    check(application)
    found = services()
    unknown = set(application.mandate_types) - found.catalogue().types.keys()
    if unknown:
        raise click.UsageError(f"--mandate-type: {', '.join(sorted(unknown))} is not in the catalogue.")
    own = frozenset(one.uri for one in registry.own_audiences(found.settings.issuer))
    client = application.client(own, _public_keys(application.jwks))
    served = application.served(client, own)
    _check_sectors(application, found.registrations(), served)
    secret = registry.put_client(found, client, served, system_clock())
    shown = f"\nclient_secret (shown once): {secret}" if secret else ""
    tell({"id": client.id, "client_secret": secret}, f"{client.id} is registered.{shown}", as_json=as_json)


@clients.command("remove")
@click.argument("client_id")
@AS_JSON
def clients_remove(client_id: str, as_json: bool) -> None:
    """Remove a client: from now on it can start and refresh nothing."""
    registry.remove_client(services(), client_id, system_clock())
    tell({"removed": client_id}, f"{client_id} is removed.", as_json=as_json)


def _check_sectors(application: Application, known: Registrations, served: list[Audience]) -> None:
    """An API keeps the sector that it has: in another one everybody there would get another name."""
    for audience in served:
        stored = known.find_audience(audience.uri)
        if application.sector and stored and stored.sector != application.sector:
            raise click.UsageError(f"--sector: {audience.uri} is registered in sector {stored.sector}.")


def _public_keys(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        return read_client_jwks(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise click.UsageError("--jwks: not JSON; give a JWK Set.") from error
    except KeyringError as error:
        raise click.UsageError(f"--jwks: {error}.") from error
