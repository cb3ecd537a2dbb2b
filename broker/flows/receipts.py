"""Receipts: what the journal says of one mandate, with the proof that it says so (mandates.md section 8).

Whoever holds a receipt can show it years later with nothing but our public key,
and holds a checkpoint that any later journal must contain. A receipt opens
commitments, so it names parties as they were committed, by their internal ids: it is
for those who stand in the mandate and for a court, never for a voucher service.
"""

from __future__ import annotations

from typing import Any

from broker.errors import NotFoundHereError
from broker.flows import decisions, seen
from broker.flows.journal import origin, roots_of, verifier_keys
from broker.flows.journal_file import row_records
from broker.flows.journal_verify import VERSION
from broker.ports import Services
from broker.records import Session
from mandates import ledger
from mandates.errors import NotAllowedError
from mandates.ledger import Span
from mandates.model import Instant

HOLDERS = ("principal", "representative", "administrator", "manager", "issuer")
"""In what capacity somebody may hold a receipt. It opens commitments, so it holds what was committed:
parties by their internal ids, times, grounds. It outlives every role, so an officer has none."""


def receipt_for(services: Services, session: Session, mandate: str, now: Instant) -> dict[str, Any]:
    """A receipt for somebody who may hold all that was committed of the mandate.

    Raise `NotFoundHereError` for a mandate that is not hers to see, `NotAllowedError` for an officer
    or whoever else has a part in it that ends with a role, and what `receipt_of` raises.
    """
    row = seen.find(services, session, mandate, now)
    entitled = not row.capacities.isdisjoint(HOLDERS) or any(
        decisions.manages(services, session, party.id, now) for party in (row.principal, row.representative)
    )
    if not entitled:
        raise NotAllowedError("a receipt is for the parties of the mandate, managers and reviewers")
    return receipt_of(services, row.mandate.id)


def receipt_of(services: Services, mandate: str) -> dict[str, Any]:
    """Every sequenced row of the mandate, opened, each with its inclusion proof under the newest checkpoint.

    A row of the last seconds may still wait for its leaf; the next receipt has it.
    Raise `NotFoundHereError` if there is no row, `JournalDamagedError`.
    """
    with services.database.read() as uow:
        newest = uow.journal.newest_checkpoint()
        placed = uow.journal.placed_of_mandate(mandate)
        if newest is None or not placed:
            raise NotFoundHereError("the journal has no sequenced row of this mandate")
        rows = row_records(uow.journal, placed)
        paths = [ledger.inclusion_spans(row["index"], newest.size) for row in rows]
        spans = sorted({span for path in paths for span in path})
        roots = dict(zip(spans, roots_of(uow.journal, spans), strict=True))
    return {
        "kind": "receipt",
        "version": VERSION,
        "origin": origin(services),
        "keys": verifier_keys(services),
        "mandate": mandate,
        "checkpoint": newest.note,
        "rows": [row | {"proof": _hex(roots, path)} for row, path in zip(rows, paths, strict=True)],
    }


def consistency(services: Services, old_size: int) -> dict[str, Any]:
    """Proof that the newest checkpoint only adds to the tree of `old_size` leaves (RFC 6962 section 2.1.2).

    Raise `NotFoundHereError` if the tree was never that large, `JournalDamagedError`.
    """
    with services.database.read() as uow:
        newest = uow.journal.newest_checkpoint()
        if newest is None or not 0 <= old_size <= newest.size:
            raise NotFoundHereError("the journal was never that large")
        spans = ledger.consistency_spans(old_size, newest.size)
        roots = dict(zip(spans, roots_of(uow.journal, spans), strict=True))
    return {
        "old_size": old_size,
        "size": newest.size,
        "proof": _hex(roots, spans),
        "checkpoint": newest.note,
    }


def _hex(roots: dict[Span, bytes], path: tuple[Span, ...]) -> list[str]:
    return [roots[span].hex() for span in path]
