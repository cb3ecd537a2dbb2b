"""Workbooks of Excel: openpyxl behind the port `Spreadsheets`.

A workbook is a zip of XML that a stranger made. So before anything is unpacked its
directory is looked at: how many parts, how large, how much smaller than they claim
(a "zip bomb"). Values are read row by row; formulas count as the value that Excel
last saw; macros and links to other files are not read. Python's expat refuses
entities that grow (billion laughs) and fetches none from outside.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from broker.errors import UnreadableFileError

MOST_PARTS = 500
MOST_SHEETS = 16
MOST_UNPACKED = 200 * 2**20
"""Bytes, of all parts together."""
MOST_BESIDE = 64 * 2**20
"""Bytes, unpacked, of all that is no sheet: one of these parts is the shared texts, held in memory."""
MOST_RATIO = 200
"""Unpacked against packed; sheets of one repeated value reach some 100."""
MOST_CELLS = 1_000
"""Of one row, empty ones before the last included: Excel has room for 16,384, and each costs."""
_SMALL = 2**20
"""Bytes up to which a part may be packed as well as it likes."""
_LAST_ROW = 2**20
"""Excel's own limit. A row that says to be further down would cost the way there."""

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    InvalidFileException,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What openpyxl and zipfile raise on files that are not what they seem."""


class ExcelSpreadsheets:
    """`ports.Spreadsheets` with openpyxl."""

    def read(self, file: BinaryIO) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Rows of the first sheet that are not empty, as (number, texts).

        Raise `UnreadableFileError` if it is no workbook, is larger than the bounds above, or
        has anything on another sheet: it would be left out silently.
        """
        try:
            _check_parts(file)
            workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheets = workbook.worksheets
            if not 1 <= len(sheets) <= MOST_SHEETS or any(any(_rows(one)) for one in sheets[1:]):
                raise UnreadableFileError("one_sheet", "keep everything on one sheet, and no other sheet")
            for number, cells in enumerate(_rows(sheets[0]), 1):
                if cells:
                    yield number, cells
        except _BROKEN as error:
            raise UnreadableFileError(
                "not_a_workbook", "this workbook cannot be read; save it anew as .xlsx, without a password"
            ) from error

    def write(self, out: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
        """One sheet of texts; a text that begins with `=` must have been neutralised by the caller."""
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet()
        for row in rows:
            sheet.append(list(row))
        workbook.save(out)


def _check_parts(file: BinaryIO) -> None:
    """Refuse what is too large. No more is unpacked of a part than the directory says."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    sizes = [part.file_size for part in parts]
    beside = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
    bomb = any(part.file_size > max(_SMALL, MOST_RATIO * max(part.compress_size, 1)) for part in parts)
    if bomb or len(parts) > MOST_PARTS or sum(sizes) > MOST_UNPACKED or beside > MOST_BESIDE:
        raise _too_large("this workbook is too large; split it, or save it as CSV")


def _rows(sheet: ReadOnlyWorksheet) -> Iterator[tuple[str, ...]]:
    """Each row's texts; () if it is empty."""
    # What a sheet says of its own size may be wrong, and would then cut it short.
    sheet.reset_dimensions()
    for row in sheet.iter_rows(max_row=_LAST_ROW, values_only=True):
        if len(row) > MOST_CELLS:
            raise _too_large("a row of this workbook is too wide; remove empty columns")
        cells = tuple(_text(value) for value in row)
        yield cells if any(cells) else ()


def _text(value: object) -> str:
    """A value as one would type it: whole numbers without a point, days as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value).strip()


def _too_large(text: str) -> UnreadableFileError:
    return UnreadableFileError("too_large", text)
