"""`/decisions`: may she? The same question that guards the API itself, for whoever needs the answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, client, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.decisions import (
    BatchSchema,
    DecideSchema,
    DecisionSchema,
    DecisionsSchema,
    EvaluateSchema,
)
from broker.flows import callers, decisions, world
from broker.flows.decisions import Moment
from mandates.capacity import Actor
from mandates.decide import Request
from mandates.model import Level

blueprint = Resource("decisions", __name__, "May this person do this for that principal?")


@blueprint.post("/decisions")
@blueprint.person("mandate:use")
@blueprint.arguments(DecideSchema, example=examples.DECIDE)
@blueprint.response(200, DecisionSchema, example=examples.EXPLAINED)
def decide(said: dict[str, Any]) -> Any:
    """Ask whether the person of this token may act, and why not.

    With `explain` every chain that was looked at is shown, nearest first. An unknown principal is
    answered as one who gave her nothing. Types that the client is not registered for carry nothing,
    as in `/representations`. With `at` or `known_at`: whether she could act at that instant, as it
    was known at the other; both are now by default. What her sessions of then brought counts.
    """
    request = _requests([said], [world.actor_of(session())])[0]
    explanation, seen = decisions.explained(
        services(), request, now(), said.get("fresh_as"), client().mandate_types, _moment(said)
    )
    answer = shown.decision(explanation.decision, seen.parties)
    if said["explain"]:
        answer["considered"] = [shown.considered(chain, seen.parties) for chain in explanation.considered]
    return answer


@blueprint.post("/decisions/batch")
@blueprint.person("mandate:use")
@blueprint.arguments(BatchSchema, example=examples.BATCH)
@blueprint.response(200, DecisionsSchema, example=examples.DECISIONS)
def batch(said: dict[str, Any]) -> Any:
    """Ask up to a thousand questions of one moment, for the person of this token."""
    questions = said["questions"]
    actors = [world.actor_of(session())] * len(questions)
    return _answers(_requests(questions, actors), said.get("fresh_as"), client().mandate_types)


@blueprint.post("/decisions/evaluate")
@blueprint.program("decisions:evaluate")
@blueprint.arguments(EvaluateSchema, example=examples.EVALUATE)
@blueprint.response(200, DecisionsSchema, example=examples.DECISIONS)
def evaluate(said: dict[str, Any]) -> Any:
    """Ask up to a thousand questions about people who signed in at this service, at the level there.

    What rests on a session of theirs at the broker counts in their own tokens alone, not here.
    """
    questions = said["questions"]
    people = callers.party_ids(services(), client(), (question["actor"] for question in questions))
    actors = [Actor(people[one["actor"]], Level[one["level"].upper()]) for one in questions]
    return _answers(_requests(questions, actors), said.get("fresh_as"))


def _moment(said: dict[str, Any]) -> Moment | None:
    if said.keys().isdisjoint({"at", "known_at"}):
        return None
    return Moment(said.get("at", now()), said.get("known_at", now()))


def _answers(
    requests: list[Request], fresh_as: int | None, types: Collection[str] | None = None
) -> dict[str, Any]:
    found = decisions.batch(services(), requests, now(), fresh_as, types)
    named = {party for row in found for link in row.path for party in (link.principal, link.representative)}
    with services().database.read() as uow:
        parties = uow.parties.get_many(named)
    return {"decisions": [shown.decision(row, parties) for row in found]}


def _requests(questions: Sequence[dict[str, Any]], actors: Sequence[Actor]) -> list[Request]:
    """The questions, each by its actor. A principal whom nobody knows gave nothing: one answer for both."""
    parties = callers.party_ids(services(), client(), (question["principal"] for question in questions))
    return [
        Request(
            actor,
            parties[question["principal"]],
            question.get("power"),
            names().mandate_id(question["mandate"]) if "mandate" in question else None,
        )
        for question, actor in zip(questions, actors, strict=True)
    ]
