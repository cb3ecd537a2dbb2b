"""From the cells of a row to what it asks, or to the first fault in it.

Only the shape is judged here, as a form does: numbers, days, words. What is allowed
is the engine's to say, row by row, in `judging`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from broker import days
from broker.errors import InvalidTypedNumberError
from broker.flows.bulk.columns import STAFF, VMS_EXECUTORS, VMS_KINDS, VMS_MANDATES, Column
from broker.ports import NumberChecks
from config.vms import VmsFormat
from mandates.mandate_type import MandateType
from mandates.model import Instant, Party, PartyKind

NAMELESS = "(naam onbekend)"
"""For a person whom a VMS file names by number alone, until she signs in. Never empty: an empty typed
name would let the requester see the recorded one."""
LONGEST = {"name": 200, "key": 100, "evidence": 2000}
"""Characters."""
EVERYTHING = frozenset({"alle", "all"})
_YEARS = range(2000, 2200)
_INSZ, _KBO = 11, 10
_LOST = 4
"""Leading zeros that Excel can have taken from a number."""
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RowRequest:
    """What one row asks, checked for shape; the other party is the requester's organisation."""

    type: str
    name: str
    insz: str
    powers: tuple[str, ...]
    valid_from: Instant | None = None
    """None: from the moment that it is applied."""
    valid_until: Instant | None = None
    evidence: str = ""
    sha256: str | None = None
    whole: bool = True
    caseload: tuple[str, ...] = ()
    """National numbers of those for whom an executor acts who is not for all."""


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row as it was typed: what it asks, or the code and the column of its first fault."""

    key: str
    request: RowRequest | None = None
    code: str = ""
    column: str = ""

    def to_json(self) -> bytes:
        """For sealing."""
        return json.dumps(self, default=_fields, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> TypedRow:
        """What `to_json` wrote."""
        row = json.loads(text)
        asked = row.pop("request")
        if asked is None:
            return cls(**row)
        words = {name: tuple(asked[name]) for name in ("powers", "caseload")}
        return cls(**row, request=RowRequest(**asked | words))


def _fields(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


class RowFaultError(Exception):
    """A row that cannot be read: the code of its first fault, and the column."""

    def __init__(self, code: str, column: str = "") -> None:
        super().__init__(code)
        self.code, self.column = code, column


def types_for(kind: str, types: Mapping[str, MandateType], organisation: Party, now: Instant) -> list[str]:
    """The types that a file of this kind may ask for this organisation, in the order of the catalogue.

    Files ask what an officer asks for a person, or what a manager gives to a person.
    """
    recognised, to_staff = organisation.kinds_at(now), kind in {STAFF, VMS_EXECUTORS}
    found = []
    for key, one in types.items():
        sides = (one.principal_kind, one.representative_kind)
        wanted = (PartyKind.ORGANISATION, PartyKind.PERSON)
        org_kinds = one.principal_org_kinds if to_staff else one.representative_org_kinds
        asker = "manager" if to_staff else "officer"
        fits = sides == (wanted if to_staff else wanted[::-1]) and asker in one.request_by
        if fits and (not org_kinds or org_kinds & recognised):
            found.append(key)
    return found


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one file."""

    kind: str
    columns: Sequence[Column]
    places: Mapping[str, int]
    types: Mapping[str, MandateType]
    offered: Sequence[str]
    """As `types_for` says."""
    organisation: Party
    numbers: NumberChecks
    vms: VmsFormat
    sha256: str
    """Of the file: what a VMS row rests on."""

    def read(self, cells: Sequence[str]) -> TypedRow:
        """What the row asks, or its first fault."""
        typed = {name: cells[place] for name, place in self.places.items() if place < len(cells)}
        key = typed.get("key", "")
        row = TypedRow(key[: LONGEST["key"]])
        try:
            self._check_cells(cells, typed)
            asked = self._vms(typed) if self.kind in VMS_KINDS else self._own(typed)
        except RowFaultError as fault:
            title = next((one.titles[0] for one in self.columns if one.name == fault.column), "")
            return replace(row, code=fault.code, column=title)
        return replace(row, request=asked)

    def _check_cells(self, cells: Sequence[str], typed: Mapping[str, str]) -> None:
        if any(cell for place, cell in enumerate(cells) if place not in self.places.values()):
            raise RowFaultError("cell_without_title")
        for name, most in LONGEST.items():
            if len(typed.get(name, "")) > most:
                raise RowFaultError("too_long", name)

    def _own(self, typed: Mapping[str, str]) -> RowRequest:
        mandate_type = self._type(typed.get("type", ""))
        whole, caseload = self._caseload(typed.get("caseload", ""), mandate_type)
        return RowRequest(
            type=mandate_type.key,
            name=_needed(typed, "name"),
            insz=self._insz(typed, "insz"),
            powers=_powers(_needed(typed, "powers"), mandate_type),
            valid_from=_instant(typed, "valid_from", days.first_instant),
            valid_until=_instant(typed, "valid_until", days.after_last_instant),
            evidence=typed.get("evidence", ""),
            sha256=typed.get("sha256", "").lower() or None,
            whole=whole,
            caseload=caseload,
        )

    def _vms(self, typed: Mapping[str, str]) -> RowRequest:
        ours = self.vms.types.get(typed.get("mandate_type", ""))
        if ours is None:
            raise RowFaultError("unknown_vms_type", "mandate_type")
        if self.vms.client_id and typed.get("client", self.vms.client_id) != self.vms.client_id:
            raise RowFaultError("other_vms_client", "client")
        if typed.get("access_level"):
            raise RowFaultError("access_level", "access_level")
        gives = self.kind == VMS_MANDATES
        person, organisation = ("giver", "taker") if gives else ("person", "organisation")
        if self._kbo(typed, organisation) != self.organisation.kbo:
            raise RowFaultError("other_organisation", organisation)
        return RowRequest(
            type=self._type(ours.mandate if gives else ours.executor).key,
            name=typed.get("name") or NAMELESS,
            insz=self._insz(typed, person),
            powers=ours.mandate_powers if gives else ours.executor_powers,
            evidence=f"Vlaams Mandaten Systeem, {typed['mandate_type']}",
            sha256=self.sha256,
        )

    def _type(self, typed: str) -> MandateType:
        """The type that is named; it need not be where there is one only."""
        if typed in self.offered:
            return self.types[typed]
        if not typed and len(self.offered) == 1:
            return self.types[self.offered[0]]
        raise RowFaultError("unknown_type" if typed or not self.offered else "missing", "type")

    def _caseload(self, typed: str, mandate_type: MandateType) -> tuple[bool, tuple[str, ...]]:
        """For everybody only where somebody wrote so: an empty cell gives nothing."""
        if not mandate_type.executor:
            if typed:
                raise RowFaultError("no_caseload", "caseload")
            return True, ()
        words = [word for word in re.split(r"[\s,;|]+", typed) if word]
        if not words:
            raise RowFaultError("missing", "caseload")
        if {word.casefold() for word in words} <= EVERYTHING:
            return True, ()
        numbers = (_checked(word, self.numbers.insz, _INSZ, "caseload") for word in words)
        return False, tuple(dict.fromkeys(numbers))

    def _insz(self, typed: Mapping[str, str], column: str) -> str:
        return _checked(_needed(typed, column), self.numbers.insz, _INSZ, column)

    def _kbo(self, typed: Mapping[str, str], column: str) -> str:
        return _checked(_needed(typed, column), self.numbers.kbo, _KBO, column)


def _needed(typed: Mapping[str, str], column: str) -> str:
    value = typed.get(column, "")
    if not value:
        raise RowFaultError("missing", column)
    return value


def _checked(typed: str, check: Callable[[str], str], size: int, column: str) -> str:
    """The number with the zeros that Excel took from its front; its check digits say if that is right."""
    if _SCIENTIFIC.fullmatch(typed):
        raise RowFaultError("number_rounded", column)
    digits = re.sub(r"[.\-/\s]", "", typed)
    if digits.isascii() and digits.isdigit() and size - _LOST <= len(digits) < size:
        digits = digits.zfill(size)
    try:
        return check(digits)
    except InvalidTypedNumberError:
        raise RowFaultError("invalid_number", column) from None


def _powers(typed: str, mandate_type: MandateType) -> tuple[str, ...]:
    words = tuple(word for word in re.split(r"[\s,;|]+", typed) if word)
    if {word.casefold() for word in words} <= EVERYTHING:
        return tuple(mandate_type.powers)
    return words


def _instant(typed: Mapping[str, str], column: str, edge: Callable[[Any], Instant]) -> Instant | None:
    """Whole days in Brussels, the last one included; None if none was typed."""
    value = typed.get(column, "")
    if not value:
        return None
    try:
        day = days.typed_day(value)
    except ValueError:
        raise RowFaultError("invalid_day", column) from None
    if day.year not in _YEARS:
        raise RowFaultError("invalid_day", column)
    return edge(day)
