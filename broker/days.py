"""Whole days in Europe/Brussels, last day included, as instants (mandates.md section 6)."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mandates.model import Instant

BRUSSELS = ZoneInfo("Europe/Brussels")

_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[T ]00:00(?::00)?)?")
_BELGIAN = re.compile(r"(?P<day>\d{1,2})(?P<mark>[/.-])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4})")


def first_instant(day: date) -> Instant:
    """Midnight with which the day begins in Brussels, also on the days that clocks change."""
    return int(datetime.combine(day, time(), BRUSSELS).timestamp())


def after_last_instant(day: date) -> Instant:
    """The end of a period whose last day is `day`: midnight with which the next one begins."""
    return first_instant(day + timedelta(days=1))


def day_of(instant: Instant) -> date:
    """The day in Brussels that an instant falls in."""
    return datetime.fromtimestamp(instant, BRUSSELS).date()


def last_day(until: Instant) -> date:
    """The last whole or partial day before `until`, the end of a half-open period."""
    return day_of(until - 1)


def moment(instant: Instant) -> str:
    """Day and time as people here write them."""
    return datetime.fromtimestamp(instant, BRUSSELS).strftime("%d/%m/%Y %H:%M")


def typed_day(typed: str) -> date:
    """A day as people here type it (1/2/2026, 01.02.2026, 1-2-2026: day first) or as ISO 8601 writes it.

    Raise `ValueError`. A year of two digits is refused: it could be a year of birth.
    """
    found = _ISO.fullmatch(typed.strip()) or _BELGIAN.fullmatch(typed.strip())
    if found is None:
        raise ValueError("not a day")
    return date(int(found["year"]), int(found["month"]), int(found["day"]))
