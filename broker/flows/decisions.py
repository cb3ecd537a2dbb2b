"""May she? One question or a thousand, with the reasons, as fresh as the caller asks, now or then.

Every answer is `mandates.decide`'s. Here it is loaded for in one statement, so that a
question costs one round trip and a batch of a thousand costs one too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

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
from mandates.explain import Explanation, explain, which_organisations_can_act, who_can_act
from mandates.model import Instant, Party
from mandates.status import State, status_of
from mandates.world import World

MANAGE = "delegates:manage"
"""The power to see and change who acts for an organisation."""
BATCH = 1000
NOT_REGISTERED = Reason("mandate_type_not_registered")
"""It would carry, elsewhere: the client that asks is not registered for this type of mandate."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point on both axes of time: what held at `at`, as it was known at `known_at`."""

    at: Instant
    known_at: Instant


@dataclass(frozen=True, slots=True)
class Hands:
    """Who could act for somebody: people, and organisations through whoever has the role there."""

    people: tuple[Decision, ...]
    organisations: tuple[Decision, ...]
    parties: dict[str, Party]
    """Those that the chains name."""


def decide_one(
    services: Services,
    request: Request,
    now: Instant,
    fresh_as: int | None = None,
    moment: Moment | None = None,
) -> Decision:
    """Whether this request is permitted now, or was at `moment`.

    Raise `StaleError` if the store is older than `fresh_as`.
    """
    if moment is None:
        return decide(request, _seen(services, (request,), fresh_as), now)
    request, then = _seen_then(services, request, moment, now, fresh_as)
    return decide(request, then, moment.at)


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
    moment: Moment | None = None,
) -> tuple[Explanation, World]:
    """The decision with every chain that was looked at, and the parties that they name; `types` as above."""
    if moment is None:
        seen = _seen(services, (request,), fresh_as)
    else:
        request, seen = _seen_then(services, request, moment, now, fresh_as)
        now = moment.at
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
) -> Hands:
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
    people, organisations = (who(principal, then, at) for who in (who_can_act, which_organisations_can_act))
    return Hands(people, organisations, named)


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


def _seen_then(
    services: Services, request: Request, moment: Moment, now: Instant, fresh_as: int | None
) -> tuple[Request, World]:
    """The request as she could have made it then, and what was known of it.

    Nobody but herself asks what she could do, so nobody else need be let in.
    """
    known_at, actor = min(moment.known_at, now), request.actor
    with services.database.read() as uow:
        snapshot = uow.mandates.known_at(request.principal, known_at, moment.at, actor.party)
        stored = uow.registry.catalogue_at(known_at)
    then = world.of_snapshot(_catalogue(services, stored), snapshot)
    _check_fresh(then, fresh_as)
    return replace(request, actor=replace(actor, session=_session_then(request, then, moment.at))), then


def _session_then(request: Request, then: World, at: Instant) -> str | None:
    """The session in which she could do most likely what she asks: this one, or the newest of then."""
    held = [one for one in then.held_by(request.actor.party) if one.session is not None]
    if any(one.session == request.actor.session for one in held):
        return request.actor.session
    brought = [one for one in held if status_of(one, at).state is State.ACTIVE]
    newest = max(brought, key=lambda one: (one.valid_from, one.id), default=None)
    return request.actor.session if newest is None else newest.session


def _check_fresh(seen: World, fresh_as: int | None) -> None:
    if fresh_as is not None and seen.revision < fresh_as:
        raise StaleError


def _catalogue(services: Services, stored: tuple[str, str] | None) -> Catalogue:
    current = services.catalogue()
    if stored is None or stored[0] == current.version:
        return current
    return load_catalogue(stored[1])


def _seen(services: Services, requests: Sequence[Request], fresh_as: int | None) -> World:
    questions = {Question(one.principal, one.actor.party, one.actor.session): None for one in requests}
    seen = world.looked_up(services, questions)
    _check_fresh(seen, fresh_as)
    return seen
