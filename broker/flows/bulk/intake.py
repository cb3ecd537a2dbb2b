"""One file, one job: whose it is, how it is taken in, where it stands.

The rows are stored as they were typed, sealed under a key of the job's own: they hold
national numbers. The file itself is not kept, its SHA-256 is. Whoever asks or manages
for the organisation sees its jobs, nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import BinaryIO
from uuid import uuid4

from broker.errors import NotFoundHereError, UnreadableFileError
from broker.flows import world
from broker.flows.bulk import files
from broker.flows.bulk.columns import KINDS, columns_of, places
from broker.flows.bulk.rows import LONGEST, RowReader, TypedRow, types_for
from broker.ports import Services, UnitOfWork
from broker.records import BulkJob, BulkRow, Session
from keys.envelope import DataKey
from mandates.errors import NotAllowedError
from mandates.events import Event
from mandates.mandate_type import DAY
from mandates.model import Instant, Party
from mandates.status import in_force

CHUNK = 500
"""Rows of one transaction."""
MOST_JOBS = 200
"""Of one organisation, shown at once."""
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Report:
    """A job, with how many of its rows have which verdict."""

    job: BulkJob
    counts: dict[str, int]


class RowSeal:
    """Seals the rows of one job, each for its own line."""

    def __init__(self, services: Services, job: BulkJob) -> None:
        if not job.sealed_key:
            raise NotFoundHereError("the term of this file is over: what was typed in it is gone")
        self._key = DataKey(services.vault.open(job.sealed_key, _purpose(job.id)))

    def seal(self, row: TypedRow, line: int) -> str:
        """The row as stored."""
        return self._key.box(row.to_json(), f"row:{line}")

    def open(self, row: BulkRow) -> TypedRow:
        """What was typed; after applying the row key is all that is left."""
        return TypedRow.from_json(self._key.unbox(row.sealed, f"row:{row.line}"))


def start(
    services: Services, session: Session, *, kind: str, content: BinaryIO, name: str, now: Instant
) -> BulkJob:
    """Take a file in; nothing is judged yet. Memory does not grow with it.

    Raise `NotAllowedError` for somebody who neither asks nor manages for an organisation,
    `UnreadableFileError` if it cannot be read to its end: nothing is stored then.
    """
    if kind not in KINDS:
        raise UnreadableFileError("unknown_kind", f"the kinds of file are: {', '.join(KINDS)}")
    with services.database.read() as uow:
        organisation = acting_for(services, uow, session, now)
    with files.taken_in(content) as taken:
        rows = files.rows_of(taken.file, services.spreadsheets)
        reader = _reader(services, kind, organisation, rows, taken.sha256, now)
        first = next(rows, None)
        if first is None:
            raise UnreadableFileError("empty", "there is no row under the titles")
        identifier = str(uuid4())
        job = BulkJob(
            id=identifier,
            organisation=organisation.id,
            requester=session.party,
            kind=kind,
            name=name.replace("\\", "/").rpartition("/")[2][: LONGEST["name"]],
            sha256=taken.sha256,
            sealed_key=services.vault.seal(os.urandom(_KEY_BYTES), _purpose(identifier)),
            created_at=now,
        )
        return _store(services, job, _typed(services, job, reader, chain([first], rows)), now)


def find(services: Services, session: Session, job: str, now: Instant) -> Report:
    """One job of her organisation. Raise `NotFoundHereError`, also when it is another's."""
    with services.database.read() as uow:
        found = of_session(services, uow, session, job, now)
        return Report(found, uow.bulk.counts(job))


def jobs(services: Services, session: Session, now: Instant) -> list[BulkJob]:
    """The jobs of her organisation, newest first."""
    with services.database.read() as uow:
        return uow.bulk.of_organisation(acting_for(services, uow, session, now).id, MOST_JOBS)


def acting_for(services: Services, uow: UnitOfWork, session: Session, now: Instant) -> Party:
    """The organisation for which she signed in, if she asks or manages for it now.

    Raise `NotAllowedError`. What each row may ask is the engine's to say.
    """
    seen = world.around(services, uow, world.actor_of(session))
    types = seen.catalogue.types
    acts = any(
        held.principal == session.organisation
        and held.type in types
        and (types[held.type].executor or types[held.type].grants)
        and in_force(held, now, session.id)
        for held in seen.held_by(session.party)
    )
    if not acts or session.organisation is None:
        raise NotAllowedError("files are brought by an organisation's executors and managers")
    return uow.parties.get(session.organisation)


def of_session(services: Services, uow: UnitOfWork, session: Session, job: str, now: Instant) -> BulkJob:
    """As `find`, within a unit of work."""
    found = uow.bulk.find(job)
    if found is None or found.organisation != acting_for(services, uow, session, now).id:
        raise NotFoundHereError
    return found


def _purpose(job: str) -> str:
    return f"bulk:{job}"


def _reader(
    services: Services, kind: str, organisation: Party, rows: Iterator[files.Row], sha256: str, now: Instant
) -> RowReader:
    """Reads the titles; what is left of `rows` stands under them."""
    _, titles = next(rows, (1, ()))
    columns, types = columns_of(kind, services.vms), services.catalogue().types
    return RowReader(
        kind=kind,
        columns=columns,
        places=places(titles, columns),
        types=types,
        offered=types_for(kind, types, organisation, now),
        organisation=organisation,
        numbers=services.numbers,
        vms=services.vms,
        sha256=sha256,
    )


def _typed(
    services: Services, job: BulkJob, reader: RowReader, rows: Iterator[files.Row]
) -> Iterator[BulkRow]:
    seal, index = RowSeal(services, job), services.vault.index
    for line, cells in rows:
        row = reader.read(cells)
        asked = row.request
        yield BulkRow(
            line=line,
            key=index(f"{job.organisation}:{row.key}", "bulk key") if row.key else None,
            pair=index(f"{job.id}:{asked.type}:{asked.insz}", "bulk pair") if asked else None,
            sealed=seal.seal(row, line),
        )


def _store(services: Services, job: BulkJob, rows: Iterator[BulkRow], now: Instant) -> BulkJob:
    """In short transactions, so that others can write meanwhile; nobody sees it before it is complete."""
    with services.database.write() as uow:
        uow.bulk.remove_unfinished(now - DAY)
        uow.bulk.add_job(job)
        uow.commit()
    count = 0
    try:
        while batch := list(islice(rows, CHUNK)):
            count += len(batch)
            with services.database.write() as uow:
                uow.bulk.add_rows(job.id, batch)
                uow.commit()
        complete = replace(job, rows=count, complete=True)
        with services.database.write() as uow:
            uow.bulk.complete(job.id, count)
            uow.journal.append([event("bulk.taken_in", complete, job.requester, now)], now)
            uow.commit()
    except BaseException:  # whatever it was, it is raised again; half a file is no file
        with services.database.write() as uow:
            uow.bulk.remove(job.id)
            uow.commit()
        raise
    return complete


def event(name: str, job: BulkJob, actor: str, now: Instant, **detail: int) -> Event:
    """What happened to a job. Not its name: people put names of people into names of files."""
    facts = {"job": job.id, "kind": job.kind, "sha256": job.sha256, "rows": job.rows}
    return Event(name, now, actor, principal=job.organisation, detail=facts | detail)
