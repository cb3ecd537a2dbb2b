"""The data keys of the vault: made at the first start, wrapped anew, replaced while brokers run.

Replacing a key has three parts, each safe to stop and to begin again. The new key is
published and the old one retired, in one transaction; what stands under the old one
is moved in batches of one short transaction each, and whatever somebody else changed
in between is left as she wrote it; the old key is dropped when nothing needs it.
A retired key that is still there is an unfinished replacement: the next run finishes
it, and makes no other key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from broker.flows.registry import WRONG_MASTER, check_master_key
from broker.port_errors import ConflictError
from broker.ports import Database, Services, UnitOfWork
from broker.records import VaultedValue
from keys.envelope import MasterKeys, VaultKeyRecord
from keys.errors import SealError
from keys.vault import Vault
from mandates.events import Event
from mandates.model import Instant

PLACES = {
    "seal": (
        "parties.insz_sealed",
        "contacts.address_sealed",
        "documents.sealed_key",
        "signing_keys.sealed_private",
        "bulk_jobs.sealed_key",
    ),
    "index": ("parties.insz_index",),
}
"""By the use of a key: every column in which something stands under one."""
KEEP = {"seal": 3600, "index": 0}
"""Seconds that a retired key is kept at least. Who writes an index holds the key meanwhile, so nothing
comes late. A seal may be made outside a transaction, and what is sealed under a key that is gone is
lost: a broker follows within two seconds, and an hour is room for one that hung."""
BATCH = 500
"""Rows moved in one transaction: some milliseconds, so that sign-ins hardly wait."""

Told = Callable[[int], None]
"""Is told, after each batch, how many values were moved so far."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one run did."""

    use: str
    key: str
    """Id of the key that is current now."""
    moved: int
    dropped: tuple[str, ...]
    kept: tuple[str, ...]
    """Retired keys that stay: something may still stand under them."""
    kept_until: Instant | None
    """When those may go, if nothing does; None when all are gone."""


def open_vault(database: Database, masters: MasterKeys, now: Instant) -> Vault:
    """The vault of this database, with its first keys if it has none.

    Raise `SealError` if no master key that was given is the one of this database.
    """
    with database.write() as uow:
        records = uow.vault_keys.all()
        if not records:
            records = _make_first(uow, masters, now)
            uow.commit()

    def reload() -> list[VaultKeyRecord]:
        with database.read() as again:
            return again.vault_keys.all()

    try:
        return Vault(masters, records, reload)
    except SealError as error:
        raise SealError(WRONG_MASTER) from error


def _make_first(uow: UnitOfWork, masters: MasterKeys, now: Instant) -> list[VaultKeyRecord]:
    """Carry a database over in which the master key itself did everything; an empty one likewise."""
    master = _master_of(uow, masters, now)
    made = masters.first_keys(master, now)
    uow.vault_keys.add_missing(made)
    stored = uow.vault_keys.all()
    if made[0] in stored:  # of two brokers that start together, one makes them
        uow.journal.append([_event("vault_keys.made", now, keys=[record.id for record in stored])], now)
    return stored


def _master_of(uow: UnitOfWork, masters: MasterKeys, now: Instant) -> bytes:
    """The master key that opens the signing keys that are stored; raise `SealError` if none does."""
    records = uow.registry.keys()
    for master in masters.known[:-1]:
        try:
            check_master_key(records, Vault(master), now)
        except SealError:
            continue
        return master
    check_master_key(records, Vault(masters.known[-1]), now)
    return masters.known[-1]


def rotate_master(services: Services, now: Instant) -> list[str]:
    """Wrap every data key under the current master key, all or none. Returns the ids of those that were not.

    Raise `SealError` if one opens under neither the current nor the previous master key.
    """
    with services.database.write() as uow:
        uow.vault_keys.claim()
        changed = [
            fresh
            for record in uow.vault_keys.all()
            if (fresh := services.vault.masters.rewrapped(record)) != record
        ]
        if changed:
            uow.vault_keys.put(changed)
            ids = [record.id for record in changed]
            uow.journal.append([_event("master_key.rotated", now, keys=ids)], now)
            uow.commit()
    return [record.id for record in changed]


def under_previous_master(services: Services) -> bool:
    """Whether a data key still needs the previous master key."""
    with services.database.read() as uow:
        records = uow.vault_keys.all()
    return any(services.vault.masters.rewrapped(record) != record for record in records)


def rotate(services: Services, use: str, told: Told = lambda _: None, batch: int = BATCH) -> Rotation:
    """Replace the `seal` or the `index` key and move everything under the new one; finish what was begun.

    Raise `SealError` at a value that does not open, `ConflictError` when another run
    replaced the key once more.
    """
    current, moved = _begin(services, use), 0
    prefix = services.vault.prefix(current)
    for place in PLACES[use]:
        for values in _batches(services, place, prefix, batch):
            changes = [(one, _renewed(services.vault, current, one)) for one in values if one.sealed]
            with services.database.write() as uow:
                _check_current(uow, current)
                moved += uow.vault_keys.move(place, changes)
                uow.commit()
            told(moved)
    return _finish(services, current, moved)


def _begin(services: Services, use: str) -> VaultKeyRecord:
    """The key to move everything to: a new one, or that of a replacement that was not finished."""
    with services.database.write() as uow:
        uow.vault_keys.claim()
        records = [record for record in uow.vault_keys.all() if record.use == use]
        (current,) = (record for record in records if record.retired_at is None)
        if len(records) == 1:
            now, old = services.clock(), current
            current = services.vault.masters.new_key(use, now)
            uow.vault_keys.put([replace(old, retired_at=now)])
            uow.vault_keys.add_missing([current])
            event = _event("vault_keys.rotated", now, use=use, key=current.id, retired=old.id)
            uow.journal.append([event], now)
        services.vault.adopt(uow.vault_keys.all())
        uow.commit()
    return current


def _batches(services: Services, place: str, prefix: str, batch: int) -> Iterator[list[VaultedValue]]:
    after = ""
    while True:
        with services.database.read() as uow:
            values = uow.vault_keys.elsewhere(place, prefix, after, batch)
        if not values:
            return
        yield values
        after = values[-1].key


def _renewed(vault: Vault, current: VaultKeyRecord, value: VaultedValue) -> str:
    plain = vault.open(value.sealed or "", value.purpose)
    if current.use == "seal":
        return vault.seal(plain, value.purpose)
    return vault.number_indexes(plain.decode(), [current])[0]


def _check_current(uow: UnitOfWork, current: VaultKeyRecord) -> None:
    """Raise `ConflictError` if this key was retired: what is moved under it now could be lost with it."""
    if not any(one.id == current.id and one.retired_at is None for one in uow.vault_keys.all()):
        raise ConflictError("another run has replaced this key once more")


def _finish(services: Services, current: VaultKeyRecord, moved: int) -> Rotation:
    """Drop the retired keys of this use, unless something may still stand under them."""
    use, now = current.use, services.clock()
    with services.database.write() as uow:
        uow.vault_keys.claim()
        _check_current(uow, current)
        retired = {
            one.id: one.retired_at + KEEP[use]
            for one in uow.vault_keys.all()
            if one.use == use and one.retired_at is not None
        }
        droppable = [key for key, until in retired.items() if until <= now]
        if droppable and not _is_in_use(services, uow, current):
            uow.vault_keys.drop(droppable)
            uow.journal.append([_event("vault_keys.dropped", now, use=use, keys=droppable)], now)
            uow.commit()
        else:
            droppable = []
    kept = {key: until for key, until in retired.items() if key not in droppable}
    until = max(kept.values(), default=None)
    return Rotation(use, current.id, moved, tuple(droppable), tuple(kept), until)


def _is_in_use(services: Services, uow: UnitOfWork, current: VaultKeyRecord) -> bool:
    """Whether anything stands under another key than the current one of its use."""
    prefix = services.vault.prefix(current)
    return any(uow.vault_keys.elsewhere(place, prefix, "", 1) for place in PLACES[current.use])


def _event(kind: str, now: Instant, **detail: object) -> Event:
    return Event(kind, now, None, detail=detail)
