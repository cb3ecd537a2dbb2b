"""Papers that a request rests on: a signed form, a judgment (mandates.md sections 3.5 and 6).

Whoever asks brings the paper first and names it by its SHA-256, which stands in the request and
so in the journal: another paper cannot be put in its place. It is kept sealed, under a key of
its own, and is shown to those who decide about the mandate and to nobody else; each look
stands in the journal. It goes when the texts of the mandates that name it go.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from broker.errors import InvalidDocumentError, NotFoundHereError
from broker.flows import standing, tries
from broker.flows.standing import Standing
from broker.ports import Services, UnitOfWork
from broker.records import Document, Session
from keys.envelope import DataKey
from mandates.capacity import REVIEWER
from mandates.errors import EvidenceRequiredError
from mandates.events import Event
from mandates.mandate_type import MandateType
from mandates.model import Evidence, Instant, Mandate

MOST_BYTES = 5 * 1024 * 1024
MOST_AN_HOUR = 30
"""Papers that one person brings: a desk has no more visitors, and the store is no drive."""
MAGIC = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
"""How a file of each kind begins; its name and what its sender says of it count for nothing."""
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it was brought."""

    sha256: str
    media_type: str
    content: bytes = field(repr=False)


def keep(services: Services, session: Session, content: bytes, now: Instant) -> str:
    """Keep a paper, and return the SHA-256 that a request names it by. Safe to repeat.

    Raise `InvalidDocumentError` for what is empty, too large or no PDF, JPEG or PNG, and
    `TooManyTriesError`.
    """
    media_type = _media_type(content)
    tries.claim(services, "document", session.party, MOST_AN_HOUR, now)
    sha256, key = hashlib.sha256(content).hexdigest(), os.urandom(_KEY_BYTES)
    document = Document(
        sha256=sha256,
        media_type=media_type,
        size=len(content),
        sealed_key=services.vault.seal(key, purpose(sha256)),
        content=DataKey(key).box(content, purpose(sha256)),
        added_by=session.party,
        added_at=now,
    )
    with services.database.write() as uow:
        uow.documents.put(document)
        facts = {"sha256": sha256, "media_type": media_type, "size": len(content)}
        uow.journal.append([Event("document.kept", now, session.party, detail=facts)], now)
        uow.commit()
    return sha256


def fetch(services: Services, session: Session, mandate_id: str, now: Instant) -> Paper:
    """The paper that a mandate rests on, for its approvers and for reviewers; the journal says who looked.

    Raise `NotFoundHereError` for anybody else, and where no paper is named or kept: alike.
    """
    with services.database.write() as uow:
        found = standing.towards(services, uow, session, mandate_id, now)
        mandate = found.mandate
        document = uow.documents.find(mandate.evidence.sha256) if mandate.evidence.sha256 else None
        if document is None or not _decides(found, session) or not _hers(document, mandate, session):
            raise NotFoundHereError
        event = Event(
            "document.read",
            now,
            session.party,
            mandate.id,
            mandate.principal,
            mandate.representative,
            detail={"sha256": document.sha256},
        )
        uow.journal.append([event], now)
        uow.commit()
    key = DataKey(services.vault.open(document.sealed_key, purpose(document.sha256)))
    return Paper(document.sha256, document.media_type, key.unbox(document.content, purpose(document.sha256)))


def rest_on(uow: UnitOfWork, kind: MandateType, evidence: Evidence, now: Instant) -> None:
    """A request rests on its paper from now on, if it names one.

    Raise `EvidenceRequiredError` if its type needs one and it is not kept here.
    """
    kept = evidence.sha256 is not None and uow.documents.name(evidence.sha256, now)
    check(kind, kept=kept)


def check(kind: MandateType, *, kept: bool) -> None:
    """Raise `EvidenceRequiredError` if this type needs a paper and the one named is not `kept`."""
    if kind.document_required and not kept:
        raise EvidenceRequiredError("bring the document first, and name it by its SHA-256")


def purpose(sha256: str) -> str:
    """What a paper and its key are sealed for: they open for no other."""
    return f"document:{sha256}"


def _decides(found: Standing, session: Session) -> bool:
    approvers = {*found.kind.approvals, *found.kind.rest_approvals}
    hers = "principal" in approvers and "administrator" in found.capacities
    return REVIEWER in session.staff or hers or not approvers.isdisjoint(found.capacities)


def _hers(document: Document, mandate: Mandate, session: Session) -> bool:
    """Whether whoever asked for the mandate brought the paper herself; a reviewer sees it anyhow.

    Else to know a paper's hash would be to have it: one names it in a request of one's
    own, and a colleague who approves it reads what is not theirs.
    """
    return REVIEWER in session.staff or document.added_by == mandate.requested_by


def _media_type(content: bytes) -> str:
    if not 0 < len(content) <= MOST_BYTES:
        raise InvalidDocumentError("bring a file of one byte to five mebibytes")
    for magic, media_type in MAGIC.items():
        if content.startswith(magic):
            return media_type
    raise InvalidDocumentError("bring a PDF, a JPEG or a PNG")
