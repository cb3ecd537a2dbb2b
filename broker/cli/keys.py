"""`volmacht keys`: list and rotate signing keys."""

from __future__ import annotations

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import registry
from keys.keyring import state_of


@click.group()
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
