"""Judge a file whole, and apply it on confirmation.

A chunk is one transaction: its mandates, its journal and how far the file was applied
are committed together or not at all. So a run that was stopped is gone on with, and of
two runs at once one wins. Others write between chunks; each chunk is judged at its own
instant, by what its reader holds by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from broker.errors import NotValidatedError
from broker.flows import notices, parties, reviews
from broker.flows.bulk.intake import CHUNK, Report, RowSeal, acting_for, event, find, of_session
from broker.flows.bulk.judging import Judged, judge
from broker.flows.bulk.rows import TypedRow
from broker.port_errors import ConflictError
from broker.ports import Services, UnitOfWork
from broker.records import BulkJob, BulkRow, Session
from mandates.events import Event
from mandates.model import Instant

Progress = Callable[[int, int], None]
"""Is told, after each chunk, how many rows are done of how many."""
TRIES = 3
"""For a chunk that met another writer: somebody was given the same mandate at that moment."""


def _silent(done: int, rows: int) -> None:
    del done, rows


def validate(
    services: Services, session: Session, job: str, now: Instant, progress: Progress = _silent
) -> Report:
    """Give each row that was not applied yet a verdict; nothing else is changed.

    Raise `NotFoundHereError`, `NotAllowedError`, and `ConflictError` if the file is being applied.
    """
    with services.database.read() as uow:
        found = of_session(services, uow, session, job, now)
    seal, line, done = RowSeal(services, found), found.applied_to, found.applied_rows
    while found.applied_at is None:
        at = max(now, services.clock())
        with services.database.read() as uow:
            acting_for(services, uow, session, at)
            rows = uow.bulk.rows_after(job, line, CHUNK)
            judged = judge(services, uow, session, found, _opened(seal, rows), at)
        with services.database.write() as uow:
            uow.bulk.advance(found, found.applied_to, 0)
            uow.bulk.judged(job, [one.row for one in judged])
            if len(rows) < CHUNK:
                uow.bulk.validated(job, at)
            uow.commit()
        done += len(rows)
        progress(done, found.rows)
        if len(rows) < CHUNK:
            break
        line = rows[-1].line
    return find(services, session, job, max(now, services.clock()))


def apply(
    services: Services, session: Session, job: str, now: Instant, progress: Progress = _silent
) -> Report:
    """Ask what each row asks, each judged again; from where an earlier run stopped.

    Raise `NotFoundHereError`, `NotValidatedError`, `NotAllowedError` when she may not go on (what was
    committed stays, and the next run goes on), `ConflictError` when another run applies it.
    """
    with services.database.read() as uow:
        found = of_session(services, uow, session, job, now)
    if found.validated_at is None:
        raise NotValidatedError("have the file validated first; its verdicts show what applying would do")
    seal = RowSeal(services, found)
    while found.applied_at is None:
        found = _chunk_with_patience(services, session, found, seal, max(now, services.clock()))
        progress(found.applied_rows, found.rows)
    return find(services, session, job, max(now, services.clock()))


def _chunk_with_patience(
    services: Services, session: Session, job: BulkJob, seal: RowSeal, at: Instant
) -> BulkJob:
    for _ in range(TRIES - 1):
        try:
            return _chunk(services, session, job, seal, at)
        except ConflictError:
            with services.database.read() as uow:
                stored = uow.bulk.find(job.id)
            # Another run over this file is not waited for: it does the same work.
            if stored is None or stored.applied_to != job.applied_to:
                raise
    return _chunk(services, session, job, seal, at)


def _chunk(services: Services, session: Session, job: BulkJob, seal: RowSeal, at: Instant) -> BulkJob:
    """One chunk, whole; the job as it stands then."""
    with services.database.write() as uow:
        acting_for(services, uow, session, at)
        rows = uow.bulk.rows_after(job.id, job.applied_to, CHUNK)
        stands_at = rows[-1].line if rows else job.applied_to
        uow.bulk.advance(job, stands_at, len(rows))
        opened = _opened(seal, rows)
        judged = judge(services, uow, session, job, opened, at)
        _store(services, uow, session, judged, at)
        uow.bulk.judged(
            job.id, [_done(seal, one, typed) for one, (_, typed) in zip(judged, opened, strict=True)]
        )
        finished = at if len(rows) < CHUNK else None
        if finished is not None:
            uow.bulk.finished(job.id, at)
            counts = {verdict: count for verdict, count in uow.bulk.counts(job.id).items() if verdict}
            uow.journal.append([event("bulk.applied", job, session.party, at, **counts)], at)
        uow.commit()
    done = job.applied_rows + len(rows)
    return replace(job, applied_to=stands_at, applied_rows=done, applied_at=finished)


def _store(
    services: Services, uow: UnitOfWork, session: Session, judged: Sequence[Judged], at: Instant
) -> None:
    """All that the rows of a chunk ask, in as many statements as there are kinds of things."""
    changes = [one.change for one in judged if one.change]
    parties.add_people(services, uow, dict(one.newcomer for one in judged if one.newcomer), at)
    uow.mandates.add_many([change.mandate for change in changes], at)
    entries = [(one.change.mandate.id, member) for one in judged if one.change for member in one.caseload]
    uow.mandates.add_caseloads(entries, at)
    types = services.catalogue().types
    active = [one.mandate for one in changes if one.mandate.activated_at is not None]
    reviews.sample_many(uow, [(mandate, types[mandate.type]) for mandate in active], at)
    papers = {paper for change in changes if (paper := change.mandate.evidence.sha256)}
    if papers:
        uow.documents.name_many(papers, at)
    events = [happened for change in changes for happened in change.events]
    uow.journal.append([*events, *_caseload_events(session, judged, at)], at)
    notices.tell(uow, events, at)


def _caseload_events(session: Session, judged: Sequence[Judged], at: Instant) -> list[Event]:
    """As `flows.mandates.caseload` writes them."""
    return [
        Event(
            "caseload.changed",
            at,
            session.party,
            one.change.mandate.id,
            one.change.mandate.principal,
            one.change.mandate.representative,
            detail={"added": sorted(one.caseload), "removed": []},
        )
        for one in judged
        if one.change and one.caseload
    ]


def _done(seal: RowSeal, judged: Judged, typed: TypedRow) -> BulkRow:
    """The row with what came of it, and nothing left of what was typed but its key."""
    row = judged.row
    made = judged.change.mandate.id if judged.change else None
    return replace(row, mandate=made, sealed=seal.seal(TypedRow(typed.key), row.line))


def _opened(seal: RowSeal, rows: Sequence[BulkRow]) -> list[tuple[BulkRow, TypedRow]]:
    return [(row, seal.open(row)) for row in rows]
