"""`/parties` and `/organisations`: numbers to references, what happened to whom, registers."""

from __future__ import annotations

from typing import Any

from broker.days import day_of, first_instant
from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, client, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import (
    AddressedSchema,
    AddressSchema,
    ImportedSchema,
    ImportSchema,
    NumbersSchema,
    ReportedSchema,
    ReportSchema,
    ResolvedSchema,
    UndoSchema,
)
from broker.flows import callers, cascades, contacts, organisations, resolving
from mandates.cascade import Cause, Happening

blueprint = Resource("parties", __name__, "People and organisations, and what happens to them.")


@blueprint.post("/parties/resolve")
@blueprint.program("insz:resolve")
@blueprint.arguments(NumbersSchema, example=examples.NUMBERS)
@blueprint.response(200, ResolvedSchema, example=examples.RESOLVED)
def resolve(said: dict[str, Any]) -> Any:
    """Ask the `p-...` of people by national number, for a service that knows them by it.

    Up to a thousand at a time, in the order sent. A number that is wrong and one that nobody here has
    are both null. Each person that is found stands in the journal.
    """
    people = resolving.people(services(), client(), said["numbers"], now())
    called = names()
    return {"identifiers": [called.party(one) if one else None for one in people]}


@blueprint.post("/parties/reports")
@blueprint.person("registry:write")
@blueprint.creates
@blueprint.arguments(ReportSchema, example=examples.REPORT)
@blueprint.response(200, ReportedSchema, example=examples.REPORTED)
def report(said: dict[str, Any]) -> Any:
    """Report what happened to a party, and end what it ends; by default only show what would end.

    For reviewers; whoever manages an organisation reports who leaves it.
    """
    happening = Happening(
        Cause(said["cause"]),
        _party(said["party"]),
        # The day that runs has begun already: what happened today happened by now.
        now() if said["day"] == day_of(now()) else first_instant(said["day"]),
        said["source"],
        organisation=_party(said["organisation"]) if "organisation" in said else None,
        successor=_party(said["successor"]) if "successor" in said else None,
        kind=said.get("kind"),
    )
    return shown.report(
        cascades.report(services(), happening, by=session(), dry_run=said["dry_run"], now=now())
    )


@blueprint.post("/parties/reports/undo")
@blueprint.person("registry:write")
@blueprint.refuses(409)
@blueprint.arguments(UndoSchema, example=examples.UNDO)
@blueprint.response(200, ReportedSchema, example=examples.REPORTED)
def undo(said: dict[str, Any]) -> Any:
    """Take back what a report did, until midnight in Brussels."""
    return shown.report(cascades.undo(services(), said["reference"], session(), now()))


@blueprint.post("/parties/addresses")
@blueprint.person("registry:write")
@blueprint.creates
@blueprint.arguments(AddressSchema, example=examples.ADDRESS)
@blueprint.response(200, AddressedSchema, example=examples.ADDRESSED)
def record_address(said: dict[str, Any]) -> Any:
    """Report where letters to a person go; by default only check it. For reviewers.

    The journal keeps who says so, not the address.
    """
    party, dry_run = _party(said["party"]), said["dry_run"]
    contacts.report_address(
        services(), party, said["address"], said["source"], now(), by=session(), dry_run=dry_run
    )
    return {"stored": not dry_run}


@blueprint.post("/organisations")
@blueprint.person("registry:write")
@blueprint.creates
@blueprint.arguments(ImportSchema, example=examples.IMPORT)
@blueprint.response(200, ImportedSchema, example=examples.IMPORTED)
def import_organisations(said: dict[str, Any]) -> Any:
    """Take over a file of organisations, all or nothing; by default only show what would change.

    For reviewers.
    """
    done = organisations.import_file(
        services(),
        said["text"],
        by=session(),
        source=said["source"],
        complete=said["complete"],
        dry_run=said["dry_run"],
        now=now(),
    )
    return {
        "added": len(done.added),
        "changed": len(done.changed),
        "unchanged": done.unchanged,
        "ended": sum(one.changed for one in done.reports),
    }


def _party(reference: str) -> str:
    return callers.party_id(services(), client(), reference)
