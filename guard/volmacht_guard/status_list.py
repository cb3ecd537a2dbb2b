"""Whether a token was revoked after it was issued (Token Status List, draft-ietf-oauth-status-list).

A token names a list and an index; the issuer signs the list. Revocation is
noticed when the copy is older than the list's `ttl`, and a copy serves until
its `exp` and not a second longer: a service that is cut off from the broker
stops, rather than trusting what was true an hour ago.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

from volmacht_guard.bits import MAX_LIST_BYTES, decode_list, is_set
from volmacht_guard.claims import instant, text
from volmacht_guard.errors import GuardError, InvalidTokenError, UnavailableError
from volmacht_guard.fetch import Fetch, FetchError, http_get, origin_of
from volmacht_guard.jws import parse_jws, verify_header, verify_signature
from volmacht_guard.keys import KeySource

_MAX_BODY = 2 * MAX_LIST_BYTES  # a list that does not compress, in base64
_DEFAULT_TTL = 10  # seconds, when the list does not say
_LEEWAY = 5  # seconds


class StatusSource(Protocol):
    """Says whether a token still stands."""

    def check(self, uri: str, index: int, now: int) -> None:
        """Return if the token at `index` of list `uri` stands at `now`.

        Raise `InvalidTokenError` if it was revoked or cannot be in that list,
        `UnavailableError` when that cannot be known now.
        """


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list that was verified."""

    bits: bytes = field(repr=False)
    issued_at: int
    refresh_at: int
    expires_at: int


@dataclass(slots=True)
class _Slot:
    """The copy of one list, and when it may be asked for again."""

    lock: Lock = field(default_factory=Lock)
    current: StatusList | None = None
    next_fetch_at: int = 0


class HttpStatusSource:
    """Lists fetched from the issuer, one fetch per list at a time.

    Periods are in seconds. `backoff` passes between attempts that fail, so that
    an absent broker costs one timeout and not one per request; `min_interval`
    between those that succeed, for lists that are published less often than
    their `ttl`. No list is asked for outside the issuer's own origin: `uri`
    comes from a signed token, but a service's network is not the issuer's to
    roam in.
    """

    def __init__(
        self,
        issuer: str,
        keys: KeySource,
        *,
        algorithms: Collection[str] = ("ES256",),
        timeout: float = 3.0,
        backoff: int = 5,
        min_interval: int = 1,
        fetch: Fetch = http_get,
    ) -> None:
        self._issuer = issuer
        self._origin = origin_of(issuer)
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._timeout = timeout
        self._backoff = backoff
        self._min_interval = min_interval
        self._fetch = fetch
        self._slots: dict[str, _Slot] = {}
        self._slots_lock = Lock()

    def check(self, uri: str, index: int, now: int) -> None:
        slot = self._slots.get(uri) or self._open_slot(uri, now)
        current = slot.current
        if current is None or now >= current.refresh_at:
            self._refresh(uri, slot, now)
            current = slot.current
        if current is None or now >= current.expires_at:
            raise UnavailableError("status_unavailable", "the status of the token cannot be had")
        try:
            revoked = is_set(current.bits, index)
        except ValueError:
            raise InvalidTokenError("status_index", "the token is not in its list") from None
        if revoked:
            raise InvalidTokenError("revoked", "the token was revoked")

    def _open_slot(self, uri: str, now: int) -> _Slot:
        try:
            same = origin_of(uri) == self._origin
        except ValueError:
            same = False
        if not same:
            raise InvalidTokenError("status_uri", "the list is not one of the issuer's")
        with self._slots_lock:
            # Lists follow one another through the years; those that are over make place here.
            for old, slot in list(self._slots.items()):
                if slot.current is not None and now >= slot.current.expires_at:
                    del self._slots[old]
            return self._slots.setdefault(uri, _Slot())

    def _refresh(self, uri: str, slot: _Slot, now: int) -> None:
        """Fetch unless that was tried just now; wait for another's fetch only without a usable copy."""
        usable = slot.current is not None and now < slot.current.expires_at
        if now < slot.next_fetch_at or not slot.lock.acquire(blocking=not usable):
            return
        try:
            # Another thread may have fetched while this one waited for the lock.
            if now < slot.next_fetch_at:
                return
            slot.current = self._load(uri, slot.current, now)
            slot.next_fetch_at = now + self._min_interval
        except (FetchError, GuardError, ValueError):
            slot.next_fetch_at = now + self._backoff
        finally:
            slot.lock.release()

    def _load(self, uri: str, previous: StatusList | None, now: int) -> StatusList:
        fetched = self._fetch(uri, "application/statuslist+jwt", self._timeout, _MAX_BODY)
        unverified_token = fetched.body.decode("ascii").strip()
        jws = parse_jws(unverified_token, _MAX_BODY)
        alg, kid = verify_header(jws.unverified_header, "statuslist+jwt", self._algorithms)
        claims = verify_signature(jws, alg, kid, self._keys)
        loaded = read_list(claims, uri, self._issuer, now)
        if previous is not None and loaded.issued_at < previous.issued_at:
            # Bits never return to 0, so an older list can only be a stale cache or an attempt to hide.
            raise InvalidTokenError("list_older", "the list is older than the one at hand")
        return loaded


def read_list(claims: dict[str, Any], uri: str, issuer: str, now: int) -> StatusList:
    """Return the list in the signed `claims` (Token Status List section 5.1); raise `InvalidTokenError`."""
    if claims.get("sub") != uri:
        raise InvalidTokenError("list_sub", "the list is another one")
    if claims.get("iss", issuer) != issuer:
        raise InvalidTokenError("list_iss", "the list is of another issuer")
    issued_at = instant(claims, "iat", "list_iat")
    expires_at = instant(claims, "exp", "list_exp")
    if issued_at > now + _LEEWAY or expires_at <= now:
        raise InvalidTokenError("list_exp", "the list is not of this time")
    ttl = instant(claims, "ttl", "list_ttl") if "ttl" in claims else _DEFAULT_TTL
    packed = claims.get("status_list")
    if not isinstance(packed, dict) or packed.get("bits") != 1 or ttl < 0:
        raise InvalidTokenError("list_shape", "the list has not one bit per token")
    try:
        bits = decode_list(text(packed, "lst", "list_shape"))
    except ValueError:
        raise InvalidTokenError("list_shape", "the list does not unpack") from None
    return StatusList(bits=bits, issued_at=issued_at, refresh_at=issued_at + ttl, expires_at=expires_at)
