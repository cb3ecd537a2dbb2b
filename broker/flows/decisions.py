"""May she? One question or a thousand, with the reasons, as fresh as the caller asks, now or then.

Every answer is `mandates.decide`'s. Here it is loaded for in one statement, so that a
question costs one round trip and a batch of a thousand costs one too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from broker.errors import NotFoundHereError, StaleError
from broker.flows import world
from broker.flows.parties import as_typed
from broker.ports import Services
from broker.records import Question, Session
from mandates.capacity import REVIEWER, administrators
from mandates.catalogue import Catalogue, load_catalogue
from mandates.decide import (
    Decision,
    Link,
    Reason,
    Request,
    decide,
    decide_many,
    deny,
    judged_chains,
)
from mandates.explain import Explanation, explain, who_can_act
from mandates.model import Instant, Party
from mandates.world import World

MANAGE = "delegates:manage"
"""The power to see and change who acts for an organisation."""
BATCH = 1000
NOT_REGISTERED = Reason("mandate_type_not_registered")
"""It would carry, elsewhere: the client that asks is not registered for this type of mandate."""


def decide_one(services: Services, request: Request, now: Instant, fresh_as: int | None = None) -> Decision:
    """Whether this request is permitted now. Raise `StaleError` if the store is older than `fresh_as`."""
    return decide(request, _seen(services, (request,), fresh_as), now)


def batch(
    services: Services,
    requests: Sequence[Request],
    now: Instant,
    fresh_as: int | None = None,
    types: Collection[str] | None = None,
) -> list[Decision]:
    """Up to a thousand requests at one instant, in their order; all of one moment. Raise `StaleError`.

    `types` are those that the asking client is registered for: another one carries nothing there,
    as it stands in no list of that client. None: all types.
    """
    seen = _seen(services, requests, fresh_as)
    answers = decide_many(requests, seen, now)
    if types is None:
        return answers
    return [
        _of_types(answer, request, types, seen, now)
        for answer, request in zip(answers, requests, strict=True)
    ]


def explained(
    services: Services,
    request: Request,
    now: Instant,
    fresh_as: int | None = None,
    types: Collection[str] | None = None,
) -> tuple[Explanation, World]:
    """The decision with every chain that was looked at, and the parties that they name; `types` as above."""
    seen = _seen(services, (request,), fresh_as)
    found = explain(request, seen, now)
    if types is None:
        return found, seen
    decision = _of_types(found.decision, request, types, seen, now)
    considered = [
        one if _acting(one.path).type in types else replace(one, reasons=(*one.reasons, NOT_REGISTERED))
        for one in found.considered
    ]
    considered.sort(key=lambda one: len(one.reasons))
    return Explanation(decision, tuple(considered)), seen


def manages(services: Services, session: Session, organisation: str, now: Instant) -> bool:
    """Whether she may see and change who acts for this organisation: a question like any other."""
    request = Request(world.actor_of(session), organisation, MANAGE)
    return organisation != session.party and decide_one(services, request, now).permitted


def who_could_act(
    services: Services,
    session: Session,
    principal: str,
    *,
    at: Instant,
    known_at: Instant,
    now: Instant,
) -> tuple[tuple[Decision, ...], dict[str, Party]]:
    """Who could act for this principal at instant `at`, as it was known at `known_at`.

    For the principal herself, whoever administers her affairs, the managers of an
    organisation and reviewers. Raise `NotFoundHereError` for anybody else.
    """
    with services.database.read() as uow:
        snapshot = uow.mandates.known_at(principal, min(known_at, now), at)
        stored = uow.registry.catalogue_at(min(known_at, now))
        present = uow.mandates.of_principal(principal) if principal != session.party else []
    current = World(services.catalogue(), {}, tuple(present), 0)
    may_look = (
        principal == session.party
        or REVIEWER in session.staff
        or session.party in administrators(principal, current, now)
        or manages(services, session, principal, now)
    )
    if not may_look or principal not in snapshot.parties:
        raise NotFoundHereError
    then = world.of_snapshot(_catalogue(services, stored), snapshot)
    named = dict(snapshot.parties)
    for one in snapshot.mandates:
        if one.principal == principal and one.representative in named:
            named[one.representative] = as_typed(one, named[one.representative], session)
    return who_can_act(principal, then, at), named


def _of_types(
    answer: Decision, request: Request, types: Collection[str], seen: World, now: Instant
) -> Decision:
    """The answer for a client of these types: the best chain of one of them, or a deny that says so."""
    if not answer.path or answer.acting.type in types:
        return answer
    others = [
        decide(replace(request, mandate=chain.acting.id), seen, now)
        for chain, reasons in judged_chains(request, seen, now)
        if not reasons and chain.acting.type in types
    ]
    if not others:
        return deny((NOT_REGISTERED,), seen)
    return min(others, key=lambda one: (len(one.path), -(one.not_after or 0), one.acting.mandate))


def _acting(path: tuple[Link, ...]) -> Link:
    return path[-2] if path[-1].executor else path[-1]


def _catalogue(services: Services, stored: tuple[str, str] | None) -> Catalogue:
    current = services.catalogue()
    if stored is None or stored[0] == current.version:
        return current
    return load_catalogue(stored[1])


def _seen(services: Services, requests: Sequence[Request], fresh_as: int | None) -> World:
    questions = {Question(one.principal, one.actor.party, one.actor.session): None for one in requests}
    seen = world.looked_up(services, questions)
    if fresh_as is not None and seen.revision < fresh_as:
        raise StaleError
    return seen
