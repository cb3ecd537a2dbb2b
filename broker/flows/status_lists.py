"""Publishing the Token Status Lists (draft-ietf-oauth-status-list; tokens.md section 6).

A list is built from SQL, so a crash rebuilds the same bits. It is signed when
somebody asks and something changed, by one caller at a time and at most once a
second; everybody else gets the copy. Decoys, bits that belong to nobody, are rows
like any other: they hide how many revocations there were and are never handed out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from broker.errors import NotFoundHereError
from broker.ports import Services
from broker.records import StatusList
from keys.tokens import sign
from mandates.model import Instant
from volmacht_guard import encode_bits


def uri(issuer: str, status_list: str) -> str:
    """Where a list is published; also its `sub`."""
    return f"{issuer}/status/{status_list}"


@dataclass(frozen=True, slots=True)
class _Published:
    version: int
    signed_at: Instant
    checked_at: Instant
    token: str


class StatusPublisher:
    """Serves signed lists of one process; the truth stays in SQL."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._published: dict[str, _Published] = {}

    def token(self, services: Services, list_id: str, now: Instant) -> str:
        """The list as `statuslist+jwt`, at most a second behind. Raise `NotFoundHereError`."""
        with self._lock:
            copy = self._published.get(list_id)
            if copy and copy.checked_at == now:
                return copy.token
            with services.database.read() as uow:
                found = uow.status.find_list(list_id)
                if found is None:
                    raise NotFoundHereError
                if (
                    copy
                    and copy.version == found.version
                    and now - copy.signed_at < services.settings.status_ttl
                ):
                    token, signed_at = copy.token, copy.signed_at
                else:
                    revoked = uow.status.revoked_indices(list_id)
                    token, signed_at = _signed(services, found, revoked, now), now
            self._published[list_id] = _Published(found.version, signed_at, now, token)
            return token


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
