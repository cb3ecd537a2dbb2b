"""Publishing the Token Status Lists (draft-ietf-oauth-status-list; tokens.md section 6).

A list is built from SQL, so a crash rebuilds the same bits. It is signed when
somebody asks and something changed, by one caller at a time and at most once a
second; everybody else gets the copy. Decoys, bits that belong to nobody, are rows
like any other: they hide how many revocations there were and are never handed out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from broker.errors import NotFoundHereError
from broker.ports import Services, UnitOfWork
from broker.records import StatusEntry, StatusList
from keys.tokens import sign
from mandates.model import Instant
from volmacht_guard import VerifiedToken, encode_bits


def uri(issuer: str, status_list: str) -> str:
    """Where a list is published; also its `sub`."""
    return f"{issuer}/status/{status_list}"


def list_at(issuer: str, status_uri: str) -> str:
    """The list that is published at this address; empty, which is no list, for any other address."""
    prefix = uri(issuer, "")
    return status_uri.removeprefix(prefix) if status_uri.startswith(prefix) else ""


def find_entry(services: Services, uow: UnitOfWork, token: VerifiedToken) -> StatusEntry | None:
    """The status index leads from a token to its grant; the token itself names no session."""
    if token.status is None:
        return None
    return uow.status.entry(list_at(services.settings.issuer, token.status.uri), token.status.index)


@dataclass(frozen=True, slots=True)
class _Published:
    version: int
    signed_at: Instant
    checked_at: Instant
    token: str


@dataclass(slots=True)
class _Slot:
    """One list: who holds the lock has it made, for all who wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    published: _Published | None = None


class StatusPublisher:
    """Serves signed lists of one process; the truth stays in SQL."""

    def __init__(self) -> None:
        self._slots: dict[str, _Slot] = {}

    def token(self, services: Services, list_id: str, now: Instant) -> str:
        """The list as `statuslist+jwt`, at most a second behind. Raise `NotFoundHereError`."""
        slot = self._slots.setdefault(list_id, _Slot())
        with slot.lock:
            if slot.published is None or slot.published.checked_at != now:
                try:
                    slot.published = _renewed(services, list_id, slot.published, now)
                except NotFoundHereError:
                    # A list that is over makes place, and who invents names fills no memory of ours.
                    self._slots.pop(list_id, None)
                    raise
            return slot.published.token


def _renewed(services: Services, list_id: str, copy: _Published | None, now: Instant) -> _Published:
    """The copy while nothing changed and it is not too old; the list made anew otherwise."""
    with services.database.read() as uow:
        found = uow.status.find_list(list_id)
        if found is None:
            raise NotFoundHereError
        if copy and copy.version == found.version and now - copy.signed_at < services.settings.status_ttl:
            return _Published(copy.version, copy.signed_at, now, copy.token)
        # Version and bits are of one moment: a read unit is a consistent view.
        revoked = uow.status.revoked_indices(list_id)
    return _Published(found.version, now, now, _signed(services, found, revoked, now))


def _signed(services: Services, found: StatusList, revoked: list[int], now: Instant) -> str:
    bits = bytearray(found.size // 8)
    for index in revoked:
        bits[index >> 3] |= 1 << (index & 7)
    address = uri(services.settings.issuer, found.id)
    payload = {
        "iss": services.settings.issuer,
        "sub": address,
        "iat": now,
        "exp": now + services.settings.status_exp,
        "ttl": services.settings.status_ttl,
        "status_list": {"bits": 1, "lst": encode_bits(bytes(bits))},
    }
    return sign(payload, services.keyring().signing_key("status", now), "statuslist+jwt")
