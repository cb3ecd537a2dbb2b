"""What people do to mandates: ask, approve, refuse, end; and what they see of them.

Who may do what is `mandates.lifecycle`'s to say; these use cases load what it needs,
store what it answers, and reach the tokens in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from broker.errors import NotFoundHereError
from broker.flows import parties, revocation, world
from broker.ports import Services, UnitOfWork
from broker.records import JournalEntry, Session
from mandates import lifecycle
from mandates.capacity import Actor, capacities
from mandates.change import Change
from mandates.decide import Decision, representations
from mandates.mandate_type import MandateType
from mandates.model import Evidence, Instant, Mandate, Party, PartyKind
from mandates.status import State, Status, status_of
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Seen:
    """One mandate as a page shows it, with what this viewer may do to it."""

    mandate: Mandate
    kind: MandateType
    status: Status
    principal: Party
    representative: Party
    capacities: frozenset[str]
    viewer: str
    """Party id of who looks."""

    @property
    def may_end(self) -> bool:
        """Whether this viewer may end it now."""
        enders = {*self.kind.revoke_by, *self.kind.waive_by, *self.kind.withdraw_by}
        open_states = {State.ACTIVE, State.SCHEDULED, State.SUSPENDED}
        return self.status.state in open_states and bool(enders & self.capacities)

    @property
    def may_approve(self) -> bool:
        """Whether an approval of this viewer is one that the request waits for; never her own request."""
        return (
            self.waits
            and self.viewer != self.mandate.requested_by
            and bool({*self.kind.approvals} & self.capacities)
        )

    @property
    def may_refuse(self) -> bool:
        """Whether this viewer may refuse the request."""
        return self.waits and bool({*self.kind.refuse_by} & self.capacities)

    @property
    def waits(self) -> bool:
        """Whether it still waits for an approval."""
        return self.status.state is State.AWAITING


@dataclass(frozen=True, slots=True)
class Asked:
    """The online form as typed, checked for shape only. Days are turned into instants at the edge."""

    type: str
    name: str
    insz: str
    organisation: str
    """Party id of the organisation that the requester signed in for."""
    powers: tuple[str, ...]
    valid_from: Instant
    valid_until: Instant | None
    evidence: str


def ask_for_beneficiary(services: Services, session: Session, asked: Asked, now: Instant) -> Mandate:
    """An officer asks that her organisation may also act for a person (mandates.md section 4)."""
    with services.database.write() as uow:
        organisation = uow.parties.get(asked.organisation)
        person = parties.find_or_add_person(services, uow, asked.insz, asked.name, now)
        return _request(services, uow, session, asked, principal=person, representative=organisation, now=now)


def grant_to_employee(services: Services, session: Session, asked: Asked, now: Instant) -> Mandate:
    """An administrator gives a member of staff powers of the company; it outlives her own session."""
    with services.database.write() as uow:
        organisation = uow.parties.get(asked.organisation)
        person = parties.find_or_add_person(services, uow, asked.insz, asked.name, now)
        return _request(services, uow, session, asked, principal=organisation, representative=person, now=now)


def approve(services: Services, session: Session, mandate_id: str, now: Instant) -> Mandate:
    """Approve a request that waits for this person, in the capacity that the type asks."""
    return _change(services, session, mandate_id, now, lifecycle.approve)


def refuse(services: Services, session: Session, mandate_id: str, grounds: str, now: Instant) -> Mandate:
    """Refuse a request that waits for this person."""

    def refused(mandate: Mandate, actor: Actor, seen: World, at: Instant) -> Change:
        return lifecycle.refuse(mandate, actor, seen, grounds, at)

    return _change(services, session, mandate_id, now, refused)


def end(services: Services, session: Session, mandate_id: str, grounds: str, now: Instant) -> Mandate:
    """End a mandate; every token that stands on it is refused from the next status list on."""

    def ended(mandate: Mandate, actor: Actor, seen: World, at: Instant) -> Change:
        return lifecycle.end(mandate, actor, seen, grounds, at)

    return _change(services, session, mandate_id, now, ended)


def who_can_act_for(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Everything that this person gave, or that was asked in her name."""
    with services.database.read() as uow:
        return _seen(services, uow, session, uow.mandates.of_principal(session.party), now)


def may_represent(
    services: Services, session: Session, now: Instant
) -> tuple[tuple[Decision, ...], dict[str, Party]]:
    """Whom this person may represent now, with the parties named."""
    with services.database.read() as uow:
        seen = world.around(services, uow, world.actor_of(session))
    return representations(world.actor_of(session), seen, now), dict(seen.parties)


def of_organisation(services: Services, session: Session, now: Instant) -> list[Seen]:
    """What an administrator sees: everything that the organisation gave, powers of sessions left out."""
    if session.organisation is None:
        return []
    with services.database.read() as uow:
        found = uow.mandates.of_principal(session.organisation)
        return [one for one in _seen(services, uow, session, found, now) if one.capacities]


def waiting_for(services: Services, session: Session, now: Instant) -> list[Seen]:
    """Requests that wait and that this person has a part in: as requester, approver or reviewer."""
    with services.database.read() as uow:
        rows = _seen(services, uow, session, uow.mandates.waiting(), now)
    mine = [row for row in rows if row.status.state is State.AWAITING]
    return [row for row in mine if row.capacities or row.mandate.requested_by == session.party]


def find(services: Services, session: Session, mandate_id: str, now: Instant) -> Seen:
    """One mandate, for somebody who has a part in it. Raise `NotFoundHereError`, also when it is not hers."""
    with services.database.read() as uow:
        mandate = uow.mandates.find(mandate_id)
        rows = _seen(services, uow, session, [mandate] if mandate else [], now)
    # Who asked may follow her request; once it is decided, only who has a part in it may look.
    asked = bool(rows) and rows[0].mandate.requested_by == session.party and rows[0].waits
    if not rows or not (rows[0].capacities or asked):
        raise NotFoundHereError
    return rows[0]


def journal_of(
    services: Services, limit: int, mandate: str | None = None
) -> tuple[list[JournalEntry], dict[str, Party]]:
    """The newest journal rows, with the parties they name."""
    with services.database.read() as uow:
        rows = uow.journal.tail(limit, mandate)
        named = {row.actor for row in rows} | {
            row.body.get(k) for row in rows for k in ("principal", "representative")
        }
        return rows, uow.parties.get_many(one for one in named if one)


def _request(
    services: Services,
    uow: UnitOfWork,
    session: Session,
    asked: Asked,
    *,
    principal: Party,
    representative: Party,
    now: Instant,
) -> Mandate:
    seen = world.around(services, uow, world.actor_of(session))
    change = lifecycle.request_mandate(
        id=str(uuid4()),
        type_key=asked.type,
        principal=principal,
        representative=representative,
        powers=asked.powers,
        valid_from=asked.valid_from,
        valid_until=asked.valid_until,
        actor=world.actor_of(session),
        evidence=Evidence(asked.evidence.strip(), typed_name=asked.name.strip()),
        world=seen,
        now=now,
    )
    revocation.record(uow, change, now, new=True)
    uow.commit()
    return change.mandate


def _change(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    act: Callable[[Mandate, Actor, World, Instant], Change],
) -> Mandate:
    with services.database.write() as uow:
        mandate = uow.mandates.find(mandate_id)
        if mandate is None:
            raise NotFoundHereError
        actor = world.actor_of(session)
        seen = world.with_mandates(services, uow, actor, [mandate])
        if not capacities(actor, mandate, seen, now):
            raise NotFoundHereError
        change = act(mandate, actor, seen, now)
        revocation.record(uow, change, now)
        uow.commit()
    return change.mandate


def _seen(
    services: Services, uow: UnitOfWork, session: Session, found: Iterable[Mandate], now: Instant
) -> list[Seen]:
    rows: Sequence[Mandate] = list(found)
    actor = world.actor_of(session)
    seen = world.with_mandates(services, uow, actor, rows)
    return [
        Seen(
            mandate=row,
            kind=seen.catalogue.type(row.type),
            status=status_of(row, now),
            principal=_as_typed(row, seen.parties[row.principal], session),
            representative=_as_typed(row, seen.parties[row.representative], session),
            capacities=capacities(actor, row, seen, now),
            viewer=session.party,
        )
        for row in rows
    ]


def _as_typed(mandate: Mandate, party: Party, viewer: Session) -> Party:
    """The party under the name that was typed, until somebody else approved.

    A number with any name would else be a question "whose is this?" (mandates.md
    section 4). She herself sees her own name.
    """
    typed = mandate.evidence.typed_name
    hidden = typed and not mandate.approvals and party.kind is PartyKind.PERSON and party.id != viewer.party
    return replace(party, name=typed) if hidden else party
