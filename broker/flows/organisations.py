"""Organisations from the registers: what they are recognised as, since when, and who says so.

A file is read whole before anything is stored: one wrong line, and nothing is. The same
file again changes nothing. An organisation that ceased, merged or lost a recognition
ends mandates, so each of those goes the way of `cascades`, in the same transaction. What a file does not
mention is not lost, unless the file is said to be complete (mandates.md section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from broker.errors import InvalidImportError, InvalidTypedNumberError, SourceMissingError
from broker.flows import cascades, happenings, organisation_files
from broker.flows.cascades import Report
from broker.flows.organisation_files import Row
from broker.ports import Services, UnitOfWork
from broker.records import NewParty, Session
from mandates.cascade import Cause, Happening
from mandates.events import Event
from mandates.model import Instant, Party, PartyKind, Recognition

VOUCHER_ISSUER = "voucher_issuer"


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file changes, or would change: party ids, and what ended with it."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    reports: tuple[Report, ...]


def import_organisation(
    services: Services,
    *,
    typed_kbo: str,
    name: str,
    kinds: frozenset[str],
    source: str,
    now: Instant,
    since: Instant = 0,
) -> Party:
    """Record an organisation and what it is recognised as since `since`; nothing is taken away.

    Nothing happens when all of it is known already. Raise `InvalidTypedNumberError`.
    """
    row = Row(1, services.numbers.kbo(typed_kbo), name, kinds, since, source)
    with services.database.write() as uow:
        known = uow.parties.find_by_kbo(row.kbo)
        party = _as_in(row, known)
        if party != known:
            _save(uow, {} if known is None else {row.kbo: known}, [(row, party)], None, now)
            uow.commit()
    return party


def import_file(
    services: Services,
    text: str,
    *,
    by: Session | None,
    source: str = "",
    complete: bool,
    dry_run: bool,
    now: Instant,
) -> Imported:
    """Take over a file of organisations (`organisation_files` says what it may hold).

    All of it, with what it ends, is one transaction. `by` None is the command line; otherwise a
    reviewer. `source` counts for lines that name none. `complete`: whoever is recognised and not
    in the file any more, or no longer as something, has lost that, and `source` says so. Raise
    `NotAllowedError`, `AssuranceTooLowError`, `InvalidImportError`, with every faulty line named,
    or `SourceMissingError`.
    """
    happenings.check_reviewer(by)
    if complete and not source.strip():
        raise SourceMissingError("a complete file needs a source for what is not in it")
    read, faults = organisation_files.read(text, source, now)
    rows, wrong = _numbered(services, read)
    with services.database.write() as uow:
        known = uow.parties.find_by_kbos({kbo for row in rows for kbo in (row.kbo, row.successor) if kbo})
        everybody = uow.parties.organisations() if complete else []
        faults += [*wrong, *_faults(services, rows, known)]
        if faults:
            raise InvalidImportError(tuple(sorted(faults, key=organisation_files.line_of)))
        parties = [(row, _as_in(row, known.get(row.kbo))) for row in rows]
        changed = [(row, party) for row, party in parties if party != known.get(row.kbo)]
        _save(uow, known, changed, by, now)
        by_kbo = {kbo: party.id for kbo, party in known.items()} | {
            row.kbo: party.id for row, party in parties
        }
        happened = [*_ended(rows, known, by_kbo), *_lost(rows, everybody, source, now)]
        # Each of them is a register's line of its own, with its own event and its own undo.
        reports = tuple(cascades.happen(services, uow, one, by, now) for one in happened)
        if not dry_run:
            uow.commit()
    if dry_run:
        reports = tuple(replace(one, reference=None) for one in reports)
    added = tuple(party.id for row, party in changed if row.kbo not in known)
    moved = tuple(party.id for row, party in changed if row.kbo in known)
    return Imported(added, moved, len(rows) - len(changed), reports)


def _numbered(services: Services, read: Iterable[Row]) -> tuple[list[Row], list[str]]:
    """The rows with checked enterprise numbers, and the lines whose check digits do not agree."""
    rows, faults = [], []
    for row in read:
        try:
            successor = services.numbers.kbo(row.successor) if row.successor else ""
            rows.append(replace(row, kbo=services.numbers.kbo(row.kbo), successor=successor))
        except InvalidTypedNumberError:
            faults.append(f"line {row.line}: not an enterprise number; check its digits")
    return rows, faults


def _faults(services: Services, rows: Sequence[Row], known: Mapping[str, Party]) -> Iterator[str]:
    kinds = {VOUCHER_ISSUER}.union(
        *(
            one.principal_org_kinds | one.representative_org_kinds
            for one in services.catalogue().types.values()
        )
    )
    seen: dict[str, int] = {}
    listed = {row.kbo for row in rows}
    for row in rows:
        if row.kbo in seen:
            yield f"line {row.line}: this organisation stands on line {seen[row.kbo]} already"
        seen.setdefault(row.kbo, row.line)
        if not row.kinds <= kinds:
            yield f"line {row.line}: kinds are {', '.join(sorted(kinds))}"
        if row.ceased is not None and row.kbo not in known:
            yield f"line {row.line}: an organisation that is not known here cannot cease"
        if row.successor and row.successor not in listed | known.keys():
            yield f"line {row.line}: the successor is not known here, and not in this file"
        if not row.name and row.kbo not in known:
            yield f"line {row.line}: a new organisation needs a name"


def _as_in(row: Row, known: Party | None) -> Party:
    """The organisation as the file says, with all that it says nothing of."""
    party = known or Party(str(uuid4()), PartyKind.ORGANISATION, row.name, row.kbo)
    open_kinds = {one.kind for one in party.recognitions if one.until is None}
    new = tuple(Recognition(kind, row.since, None, row.source) for kind in sorted(row.kinds - open_kinds))
    return replace(
        party, name=row.name or party.name, ovo=row.ovo or party.ovo, recognitions=(*party.recognitions, *new)
    )


def _save(
    uow: UnitOfWork,
    known: Mapping[str, Party],
    changed: Sequence[tuple[Row, Party]],
    by: Session | None,
    now: Instant,
) -> None:
    """New ones and changed ones, with an event for each."""
    uow.parties.add_many([NewParty(party) for row, party in changed if row.kbo not in known], now)
    uow.parties.save_many([party for row, party in changed if row.kbo in known], now)
    uow.journal.append([_event(row, party, by, now) for row, party in changed], now)


def _event(row: Row, party: Party, by: Session | None, now: Instant) -> Event:
    detail = {"kinds": sorted(row.kinds), "since": row.since, "source": row.source}
    actor = by.party if by else None
    return Event("organisation.imported", now, actor, principal=party.id, detail=detail)


def _ended(rows: Iterable[Row], known: Mapping[str, Party], by_kbo: Mapping[str, str]) -> Iterator[Happening]:
    """Cessations and mergers that are not recorded yet."""
    for row in rows:
        party = known.get(row.kbo)
        if party is None or row.ceased is None:
            continue
        successor = by_kbo[row.successor] if row.successor else None
        if (party.ceased_at, party.successor) != (row.ceased, successor):
            cause = Cause.MERGED if successor else Cause.CEASED
            yield Happening(cause, party.id, row.ceased, row.source, successor=successor)


def _lost(rows: Iterable[Row], everybody: Iterable[Party], source: str, now: Instant) -> Iterator[Happening]:
    """Recognitions that a complete file does not mention."""
    kinds = {row.kbo: row.kinds for row in rows}
    gone = {row.kbo for row in rows if row.ceased is not None}
    for party in everybody:
        if party.ceased_at is not None or party.kbo in gone:
            continue
        for one in party.recognitions:
            if one.since <= now and one.until is None and one.kind not in kinds.get(party.kbo or "", ()):
                yield Happening(Cause.RECOGNITION_LOST, party.id, now, source, kind=one.kind)
