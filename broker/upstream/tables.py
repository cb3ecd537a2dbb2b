"""What an upstream's words mean here: assurance levels and staff roles, from `config/upstreams.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mandates.model import Level


@dataclass(frozen=True, slots=True)
class UpstreamTables:
    """Mechanism URN -> level, and right -> staff role. What is not in the table is lowest, or nothing."""

    levels: Mapping[str, Level]
    staff: Mapping[str, str]

    @classmethod
    def from_file(cls, path: Path) -> UpstreamTables:
        """Read the tables. Raise `ValueError` when the file is not TOML or names an unknown level."""
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            levels = {urn: Level[name.upper()] for urn, name in tables["levels"].items()}
        except KeyError as error:
            raise ValueError(f"{path.name}: table [levels] is missing or names an unknown level") from error
        return cls(levels, dict(tables.get("staff", {})))

    def level(self, acr: object) -> Level:
        """An unknown or missing `acr` counts as lowest."""
        return self.levels.get(acr, Level.NONE) if isinstance(acr, str) else Level.NONE

    def staff_roles(self, roles: Iterable[str]) -> frozenset[str]:
        """The staff roles among ACM's roles, whatever organisation stands behind the colon."""
        rights = {right.lower(): role for right, role in self.staff.items()}
        named = (rights.get(role.rpartition(":")[0].lower()) for role in roles)
        return frozenset(role for role in named if role)
