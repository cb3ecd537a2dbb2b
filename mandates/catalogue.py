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
    mandate_type = MandateType(
        key=key,
        label=table.label(),
        principal_kind=PartyKind(table.choice("principal_kind", tuple(PartyKind))),
        representative_kind=PartyKind(table.choice("representative_kind", tuple(PartyKind))),
        principal_org_kinds=frozenset(table.words("principal_org_kinds")),
        representative_org_kinds=frozenset(table.words("representative_org_kinds")),
        powers={name: powers[name] for name in table.words("powers", tuple(powers))},
        level_to_give=_level(table, "level_to_give"),
        level_to_use=_level(table, "level_to_use"),
        default_days=table.days("default_days"),
        longest_days=table.days("longest_days"),
        lapse_days=table.days("lapse_days", 14),
        renew_days=table.count("renew_days"),
        rest_days=table.count("rest_days"),
        rest_approvals=table.words("rest_approvals", APPROVALS),
        sample_percent=table.count("sample_percent"),
        depth=table.count("depth"),
        several=table.flag("several"),
        measure=table.flag("measure"),
        until_adult=table.flag("until_adult"),
        activation_code=table.words("activation_code", APPROVALS),
        request_by=table.words("request_by", CAPACITIES),
        approvals=table.words("approvals", APPROVALS),
        approvals_mode=cast("Any", table.choice("approvals_mode", ("any", "all"), "all")),
        refuse_by=table.words("refuse_by", CAPACITIES),
        cancel_by=table.words("cancel_by", CAPACITIES),
        revoke_by=table.words("revoke_by", CAPACITIES),
        waive_by=table.words("waive_by", CAPACITIES),
        withdraw_by=table.words("withdraw_by", CAPACITIES),
        suspend_by=table.words("suspend_by", CAPACITIES),
        pass_on_by=table.words("pass_on_by", CAPACITIES),
        evidence_required=table.flag("evidence_required"),
        executor=table.flag("executor"),
        executors=table.words("executors"),
        ex_officio_roles=table.words("ex_officio_roles"),
        grants=table.words("grants"),
    )
    table.close()
    return mandate_type


def _level(table: Table, key: str) -> Level:
    return Level[table.choice(key, tuple(level.name.lower() for level in Level)).upper()]
