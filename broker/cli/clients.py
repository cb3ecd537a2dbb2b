"""`volmacht clients`: register voucher services and their APIs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import registry
from broker.records import Audience, Client


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
    "--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Public keys (JWK Set)."
)
@click.option("--scope", "scopes", multiple=True, help="May be repeated; `obo:` scopes are delegated.")
@click.option(
    "--machine-scope",
    "machine_scopes",
    multiple=True,
    help="What it may ask for itself, with client credentials; may be repeated.",
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
    machine_scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    serves: bool,
    mandate_types: tuple[str, ...],
    vetted: bool,
    as_json: bool,
) -> None:
    """Register a client. A new client_secret_basic client gets a secret, shown this once."""
    if (auth == "private_key_jwt") is (jwks is None):
        raise click.UsageError("--jwks FILE goes with --auth private_key_jwt, and only with it.")
    if not (scopes or machine_scopes) or bool(scopes) is not bool(redirect_uris):
        raise click.UsageError("Give --scope with --redirect-uri for people, --machine-scope, or all three.")
    if machine_scopes and auth == "none":
        raise click.UsageError("--machine-scope is for clients that keep a secret or a key.")
    for address in (*redirect_uris, *post_logout):
        _check_address(address)
    if any(" " in scope for scope in (*scopes, *machine_scopes)):
        raise click.UsageError("--scope takes one scope; repeat it for more.")
    profiles = {"private_key_jwt": "fapi", "client_secret_basic": "compatible", "none": "public"}
    found = services()
    own = {one.uri for one in registry.own_audiences(found.settings.issuer)}
    client = Client(
        id=client_id,
        name=name or client_id,
        profile=profiles[auth],
        auth=auth,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout,
        scopes=frozenset((*scopes, *machine_scopes)),
        audiences=audiences,
        serves=tuple(uri for uri in audiences if uri not in own) if serves else (),
        mandate_types=mandate_types,
        # The broker's own API is many services': it is nobody's sector.
        sector=next((uri for uri in audiences if uri not in own), client_id),
        vetted=vetted,
        jwks=_public_keys(jwks) if jwks else None,
    )
    unknown = set(mandate_types) - found.catalogue().types.keys()
    if unknown:
        raise click.UsageError(f"--mandate-type: {', '.join(sorted(unknown))} is not in the catalogue.")
    secret = registry.put_client(
        found, client, _audiences(client, frozenset(machine_scopes), own), system_clock()
    )
    shown = f"\nclient_secret (shown once): {secret}" if secret else ""
    tell({"id": client_id, "client_secret": secret}, f"{client_id} is registered.{shown}", as_json=as_json)


@clients.command("remove")
@click.argument("client_id")
@AS_JSON
def clients_remove(client_id: str, as_json: bool) -> None:
    """Remove a client: from now on it can start and refresh nothing."""
    registry.remove_client(services(), client_id, system_clock())
    tell({"removed": client_id}, f"{client_id} is removed.", as_json=as_json)


def _check_address(address: str) -> None:
    """https, or http on loopback for development; nothing that a browser would run."""
    parts = urlsplit(address)
    loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if (
        not parts.hostname
        or parts.fragment
        or parts.scheme not in ({"https", "http"} if loopback else {"https"})
    ):
        raise click.UsageError(
            f"{address}: give an https address without a fragment (http on loopback only)."
        )


def _public_keys(path: Path) -> dict[str, Any]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["keys"]
        private = any({"d", "p", "q", "k"} & key.keys() for key in listed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.UsageError("--jwks: not a JWK Set; give a JSON file with a member `keys`.") from error
    if private:
        raise click.UsageError("--jwks: this file holds private keys; give the public halves only.")
    if not listed:
        raise click.UsageError("--jwks: this set has no key.")
    return {"keys": listed}


def _audiences(client: Client, machine_scopes: frozenset[str], own: set[str]) -> list[Audience]:
    """The audiences of this client, with the scopes that it brings; the broker's own are not its."""
    delegated = any(scope.startswith("obo:") for scope in client.scopes)
    scopes = client.scopes - {"openid", "profile"} - machine_scopes
    return [
        Audience(uri, client.name, uri, delegated, scopes, machine_scopes)
        for uri in client.audiences
        if uri not in own
    ]
