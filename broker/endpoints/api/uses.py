"""`/uses`: services say what they did under mandates, and people see what was done in their name."""

from __future__ import annotations

from typing import Any

from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, client, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import PostedSchema, UsePage, UsesQuery, UsesSchema
from broker.flows import uses
from broker.flows.uses import AuditLine

blueprint = Resource("uses", __name__, "What was done in whose name.")


@blueprint.post("/uses")
@blueprint.program("uses:write")
@blueprint.arguments(UsesSchema, example=examples.USES)
@blueprint.response(200, PostedSchema, example=examples.POSTED)
def post(said: dict[str, Any]) -> Any:
    """Post up to a thousand audit lines, as the guard writes them; the same line again changes nothing.

    A line is refused when its token's parties and mandate do not belong together, or when it is not about
    an audience that this client is.
    """
    lines = [AuditLine(**line) for line in said["lines"]]
    return {"results": uses.post(services(), client(), lines, now())}


@blueprint.get("/uses")
@blueprint.person("journal:read")
@blueprint.arguments(UsesQuery, location="query")
@blueprint.response(200, UsePage, example=examples.USE_PAGE)
def listed(query: dict[str, Any]) -> Any:
    """List what others did in the name of the person of this token, newest first.

    With `organisation`: in the name of the organisation that she signed in for, if she manages it.
    """
    page = uses.of_principal(
        services(),
        session(),
        query.get("after"),
        query["limit"],
        now(),
        organisation=query["organisation"],
    )
    return {
        "uses": [
            {
                "at": row.at,
                "kind": row.kind,
                "client": row.client,
                "actor": shown.party(page.parties[row.actor]) if row.actor in page.parties else None,
                "representative": (
                    shown.party(page.parties[row.representative])
                    if row.representative in page.parties
                    else None
                ),
                "mandate": names().mandate(row.mandate) if row.mandate else None,
                "operations": row.operations,
                "decision": row.decision,
            }
            for row in page.rows
        ],
        "next": page.next,
    }
