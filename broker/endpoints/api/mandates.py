"""`/mandates`: ask for one, see them, follow one."""

from __future__ import annotations

from typing import Any

from broker.endpoints.api import shown, typed
from broker.endpoints.api.resource import Resource, etag, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import ReceiptSchema
from broker.endpoints.schemas.fields import PageQuery
from broker.endpoints.schemas.mandates import (
    AskSchema,
    HistorySchema,
    MandatePage,
    MandateSchema,
    MandatesQuery,
)
from broker.errors import InvalidPlaceError
from broker.flows import mandates, receipts, seen, waiting
from broker.flows.seen import Seen
from broker.flows.waiting import Place

blueprint = Resource("mandates", __name__, "Mandates: who may act for whom.")


@blueprint.post("/mandates")
@blueprint.person("mandates:write")
@blueprint.creates
@blueprint.arguments(AskSchema, example=examples.ASK)
@blueprint.response(201, MandateSchema, example=examples.SEEN)
def ask(said: dict[str, Any]) -> Any:
    """Ask for a mandate of any type.

    The same rules as the form and the file; it waits for the approvals that its type needs.
    """
    made = shown.changed(mandates.ask(services(), session(), typed.asked(said), now()))
    return shown.mandate(made), etag(made.mandate.version)


@blueprint.get("/mandates")
@blueprint.person("mandates:read")
@blueprint.arguments(MandatesQuery, location="query")
@blueprint.response(200, MandatePage, example=examples.PAGE)
def listed(query: dict[str, Any]) -> Any:
    """List the mandates of the person of this token.

    `given` by her, `held` by her, `requested` by her and still waiting: newest request first.
    `waiting` for somebody among whom she is: oldest first, for a reviewer all there are. What an
    organisation gave stands in `/organisations/{reference}/delegates`. A page may be short.
    """
    after, limit = _after(query.get("after")), query["limit"]
    if query["role"] == "waiting":
        rows, place = waiting.page(services(), session(), after, limit, now())
    else:
        rows, place = _newest_first(_of_role(query["role"]), after, limit)
    return {
        "mandates": [shown.mandate(row) for row in rows if _wanted(row, query)],
        "next": f"{place[0]}.{names().mandate(place[1])}" if place else None,
    }


@blueprint.get("/mandates/<reference>")
@blueprint.person("mandates:read")
@blueprint.response(200, MandateSchema, example=examples.SEEN)
def show(reference: str) -> Any:
    """See one mandate; 404 if it is unknown or not hers, alike."""
    row = _find(reference)
    return shown.mandate(row), etag(row.mandate.version)


@blueprint.get("/mandates/<reference>/history")
@blueprint.person("mandates:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, HistorySchema, example=examples.HISTORY)
def history(query: dict[str, Any], reference: str) -> Any:
    """See what happened to a mandate, newest first; whole once `next` is null."""
    row, limit = _find(reference), query["limit"]
    found, parties = seen.journal_of(services(), limit + 1, row.mandate.id, _before(query.get("after")))
    entries = found[:limit]
    # Whoever may not see a name yet does not learn it from who acted either.
    parties |= {row.principal.id: row.principal, row.representative.id: row.representative}
    return {
        "history": [
            {
                "at": entry.at,
                "event": entry.type,
                "by": shown.party(parties[entry.actor]) if entry.actor in parties else None,
                "grounds": entry.body.get("grounds", ""),
            }
            for entry in entries
        ],
        "next": str(entries[-1].seq) if len(found) > limit else None,
    }


@blueprint.get("/mandates/<reference>/receipt")
@blueprint.person("journal:read")
@blueprint.response(200, ReceiptSchema, example=examples.RECEIPT)
def receipt(reference: str) -> Any:
    """Fetch what the journal says of a mandate, with proof; it can be checked offline, years later.

    For the parties of the mandate, whoever manages an organisation in it, and reviewers: it opens
    everything that the journal committed to, internal ids of parties and the grounds of each step too.
    """
    return receipts.receipt_for(services(), session(), names().mandate_id(reference), now())


def _before(text: str | None) -> int | None:
    """Before which row of the journal a page begins. Raise `InvalidPlaceError`."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise InvalidPlaceError
    return int(text)


def _find(reference: str) -> Seen:
    return seen.find(services(), session(), names().mandate_id(reference), now())


def _of_role(role: str) -> list[Seen]:
    if role == "given":
        return seen.who_can_act_for(services(), session(), now())
    if role == "held":
        return seen.held_by(services(), session(), now())
    return seen.requested_by(services(), session(), now())


def _newest_first(rows: list[Seen], after: Place | None, limit: int) -> tuple[list[Seen], Place | None]:
    rows.sort(key=waiting.place, reverse=True)
    left = [row for row in rows if after is None or waiting.place(row) < after]
    return left[:limit], waiting.place(left[limit - 1]) if len(left) > limit else None


def _wanted(row: Seen, query: dict[str, Any]) -> bool:
    return (
        query.get("type") in {None, row.mandate.type}
        and query.get("state") in {None, row.status.state.value}
        and (query.get("power") is None or query["power"] in row.powers)
    )


def _after(text: str | None) -> Place | None:
    """Where a page begins, from what an earlier page said. Raise `InvalidPlaceError`."""
    if text is None:
        return None
    at, _, reference = text.partition(".")
    if not at.isdecimal() or len(at) > 15:
        raise InvalidPlaceError
    return int(at), names().mandate_id(reference)
