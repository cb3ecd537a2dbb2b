"""`volmacht keys`: list and rotate signing keys; replace the master key and the data keys of the vault."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import registry, vault_keys
from broker.flows.vault_keys import Rotation
from keys.errors import KeyringError
from keys.keyring import state_of


@click.group()
def keys() -> None:
    """List and rotate signing keys; replace the keys that guard what is stored."""


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
@click.option("--alg", type=click.Choice(["ES256", "EdDSA"]), help="Of the new key. Default: as before.")
@AS_JSON
def keys_rotate(purpose: str, at_once: bool, leaked: bool, alg: str | None, as_json: bool) -> None:
    """Publish a new key; it signs after ten minutes, when every verifier has it.

    With another --alg: once every service's guard allows it.
    """
    try:
        changed = registry.rotate_keys(
            services(), purpose, system_clock(), at_once=at_once, leaked=leaked, alg=alg
        )
    except KeyringError as error:
        raise click.UsageError(f"{error}.") from error
    kids = [record.kid for record in changed]
    tell(
        {"purpose": purpose, "changed": kids},
        f"{purpose}: {len(kids)} key(s) made or changed.",
        as_json=as_json,
    )


@keys.command("rotate-master")
@AS_JSON
def keys_rotate_master(as_json: bool) -> None:
    """Wrap the data keys under the new master key.

    Every broker must know both first: the new one as VOLMACHT_MASTER_KEY, the old one as
    VOLMACHT_MASTER_KEY_PREVIOUS.
    """
    changed = vault_keys.rotate_master(services(), system_clock())
    done = f"{len(changed)} data key(s) wrapped anew." if changed else "Every data key was there already."
    tell(
        {"changed": changed},
        f"{done} VOLMACHT_MASTER_KEY_PREVIOUS is needed no more: take it away from every broker.",
        as_json=as_json,
    )


@keys.command("rotate-vault")
@AS_JSON
def keys_rotate_vault(as_json: bool) -> None:
    """Seal every national number and private signing key under a new key.

    Brokers go on meanwhile. A run that was stopped is finished by running again. The old key
    is kept for an hour; run again after it, and it is dropped.
    """
    _tell_rotation(vault_keys.rotate(services(), "seal", _progress), as_json=as_json)


@keys.command("rotate-index")
@AS_JSON
def keys_rotate_index(as_json: bool) -> None:
    """Index every national number under a new key; pseudonyms stay as they are.

    Brokers go on meanwhile. A run that was stopped is finished by running again.
    """
    _tell_rotation(vault_keys.rotate(services(), "index", _progress), as_json=as_json)


def _progress(moved: int) -> None:
    click.echo(f"{moved} moved", err=True)


def _tell_rotation(done: Rotation, *, as_json: bool) -> None:
    lines = [f"{done.moved} value(s) moved; the current {done.use} key is {done.key}."]
    if done.dropped:
        lines.append(f"Dropped: {', '.join(done.dropped)}.")
    if done.kept_until is not None:
        until = datetime.fromtimestamp(done.kept_until, UTC).isoformat()
        lines.append(f"Kept: {', '.join(done.kept)}. Run again after {until}: what nothing needs goes then.")
    tell(asdict(done), "\n".join(lines), as_json=as_json)
