"""Replacing a key before, during or after trouble, as new records from old ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from keys.algorithms import PURPOSES
from keys.errors import KeyringError
from keys.keyring import Instant, KeyRecord, KeyState, generate_record, state_of
from keys.vault import Vault

DAY = 86_400
"""Seconds; the default for `keep`, far longer than any token that is verified by key lives."""


def rotate(
    records: Iterable[KeyRecord],
    purpose: str,
    vault: Vault,
    now: Instant,
    *,
    publish_ahead: int = 0,
    keep: int = DAY,
    alg: str | None = None,
) -> list[KeyRecord]:
    """Return the new key of `purpose`, first, and every record that changes with it.

    The new key is in the JWKS at once and signs after `publish_ahead` seconds,
    so that services have it before they need it; the others stop signing at that
    instant and stay in the JWKS `keep` seconds longer, until what they signed
    has expired. A key that leaked goes with `keep=0`: everything it signed dies.
    `alg` defaults to that of the newest key still in use. Raises `KeyringError`.
    """
    if purpose not in PURPOSES:
        raise KeyringError(f"unknown purpose {purpose!r}")
    if publish_ahead < 0 or keep < 0:
        raise KeyringError("publish_ahead and keep are seconds, not less than nought")
    current = [
        record
        for record in records
        if record.purpose == purpose and state_of(record, now) in (KeyState.PENDING, KeyState.ACTIVE)
    ]
    newest = max(current, key=lambda record: (record.active_from, record.created_at), default=None)
    chosen = alg or (newest.alg if newest else PURPOSES[purpose][0])
    new = generate_record(purpose, chosen, vault, now, now + publish_ahead)
    return [new, *(changed for record in current if (changed := _retire(record, new, keep)) != record)]


def _retire(record: KeyRecord, successor: KeyRecord, keep: int) -> KeyRecord:
    """Bring the end of `record` forward to where `successor` begins; never put it off."""
    retires_at = successor.active_from
    if record.retires_at is not None:
        retires_at = min(retires_at, record.retires_at)
    gone_at = retires_at + keep
    if record.gone_at is not None:
        gone_at = min(gone_at, record.gone_at)
    return replace(record, retires_at=retires_at, gone_at=gone_at)
