"""What the tests of cascades say and look at."""

from __future__ import annotations

import dataclasses
import hashlib

from broker.flows import cascades
from builders import DAY, NOW
from mandates.cascade import Cause, Happening
from mandates.model import Level
from mandates.status import status_of


def died(party, at=NOW - DAY, source="Rijksregister"):
    return Happening(Cause.DEATH, party.id if hasattr(party, "id") else party, at, source)


def report(flow, happening, by=None, dry_run=False):
    return cascades.report(flow.services, happening, by=by, dry_run=dry_run, now=flow.now)


def stored(flow, mandate_id):
    with flow.services.database.read() as uow:
        return uow.mandates.find(mandate_id)


def party(flow, party_id):
    with flow.services.database.read() as uow:
        return uow.parties.get(party_id)


def journal(flow, prefix="cascade."):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type.startswith(prefix)]


def state(flow, mandate_id):
    return status_of(stored(flow, mandate_id), flow.now).state


def content(flow):
    """What the database file and its side file hold."""
    files = sorted(flow.folder.glob("volmacht.db*"))
    return [
        (one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in files if "shm" not in one.name
    ]


def reviewer(flow, name="Noor", level=Level.HIGH):
    return dataclasses.replace(flow.sign_in(name, level=level), staff=frozenset({"reviewer"}))


def merged(flow, far, **facts):
    return Happening(Cause.MERGED, flow.ocmw.id, flow.now, "KBO", successor=far.id, **facts)


def bits(flow):
    with flow.services.database.read() as uow:
        return {
            (one.id, index) for one in uow.status.lists() for index in uow.status.revoked_indices(one.id)
        } - {(one.id, index) for one in uow.status.lists() for index in one.decoys}
