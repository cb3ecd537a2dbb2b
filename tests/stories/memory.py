"""What the library's stories keep: everything that is known, now and at each moment before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from broker.days import first_instant
from builders import catalogue
from mandates.capacity import Actor
from mandates.cascade import Cause, Happening
from mandates.chain import lineage
from mandates.change import Change
from mandates.model import Caseload, Mandate, Party, PartyKind, Recognition
from mandates.world import World
from stories.village import Organisation, Person, Village


@dataclass(frozen=True)
class Known:
    """All that is known at one moment."""

    parties: dict[str, Party]
    mandates: dict[str, Mandate]
    caseloads: tuple[Caseload, ...] = ()


class Memory:
    """The village with its mandates, and the world of a question in it."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.now = 0
        people = {name: _person(one) for name, one in village.people.items()}
        self.known = Known(people | {name: _organisation(o) for name, o in village.organisations.items()}, {})
        self.past = [(0, self.known)]

    def revision(self) -> int:
        return len(self.past)

    def world(self, known: Known | None = None) -> World:
        known = known or self.known
        return World(
            catalogue(), known.parties, tuple(known.mandates.values()), len(self.past), known.caseloads
        )

    def between(self, principal: str, actor: Actor) -> World:
        """What can make a chain: what an organisation holds that is none of hers is no obstacle of hers."""
        world = self.world()
        hands = {actor.party} | {one.principal for one in world.held_by(actor.party)}
        chains = (lineage(one, world)[0] for one in world.given_by(principal) if one.representative in hands)
        mandates = {one.id: one for one in (*world.held_by(actor.party), *chain.from_iterable(chains))}
        return replace(world, mandates=tuple(mandates.values()))

    def keep(self, change: Change) -> None:
        self.store((*change.others, change.mandate))

    def store(self, mandates: Iterable[Mandate]) -> None:
        self.know(replace(self.known, mandates=self.known.mandates | {one.id: one for one in mandates}))

    def know(self, known: Known) -> None:
        self.known = known
        self.past.append((self.now, known))


def _person(one: Person) -> Party:
    adult_at = first_instant(one.born.replace(year=one.born.year + 18))
    return Party(one.name, PartyKind.PERSON, one.name, adult_at=adult_at)


def _organisation(one: Organisation) -> Party:
    recognitions = tuple(Recognition(kind) for kind in one.kinds)
    return Party(one.name, PartyKind.ORGANISATION, one.name, kbo=one.kbo, recognitions=recognitions)


def with_fact(party: Party, happening: Happening) -> Party:
    """What happened, as the party's own fact: from then on the engine judges by it."""
    if happening.cause is Cause.DEATH:
        return replace(party, deceased_at=happening.at)
    if happening.cause in {Cause.CEASED, Cause.MERGED}:
        return replace(party, ceased_at=happening.at, successor=happening.successor)
    if happening.cause is Cause.RECOGNITION_LOST:
        lost = [replace(one, until=happening.at) for one in party.recognitions if one.kind == happening.kind]
        kept = [one for one in party.recognitions if one.kind != happening.kind]
        return replace(party, recognitions=(*kept, *lost))
    return party
