"""What a token stands on, and what is stored when one is issued."""

from __future__ import annotations

from dataclasses import dataclass

from broker.records.questions import Snapshot
from broker.records.sign_in import Grant, Session
from broker.records.status import Basis, StatusEntry
from mandates.events import Event
from mandates.model import Instant


@dataclass(frozen=True, slots=True)
class Standing:
    """What a token stands on, all of one moment.

    `snapshot` holds everything that can make the chain from the principal of the mandate that
    was named to the grant's actor in the grant's session; without such a mandate, the actor
    alone.
    """

    entry: StatusEntry
    grant: Grant
    session: Session
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Issue:
    """A token that was judged and is about to be signed: what must still be true when it is stored."""

    basis: Basis
    exp: Instant
    chain: tuple[str, ...]
    """Ids of all mandates that the judgement rests on: executor, acting link, what these came from."""
    revision: int
    """Of the mandates, as judged."""
    registrations: int
    """Version of the registry, as judged."""
    event: Event | None
    """What the journal is told, if anything."""
