"""`/reviews`: the issuer looks again, and anybody whose mandate is misused says so."""

from __future__ import annotations

from typing import Any

from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, etag, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import (
    MisuseSchema,
    OpenedSchema,
    OutcomeSchema,
    ReviewPage,
)
from broker.endpoints.schemas.fields import PageQuery
from broker.endpoints.schemas.mandates import MandateSchema
from broker.errors import InvalidPlaceError
from broker.flows import reviews

blueprint = Resource("reviews", __name__, "Samples and reports of misuse.")


@blueprint.get("/reviews")
@blueprint.person("reviews:decide")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ReviewPage, example=examples.REVIEWS)
def queue(query: dict[str, Any]) -> Any:
    """List the cases that wait, oldest first. For reviewers."""
    limit = min(query["limit"], reviews.LONGEST)
    found = reviews.queue(services(), session(), _after(query.get("after")), limit, now())
    last = found[-1].review if len(found) == limit else None
    return {
        "reviews": [
            {
                "identifier": case.review.id,
                "kind": case.review.kind,
                "opened_at": case.review.opened_at,
                "text": case.review.text,
                "mandate": shown.mandate(case.seen),
            }
            for case in found
        ],
        "next": f"{last.opened_at}.{last.id}" if last else None,
    }


@blueprint.post("/reviews")
@blueprint.person("mandates:write")
@blueprint.creates
@blueprint.arguments(MisuseSchema, example=examples.MISUSE)
@blueprint.response(201, OpenedSchema, example=examples.OPENED)
def report_misuse(said: dict[str, Any]) -> Any:
    """Report that a mandate is misused: it is set aside at once, and a reviewer looks. For the principal."""
    mandate = names().mandate_id(said["mandate"])
    return {"identifier": reviews.report_misuse(services(), session(), mandate, said["text"], now()).id}


@blueprint.post("/reviews/<case>/decide")
@blueprint.person("reviews:decide")
@blueprint.refuses(409)
@blueprint.arguments(OutcomeSchema, example=examples.OUTCOME)
@blueprint.response(200, MandateSchema, example=examples.SEEN)
def decide(said: dict[str, Any], case: str) -> Any:
    """Close a case: the mandate stands, is taken up again, or is withdrawn. Never by who approved it."""
    done = reviews.decide(services(), session(), case, said["outcome"], said["grounds"], now())
    return shown.mandate(shown.changed(done)), etag(done.version)


def _after(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    at, _, case = text.partition(".")
    if not at.isdecimal() or len(at) > 15 or not case:
        raise InvalidPlaceError
    return int(at), case
