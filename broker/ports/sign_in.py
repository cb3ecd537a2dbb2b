"""Sessions, grants, and the bits by which services learn that one is over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from broker.records import (
    Basis,
    Consent,
    Grant,
    RefreshToken,
    Session,
    StatusEntry,
    StatusList,
)
from mandates.model import Instant


class SessionStore(Protocol):
    """Sign-ins at the broker."""

    def add(self, session: Session) -> None: ...
    def find(self, session: str) -> Session | None: ...
    def touch(self, session: str, now: Instant) -> None: ...
    def end(self, session: str, now: Instant) -> None: ...
    def live_of_party(self, party: str) -> list[Session]:
        """Sign-ins of this person that did not end, whether or not their time is over."""

    def live_of_organisation(self, organisation: str) -> list[Session]:
        """As `live_of_party`, of those who signed in for this organisation."""


class GrantStore(Protocol):
    """Grants, their refresh tokens, and what people agreed to."""

    def add(self, grant: Grant) -> None: ...
    def find(self, grant: str) -> Grant | None: ...
    def end(self, grants: Iterable[str], reason: str, now: Instant) -> None:
        """End those that have not ended yet."""

    def live_on_mandates(self, mandates: Iterable[str]) -> list[Grant]:
        """Not ended, with one of these as mandate or as executor."""

    def live_of_session(self, session: str) -> list[Grant]: ...
    def live_of_client(self, client: str) -> list[Grant]: ...
    def live_of_party(self, party: str) -> list[Grant]:
        """Not ended, with this party as actor or as principal."""

    def add_refresh_token(self, token: RefreshToken) -> None: ...
    def find_refresh_token(self, token_hash: str) -> RefreshToken | None: ...
    def use_refresh_token(self, token_hash: str, successor_hash: str, now: Instant) -> bool:
        """Mark it rotated into that successor; False if it was used already. Atomic."""

    def remember_consent(self, party: str, client: str, scopes: Iterable[str], now: Instant) -> None: ...
    def forget_consents(self, client: str) -> None:
        """What people agreed to for this client counts no more: it is gone, or goes elsewhere now."""

    def consented(self, party: str, client: str) -> frozenset[str]:
        """Scopes that this person was shown for this client."""

    def consents_of(self, party: str) -> list[Consent]:
        """All that this person agreed to, by client and scope."""

    def withdraw_consent(self, party: str, client: str) -> bool:
        """Forget what this person agreed to for this client; False if it was nothing."""


class StatusStore(Protocol):
    """Allocation and revocation of status indices (tokens.md section 6).

    A token is issued by whoever locks, in this order, the mandates of its chain, the registry's
    version and the grant, and only then reads the revision that the judgement must match. Whoever
    makes power smaller writes the mandate, the registration or the grant first and sets bits
    after. So one of the two waits for the other: either the issuer learns that something
    changed, or the revoker finds the fresh index.
    """

    def allocate(self, basis: Basis, exp: Instant, now: Instant) -> StatusEntry:
        """The live entry of this basis, its last_exp raised to `exp`, or a fresh random index.

        Opens the audience's next list when the open one is three quarters full.
        An index is handed out once, also under concurrency. Raise `ConflictError` if the
        grant has ended.
        """

    def entry(self, status_list: str, index: int) -> StatusEntry | None: ...
    def revoke(self, grants: Iterable[str], now: Instant) -> int:
        """Set the bits of these grants' live entries and raise the lists' versions. Returns how many."""

    def revoke_on_mandates(self, mandates: Iterable[str], now: Instant) -> int:
        """As `revoke`, of entries with one of these as mandate or executor. Returns how many grants."""

    def revoke_on_types(self, types: Iterable[str], now: Instant) -> int:
        """As `revoke_on_mandates`, of entries whose mandate or executor is of one of these types."""

    def revoke_of_client(self, client: str, now: Instant) -> int:
        """As `revoke`, of entries whose tokens this client was given, by whatever grant."""

    def revoke_entry(self, status_list: str, index: int, now: Instant) -> bool:
        """Set one bit; False if it was set, or is nobody's."""

    def retire(self, now: Instant, limit: int) -> int:
        """Let go of indices that mean nothing any more; returns how many. Looks at `limit` places of a list.

        An index whose bit is 0 is free 24 hours after its last `exp`. One that is set stays
        taken, so that no published bit returns to 0, until its list, which must not be the open
        one, is 24 hours past its last `exp`: then the list goes with all its entries.
        """

    def lists(self) -> list[StatusList]: ...
    def find_list(self, status_list: str) -> StatusList | None: ...
    def revoked_indices(self, status_list: str) -> list[int]:
        """Indices of this list whose bit is set, decoys among them."""
