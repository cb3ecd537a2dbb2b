"""Clients, audiences, keys and the catalogue: changed from the command line, seen by every process.

Each change raises the registry's version in SQL; running brokers compare it about
once a second and reload (`wiring.Registry`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace

from broker.errors import InvalidTargetError, NotFoundHereError
from broker.flows import revocation
from broker.flows.claims import IDENTITY_SCOPES
from broker.ports import Database, Services, UnitOfWork
from broker.records import Audience, Client
from keys.errors import SealError
from keys.keyring import KeyRecord, Keyring, KeyState, generate_record, state_of
from keys.rotation import rotate
from keys.vault import Vault
from mandates.catalogue import Catalogue, load_catalogue
from mandates.errors import CatalogueError
from mandates.events import Event
from mandates.model import Instant

PURPOSES = {"tokens": "ES256", "status": "ES256", "checkpoints": "EdDSA"}
"""What the broker signs, and with which algorithm; each has keys of its own."""
RS256 = "RS256"
RS256_PURPOSE = {"id_tokens_rs256": RS256}
"""Made with the first client that registers RS256 for its ID tokens (tokens.md section 3)."""
WRONG_MASTER = (
    "this database was made with another VOLMACHT_MASTER_KEY: give that one, or as "
    "VOLMACHT_MASTER_KEY_PREVIOUS while it is being replaced"
)
PUBLISH_AHEAD = 600
"""Seconds that a new key stands in the JWKS before it signs: longer than any verifier's cache."""
API = "/api/v1"
"""What the address of the broker's own REST API adds to the issuer."""
API_SCOPES = frozenset(
    {
        "mandates:read",
        "mandates:write",
        "mandates:decide",
        "mandate:use",
        "registry:write",
        "reviews:decide",
        "journal:read",
    }
)
"""What a client may do there for the person of its token; what she may do is the engine's to judge."""
API_MACHINE_SCOPES = frozenset({"insz:resolve", "uses:write", "decisions:evaluate"})
"""What a program may do there for itself."""
KEEP = 24 * 3600
"""Seconds that a key stays in the JWKS after it signed for the last time."""


def ensure_keys(database: Database, vault: Vault, now: Instant) -> list[KeyRecord]:
    """Make the first key of each purpose that has none. Returns those made."""
    with database.write() as uow:
        vault.adopt(uow.vault_keys.all())
        check_master_key(uow.registry.keys(), vault, now)
        made = _make_missing(uow, vault, PURPOSES, now)
        if made:
            uow.commit()
    return made


def _make_missing(
    uow: UnitOfWork, vault: Vault, purposes: Mapping[str, str], now: Instant
) -> list[KeyRecord]:
    """Make the first key of each of these purposes that has none; it signs at once."""
    have = {record.purpose for record in uow.registry.keys()}  # noqa: SIM118 -- a store, not a dict
    made = [
        generate_record(purpose, alg, vault, now) for purpose, alg in purposes.items() if purpose not in have
    ]
    for record in made:
        uow.registry.put_key(record)
    if made:
        kids = [record.kid for record in made]
        uow.journal.append([Event("keys.made", now, None, detail={"kids": kids})], now)
    return made


def check_master_key(records: list[KeyRecord], vault: Vault, now: Instant) -> None:
    """Raise `SealError` unless this vault opens the keys that are stored.

    A broker or a command with another master key would make keys that no running
    process can open, and look up people under indices that nobody has.
    """
    ring = Keyring(records, vault)
    for purpose in {record.purpose for record in records if state_of(record, now) is KeyState.ACTIVE}:
        try:
            ring.signing_key(purpose, now)
        except SealError as error:
            raise SealError(WRONG_MASTER) from error


def rotate_keys(
    services: Services,
    purpose: str,
    now: Instant,
    *,
    at_once: bool = False,
    leaked: bool = False,
    alg: str | None = None,
) -> list[KeyRecord]:
    """Publish a new key of a purpose; it signs after `PUBLISH_AHEAD` seconds, or at once.

    `leaked` withdraws the old key as well: what it signed is believed by nobody any more,
    once verifiers fetch the JWKS again. `alg` is that of the new key, by default of the one
    before; raise `KeyringError` for one that the purpose does not have.
    """
    with services.database.write() as uow:
        services.vault.adopt(uow.vault_keys.all())
        check_master_key(uow.registry.keys(), services.vault, now)
        ahead = 0 if at_once or leaked else PUBLISH_AHEAD
        changed = rotate(
            uow.registry.keys(),
            purpose,
            services.vault,
            now,
            publish_ahead=ahead,
            keep=0 if leaked else KEEP,
            alg=alg,
        )
        for record in changed:
            uow.registry.put_key(record)
        kids = [record.kid for record in changed]
        uow.journal.append([Event("keys.rotated", now, None, detail={"purpose": purpose, "kids": kids})], now)
        uow.commit()
    return changed


def store_catalogue(database: Database, text: str, now: Instant) -> Catalogue:
    """Validate a catalogue and make it the one in force. Raise `CatalogueError` naming table and key."""
    catalogue = load_catalogue(text)
    with database.write() as uow:
        stored = uow.registry.catalogue()
        before = load_catalogue(stored[1]) if stored else None
        if before is not None:
            _check_nothing_dropped(before, catalogue)
        if stored is None or stored[0] != catalogue.version:
            uow.registry.put_catalogue(catalogue.version, text, now)
            if before is not None:
                _reach_tokens(uow, before, catalogue, now)
            event = Event("catalogue.loaded", now, None, detail={"version": catalogue.version})
            uow.journal.append([event], now)
            uow.commit()
    return catalogue


def _reach_tokens(uow: UnitOfWork, old: Catalogue, new: Catalogue, now: Instant) -> None:
    """A stricter type makes power smaller: tokens on a type that reads otherwise now are judged anew.

    One that became wider loses its tokens too, for the minutes until the next refresh: that is
    easier to be sure of than a list of what is stricter (tokens.md section 6).
    """
    changed = [key for key, kind in old.types.items() if replace(new.types[key], label=kind.label) != kind]
    if changed:
        uow.status.revoke_on_types(changed, now)


def _check_nothing_dropped(old: Catalogue, new: Catalogue) -> None:
    """Raise `CatalogueError` for a type or power that is gone: old mandates are still shown and ended."""
    for key, kind in old.types.items():
        if key not in new.types:
            raise CatalogueError(f"types.{key} is gone: keep it, and let nobody request it (request_by = [])")
        gone = kind.powers.keys() - new.types[key].powers.keys()
        if gone:
            raise CatalogueError(
                f"types.{key}.powers: {', '.join(sorted(gone))} is gone, and mandates may have it"
            )


def put_client(services: Services, client: Client, audiences: list[Audience], now: Instant) -> str | None:
    """Register or change a client and its audiences. Returns the new secret when one was made.

    A secret is 256 random bits, shown once and stored as SHA-256: there is nothing
    to guess, so there is nothing for a slow hash to slow down. A client of profile `fapi`
    gets sender-constrained tokens only, whatever was said (FAPI 2.0 section 5.3.2.1 number 4).
    """
    with services.database.write() as uow:
        known = uow.registry.find_client(client.id)
        client, secret = _with_secret(client, known)
        client = replace(client, dpop=client.dpop or client.profile == "fapi")
        if known and known.redirect_uris != client.redirect_uris:
            uow.grants.forget_consents(client.id)  # people agreed to go somewhere else
        wider = [_widened(uow.registry.find_audience(audience.uri), audience) for audience in audiences]
        changed = [audience for audience in wider if uow.registry.find_audience(audience.uri) != audience]
        if known != client or changed:
            uow.registry.put_client(client)
            if client.id_token_alg == RS256:
                services.vault.adopt(uow.vault_keys.all())
                _make_missing(uow, services.vault, RS256_PURPOSE, now)
            if known and _is_narrower(client, known):
                grants = uow.grants.live_of_client(client.id)
                uow.status.revoke([one.id for one in grants], now)
                uow.status.revoke_of_client(client.id, now)
            for audience in changed:
                uow.registry.put_audience(audience)
            uow.journal.append([Event("client.stored", now, None, detail={"client": client.id})], now)
            uow.commit()
    return secret


def _is_narrower(client: Client, known: Client) -> bool:
    """Whether its tokens of before may open something that it is registered for no more."""
    return (known.exchange and not client.exchange) or any(
        not set(getattr(known, what)) <= set(getattr(client, what))
        for what in ("scopes", "audiences", "mandate_types")
    )


def _with_secret(client: Client, known: Client | None) -> tuple[Client, str | None]:
    """The client with its secret's digest: as given, as stored, or of a new secret that is returned once."""
    if client.auth != "client_secret_basic" or client.secret_sha256 is not None:
        return client, None
    if known is not None and known.auth == client.auth:
        return replace(client, secret_sha256=known.secret_sha256), None
    secret = secrets.token_urlsafe(32)
    return replace(client, secret_sha256=secret_digest(secret)), secret


def _widened(known: Audience | None, wanted: Audience) -> Audience:
    """An audience that several clients use knows the scopes of all of them."""
    if known is None:
        return wanted
    aware = known.delegation_aware or wanted.delegation_aware
    return replace(
        known,
        scopes=known.scopes | wanted.scopes,
        machine_scopes=known.machine_scopes | wanted.machine_scopes,
        delegation_aware=aware,
    )


def remove_client(services: Services, client_id: str, now: Instant) -> None:
    """Remove a client: it can start and refresh nothing more, and its tokens are refused.

    Raise `NotFoundHereError`. Whoever is registered under the same id later inherits nothing.
    """
    with services.database.write() as uow:
        if not uow.registry.remove_client(client_id):
            raise NotFoundHereError
        revocation.end_grants(uow, uow.grants.live_of_client(client_id), "client removed", now)
        uow.status.revoke_of_client(client_id, now)
        uow.grants.forget_consents(client_id)
        uow.journal.append([Event("client.removed", now, None, detail={"client": client_id})], now)
        uow.commit()


def secret_digest(secret: str) -> str:
    """What is stored of a client secret: its SHA-256 (hex)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_audience(services: Services, uow: UnitOfWork, uri: str) -> Audience:
    """A registered audience, or one of the broker's own. Raise `InvalidTargetError`."""
    own = own_audiences(services.settings.issuer)
    audience = next((one for one in own if one.uri == uri), None) or uow.registry.find_audience(uri)
    if audience is None:
        raise InvalidTargetError
    return audience


def own_audiences(issuer: str) -> tuple[Audience, Audience]:
    """What the broker itself serves: UserInfo, and the REST API. Nobody registers or changes these."""
    user_info = Audience(issuer, "Volmacht", issuer, delegation_aware=True, scopes=IDENTITY_SCOPES)
    api = issuer + API
    return user_info, Audience(api, "Volmacht API", api, scopes=API_SCOPES, machine_scopes=API_MACHINE_SCOPES)
