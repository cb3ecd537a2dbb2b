"""Where the issuer's public keys come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from jwt.exceptions import InvalidKeyError

from volmacht_guard import clock
from volmacht_guard.errors import UnavailableError
from volmacht_guard.fetch import Fetch, FetchError, http_get, origin_of

_MAX_JWKS = 65_536  # bytes
_FIRST_RETRY = 5.0  # seconds between attempts while there are no keys at all, at start for instance


class VerificationKey(Protocol):
    """A public key and the one algorithm that it is for."""

    @property
    def alg(self) -> str: ...
    @property
    def key(self) -> Any:
        """An `EllipticCurvePublicKey` on P-256 for ES256, an `Ed25519PublicKey` for EdDSA."""


class KeySource(Protocol):
    """The keys of one issuer."""

    def key(self, kid: str) -> VerificationKey | None:
        """Return the key, or None if the issuer has none of this name.

        Raise `UnavailableError` when that cannot be known now.
        """


@dataclass(frozen=True, slots=True)
class _Key:
    alg: str
    key: EllipticCurvePublicKey | Ed25519PublicKey


def read_jwks(jwks: Mapping[str, Any]) -> dict[str, VerificationKey]:
    """Return the keys of a JWK Set by `kid`, those that can verify our tokens; raise `ValueError`.

    Others are passed over (RFC 7517 section 5): the same set may publish RS256
    keys for ID tokens. A `kid` that stands there twice names no key.
    """
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise ValueError("not a JWK Set")  # noqa: TRY004 - one kind of error for whatever is not a JWK Set
    found: dict[str, VerificationKey] = {}
    seen: set[str] = set()
    for entry in entries:
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(kid, str) or not kid:
            continue
        key = _read_key(entry)
        if kid in seen:
            found.pop(kid, None)
        elif key is not None:
            found[kid] = key
        seen.add(kid)
    return found


def _read_key(jwk: dict[str, Any]) -> _Key | None:
    """Return a public signature key for ES256 or EdDSA; None for anything else."""
    if jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    try:
        match jwk.get("kty"), jwk.get("alg"):
            case "EC", "ES256" | None:
                elliptic = ECAlgorithm.from_jwk(jwk)
                if isinstance(elliptic, EllipticCurvePublicKey) and isinstance(elliptic.curve, SECP256R1):
                    return _Key("ES256", elliptic)
            case "OKP", "EdDSA" | None:
                edwards = OKPAlgorithm.from_jwk(jwk)
                if isinstance(edwards, Ed25519PublicKey):
                    return _Key("EdDSA", edwards)
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return None


class StaticKeySource:
    """Keys that are known beforehand: for tests, or a service that is handed a JWK Set."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = read_jwks(jwks)

    def key(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)


class HttpKeySource:
    """The issuer's JWK Set, fetched when needed and kept.

    All periods are in seconds. The set is fetched again after `max_age`, sooner
    if its server says so; and when a token names a key that is not in it, at
    most once per `refetch_interval`, so that a stream of invented `kid`s makes
    no stream of fetches. One thread fetches; others go on with what there is.
    While the issuer is away its last set serves for `max_stale`, and no longer:
    a withdrawn key must die also for a service that is kept from hearing of it.
    """

    def __init__(
        self,
        jwks_uri: str,
        *,
        timeout: float = 5.0,
        max_age: float = 300.0,
        refetch_interval: float = 30.0,
        max_stale: float = 3600.0,
        fetch: Fetch = http_get,
        clock: Callable[[], float] = clock.monotonic,
    ) -> None:
        origin_of(jwks_uri)
        self._uri = jwks_uri
        self._timeout = timeout
        self._max_age = max_age
        self._interval = refetch_interval
        self._max_stale = max_stale
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, VerificationKey] = {}
        self._fresh_until = float("-inf")
        self._usable_until = float("-inf")
        self._next_fetch_at = float("-inf")

    def key(self, kid: str) -> VerificationKey | None:
        now = self._clock()
        found = self._keys.get(kid)
        if found is None or now >= self._fresh_until:
            self._refresh(now)
            found = self._keys.get(kid)
        if self._clock() >= self._usable_until:
            raise UnavailableError("keys_unavailable", "the keys of the issuer cannot be had")
        return found

    def _refresh(self, now: float) -> None:
        """Fetch unless that was tried just now; wait for another's fetch only if nothing else serves."""
        if now < self._next_fetch_at or not self._lock.acquire(blocking=now >= self._usable_until):
            return
        try:
            # Another thread may have fetched while this one waited for the lock.
            if self._clock() < self._next_fetch_at:
                return
            self._load()
        finally:
            self._lock.release()

    def _load(self) -> None:
        try:
            fetched = self._fetch(
                self._uri, "application/jwk-set+json, application/json", self._timeout, _MAX_JWKS
            )
            keys = read_jwks(_json_object(fetched.body))
        except (FetchError, ValueError, RecursionError):
            return
        finally:
            # Counted from the end of the attempt: one that took long must not be followed by the next.
            ended = self._clock()
            pause = self._interval if ended < self._usable_until else min(self._interval, _FIRST_RETRY)
            self._next_fetch_at = ended + pause
        now = self._clock()
        kept = self._max_age if fetched.max_age is None else min(fetched.max_age, self._max_age)
        self._keys = keys
        self._next_fetch_at = now + self._interval
        self._fresh_until = now + max(kept, self._interval)
        self._usable_until = now + max(self._max_stale, self._interval)


def _json_object(body: bytes) -> dict[str, Any]:
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for whatever is not a JWK Set
    return value
