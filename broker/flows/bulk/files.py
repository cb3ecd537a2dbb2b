"""A file as it comes, row by row: CSV as Belgian Excel makes it, or XLSX (mandates.md section 6).

Nobody is asked what the file is: its first bytes, its encoding and its first line
tell. Everything is read in passes over a temporary file that has no name, so that
memory stays flat; a stranger's file is bounded in every direction that could grow.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import BinaryIO, TextIO

from broker.errors import UnreadableFileError
from broker.ports import Spreadsheets

MOST_BYTES = 64 * 2**20
MOST_ROWS = 200_000
MOST_COLUMNS = 40
LONGEST_LINE = 16_384
"""Characters."""
MOST_LINES = 100
"""Lines of one row: a cell may hold line breaks, a quote that is never closed would hold the file."""

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS = ";\t,"
"""A tie goes to the first: Excel in Belgium writes semicolons, and commas stand in numbers."""
_PIECE = 2**16
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""All but the line feed."""

Row = tuple[int, tuple[str, ...]]
"""The line on which a row begins (from 1), and its cells, trimmed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken in."""

    file: BinaryIO
    sha256: str


@contextmanager
def taken_in(content: BinaryIO) -> Iterator[Taken]:
    """Copy a stream to a temporary file that is gone afterwards, and hash it on the way.

    Raise `UnreadableFileError` if it is larger than `MOST_BYTES`.
    """
    digest, size = hashlib.sha256(), 0
    with TemporaryFile() as file:
        while piece := content.read(_PIECE):
            size += len(piece)
            if size > MOST_BYTES:
                raise _too_large(f"{MOST_BYTES // 2**20} MiB")
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        yield Taken(file, digest.hexdigest())


def rows_of(file: BinaryIO, spreadsheets: Spreadsheets) -> Iterator[Row]:
    """Rows that are not empty, the titles first; `file` is closed at their end.

    Raise `UnreadableFileError`, which names the line.
    """
    head = file.read(4)
    file.seek(0)
    if head.startswith(_OLD_EXCEL):
        raise UnreadableFileError(
            "not_a_workbook", "this is an old or protected workbook; save it as .xlsx without a password"
        )
    rows = spreadsheets.read(file) if head == _ZIP else _csv_rows(file, head)
    for count, (line, cells) in enumerate(rows):
        if count > MOST_ROWS:
            raise _too_large(f"{MOST_ROWS} rows", line)
        if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
            raise _too_large(f"{MOST_COLUMNS} columns", line)
        yield line, cells


def write_rows(out: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
    """CSV as Belgian Excel opens it: semicolons, UTF-8 with its mark. Cells must be `neutral`."""
    text = TextIOWrapper(out, encoding="utf-8-sig", newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    text.detach()


def neutral(cell: str) -> str:
    """A cell that Excel shows and never runs.

    What begins like a formula gets an apostrophe before it (OWASP, "CSV Injection"); control
    characters, which XLSX cannot hold, become spaces.
    """
    clean = _CONTROL.sub(" ", cell)
    return f"'{clean}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else clean


def _csv_rows(file: BinaryIO, head: bytes) -> Iterator[Row]:
    lines = _Lines(TextIOWrapper(file, encoding=_encoding(file, head), newline=""))
    first = lines.first()
    if not first.lower().startswith("sep="):
        lines.give_back(first)
    yield from _records(csv.reader(lines, delimiter=_separator(first), strict=True), lines)


def _records(reader: Iterator[list[str]], lines: _Lines) -> Iterator[Row]:
    while True:
        begins = lines.begin_row()
        try:
            cells = tuple(cell.strip() for cell in next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFileError(
                "quotes", "the quotes of this row do not match, or a cell is too long", begins
            ) from error
        if any(cells):
            yield begins, cells


class _Lines:
    """Lines of a text for the csv reader: numbered, and bounded in length and in number for one row."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._number = 0
        self._of_row = 0
        self._again: list[str] = []

    def first(self) -> str:
        """The first line, which tells how the cells are separated."""
        return next(self, "")

    def give_back(self, line: str) -> None:
        """The line is read anew."""
        self._again.append(line)
        self._number -= 1

    def begin_row(self) -> int:
        """Number of the line that comes next."""
        self._of_row = 0
        return self._number + 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._text.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self._number, self._of_row = self._number + 1, self._of_row + 1
        if len(line) > LONGEST_LINE:
            raise _too_large(f"{LONGEST_LINE} characters on a line", self._number)
        if self._of_row > MOST_LINES:
            raise UnreadableFileError("quotes", "a quote in this row is never closed", self._number)
        if "\0" in line:
            raise UnreadableFileError("not_text", "this is no text; save it as CSV or .xlsx", self._number)
        return line


def _encoding(file: BinaryIO, head: bytes) -> str:
    """By its mark; else UTF-8 if the whole of it is, else what Excel in Belgium writes."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        text = TextIOWrapper(file, encoding=encoding, newline="")
        try:
            while text.read(_PIECE):
                pass
        except UnicodeError:
            continue
        else:
            return encoding
        finally:
            text.detach()
            file.seek(0)
    raise UnreadableFileError("not_text", "the characters cannot be read; save it as CSV UTF-8 or .xlsx")


def _separator(first: str) -> str:
    """As the line `sep=;` says that Excel knows, else what the titles stand between."""
    line = first.strip("\r\n")
    if line.lower().startswith("sep=") and len(line) == len("sep=;"):
        return line[-1]
    outside = "".join(itertools.islice(line.split('"'), 0, None, 2))
    return max(_SEPARATORS, key=outside.count)


def _too_large(bound: str, line: int | None = None) -> UnreadableFileError:
    return UnreadableFileError("too_large", f"a file can have {bound} at most; split it", line)
