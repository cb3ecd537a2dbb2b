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


def _passing_on(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if bool(mandate_type.depth) != bool(mandate_type.pass_on_by):
        yield "pass_on_by", "goes with a depth of 1 or more: who may, and how many times"
    if not {"representative", "officer"}.issuperset(mandate_type.pass_on_by):
        yield "pass_on_by", "is for the representative's side: one passes on what one holds"
    if mandate_type.depth and (mandate_type.executor or mandate_type.ex_officio_roles):
        yield "depth", "is 0 for executors and for powers from claims: those cannot be passed on"


def _rest(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    if bool(mandate_type.rest_days) != bool(mandate_type.rest_approvals):
        yield "rest_approvals", "goes with rest_days: empty would mean that nobody could ever approve"
    if mandate_type.sample_percent > 100:
        yield "sample_percent", "is 100 at most"


def _codes(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    approvals = {*mandate_type.approvals, *mandate_type.rest_approvals}
    if not {"principal", "representative"}.intersection(approvals).issuperset(mandate_type.activation_code):
        yield "activation_code", "names approvals of this type by a party: principal or representative"


def _measures(mandate_type: MandateType, _: Types) -> Iterator[tuple[str, str]]:
    person = mandate_type.principal_kind is PartyKind.PERSON
    if (mandate_type.measure or mandate_type.until_adult) and not person:
        yield "principal_kind", "is a person where the law protects her"
    if mandate_type.measure and mandate_type.approvals != ("issuer",):
        yield "approvals", "is the issuer's alone for a legal measure: a court decided, not the parties"
    if mandate_type.measure and mandate_type.depth:
        yield "depth", "is 0 for a legal measure: its holder was named, and passes nothing on"


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
    # Who holds a say over others is judged by one mandate alone, not by what it was passed on from.
    if mandate_type.grants and mandate_type.depth:
        yield "depth", "is 0 for a type that grants others: a say over others is not passed on"


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
    _passing_on,
    _rest,
    _codes,
    _measures,
    _executor_edge,
    _executors,
    _grants,
    _roles,
)
