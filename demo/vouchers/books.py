"""The service's books: vouchers, performances and invoices, kept per principal."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from threading import Lock

PRICE_PER_HOUR = Decimal("29.36")
"""Euro that a recognised company is paid for one voucher, one hour."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Hours worked on one day, with the party that submitted them as principal."""

    day: date
    hours: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """What one month comes to."""

    month: str
    """`YYYY-MM`."""
    hours: int
    euro: Decimal


class Books:
    """In memory, safe between threads. `principal` is always the `sub` of a verified token."""

    def __init__(self) -> None:
        self._vouchers: defaultdict[str, int] = defaultdict(int)
        self._performances: defaultdict[str, list[Performance]] = defaultdict(list)
        self._lock = Lock()

    def vouchers(self, principal: str) -> int:
        with self._lock:
            return self._vouchers[principal]

    def order(self, principal: str, count: int) -> int:
        """Add `count` vouchers; return the new balance."""
        with self._lock:
            self._vouchers[principal] += count
            return self._vouchers[principal]

    def submit(self, principal: str, performance: Performance) -> None:
        with self._lock:
            self._performances[principal].append(performance)

    def performances(self, principal: str) -> list[Performance]:
        """Oldest day first."""
        with self._lock:
            return sorted(self._performances[principal], key=lambda one: one.day)

    def invoices(self, principal: str) -> list[Invoice]:
        """One a month, oldest first."""
        hours: defaultdict[str, int] = defaultdict(int)
        for performance in self.performances(principal):
            hours[f"{performance.day:%Y-%m}"] += performance.hours
        return [Invoice(month, total, total * PRICE_PER_HOUR) for month, total in sorted(hours.items())]
