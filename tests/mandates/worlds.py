"""Random worlds: small, and nasty on purpose.

A few people and houses, a dozen mandates, and instants so close together that every
border is stood upon. One source of chance makes all of it: a seeded `random.Random` for
thousands of worlds a second, or Hypothesis's own for worlds that shrink. What is
simplest stands first in every choice, so that shrinking leaves a plain world with one
nasty thing in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from mandates.capacity import Actor
from mandates.catalogue import Catalogue
from mandates.decide import Request
from mandates.mandate_type import MandateType
from mandates.model import (
    Caseload,
    Ending,
    Instant,
    Level,
    Mandate,
    Party,
    PartyKind,
    PowerEnding,
    Recognition,
    Source,
    Suspension,
)
from mandates.world import World
from tests.mandates.catalogues import CATALOGUES, POWERS, some_catalogue

Thing = TypeVar("Thing")

NOW = 1_795_420_000
LONG_AGO, FAR_OFF = NOW - 30 * 86_400, NOW + 30 * 86_400
BORDERS = (NOW - 1, NOW, NOW + 1)
MOMENTS = (LONG_AGO, *BORDERS, FAR_OFF)

PEOPLE = ("ann", "bob", "cas", "dee")
HOUSES = ("house", "shop", "annex")
SESSIONS = ("s1", "s2")
FORGOTTEN = ("helper", "partner", "clerk")


@dataclass(frozen=True)
class Questions:
    """What is asked of one world: one person at one instant, and what she asks for."""

    world: World
    now: Instant
    actor: Actor
    requests: tuple[Request, ...]


def random_questions(chance: Random) -> Questions:
    """A world, and four questions of which most are about a mandate that leads to the actor."""
    world = random_world(chance)
    hands = [(given, person) for given in world.mandates for person in _leads_to(given, world)]
    party = chance.choice(hands)[1] if hands and chance.random() < 0.9 else chance.choice((*world.parties,))
    actor = Actor(
        party=party,
        level=chance.choice((*(Level.HIGH,) * 8, Level.SUBSTANTIAL, Level.LOW)),
        session=chance.choice((*SESSIONS, None)),
    )
    near = [given for given, person in hands if person == party != given.principal]
    requests = tuple(_random_request(chance, world, actor, near) for _ in range(4))
    return Questions(world, chance.choice((NOW, NOW, NOW - 1, NOW + 1)), actor, requests)


def random_world(chance: Random) -> World:
    """A world of two to four people, two or three houses, and up to twelve mandates."""
    catalogue = some_catalogue(chance.randrange(CATALOGUES))
    people = [_random_person(chance, key) for key in PEOPLE[: chance.choice((3, 2, 4))]]
    houses = [_random_house(chance, key) for key in HOUSES[: chance.choice((2, 3))]]
    parties = {party.id: party for party in (*people, *houses)}
    mandates: list[Mandate] = []
    for number in range(chance.choice((1, *range(2, 13), *range(4, 13), 0))):
        mandates.append(_random_mandate(chance, f"m{number}", mandates, parties, catalogue))
    return World(
        catalogue=catalogue if chance.random() < 0.96 else _forgetful(catalogue, chance.choice(FORGOTTEN)),
        parties=parties,
        mandates=tuple(mandates),
        revision=7,
        caseloads=tuple(_random_caseloads(chance, mandates, parties)),
    )


def _forgetful(catalogue: Catalogue, key: str) -> Catalogue:
    """The catalogue after one of its types was taken out, with mandates of that type still there."""
    return replace(catalogue, types={one: kind for one, kind in catalogue.types.items() if one != key})


# --- the parties ---


def _random_person(chance: Random, key: str) -> Party:
    return Party(
        id=key,
        kind=PartyKind.PERSON,
        name=key.title(),
        adult_at=chance.choice((None, *(FAR_OFF,) * 6, LONG_AGO, *BORDERS)),
        deceased_at=chance.choice((*(None,) * 30, LONG_AGO, *BORDERS)),
    )


def _random_house(chance: Random, key: str) -> Party:
    ceased_at = chance.choice((*(None,) * 30, LONG_AGO, *BORDERS))
    return Party(
        id=key,
        kind=PartyKind.ORGANISATION,
        name=key.title(),
        recognitions=chance.choice((*(_always,) * 8, _for_a_time, _unknown))(chance),
        ceased_at=ceased_at,
        successor=None if ceased_at is None else chance.choice(HOUSES),
    )


def _always(chance: Random) -> tuple[Recognition, ...]:
    return (Recognition("ocmw"), Recognition("company"))


def _for_a_time(chance: Random) -> tuple[Recognition, ...]:
    return tuple(
        Recognition(kind, since=chance.choice(MOMENTS), until=chance.choice((None, *MOMENTS)))
        for kind in ("ocmw", "company", "ocmw")
    )


def _unknown(chance: Random) -> tuple[Recognition, ...]:
    return ()


# --- the mandates ---


def _random_mandate(
    chance: Random, key: str, earlier: Sequence[Mandate], parties: dict[str, Party], catalogue: Catalogue
) -> Mandate:
    """A root, an executor edge, or one passed on from an earlier mandate."""
    parents = [one for one in earlier if not catalogue.types[one.type].executor]
    form = chance.choice(("root", "root", "executor", "executor", "sub", "sub", "sub"))
    if form == "sub" and parents:
        parent = chance.choice([*parents, *parents[-2:]])
        mandate = _passed_on(chance, key, parent, parties, catalogue)
    else:
        wanted = [one for one in catalogue.types.values() if one.executor == (form == "executor")]
        mandate = _given(chance, key, chance.choice(wanted), parties)
    return mandate if chance.random() < 0.65 else _spoilt(chance, mandate)


def _given(chance: Random, key: str, kind: MandateType, parties: dict[str, Party]) -> Mandate:
    claimed = chance.random() > 0.85
    principal = _some_party(chance, kind.principal_kind, parties)
    return Mandate(
        id=key,
        type=kind.key,
        principal=principal,
        representative=_some_party(chance, kind.representative_kind, parties, other_than=principal),
        powers=POWERS,
        valid_from=LONG_AGO,
        valid_until=FAR_OFF,
        requested_at=LONG_AGO,
        requested_by="ann",
        catalogue_version="",
        source=Source.CLAIMS if claimed else Source.STORED,
        session=chance.choice(SESSIONS) if claimed else None,
        whole=not kind.executor or chance.random() < 0.7,
        activated_at=LONG_AGO,
    )


def _passed_on(
    chance: Random, key: str, parent: Mandate, parties: dict[str, Party], catalogue: Catalogue
) -> Mandate:
    kind = catalogue.types[parent.type]
    # Sometimes a link that restates another principal or type: no chain may run through it.
    other = _given(chance, key, chance.choice(list(catalogue.types.values())), parties)
    claimed = chance.random() > 0.95
    strayed = chance.random() > 0.94
    return replace(
        other if strayed else parent,
        id=key,
        parent=parent.id if chance.random() < 0.98 else "gone",
        representative=_some_party(chance, kind.representative_kind, parties, other_than=parent.principal),
        powers=chance.choice((parent.powers, POWERS, *(POWERS,) * 2, POWERS[1:], POWERS[:2])),
        # What a session brought is not passed on, but a record might say so.
        source=Source.CLAIMS if claimed else Source.STORED,
        session=chance.choice(SESSIONS) if claimed else None,
    )


def _some_party(
    chance: Random, kind: PartyKind, parties: dict[str, Party], other_than: str | None = None
) -> str:
    fitting = [party.id for party in parties.values() if party.kind is kind and party.id != other_than]
    return chance.choice(fitting if chance.random() < 0.96 else [*parties, "stranger"])


def _spoilt(chance: Random, mandate: Mandate) -> Mandate:
    """The same with its instants drawn anew, mostly so that it is in force or nearly so."""
    ended_at = chance.choice((*(None,) * 12, LONG_AGO, *BORDERS))
    return replace(
        mandate,
        powers=tuple(power for power in mandate.powers if chance.random() < 0.85),
        valid_from=chance.choice((*(LONG_AGO,) * 16, *BORDERS)),
        valid_until=chance.choice((*(FAR_OFF,) * 12, FAR_OFF - 5, *BORDERS)),
        activated_at=chance.choice((*(LONG_AGO,) * 16, None, *BORDERS)),
        suspensions=_random_suspensions(chance),
        ended_powers=tuple(
            PowerEnding(power, at=chance.choice(MOMENTS), by="ann", ending=Ending.REVOKED)
            for power in POWERS
            if chance.random() > 0.9
        ),
        ended_at=ended_at,
        ending=None if ended_at is None else chance.choice(list(Ending)),
    )


def _random_suspensions(chance: Random) -> tuple[Suspension, ...]:
    return tuple(
        Suspension(at=at, by=None, capacity=chance.choice(("principal", "officer")), until=until)
        for at, until in (
            (chance.choice(MOMENTS), chance.choice((*BORDERS, LONG_AGO + 1, LONG_AGO + 2, None)))
            for _ in range(chance.choice((0, 0, 0, 0, 1, 2, 2)))
        )
    )


def _random_caseloads(
    chance: Random, mandates: Sequence[Mandate], parties: dict[str, Party]
) -> list[Caseload]:
    return [
        Caseload(
            executor=executor.id,
            principal=principal,
            added_at=chance.choice((LONG_AGO, LONG_AGO, *BORDERS)),
            removed_at=chance.choice((None, None, None, LONG_AGO, *BORDERS)),
        )
        for executor in mandates
        if not executor.whole
        for principal in parties
        if chance.random() < 0.6
    ]


# --- the questions ---


def _leads_to(given: Mandate, world: World) -> list[str]:
    """Whom this mandate leads to: its representative, or the executors of that organisation."""
    executors = {key for key, kind in world.catalogue.types.items() if kind.executor}
    if given.type in executors:
        return []
    if given.representative in PEOPLE:
        return [given.representative]
    return [
        edge.representative
        for edge in world.mandates
        if edge.principal == given.representative and edge.type in executors
    ]


def _random_request(chance: Random, world: World, actor: Actor, near: Sequence[Mandate]) -> Request:
    some = [one.id for one in (*near, *world.mandates)] or ["gone"]
    aim = chance.choice(near) if near and chance.random() < 0.9 else None
    return Request(
        actor=actor,
        principal=chance.choice((*world.parties,)) if aim is None else aim.principal,
        power=chance.choice((*(None,) * 4, *POWERS * 3, "nothing:ever")),
        mandate=chance.choice((*(None,) * 5, aim and aim.id, chance.choice(some))),
        executor=chance.choice((*(None,) * 9, chance.choice(some))),
    )
