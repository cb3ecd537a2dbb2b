"""Files that go out: what became of each row, and an organisation's mandates as VMS files.

A result tells the row key that was typed, the verdict and the mandate; never a name or a
number. A VMS file is made of national numbers, so it is for those who act for the whole
organisation, and the journal says that it was made. Cells never begin like a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, Literal

from broker.errors import UnreadableFileError
from broker.flows import world
from broker.flows.bulk.columns import VMS_KINDS, VMS_MANDATES
from broker.flows.bulk.files import neutral, write_rows
from broker.flows.bulk.intake import CHUNK, RowSeal, of_session
from broker.flows.bulk.wording import VERDICTS, explained
from broker.ports import Services, UnitOfWork
from broker.records import BulkJob, Session
from mandates.errors import NotAllowedError
from mandates.events import Event
from mandates.model import Instant, Mandate, Party
from mandates.status import in_force

TITLES = ("lijn", "sleutel", "oordeel", "code", "kolom", "uitleg", "volmacht")


def result(
    services: Services,
    session: Session,
    job: str,
    out: BinaryIO,
    file_format: Literal["csv", "xlsx"],
    now: Instant,
    *,
    sector: str = "",
) -> None:
    """Write a line for each row of the job. Raise `NotFoundHereError`, `NotAllowedError`.

    Mandates bear the pseudonym of `sector`, so that the file fits what a client of that
    sector sees; without one they bear the name by which the portal knows them.
    """
    with services.database.read() as uow:
        rows = _result_rows(services, uow, of_session(services, uow, session, job, now), sector)
        cells = _neutral(chain([TITLES], rows))
        if file_format == "xlsx":
            services.spreadsheets.write(out, cells)
        else:
            write_rows(out, cells)


def export_vms(services: Services, session: Session, kind: str, out: BinaryIO, now: Instant) -> int:
    """Write the organisation's mandates in force as a VMS file (CSV); return how many.

    Raise `NotAllowedError` unless she acts for the whole organisation (`vms-mandaten`) or manages its
    staff (`vms-mandaatuitvoerders`). What VMS cannot say is left out: a mandate of a type that has
    no number there, an executor who acts for a caseload.
    """
    if kind not in VMS_KINDS:
        raise UnreadableFileError("unknown_kind", f"VMS files are: {', '.join(VMS_KINDS)}")
    with services.database.read() as uow:
        organisation = _entitled(services, uow, session, kind, now)
    # Said before the first number leaves: an export that breaks off was one too.
    with services.database.write() as uow:
        detail = {"kind": kind}
        event = Event("bulk.exported", now, session.party, principal=organisation.id, detail=detail)
        uow.journal.append([event], now)
        uow.commit()
    count = 0
    with services.database.read() as uow:
        titles = [names[0] for names in services.vms.titles[kind].values()]

        def counted() -> Iterator[Sequence[str]]:
            nonlocal count
            for row in _vms_rows(services, uow, organisation, kind, now):
                count += 1
                yield row

        write_rows(out, _neutral(chain([titles], counted())))
    return count


def _neutral(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    return ([neutral(cell) for cell in row] for row in rows)


def _result_rows(services: Services, uow: UnitOfWork, job: BulkJob, sector: str) -> Iterator[Sequence[str]]:
    seal, line = RowSeal(services, job), 0
    while rows := uow.bulk.rows_after(job.id, line, CHUNK):
        for row in rows:
            mandate = row.mandate or ""
            if mandate and sector:
                mandate = services.vault.pseudonym("m-", sector, mandate)
            told = VERDICTS[row.verdict], row.code, row.column, explained(row.code, row.needs)
            yield str(row.line), seal.open(row).key, *told, mandate
        line = rows[-1].line


def _entitled(services: Services, uow: UnitOfWork, session: Session, kind: str, now: Instant) -> Party:
    """The organisation whose file she may have."""
    actor = world.actor_of(session)
    seen = world.around(services, uow, actor)
    for held in seen.held_by(session.party):
        mandate_type = seen.catalogue.types.get(held.type)
        if mandate_type is None or held.principal != session.organisation:
            continue
        for_all = mandate_type.executor and held.whole
        fits = for_all if kind == VMS_MANDATES else bool(mandate_type.grants)
        if fits and in_force(held, now, session.id) and session.level >= mandate_type.level_to_use:
            return seen.parties[held.principal]
    raise NotAllowedError("these files are for those who act for, or manage, the whole organisation")


def _vms_rows(
    services: Services, uow: UnitOfWork, organisation: Party, kind: str, now: Instant
) -> Iterator[Sequence[str]]:
    gives = kind == VMS_MANDATES
    numbers = {(ours.mandate if gives else ours.executor): key for key, ours in services.vms.types.items()}
    found = (
        mandate
        for mandate in uow.mandates.living_of(organisation.id)
        if mandate.type in numbers
        and (mandate.representative if gives else mandate.principal) == organisation.id
        and mandate.whole
        and in_force(mandate, now)
    )
    while chunk := list(islice(found, CHUNK)):
        people = [_person(mandate, gives=gives) for mandate in chunk]
        sealed = uow.parties.insz_sealed_many(people)
        for mandate, person in zip(chunk, people, strict=True):
            if person in sealed:  # a person without a national number has none in VMS either
                insz = services.vault.open(sealed[person], f"insz:{person}").decode()
                values = {"mandate_type": numbers[mandate.type], "client": services.vms.client_id}
                values |= {"giver": insz, "person": insz}
                values |= dict.fromkeys(("taker", "organisation"), organisation.kbo or "")
                yield [values.get(column, "") for column in services.vms.titles[kind]]


def _person(mandate: Mandate, *, gives: bool) -> str:
    return mandate.principal if gives else mandate.representative
