"""`/journal`: the newest signed tree head, and the proof that the journal only ever grew.

Open to anybody: a checkpoint names nobody, and a witness needs no account.
"""

from __future__ import annotations

from typing import Any

from broker.endpoints.api.resource import Resource
from broker.endpoints.context import services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import CheckpointSchema, ConsistencyQuery, ConsistencySchema
from broker.errors import NotFoundHereError
from broker.flows import receipts
from broker.flows.journal import verifier_keys

blueprint = Resource("journal", __name__, "Checkpoints of the journal, and proofs between them.")


@blueprint.get("/journal/checkpoint")
@blueprint.anybody
@blueprint.response(200, CheckpointSchema, example=examples.CHECKPOINT)
def checkpoint() -> Any:
    """Fetch the newest checkpoint (C2SP tlog-checkpoint), with the keys that sign them."""
    with services().database.read() as uow:
        newest = uow.journal.newest_checkpoint()
    if newest is None:
        raise NotFoundHereError
    return {
        "size": newest.size,
        "root": newest.root,
        "checkpoint": newest.note,
        "keys": verifier_keys(services()),
    }


@blueprint.get("/journal/consistency")
@blueprint.anybody
@blueprint.arguments(ConsistencyQuery, location="query")
@blueprint.response(200, ConsistencySchema, example=examples.CONSISTENCY)
def consistency(query: dict[str, Any]) -> Any:
    """Fetch the proof that the newest checkpoint only adds to the tree of `from` leaves."""
    return receipts.consistency(services(), query["old_size"])
