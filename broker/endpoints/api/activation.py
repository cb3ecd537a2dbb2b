"""`/activation-codes`: a letter, or a slip handed over, to say yes with (mandates.md section 6)."""

from __future__ import annotations

from typing import Any

from flask import request

from broker.endpoints.api import shown
from broker.endpoints.api.resource import Resource, etag, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import IssueSchema, LetterSchema, RedeemSchema, UseCodeSchema
from broker.endpoints.schemas.mandates import MandateSchema
from broker.flows import activation

blueprint = Resource("activation codes", __name__, "Codes that give one approval of one mandate.")


@blueprint.post("/activation-codes")
@blueprint.person("mandates:decide")
@blueprint.creates
@blueprint.arguments(IssueSchema, example=examples.ISSUE)
@blueprint.response(201, LetterSchema, example=examples.LETTER)
def issue(said: dict[str, Any]) -> Any:
    """Make a code, shown this once; an earlier one for the same approval is worth nothing any more.

    A letter to the principal is made by the issuer's reviewer or the second officer, to the address
    on record; whoever asked for a mandate to somebody hands that person the code herself.
    """
    mandate = names().mandate_id(said["mandate"])
    letter = activation.issue(services(), session(), mandate, said["capacity"], now())
    return {
        "code": letter.code,
        "mandate": said["mandate"],
        "capacity": letter.capacity,
        "name": letter.name,
        "address": letter.address,
        "redeemable_until": letter.redeemable_until,
    }


@blueprint.post("/activation-codes/redeem")
@blueprint.person("mandates:decide")
@blueprint.refuses(409, 429)
@blueprint.arguments(RedeemSchema, example=examples.REDEEM)
@blueprint.response(200, MandateSchema, example=examples.SEEN)
def redeem(said: dict[str, Any]) -> Any:
    """Give the approval that a code was sent for; the person of this token is the one it was sent to."""
    done = activation.redeem(services(), session(), said["code"], now(), address=request.remote_addr or "")
    return shown.mandate(shown.changed(done)), etag(done.version)


@blueprint.post("/activation-codes/use")
@blueprint.anybody
@blueprint.refuses(429)
@blueprint.arguments(UseCodeSchema, example=examples.USE_CODE)
@blueprint.response(204)
def use(said: dict[str, Any]) -> None:
    """Refuse, pause or end with the code of a letter, without signing in.

    The answer is 204 whatever the code did, also nothing: whoever finds a letter learns nothing here.
    """
    activation.act_without_login(services(), said["code"], said["act"], request.remote_addr or "", now())
