"""The world beyond the database: clock, ephemeral store, upstream, number checks, spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from broker.records import (
    Client,
    LoginRequest,
    UpstreamLogin,
)
from mandates.model import Instant, Level

Clock = Callable[[], Instant]
Mark = tuple[str, str, int]
"""What is claimed: kind, key, and seconds to live."""


class EphemeralStore(Protocol):
    """What may be lost. Every value is a JSON object; every key has a time to live in seconds."""

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> None: ...
    def get(self, kind: str, key: str) -> dict[str, Any] | None: ...
    def replace(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> bool:
        """Store only if the key is there, in one atomic step: what was taken does not come back."""

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one atomic step: of two callers one gets it."""

    def claim(self, kind: str, key: str, ttl: int) -> bool:
        """Set if absent, atomically: True for the first caller within `ttl` seconds only."""

    def claim_all(self, marks: Sequence[Mark]) -> tuple[bool, Instant]:
        """Claim every mark in one round trip: whether all were free, and the epoch read after.

        Those that were free are claimed also when another one was not.
        """

    def epoch(self) -> Instant:
        """When this store began to remember. A replay mark older than this may be lost."""

    def ping(self) -> None:
        """Raise `UnavailableError` if the store is away."""


class Upstream(Protocol):
    """An identity provider that people are sent to."""

    issuer: str

    def start(
        self,
        *,
        state: str,
        redirect_uri: str,
        force: bool = False,
        level: Level = Level.NONE,
        max_age: int | None = None,
    ) -> LoginRequest:
        """Where to send her, asking for means of at least `level` and a login no older than `max_age` (s).

        Raise `UpstreamError`, `LevelTooLowError` if there are no such means.
        """

    def finish(
        self,
        unverified_response: Mapping[str, str],
        memory: Mapping[str, Any],
        redirect_uri: str,
        now: Instant,
    ) -> UpstreamLogin:
        """Redeem the code once and verify the ID token in full. Raise `UpstreamError`."""

    def logout_url(self, post_logout_redirect_uri: str, state: str) -> str | None: ...
    def check(self) -> str:
        """Fetch the metadata; one sentence on what was found. Raise `UpstreamError`."""


class ClientKeys(Protocol):
    """The keys that clients publish themselves (`jwks_uri`)."""

    def keys_of(self, client: Client, kid: str | None, now: Instant) -> Mapping[str, Any]:
        """The client's JWK Set, fetched anew if `kid` is not in the copy. Raise `ClientKeysError`."""


class NumberChecks(Protocol):
    """Check digits of Belgian numbers (python-stdnum, behind a port)."""

    def insz(self, typed: str) -> str:
        """The eleven digits; raise `InvalidTypedNumberError`."""

    def kbo(self, typed: str) -> str:
        """The ten digits; raise `InvalidTypedNumberError`."""

    def adult_at(self, insz: str) -> Instant | None:
        """When the holder of a checked number turns eighteen; None if the number does not say."""


class Spreadsheets(Protocol):
    """Workbooks of Excel, row by row."""

    def read(self, file: BinaryIO) -> Iterable[tuple[int, tuple[str, ...]]]:
        """Rows that are not empty as (number, texts). Raise `UnreadableFileError`."""

    def write(self, out: BinaryIO, rows: Iterable[Sequence[str]]) -> None: ...
