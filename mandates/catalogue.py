"""The catalogue of mandate types, read from TOML and refused whole if one key is wrong.

A misspelt key that is silently ignored is a rule that silently does not hold
(an `evidence_requird = true` asks for no evidence), so unknown keys are errors.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mandates.catalogue_rules import check_type
from mandates.catalogue_table import Table
from mandates.errors import CatalogueError
from mandates.mandate_type import APPROVALS, CAPACITIES, MandateType, PowerType
from mandates.model import Level, PartyKind

__all__ = ["Catalogue", "MandateType", "PowerType", "load_catalogue"]

_TYPE_KEY = re.compile(r"[a-z][a-z0-9-]*")
_POWER_NAME = re.compile(r"(?!obo:)[a-z][a-z0-9-]*:[a-z][a-z0-9-]*")
"""A power is a scope (tokens.md section 1); `obo:` is what the broker puts before it."""

# Keys that are read alike: lists of words (among these), of kinds, numbers, and yes or no.
_WORDS: Mapping[str, tuple[str, ...] | None] = {
    "request_by": CAPACITIES,
    "approvals": APPROVALS,
    "rest_approvals": APPROVALS,
    "activation_code": APPROVALS,
    "refuse_by": CAPACITIES,
    "cancel_by": CAPACITIES,
    "revoke_by": CAPACITIES,
    "waive_by": CAPACITIES,
    "withdraw_by": CAPACITIES,
    "suspend_by": CAPACITIES,
    "pass_on_by": CAPACITIES,
    "executors": None,
    "ex_officio_roles": None,
    "grants": None,
}
_ORG_KINDS = ("principal_org_kinds", "representative_org_kinds")
_COUNTS = ("renew_days", "rest_days", "sample_percent", "depth")
_FLAGS = ("evidence_required", "document_required", "executor", "several", "measure", "until_adult")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All types, and the version that every event names as what allowed it."""

    version: str
    """First 12 hex digits of the SHA-256 of the text."""
    types: Mapping[str, MandateType]

    def type(self, key: str) -> MandateType:
        """The type of this key; raise `CatalogueError` if there is none."""
        try:
            return self.types[key]
        except KeyError:
            msg = "there is no such mandate type in the catalogue; add a table [types.<key>]"
            raise CatalogueError(msg) from None


def load_catalogue(text: str) -> Catalogue:
    """Read the catalogue; raise `CatalogueError` that names the table and the key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"the catalogue is not TOML: {error}"
        raise CatalogueError(msg) from error
    top = Table("catalogue", document)
    powers = {name: _power(name, table) for name, table in top.tables("powers").items()}
    types = {key: _type(key, table, powers) for key, table in top.tables("types").items()}
    top.close()
    for mandate_type in types.values():
        check_type(mandate_type, types)
    return Catalogue(version=hashlib.sha256(text.encode()).hexdigest()[:12], types=types)


def _power(name: str, content: Any) -> PowerType:
    table = Table(f'powers."{name}"', content)
    if not _POWER_NAME.fullmatch(name):
        raise table.error("name", "must look like `vouchers:order` and not begin with `obo:`")
    power = PowerType(name=name, label=table.label(), audiences=table.words("audiences"))
    table.close()
    return power


def _type(key: str, content: Any, powers: Mapping[str, PowerType]) -> MandateType:
    table = Table(f"types.{key}", content)
    if not _TYPE_KEY.fullmatch(key):
        raise table.error("key", "must be lower case letters, digits and hyphens")
    alike: dict[str, Any] = {name: table.words(name, among) for name, among in _WORDS.items()}
    alike |= {name: frozenset(table.words(name)) for name in _ORG_KINDS}
    alike |= {name: table.count(name) for name in _COUNTS}
    alike |= {name: table.flag(name) for name in _FLAGS}
    mandate_type = MandateType(
        key=key,
        label=table.label(),
        principal_kind=PartyKind(table.choice("principal_kind", tuple(PartyKind))),
        representative_kind=PartyKind(table.choice("representative_kind", tuple(PartyKind))),
        powers={name: powers[name] for name in table.words("powers", tuple(powers))},
        level_to_give=_level(table, "level_to_give"),
        level_to_use=_level(table, "level_to_use"),
        default_days=table.days("default_days"),
        longest_days=table.days("longest_days"),
        lapse_days=table.days("lapse_days", 14),
        approvals_mode=cast("Any", table.choice("approvals_mode", ("any", "all"), "all")),
        **alike,
    )
    table.close()
    return mandate_type


def _level(table: Table, key: str) -> Level:
    return Level[table.choice(key, tuple(level.name.lower() for level in Level)).upper()]
