"""What a mandate type must be for the engine to be safe with it, whoever wrote it.

A table that reads well can still give power away: a request by the
representative that needs no approval is a power that one gives oneself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mandates.errors import CatalogueError
from mandates.mandate_type import MandateType
from mandates.model import PartyKind

Types = Mapping[str, MandateType]
Rule = Callable[[MandateType, Types], Iterator[tuple[str, str]]]

_PRINCIPALS_SIDE = frozenset({"principal", "manager"})
"""Capacities that speak for the party that gives the power."""


def check_type(mandate_type: MandateType, types: Types) -> None:
    """Raise `CatalogueError` at the first rule that this type breaks."""
    for rule in _RULES:
        for key, mend in rule(mandate_type, types):
            msg = f"[types.{mandate_type.key}] {key}: {mend}"
            raise CatalogueError(msg)


def _durations(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if mandate_type.default_days > mandate_type.longest_days:
        yield "default_days", "must not be more than longest_days"


def _powers(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if not mandate_type.powers:
        yield "powers", "must name at least one power; empty means no"


def _org_kinds(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if mandate_type.principal_org_kinds and mandate_type.principal_kind is PartyKind.PERSON:
        yield "principal_org_kinds", "is for organisations, and the principal is a person"
    if mandate_type.representative_org_kinds and mandate_type.representative_kind is PartyKind.PERSON:
        yield "representative_org_kinds", "is for organisations, and the representative is a person"


def _somebody_gives(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if not mandate_type.approvals and not _PRINCIPALS_SIDE.issuperset(mandate_type.request_by):
        yield "approvals", "must not be empty, unless only the principal or a manager may request"


def _one_suspends(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if len(mandate_type.suspend_by) > 1:
        yield "suspend_by", "must name one capacity at most: of two, one could undo the other's suspension"


def _executor_edge(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    edge = (mandate_type.principal_kind, mandate_type.representative_kind)
    if mandate_type.executor and edge != (PartyKind.ORGANISATION, PartyKind.PERSON):
        yield "executor", "is an edge from an organisation to a person"


def _executors(mandate_type: MandateType, types: Types) -> Iterator[tuple[str, str]]:
    if mandate_type.executors and mandate_type.representative_kind is PartyKind.PERSON:
        yield "executors", "is for a representative that is an organisation"
    for key in mandate_type.executors:
        if key not in types or not types[key].executor:
            yield "executors", f"`{key}` is not a type with executor = true"


def _grants(mandate_type: MandateType, types: Types) -> Iterator[tuple[str, str]]:
    for key in mandate_type.grants:
        if key not in types:
            yield "grants", f"there is no type `{key}`"
        elif types[key].principal_kind is not PartyKind.ORGANISATION:
            yield "grants", f"`{key}` has no organisation as principal"
    if mandate_type.grants and mandate_type.principal_kind is not PartyKind.ORGANISATION:
        yield "grants", "is for a type whose principal is an organisation"


def _roles(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    edge = (mandate_type.principal_kind, mandate_type.representative_kind)
    if mandate_type.ex_officio_roles and edge != (PartyKind.ORGANISATION, PartyKind.PERSON):
        yield "ex_officio_roles", "is for a type from an organisation to a person"
    if any("-" in role or ":" in role for role in mandate_type.ex_officio_roles):
        yield "ex_officio_roles", "takes the context alone: what stands between `-` and `:` in the role"


_RULES: tuple[Rule, ...] = (
    _durations,
    _powers,
    _org_kinds,
    _somebody_gives,
    _one_suspends,
    _executor_edge,
    _executors,
    _grants,
    _roles,
)
