"""Files of organisations: CSV as spreadsheets write it, or JSON Lines, with Dutch or English names.

| column | also | holds |
|---|---|---|
| `kbo` | | enterprise number, as typed |
| `name` | `naam` | may be left out for one that is known |
| `ovo` | | OVO code |
| `kinds` | `soorten` | such as `ocmw recognised_company`, between spaces |
| `effective_date` | `datum` | first day of the recognitions, `2026-01-31` or `31/01/2026`; else today |
| `source` | `bron` | register or letter that says so |
| `ceased` | `stopgezet` | the day from which it exists no more |
| `successor` | `opvolger` | enterprise number of the one that takes over |
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from broker.days import day_of, first_instant
from mandates.model import Instant

LONGEST = 50_000
"""Lines of a file at most."""
_ENGLISH = {
    "naam": "name",
    "soorten": "kinds",
    "datum": "effective_date",
    "bron": "source",
    "stopgezet": "ceased",
    "opvolger": "successor",
}
_COLUMNS = {"kbo", "name", "ovo", "kinds", "effective_date", "source", "ceased", "successor"}
_LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One organisation, as a line of the file says; its numbers as typed."""

    line: int
    kbo: str
    name: str
    kinds: frozenset[str]
    since: Instant
    source: str
    ovo: str | None = None
    ceased: Instant | None = None
    successor: str = ""


def read(text: str, source: str, now: Instant) -> tuple[list[Row], list[str]]:
    """The rows, and a sentence for each line that cannot be read, with its number."""
    rows, faults = [], []
    try:
        for line, values in _lines(text.removeprefix("\ufeff")):
            try:
                rows.append(_row(line, values, source, now))
            except ValueError as error:
                faults.append(f"line {line}: {error}")
    except ValueError as error:
        faults.append(str(error))
    return rows, faults


def line_of(fault: str) -> int:
    """The number of the line that a fault names; 0 for the file itself."""
    found = _LINE.match(fault)
    return int(found[1]) if found else 0


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line with its number, its names in English. Raise `ValueError` for a file that is neither kind."""
    found = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(text)
    for count, (line, values) in enumerate(found):
        if count >= LONGEST:
            raise ValueError(f"line {line}: a file has {LONGEST} lines at most")
        yield line, {_ENGLISH.get(key, key): value for key, value in values.items()}


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, one in enumerate(text.splitlines(), 1):
        if one.strip():
            with suppress(json.JSONDecodeError):
                value = json.loads(one)
                if isinstance(value, dict):
                    yield line, value
                    continue
            raise ValueError(f"line {line}: not a JSON object")


def _csv_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    reader.fieldnames = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "kbo" not in reader.fieldnames:
        raise ValueError("line 1: a column `kbo` is missing")
    try:
        for values in reader:
            yield reader.line_num, {key: value or "" for key, value in values.items() if isinstance(key, str)}
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def _row(line: int, values: Mapping[str, Any], source: str, now: Instant) -> Row:
    unknown = {key for key in values if key and key not in _COLUMNS}
    if unknown:
        raise ValueError(f"unknown column {', '.join(sorted(unknown))}")
    said = _text(values, "source") or source
    if not said.strip():
        raise ValueError("say in column `source` who says so")
    since, ceased = _day(values, "effective_date", now), _day(values, "ceased", now)
    successor = _text(values, "successor")
    if successor and ceased is None:
        raise ValueError("column `successor` goes with a date in column `ceased`")
    return Row(
        line,
        _text(values, "kbo"),
        _text(values, "name"),
        frozenset(_words(values.get("kinds", ""))),
        first_instant(day_of(now)) if since is None else since,
        said.strip(),
        _text(values, "ovo") or None,
        ceased,
        successor,
    )


def _words(value: Any) -> Iterable[str]:
    words = value if isinstance(value, list) else str(value).replace("|", " ").split()
    return [str(word).strip() for word in words]


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value).strip()


def _day(values: Mapping[str, Any], name: str, now: Instant) -> Instant | None:
    """The first instant of a day in Brussels; raise `ValueError` for no day, or one that is to come."""
    typed = _text(values, name)
    if not typed:
        return None
    at = first_instant(_date(typed, name))
    if at > now:
        raise ValueError(f"column `{name}` lies in the future; import it when it has come")
    return at


def _date(typed: str, name: str) -> date:
    with suppress(ValueError):
        return date.fromisoformat(typed)
    with suppress(ValueError):
        return datetime.strptime(typed, "%d/%m/%Y").date()  # noqa: DTZ007 - a day has no time zone
    raise ValueError(f"column `{name}` holds a day, as 2026-01-31 or 31/01/2026")
