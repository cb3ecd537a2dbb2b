"""One type of mandate, as data: who may ask, approve, end and pass it on.

Every rule that differs between two types stands in these fields, so that adding
a type is adding a table to `config/catalogue.toml` (mandates.md section 4).
An empty tuple always means nobody or nothing, with one exception that is said
where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mandates.model import Level, PartyKind

DAY = 86_400
"""Seconds. People's whole days become instants at the edge, not here."""

CAPACITIES = (
    "principal",
    "representative",
    "officer",
    "second_officer",
    "manager",
    "administrator",
    "issuer",
)
"""In what capacity a person can stand towards a mandate; `capacity.capacities` says who does."""

APPROVALS = ("principal", "second_officer", "issuer", "representative")
"""The capacities whose approval a type can ask for (mandates.md section 4)."""


@dataclass(frozen=True, slots=True)
class PowerType:
    """One power: its name is also the self scope and, after `obo:`, the delegated scope."""

    name: str
    label: Mapping[str, str]
    audiences: tuple[str, ...] = ()
    """Audiences that it opens. Empty means any audience that knows the scope:
    there the audience's own list is the gate (tokens.md section 4)."""


@dataclass(frozen=True, slots=True)
class MandateType:
    """What the catalogue says of one type."""

    key: str
    label: Mapping[str, str]
    principal_kind: PartyKind
    representative_kind: PartyKind
    powers: Mapping[str, PowerType]
    """In the order in which people see them."""
    level_to_give: Level
    """Assurance for whatever makes power larger: request, approve, resume."""
    level_to_use: Level
    default_days: int
    longest_days: int
    principal_org_kinds: frozenset[str] = frozenset()
    """One of these makes an organisation eligible. Empty means any organisation: the
    exception, because a person has no such kinds and a type between people needs none."""
    representative_org_kinds: frozenset[str] = frozenset()
    request_by: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    """Approvals that a request waits for. Empty: a request is active at once."""
    approvals_mode: Literal["any", "all"] = "all"
    refuse_by: tuple[str, ...] = ()
    """Who may turn a waiting request down."""
    cancel_by: tuple[str, ...] = ()
    """Who may take a waiting request back."""
    revoke_by: tuple[str, ...] = ()
    """Who may end it on the principal's side."""
    waive_by: tuple[str, ...] = ()
    """Who may end it on the representative's side."""
    withdraw_by: tuple[str, ...] = ()
    """Who may end it for an organisation that gave it: a manager."""
    suspend_by: tuple[str, ...] = ()
    """Who may suspend; the capacity that suspended is the one that resumes."""
    pass_on_by: tuple[str, ...] = ()
    """Who may ask to pass it on, where `depth` allows: someone on the representative's side."""
    evidence_required: bool = False
    document_required: bool = False
    """The evidence must name a document: a scanned order, a signed form."""
    lapse_days: int = 14
    renew_days: int = 0
    """How long before the end a renewal may be asked."""
    rest_days: int = 0
    """For how long after the principal ended one the usual approvals do not do (12 months)."""
    rest_approvals: tuple[str, ...] = ()
    """What must approve during that time: any one of these."""
    sample_percent: int = 0
    """How many in a hundred, at random, the issuer reviews afterwards."""
    depth: int = 0
    """How many times it may be passed on."""
    several: bool = False
    """Whether more than one may run at a time between the same two parties."""
    activation_code: tuple[str, ...] = ()
    """Approvals that may be given with an activation code (mandates.md section 6)."""
    measure: bool = False
    """A legal measure: while one is in force, whatever gives power in the principal's name
    needs its holder, and holders count as the principal when something is ended."""
    until_adult: bool = False
    """For a minor principal only; it ends when she turns eighteen."""
    executor: bool = False
    """An edge organisation -> member of staff, through which the organisation acts for
    its principals. It never makes the member of staff act for the organisation itself."""
    executors: tuple[str, ...] = ()
    """For a representative organisation: the executor types through which it acts."""
    ex_officio_roles: tuple[str, ...] = ()
    """Contexts of ACM roles that give this type from claims (`ex_officio.claimed_types`)."""
    grants: tuple[str, ...] = ()
    """Types that a holder may request and withdraw for the same principal organisation."""
