"""What becomes of each row of a chunk: the engine's own word, in a fixed number of queries.

Each row goes through `lifecycle.request_mandate`, as the form does: a file is no way
around a rule. The form's silence holds too. Whether a number was known is never told:
an unknown person is judged as one who was recorded just now, and what a request waits
for is told as the type says it, whatever protects this principal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from broker.flows import documents, parties, world
from broker.flows.bulk.rows import RowRequest, TypedRow
from broker.ports import Services, UnitOfWork
from broker.records import BulkJob, BulkRow, Session
from mandates import lifecycle
from mandates.change import Change
from mandates.errors import DuplicateError, MandateError
from mandates.model import Evidence, Instant, Mandate, Party, PartyKind
from mandates.world import World

ACCEPTED, NEEDS_APPROVAL, DUPLICATE, REFUSED = "accepted", "needs_approval", "duplicate", "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its verdict and, where it is not refused, what is to be stored for it."""

    row: BulkRow
    change: Change | None = None
    newcomer: tuple[str, Party] | None = None
    """National number and person, where she is not recorded yet."""
    caseload: tuple[str, ...] = ()
    """Party ids for whom a new executor acts."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of everybody in a chunk."""

    seen: World
    """The actor with all that she holds."""
    organisation: Party
    people: Mapping[str, Party]
    """National number -> person; somebody unknown stands there as she would be recorded."""
    recorded: Collection[str]
    """National numbers of those who are recorded."""
    given: Mapping[str, Sequence[Mandate]]
    """Person -> what stands beside a mandate between her and the organisation."""
    beneficiaries: Collection[str]
    """Of the people in caseloads, those who have or had a mandate with the organisation."""
    papers: Collection[str]
    """SHA-256 of the documents that are kept, of those that some type here needs."""


def judge(
    services: Services,
    uow: UnitOfWork,
    session: Session,
    job: BulkJob,
    rows: Sequence[tuple[BulkRow, TypedRow]],
    now: Instant,
) -> list[Judged]:
    """The verdict on each row; nothing is stored."""
    keys = {row.key for row, _ in rows if row.key}
    applied = uow.bulk.applied(keys)
    first = uow.bulk.first_lines(job.id, keys, {row.pair for row, _ in rows if row.pair})
    known = _known(services, uow, session, job, [typed.request for _, typed in rows if typed.request])
    judged = []
    for row, typed in rows:
        if typed.request is None:
            one = _said(row, REFUSED, typed.code, typed.column)
        elif row.key in applied:
            one = _said(row, DUPLICATE, "applied_before")
        elif min(first.get(mark, row.line) for mark in (row.key, row.pair) if mark) < row.line:
            one = _said(row, DUPLICATE, "twice_in_file")
        else:
            one = _of_engine(session, row, typed.request, known, now)
        judged.append(one)
    return judged


def _said(row: BulkRow, verdict: str, code: str = "", column: str = "") -> Judged:
    return Judged(replace(row, verdict=verdict, code=code, column=column, needs="", mandate=None))


def _of_engine(session: Session, row: BulkRow, asked: RowRequest, known: _Known, now: Instant) -> Judged:
    person = known.people[asked.insz]
    members = [known.people.get(number) for number in asked.caseload]
    if any(one is None or one.id not in known.beneficiaries for one in members):
        return _said(row, REFUSED, "not_a_beneficiary")
    try:
        change = _requested(session, asked, person, known, now)
    except DuplicateError as error:
        return _said(row, DUPLICATE, error.code)
    except MandateError as error:
        return _said(row, REFUSED, error.code)
    mandate = change.mandate
    newcomer = None if asked.insz in known.recorded else (asked.insz, person)
    told = _said(row, ACCEPTED if mandate.activated_at is not None else NEEDS_APPROVAL).row
    if told.verdict == NEEDS_APPROVAL:
        told = replace(told, needs=" ".join(known.seen.catalogue.type(mandate.type).approvals))
    return Judged(told, change, newcomer, tuple(one.id for one in members if one))


def _requested(session: Session, asked: RowRequest, person: Party, known: _Known, now: Instant) -> Change:
    """What the form would ask. Raise `MandateError`."""
    seen, organisation = known.seen, known.organisation
    kind = seen.catalogue.type(asked.type)
    documents.check(kind, kept=asked.sha256 in known.papers)
    gives = kind.principal_kind is PartyKind.PERSON
    return lifecycle.request_mandate(
        id=str(uuid4()),
        type_key=asked.type,
        principal=person if gives else organisation,
        representative=organisation if gives else person,
        powers=asked.powers,
        valid_from=now if asked.valid_from is None else asked.valid_from,
        valid_until=asked.valid_until,
        actor=world.actor_of(session),
        evidence=Evidence(asked.evidence, asked.sha256, asked.name),
        # A world of her own affairs: the engine reads it for each row.
        world=replace(seen, mandates=(*seen.mandates, *known.given.get(person.id, ()))),
        now=now,
        whole=asked.whole,
    )


def _known(
    services: Services, uow: UnitOfWork, session: Session, job: BulkJob, asked: Sequence[RowRequest]
) -> _Known:
    numbers = {one.insz: one.name for one in asked}
    members = {number for one in asked for number in one.caseload}
    recorded = parties.find_people(services, uow, numbers.keys() | members)
    fresh = {
        number: parties.person(services, name, number)
        for number, name in numbers.items()
        if number not in recorded
    }
    # Her own record is no news to whoever brings the file; anybody else is judged by the number alone.
    people = fresh | {
        number: one if one.id == session.party else parties.as_if_new(services, one, number)
        for number, one in recorded.items()
    }
    seen = world.around(services, uow, world.actor_of(session))
    organisation = uow.parties.get(job.organisation)
    everybody = {**seen.parties, organisation.id: organisation}
    everybody |= {party.id: party for party in people.values()}
    ids = [recorded[number].id for number in numbers if number in recorded]
    types = [seen.catalogue.types[one.type] for one in asked if one.type in seen.catalogue.types]
    needed = {one.key for one in types if one.document_required}
    papers = {one.sha256 for one in asked if one.sha256 and one.type in needed}
    given = _given(uow, organisation.id, ids, {one.principal_kind for one in types})
    return _Known(
        seen=replace(seen, parties=everybody),
        organisation=organisation,
        people=people,
        recorded=recorded.keys(),
        given=given,
        beneficiaries=world.beneficiaries(
            uow, organisation.id, [recorded[n].id for n in members & recorded.keys()]
        ),
        papers=uow.documents.kept(papers) if papers else (),
    )


def _given(
    uow: UnitOfWork, organisation: str, people: Sequence[str], givers: Collection[PartyKind]
) -> dict[str, list[Mandate]]:
    """By person, as `world.beside`: all that she gave, or what the organisation gave her."""
    found: dict[str, list[Mandate]] = {}
    if PartyKind.PERSON in givers and people:
        _put(found, ((one.principal, one) for one in uow.mandates.of_principals(people)))
    if PartyKind.ORGANISATION in givers and people:
        pairs = [(organisation, person) for person in people]
        _put(found, ((one.representative, one) for one in uow.mandates.of_pairs(pairs)))
    return found


def _put(groups: dict[str, list[Mandate]], pairs: Iterable[tuple[str, Mandate]]) -> None:
    for key, mandate in pairs:
        groups.setdefault(key, []).append(mandate)
