"""How power can run from a principal to a person: the candidate chains.

A chain is one mandate to the person, or a mandate to an organisation followed
by the executor mandate through which the organisation acts. Finding chains
judges nothing: links may be expired or missing, and `decide` says so.

Mandates that were passed on (`parent`) make no chain, because every link behind
them would have to be judged first. Default deny.
"""

from __future__ import annotations

from collections.abc import Iterator

from mandates.mandate_type import MandateType
from mandates.model import Mandate, PartyKind
from mandates.world import World

Chain = tuple[Mandate, ...]
"""From the principal to the actor. A chain of one link that stops at an
organisation has no executor."""


def held_by(party: str, world: World) -> Iterator[Mandate]:
    """Mandates of which this party is the representative, in whatever state."""
    return (link for link in world.mandates if link.representative == party and link.parent is None)


def candidate_chains(actor: str, world: World, principal: str | None = None) -> Iterator[Chain]:
    """Chains to `actor`, from this principal or from anyone but the actor herself.

    No chain leads from a person to herself: what she does for herself she does
    in her own name, and a token's `act` differs from its `sub` (tokens.md section 5).
    """
    executors = _executors_by_organisation(actor, world)
    for mandate in world.mandates:
        mandate_type = world.catalogue.types.get(mandate.type)
        # An executor edge carries an organisation's mandates; it is no mandate to act for
        # the organisation itself.
        if mandate_type is None or mandate_type.executor or mandate.parent is not None:
            continue
        if mandate.principal == actor or principal not in {None, mandate.principal}:
            continue
        yield from _chains_over(mandate, mandate_type, actor, executors)


def _executors_by_organisation(actor: str, world: World) -> dict[str, list[Mandate]]:
    executors: dict[str, list[Mandate]] = {}
    for link in held_by(actor, world):
        mandate_type = world.catalogue.types.get(link.type)
        if mandate_type is not None and mandate_type.executor:
            executors.setdefault(link.principal, []).append(link)
    return executors


def _chains_over(
    mandate: Mandate, mandate_type: MandateType, actor: str, executors: dict[str, list[Mandate]]
) -> Iterator[Chain]:
    if mandate.representative == actor:
        yield (mandate,)
    elif mandate_type.representative_kind is PartyKind.ORGANISATION:
        fitting = [
            executor
            for executor in executors.get(mandate.representative, ())
            if executor.type in mandate_type.executors
        ]
        yield from ((mandate, executor) for executor in fitting)
        if not fitting:
            yield (mandate,)
