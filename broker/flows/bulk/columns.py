"""What columns a file of each kind has, and what they may be called: Dutch, with English accepted.

Titles are compared without case, accents and what separates words: `Tot-en-met` is
`tot en met`. A title that is not known refuses the file, as a column that is
missing does: a rule that is misspelt would otherwise silently not hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.errors import UnreadableFileError
from config.vms import VmsFormat

MANDATES, STAFF = "mandates", "staff"
VMS_MANDATES, VMS_EXECUTORS = "vms-mandaten", "vms-mandaatuitvoerders"
KINDS = (MANDATES, STAFF, VMS_MANDATES, VMS_EXECUTORS)
VMS_KINDS = (VMS_MANDATES, VMS_EXECUTORS)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: our name for it, and its titles, the one that we write first."""

    name: str
    titles: tuple[str, ...]
    needed: bool = False


_KEY = Column("key", ("sleutel", "rijsleutel", "referentie", "key", "row key", "reference"))
_NAME = ("naam", "name")
_OWN = (
    _KEY,
    Column("type", ("soort", "type")),
    Column("name", _NAME, needed=True),
    Column("insz", ("rijksregisternummer", "insz", "national number"), needed=True),
    Column("powers", ("bevoegdheden", "powers"), needed=True),
    Column("valid_from", ("van", "vanaf", "from", "valid from")),
    Column("valid_until", ("tot en met", "laatste dag", "until", "last day")),
    Column("evidence", ("bewijsstuk", "evidence")),
    Column("sha256", ("sha 256", "sha256")),
)
_KINDS = {MANDATES: _OWN, STAFF: (*_OWN, Column("caseload", ("begunstigden", "werkpakket", "caseload")))}
_VMS_OPTIONAL = {"access_level", "client"}


def columns_of(kind: str, vms: VmsFormat) -> tuple[Column, ...]:
    """The columns of a kind of file. VMS's may carry a row key and a name beside its own."""
    if kind in _KINDS:
        return _KINDS[kind]
    own = (
        Column(name, titles, needed=name not in _VMS_OPTIONAL) for name, titles in vms.titles[kind].items()
    )
    return (*own, _KEY, Column("name", _NAME))


def places(titles: Sequence[str], columns: Sequence[Column]) -> Mapping[str, int]:
    """Column -> its place in the file, from its titles. Raise `UnreadableFileError` naming each fault."""
    known = {_plain(title): column.name for column in columns for title in column.titles}
    named = {place: known.get(_plain(title)) for place, title in enumerate(titles) if title}
    odd = [titles[place] for place, name in named.items() if name is None]
    if odd:
        listed = ", ".join(column.titles[0] for column in columns)
        raise UnreadableFileError(
            "unknown_column", f"unknown title in column {_numbers(titles, odd)}; known are: {listed}", 1
        )
    found: dict[str, int] = {}
    for place, name in named.items():
        if name is not None and found.setdefault(name, place) != place:
            raise UnreadableFileError("double_column", f"column {place + 1} stands there twice", 1)
    missing = [column.titles[0] for column in columns if column.needed and column.name not in found]
    if missing:
        raise UnreadableFileError("missing_column", f"add the column {', '.join(missing)}", 1)
    return found


def _numbers(titles: Sequence[str], odd: Sequence[str]) -> str:
    """Places, not titles: without a line of titles the first row stands there, and it holds numbers."""
    return ", ".join(str(place) for place, title in enumerate(titles, 1) if title in odd)


def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title.casefold())
    return re.sub(r"[\W_]+", " ", "".join(one for one in letters if not unicodedata.combining(one))).strip()
