"""What the files of the Vlaams Mandaten Systeem mean here: titles and types, from `config/vms.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = {
    "vms-mandaten": ("mandate_type", "giver", "taker", "access_level", "client"),
    "vms-mandaatuitvoerders": ("mandate_type", "client", "person", "organisation"),
}
"""Kind of file -> its columns, in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class VmsType:
    """One mandate type of VMS in our words."""

    mandate: str
    """Our type for what is given to an organisation."""
    mandate_powers: tuple[str, ...]
    executor: str
    """Our type for the member of staff through whom it acts."""
    executor_powers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VmsFormat:
    """The whole table."""

    client_id: str
    """Empty: any on import, none on export."""
    titles: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Kind of file -> column -> its titles, the one that is written first."""
    types: Mapping[str, VmsType]
    """VMS's type id, such as `104` -> ours."""

    @classmethod
    def from_file(cls, path: Path) -> VmsFormat:
        """Read the table. Raise `ValueError` naming the key that is missing, unknown or of another kind."""
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_keys(path.name, tables, ("client_id", "columns", "types"))
        _check_keys(f"{path.name}: [columns]", tables["columns"], COLUMNS)
        titles = {}
        for kind, columns in COLUMNS.items():
            where, table = f"{path.name}: [columns.{kind}]", tables["columns"][kind]
            _check_keys(where, table, columns)
            titles[kind] = {column: _words(where, table, column) for column in columns}
        types = {key: _type(path.name, key, table) for key, table in tables["types"].items()}
        return cls(str(tables["client_id"]), titles, types)


def _type(file: str, key: str, table: Mapping[str, Any]) -> VmsType:
    where = f"{file}: [types.{key}]"
    _check_keys(where, table, ("mandate", "mandate_powers", "executor", "executor_powers"))
    return VmsType(
        mandate=str(table["mandate"]),
        mandate_powers=_words(where, table, "mandate_powers"),
        executor=str(table["executor"]),
        executor_powers=_words(where, table, "executor_powers"),
    )


def _check_keys(where: str, table: Mapping[str, Any], wanted: Mapping[str, Any] | tuple[str, ...]) -> None:
    """A key that is misspelt would silently not hold."""
    odd = table.keys() ^ set(wanted)
    if odd:
        msg = f"{where}: missing or unknown: {', '.join(sorted(odd))}"
        raise ValueError(msg)


def _words(where: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = table[key]
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        msg = f"{where}: {key} must be a list of texts, at least one"
        raise ValueError(msg)
    return tuple(words)
