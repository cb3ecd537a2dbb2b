"""`/notices`: what a person is told of the steps that others took in mandates of hers."""

from __future__ import annotations

from typing import Any

from broker.endpoints.api.resource import Resource, names, session
from broker.endpoints.context import services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.notices import NoticePage, NoticesQuery
from broker.flows import notices

blueprint = Resource("notices", __name__, "What people are told.")


@blueprint.get("/notices")
@blueprint.person("mandates:read")
@blueprint.arguments(NoticesQuery, location="query")
@blueprint.response(200, NoticePage, example=examples.NOTICE_PAGE)
def listed(query: dict[str, Any]) -> Any:
    """List what the person of this token was told, newest first: each step in a mandate of hers.

    She is told of what others did, never of what she did herself.
    """
    limit = query["limit"]
    found = notices.of_person(services(), session(), query.get("before"), limit + 1)
    page = found[:limit]
    return {
        "notices": [
            {
                "number": one.seq,
                "at": one.at,
                "type": one.body["type"],
                "mandate_type": one.body["mandate_type"],
                "mandate": names().mandate(one.mandate) if one.mandate else None,
            }
            for one in page
        ],
        "next": page[-1].seq if len(found) > limit else None,
    }
