"""What people do to mandates: ask, approve, refuse, renew, pass on, set aside, end.

Who may do what is `mandates.lifecycle`'s to say; these use cases load what it needs,
store what it answers, and reach the tokens in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from broker.errors import NotFoundHereError, VersionError
from broker.flows import cascades, documents, reviews, revocation, world
from broker.flows.naming import Named, known_beforehand, resolve
from broker.flows.parties import as_typed
from broker.ports import Services, UnitOfWork
from broker.records import Session
from mandates import lifecycle
from mandates.approvals import open_groups
from mandates.capacity import Actor
from mandates.capacity import capacities as capacities_of
from mandates.change import Change, check_capacity
from mandates.events import Event
from mandates.model import Evidence, Instant, Mandate, Source
from mandates.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as typed, checked for shape only. Days are turned into instants at the edge."""

    type: str
    principal: Named
    representative: Named
    powers: tuple[str, ...]
    valid_from: Instant
    valid_until: Instant | None
    evidence: str
    sha256: str | None = None
    """Of the signed form, hex."""
    whole: bool = True
    """For an executor: for everybody, or for a caseload."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal: what would follow, what it replaces, and whose approval it waits for."""

    mandate: Mandate
    replaces: Mandate
    waits_for: tuple[frozenset[str], ...]
    """One approval of each group; empty: it is active at once."""


def ask(services: Services, session: Session, asked: Asked, now: Instant) -> Mandate:
    """Ask for a mandate of any type. A form, a file and the API all come here."""
    with services.database.write() as uow:
        known = known_beforehand(uow, session, asked.principal, asked.representative)
        principal = resolve(services, uow, session, asked.principal, known, now)
        representative = resolve(services, uow, session, asked.representative, known, now)
        actor = world.actor_of(session)
        typed_name = asked.principal.name or asked.representative.name
        evidence = Evidence(asked.evidence.strip(), asked.sha256, typed_name.strip())
        change = lifecycle.request_mandate(
            id=str(uuid4()),
            type_key=asked.type,
            principal=principal,
            representative=representative,
            powers=asked.powers,
            valid_from=asked.valid_from,
            valid_until=asked.valid_until,
            actor=actor,
            evidence=evidence,
            world=world.around(
                services,
                uow,
                actor,
                world.beside(uow, principal, representative.id),
                {**known, principal.id: principal, representative.id: representative},
            ),
            now=now,
            whole=asked.whole,
        )
        store_change(services, uow, change, now, new=True)
        uow.commit()
    return change.mandate


def approve(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """Approve a request that waits for this person, in the capacity that the type asks."""

    def approved(mandate: Mandate, actor: Actor, seen: World) -> Change:
        return lifecycle.approve(mandate, actor, seen, now, grounds=grounds)

    return _change(services, session, mandate_id, now, version, approved)


def refuse(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """Refuse a request that waits for this person."""
    return _change(services, session, mandate_id, now, version, _with(lifecycle.refuse, grounds, now))


def cancel(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """Take a request back."""
    return _change(services, session, mandate_id, now, version, _with(lifecycle.cancel, grounds, now))


def end(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """End a mandate; every token that stands on it is refused from the next status list on."""
    return _change(services, session, mandate_id, now, version, _with(lifecycle.end, grounds, now))


def end_power(
    services: Services,
    session: Session,
    mandate_id: str,
    power: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """End one power of a mandate; the others go on."""

    def smaller(mandate: Mandate, actor: Actor, seen: World) -> Change:
        return lifecycle.end_power(mandate, power, actor, seen, grounds, now)

    return _change(services, session, mandate_id, now, version, smaller)


def suspend(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """Set a mandate aside; it is of no use until it is resumed."""
    return _change(services, session, mandate_id, now, version, _with(lifecycle.suspend, grounds, now))


def resume(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    grounds: str = "",
    version: int | None = None,
) -> Mandate:
    """Take up again what one set aside oneself."""
    return _change(services, session, mandate_id, now, version, _with(lifecycle.resume, grounds, now))


def renew(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    *,
    powers: Sequence[str] | None = None,
    valid_until: Instant | None = None,
    evidence: str | None = None,
    sha256: str | None = None,
    at_once: bool = False,
    dry_run: bool = False,
) -> Renewal:
    """Ask for what follows a mandate; `dry_run` shows it and stores nothing."""
    with services.database.write() as uow:
        old, actor, seen = _load(services, uow, session, mandate_id, now)
        # Nobody approved her yet: renewing tells no more than asking did.
        typed = {
            one: as_typed(old, seen.parties[one], session) for one in (old.principal, old.representative)
        }
        seen = replace(seen, parties={**seen.parties, **typed})
        change = lifecycle.renew(
            old,
            id=str(uuid4()),
            actor=actor,
            world=seen,
            now=now,
            powers=powers,
            valid_until=valid_until,
            evidence=_renewed_evidence(old.evidence, evidence, sha256),
            at_once=at_once,
        )
        waits_for = open_groups(change.mandate, seen, now) if change.mandate.activated_at is None else ()
        if not dry_run:
            store_change(services, uow, change, now, new=True)
            uow.commit()
    return Renewal(change.mandate, old, waits_for)


def pass_on(
    services: Services,
    session: Session,
    mandate_id: str,
    representative: Named,
    powers: Sequence[str],
    valid_until: Instant | None,
    evidence: str,
    now: Instant,
) -> Mandate:
    """Ask to pass on a mandate that one holds, or that one's organisation holds."""
    with services.database.write() as uow:
        origin, actor, seen = _load(services, uow, session, mandate_id, now)
        known = known_beforehand(uow, session, representative)
        receiver = resolve(services, uow, session, representative, known, now)
        change = lifecycle.pass_on(
            origin,
            id=str(uuid4()),
            representative=receiver,
            powers=powers,
            valid_until=valid_until,
            actor=actor,
            evidence=Evidence(evidence.strip(), typed_name=representative.name.strip()),
            world=replace(seen, parties={**seen.parties, receiver.id: receiver}),
            now=now,
        )
        store_change(services, uow, change, now, new=True)
        uow.commit()
    return change.mandate


def caseload(
    services: Services,
    session: Session,
    executor_id: str,
    now: Instant,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> None:
    """Change for whom a member of staff acts; party ids of principals of her organisation.

    Raise `NotAllowedError` unless the session manages executors of this organisation,
    `NotFoundHereError` for an executor that is for everybody and for people of whom the
    organisation never asked a mandate.
    """
    with services.database.write() as uow:
        executor, actor, seen = _load(services, uow, session, executor_id, now)
        kind = seen.catalogue.type(executor.type)
        if executor.whole or not kind.executor or executor.source is not Source.STORED:
            raise NotFoundHereError
        check_capacity(actor, executor, kind.withdraw_by, seen, now)
        if not world.beneficiaries(uow, executor.principal, add).keys() >= set(add):
            raise NotFoundHereError
        uow.mandates.add_to_caseload(executor.id, add, now)
        if uow.mandates.remove_from_caseload(executor.id, remove, now):
            revocation.revoke_on(uow, [executor.id], now)
        detail = {"added": sorted(add), "removed": sorted(remove)}
        event = Event(
            "caseload.changed",
            now,
            actor.party,
            executor.id,
            executor.principal,
            executor.representative,
            "",
            detail,
        )
        uow.journal.append([event], now)
        uow.commit()


def _renewed_evidence(old: Evidence, note: str | None, sha256: str | None) -> Evidence | None:
    """What a renewal rests on; None for what the old one did. A note alone is about the same document."""
    if note is None and sha256 is None:
        return None
    return Evidence(old.note if note is None else note.strip(), sha256 or old.sha256)


def _load(
    services: Services, uow: UnitOfWork, session: Session, mandate_id: str, now: Instant
) -> tuple[Mandate, Actor, World]:
    """A mandate in which this person has a part, with what a change is judged by."""
    mandate = uow.mandates.find(mandate_id)
    if mandate is None:
        raise NotFoundHereError
    actor = world.actor_of(session)
    seen = world.for_change(services, uow, actor, mandate)
    if not capacities_of(actor, mandate, seen, now):
        raise NotFoundHereError
    return mandate, actor, seen


def _change(
    services: Services,
    session: Session,
    mandate_id: str,
    now: Instant,
    version: int | None,
    act: Callable[[Mandate, Actor, World], Change],
) -> Mandate:
    with services.database.write() as uow:
        mandate, actor, seen = _load(services, uow, session, mandate_id, now)
        if version not in {None, mandate.version}:
            raise VersionError
        change = act(mandate, actor, seen)
        store_change(services, uow, change, now)
        uow.commit()
    return change.mandate


def store_change(
    services: Services, uow: UnitOfWork, change: Change, now: Instant, *, new: bool = False
) -> None:
    """The change with its events; and what follows when a mandate became active by it."""
    kind = services.catalogue().type(change.mandate.type)
    if new:
        documents.rest_on(uow, kind, change.mandate.evidence, now)
    revocation.record(uow, change, now, new=new)
    if not any(event.type == "mandate.activated" for event in change.events):
        return
    reviews.sample(uow, change.mandate, kind, now)
    if kind.measure:
        cascades.on_measure(uow, services, change.mandate, now)


def _with(
    act: Callable[[Mandate, Actor, World, str, Instant], Change], grounds: str, now: Instant
) -> Callable[[Mandate, Actor, World], Change]:
    """A step that takes grounds, as `_change` calls it."""
    return lambda mandate, actor, seen: act(mandate, actor, seen, grounds, now)
