"""How power can run from a principal to a person: the candidate chains.

A chain is a mandate, then every time it was passed on, then, where the last
representative is an organisation, the executor mandate through which it acts.
Finding chains judges nothing: links may be expired or missing, and `decide` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mandates.mandate_type import MandateType
from mandates.model import Mandate, PartyKind
from mandates.status import serves_session
from mandates.world import World

LONGEST = 16
"""More links than any type allows: where a walk over parents stops, whatever was stored."""


@dataclass(frozen=True, slots=True)
class Chain:
    """From the principal to the actor."""

    passed_on: tuple[Mandate, ...]
    """The mandate that the principal gave, then each time it was passed on; one at least."""
    executor: Mandate | None = None
    """The organisation's edge to the person; None for a person, or where it is missing."""
    complete: bool = True
    """False where something that it was passed on from is not in view, or is of another kind."""

    @property
    def acting(self) -> Mandate:
        """The link under which the representative acts: the last one before the executor."""
        return self.passed_on[-1]

    @property
    def links(self) -> tuple[Mandate, ...]:
        """All links in order."""
        return self.passed_on if self.executor is None else (*self.passed_on, self.executor)


def candidate_chains(
    actor: str, world: World, principal: str | None = None, session: str | None = None
) -> Iterator[Chain]:
    """Chains to `actor`, from this principal or from anyone but the actor herself.

    What the claims of another session brought is not there in this one: a store need not load
    it, and "why not" has one answer however much is in view.
    No chain leads from a person to herself: what she does for herself she does
    in her own name, and a token's `act` differs from its `sub` (tokens.md section 5).
    """
    edges = _edges_by_organisation(actor, world, session)
    for mandate in world.mandates if principal is None else world.given_by(principal):
        mandate_type = world.catalogue.types.get(mandate.type)
        # An executor edge carries an organisation's mandates; it is no mandate to act for
        # the organisation itself.
        if mandate_type is None or mandate_type.executor or mandate.principal == actor:
            continue
        if not serves_session(mandate, session):
            continue
        for executor in _last_links(mandate, mandate_type, actor, world, edges):
            passed_on, complete = lineage(mandate, world)
            yield Chain(passed_on, executor, complete)


def _edges_by_organisation(actor: str, world: World, session: str | None) -> dict[str, list[Mandate]]:
    edges: dict[str, list[Mandate]] = {}
    for link in world.held_by(actor):
        if serves_session(link, session):
            edges.setdefault(link.principal, []).append(link)
    return edges


def _last_links(
    mandate: Mandate, mandate_type: MandateType, actor: str, world: World, edges: dict[str, list[Mandate]]
) -> Iterator[Mandate | None]:
    """How the representative of this mandate can be the actor: herself, or through each executor.

    A mandate to an organisation of which she holds something, but no executor that fits, is a
    candidate too, without its last link: `decide` then says that the executor is missing. What a
    stranger's principal gave to whom is not hers to learn.
    """
    if mandate.representative == actor:
        yield None
    elif mandate_type.representative_kind is PartyKind.ORGANISATION:
        held = edges.get(mandate.representative, ())
        fitting = [one for one in held if _is_executor(one, mandate_type, world)]
        yield from fitting
        if held and not fitting:
            yield None


def _is_executor(link: Mandate, mandate_type: MandateType, world: World) -> bool:
    """Whether it carries mandates of this type; an executor is never passed on."""
    kind = world.catalogue.types.get(link.type)
    return link.type in mandate_type.executors and link.parent is None and kind is not None and kind.executor


def lineage(mandate: Mandate, world: World) -> tuple[tuple[Mandate, ...], bool]:
    """The mandate with all that it was passed on from, first one first; and whether none is missing.

    What is passed on keeps its principal and its type: a record of another is not where it came from.
    """
    line = [mandate]
    while line[0].parent is not None:
        parent = world.get(line[0].parent)
        if parent is None or len(line) >= LONGEST:
            return tuple(line), False
        if (parent.principal, parent.type) != (mandate.principal, mandate.type):
            return tuple(line), False
        line.insert(0, parent)
    return tuple(line), True
