"""Whom may I represent, who can act for me, who acts for this organisation, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, client, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.lists import (
    CaseloadSchema,
    DelegatePage,
    DelegatesQuery,
    MembersSchema,
    RepresentationPage,
    RepresentationsQuery,
    RepresentativesQuery,
    RepresentativesSchema,
)
from broker.errors import NotFoundHereError
from broker.flows import callers, decisions, lists, mandates
from broker.flows.parties import as_typed
from broker.records import Wanted
from mandates.decide import Decision
from mandates.model import Party

blueprint = Resource("lists", __name__, "Who may act for whom, as lists.")


@blueprint.get("/representations")
@blueprint.person("mandate:use")
@blueprint.arguments(RepresentationsQuery, location="query")
@blueprint.response(200, RepresentationPage, example=examples.REPRESENTATIONS)
def representations(query: dict[str, Any]) -> Any:
    """List whom the person of this token may represent at this service, by name.

    Types that the client is not registered for are left out. A page may be shorter than
    `limit`; the list is whole once `next` is null, unless `incomplete` names a source.
    """
    page = lists.reach(services(), session(), _wanted(query), query.get("after"), query["limit"], now())
    rows = [row for row in page.rows if row.acting.type in client().mandate_types]
    return {
        "representations": [_representation(row, page.parties) for row in rows],
        "next": page.next,
        "incomplete": page.incomplete,
    }


@blueprint.get("/representatives")
@blueprint.person("mandates:read")
@blueprint.arguments(RepresentativesQuery, location="query")
@blueprint.response(200, RepresentativesSchema, example=examples.REPRESENTATIVES)
def representatives(query: dict[str, Any]) -> Any:
    """List who could act for a principal at `at`, as it was known at `known_at`; both are now by default.

    `organisations` are those that hold a mandate: whoever has the role there acts by it, also who is
    not among the people because her role comes with her sign-in. For the person herself, whoever
    administers her affairs, managers of an organisation, and reviewers.
    """
    principal = _party(query["principal"]) if "principal" in query else session().party
    at, known_at = query.get("at", now()), min(query.get("known_at", now()), now())
    found = decisions.who_could_act(services(), session(), principal, at=at, known_at=known_at, now=now())
    return {
        "representatives": [_hand("person", row, found.parties) for row in found.people],
        "organisations": [_hand("organisation", row, found.parties) for row in found.organisations],
        "at": at,
        "known_at": known_at,
    }


@blueprint.get("/organisations/<reference>/delegates")
@blueprint.person("mandates:read")
@blueprint.arguments(DelegatesQuery, location="query")
@blueprint.response(200, DelegatePage, example=examples.DELEGATES)
def delegates(query: dict[str, Any], reference: str) -> Any:
    """List who acts for an organisation, by name: for whoever has the power `delegates:manage` there."""
    page = lists.delegates(
        services(), session(), _party(reference), _wanted(query), query.get("after"), query["limit"], now()
    )
    return {
        "delegates": [
            {
                "identifier": names().mandate(mandate.id),
                "mandate_type": mandate.type,
                "representative": shown.party(
                    as_typed(mandate, page.parties[mandate.representative], session())
                ),
                "actions": mandate.powers_at(now()),
                "state": status.state.value,
                "valid_from": mandate.valid_from,
                "valid_until": mandate.valid_until,
                "whole": mandate.whole,
            }
            for mandate, status in page.rows
        ],
        "next": page.next,
    }


@blueprint.get("/mandates/<reference>/caseload")
@blueprint.person("mandates:read")
@blueprint.response(200, CaseloadSchema, example=examples.CASELOAD)
def caseload(reference: str) -> Any:
    """List the principals of an executor that is not for everybody."""
    return _caseload(reference)


@blueprint.put("/mandates/<reference>/caseload")
@blueprint.person("mandates:write")
@blueprint.arguments(MembersSchema, example=examples.MEMBERS)
@blueprint.response(200, CaseloadSchema, example=examples.CASELOAD)
def add_to_caseload(said: dict[str, Any], reference: str) -> Any:
    """Add principals to a caseload; those who are in it stay. For a manager of the organisation."""
    _change_caseload(reference, add=_parties(said["principals"]))
    return _caseload(reference)


@blueprint.delete("/mandates/<reference>/caseload/<principal>")
@blueprint.person("mandates:write")
@blueprint.response(204)
def remove_from_caseload(reference: str, principal: str) -> None:
    """Take a principal out of a caseload; what the executor had open for her is over at once."""
    _change_caseload(reference, remove=[names().person_id(principal)])


def _wanted(query: dict[str, Any]) -> Wanted:
    return Wanted(
        type=query.get("type"),
        power=query.get("power"),
        organisation=_party(query["organisation"]) if "organisation" in query else None,
        name=query.get("name", ""),
    )


def _party(reference: str) -> str:
    return callers.party_id(services(), client(), reference)


def _parties(references: Sequence[str]) -> list[str]:
    """People who are stored, all of them: one unknown reference, and nothing is done."""
    people = [names().person_id(reference) for reference in references]
    with services().database.read() as uow:
        known = uow.parties.get_many(people)
    if len(known) < len(set(people)):
        raise NotFoundHereError
    return people


def _change_caseload(reference: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
    executor = names().mandate_id(reference)
    mandates.caseload(services(), session(), executor, now(), add=add, remove=remove)


def _caseload(reference: str) -> dict[str, Any]:
    found = lists.caseload_of(services(), session(), names().mandate_id(reference), now())
    return {"executor": reference, "principals": [shown.party(party) for party in found]}


def _representation(row: Decision, parties: dict[str, Party]) -> dict[str, Any]:
    link, called = row.acting, names()
    return {
        "identifier": called.mandate(link.mandate),
        "mandate_type": link.type,
        "principal": called.party(parties[link.principal]),
        "principal_name": parties[link.principal].name,
        "representative": called.party(parties[link.representative]),
        "actions": row.powers,
        "not_after": row.not_after,
    }


def _hand(what: str, row: Decision, parties: dict[str, Party]) -> dict[str, Any]:
    return {
        what: shown.party(parties[row.path[-1].representative]),
        "actions": row.powers,
        "not_after": row.not_after,
        "path": shown.path(row.path, parties),
    }
