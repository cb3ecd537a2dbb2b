"""What passes between flows and stores: frozen values, one a table row or a verified answer.

Parties and mandates are the engine's own (`mandates.model`); these are the broker's. They
stand in files by what they are about; everybody imports them from here.
"""

from __future__ import annotations

from broker.records.bulk import BulkJob, BulkRow
from broker.records.documents import Document
from broker.records.issuing import Issue, Standing
from broker.records.journal import Checkpoint, JournalEntry, JournalLeaf, JournalNode, PlacedEntry
from broker.records.life import ActivationCode, CascadeRecord, Done, Message, Review, Use, UsePlace
from broker.records.parties import Contact, NewParty, VaultedValue
from broker.records.questions import MandateVersion, Place, Question, Snapshot, Wanted
from broker.records.registry import Audience, Client, Registrations, StaffRole
from broker.records.sign_in import Consent, Grant, LoginRequest, RefreshToken, Session, UpstreamLogin
from broker.records.status import Basis, StatusEntry, StatusList

__all__ = [
    "ActivationCode",
    "Audience",
    "Basis",
    "BulkJob",
    "BulkRow",
    "CascadeRecord",
    "Checkpoint",
    "Client",
    "Consent",
    "Contact",
    "Document",
    "Done",
    "Grant",
    "Issue",
    "JournalEntry",
    "JournalLeaf",
    "JournalNode",
    "LoginRequest",
    "MandateVersion",
    "Message",
    "NewParty",
    "Place",
    "PlacedEntry",
    "Question",
    "RefreshToken",
    "Registrations",
    "Review",
    "Session",
    "Snapshot",
    "StaffRole",
    "Standing",
    "StatusEntry",
    "StatusList",
    "UpstreamLogin",
    "Use",
    "UsePlace",
    "VaultedValue",
    "Wanted",
]
