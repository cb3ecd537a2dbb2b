"""How often somebody may guess: a few places per person and per address, each free again after an hour.

A place is claimed before the guess is looked at, so that a hundred guesses at once have
no more places than one after another. Addresses and persons are counted under a keyed
hash: the counters name nobody.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from broker.errors import TooManyTriesError
from broker.ports import Services
from mandates.model import Instant

SECONDS = 3600
_KIND = "tries"


@dataclass(frozen=True, slots=True)
class Try:
    """A claimed place."""

    key: str


def claim(services: Services, what: str, who: str, places: int, now: Instant) -> Try:
    """Take a place for one guess at `what` by `who`. Raise `TooManyTriesError` if none is free."""
    holder = services.vault.index(f"{what}\n{who}", _KIND)
    keys = [f"{holder}.{place}" for place in range(places)]
    for key in keys:
        if services.ephemeral.claim(_KIND, key, SECONDS):
            services.ephemeral.put(_KIND, key, {"until": now + SECONDS}, SECONDS)
            return Try(key)
    taken = [services.ephemeral.get(_KIND, key) or {} for key in keys]
    raise TooManyTriesError(max(1, min(one.get("until", now) for one in taken) - now))


def forgive(services: Services, *tries: Try) -> None:
    """Give places back: the guess was none."""
    for one in tries:
        services.ephemeral.take(_KIND, one.key)


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 line has to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
