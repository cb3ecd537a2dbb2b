"""Whole days in Brussels become instants, also when the clocks change."""

from datetime import UTC, date, datetime

import pytest

from broker import days


def utc(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2026, 1, 15), utc(2026, 1, 14, 23)),
        (date(2026, 7, 1), utc(2026, 6, 30, 22)),
        (date(2026, 3, 29), utc(2026, 3, 28, 23)),  # clocks go forward that night
        (date(2026, 3, 30), utc(2026, 3, 29, 22)),
        (date(2026, 10, 25), utc(2026, 10, 24, 22)),  # and back
        (date(2026, 10, 26), utc(2026, 10, 25, 23)),
    ],
)
def test_a_day_begins_at_midnight_in_brussels(day, begins):
    assert days.first_instant(day) == begins


def test_the_last_day_is_included_to_its_last_second():
    until = days.after_last_instant(date(2026, 10, 25))
    assert until - days.first_instant(date(2026, 10, 25)) == 25 * 3600
    assert days.last_day(until) == date(2026, 10, 25)
    assert days.day_of(until - 1) == date(2026, 10, 25)
    assert days.day_of(until) == date(2026, 10, 26)
