"""What was done in somebody's name: services post their audit lines, she reads them (mandates.md section 8).

A line speaks in the pseudonyms of the token that it is about. They open in the sector of
an audience that the client serves and in no other, so a line about somebody else's
audience names nobody. Every line that cannot be believed is refused alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from broker.errors import InvalidPlaceError
from broker.flows import decisions
from broker.flows.decisions import BATCH
from broker.port_errors import ConflictError
from broker.ports import Services
from broker.records import Client, Done, Session, Use, UsePlace
from keys.errors import PseudonymError
from mandates import ledger
from mandates.errors import NotAllowedError
from mandates.events import Event
from mandates.model import Instant, Mandate, Party, PartyKind

STORED, KNOWN, REFUSED = "stored", "known", "refused"
"""What becomes of a line: new, posted before, or not to be believed."""
AHEAD = 60
"""Seconds that a service's clock may run ahead of ours."""
LONGEST = 200
"""Lines of a page at most."""
_URN = "iso6523-actorid-upis::0208:"
_WORD = re.compile(r"[A-Za-z0-9._~:/+-]{1,200}")
_NUMBER = re.compile(r"(?<![0-9A-Za-z_-])[0-9]{9,}(?![0-9A-Za-z_-])")
"""An operation is a word of the service's own; a long number in it would be somebody's."""
_KINDS = ("token", "use")
"""In this order, later ones first, where two things have the same second."""
_PLACE = re.compile(r"(?P<at>[0-9]{1,18})\.(?P<kind>token|use)\.(?P<seq>[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line as a service posts it (tokens.md section 5.8): nothing in it is believed yet."""

    jti: str
    sub: str
    act_sub: str
    representative: str
    identifier: str
    decision: str
    at: Instant
    operation: str


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first, with the parties that are named."""

    rows: tuple[Done, ...]
    parties: Mapping[str, Party]
    next: str | None
    """Where the next page begins; None when this was the last one."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    line: AuditLine
    mandate: str
    actor: str


def post(services: Services, client: Client, lines: Sequence[AuditLine], now: Instant) -> list[str]:
    """Store what a service did under mandates; a result for each line, in their order.

    At most 1,000 lines; the same line again changes nothing. Raise `ConflictError` for more
    lines, `NotAllowedError` for a client that serves no audience.
    """
    if len(lines) > BATCH:
        raise ConflictError("post a thousand lines at a time")
    if not client.serves:
        raise NotAllowedError("only a service that is an audience posts uses")
    with services.database.write() as uow:
        audiences = uow.registry.audiences()
        sectors = sorted({one.sector for one in audiences if one.uri in client.serves})
        resolved = [_resolve(services, sectors, line, now) for line in lines]
        believed = [one for one in resolved if one is not None]
        mandates = uow.mandates.get_many({one.mandate for one in believed})
        parties = uow.parties.get_many(_parties(mandates.values()) | {one.actor for one in believed})
        uses = [_use(services, client, sectors, one, mandates, parties) for one in resolved]
        seen = uow.uses.known(client.id, {one.jti for one in uses if one})
        results, new = _sorted_out(uses, seen)
        if new:
            uow.uses.add_many(new, now)
            uow.journal.append([_event(client, new, now)], now)
            uow.commit()
    return results


def of_principal(
    services: Services,
    session: Session,
    after: str | None,
    limit: int,
    now: Instant,
    *,
    organisation: bool = False,
) -> Page:
    """What others did in her name, newest first: services that they entered, and what they did there.

    `organisation`: in the name of the organisation that she signed in for and manages.
    Raise `NotAllowedError`, `InvalidPlaceError`.
    """
    principal = session.organisation if organisation else session.party
    if principal is None or (organisation and not decisions.manages(services, session, principal, now)):
        raise NotAllowedError("whoever manages the organisation sees what was done in its name")
    before, limit = _place(after), max(1, min(limit, LONGEST))
    with services.database.read() as uow:
        streams: tuple[Callable[[str, UsePlace, int], list[Done]], ...] = (
            uow.uses.issued_about,
            uow.uses.posted_about,
        )
        found = [
            row
            for kind, stream in zip(_KINDS, streams, strict=True)
            for row in stream(principal, _bound(before, kind), limit + 1)
        ]
        found.sort(key=_order, reverse=True)
        rows = tuple(found[:limit])
        named = {party for row in rows for party in (row.actor, row.representative) if party}
        parties = uow.parties.get_many(named)
    return Page(rows, parties, _next(rows) if len(found) > limit else None)


def _resolve(services: Services, sectors: Sequence[str], line: AuditLine, now: Instant) -> _Resolved | None:
    """Whom and what a line is about; None if it is out of shape, or says so in no sector of this client."""
    words = (line.jti, line.operation)
    shaped = all(_WORD.fullmatch(word) for word in words) and not _NUMBER.search(line.operation)
    if not shaped or line.decision not in {"permit", "deny"} or not 0 < line.at <= now + AHEAD:
        return None
    mandate = _opened(services, sectors, line.identifier, "m-")
    actor = _opened(services, sectors, line.act_sub, "p-")
    return _Resolved(line, mandate, actor) if mandate and actor else None


def _opened(services: Services, sectors: Iterable[str], pseudonym: str, prefix: str) -> str | None:
    for sector in sectors:
        try:
            return services.vault.resolve(pseudonym, prefix, sector)
        except PseudonymError:
            continue
    return None


def _use(
    services: Services,
    client: Client,
    sectors: Sequence[str],
    found: _Resolved | None,
    mandates: Mapping[str, Mandate],
    parties: Mapping[str, Party],
) -> Use | None:
    """The use, if mandate and parties belong together; else None."""
    mandate = mandates.get(found.mandate) if found else None
    if found is None or mandate is None or found.actor not in parties:
        return None
    line = found.line
    sides = ((line.sub, mandate.principal), (line.representative, mandate.representative))
    if not all(_is(services, sectors, said, parties.get(party)) for said, party in sides):
        return None
    # A person who is the representative acts herself; an organisation acts through somebody.
    if parties[mandate.representative].kind is PartyKind.PERSON and found.actor != mandate.representative:
        return None
    return Use(
        client.id,
        line.jti,
        line.operation,
        mandate.id,
        mandate.principal,
        found.actor,
        mandate.representative,
        line.decision,
        line.at,
    )


def _is(services: Services, sectors: Iterable[str], said: str, party: Party | None) -> bool:
    """Whether a token would name this party so."""
    if party is None:
        return False
    if party.kind is PartyKind.ORGANISATION:
        return said == f"{_URN}{party.kbo}"
    return _opened(services, sectors, said, "p-") == party.id


def _sorted_out(uses: Iterable[Use | None], seen: set[tuple[str, str]]) -> tuple[list[str], list[Use]]:
    results, new = [], []
    for use in uses:
        if use is None:
            results.append(REFUSED)
        elif (use.jti, use.operation) in seen:
            results.append(KNOWN)
        else:
            seen.add((use.jti, use.operation))
            new.append(use)
            results.append(STORED)
    return results, new


def _event(client: Client, new: Sequence[Use], now: Instant) -> Event:
    """One row for a batch, with the hash of what was posted: a line that is changed later is found."""
    said = [[one.jti, one.operation, one.mandate, one.actor, one.decision, one.at] for one in new]
    digest = hashlib.sha256(ledger.canonical(said)).hexdigest()
    return Event("uses.posted", now, None, detail={"client": client.id, "lines": len(new), "sha256": digest})


def _parties(mandates: Iterable[Mandate]) -> set[str]:
    return {party for one in mandates for party in (one.principal, one.representative)}


def _order(row: Done) -> tuple[Instant, int, int]:
    return row.at, _KINDS.index(row.kind), row.seq


def _bound(before: tuple[Instant, int, int] | None, kind: str) -> UsePlace:
    """Where the rows of this kind begin that come after `before` in a page."""
    if before is None:
        return 2**62, 0
    at, last, seq = before
    own = _KINDS.index(kind)
    return at, seq if own == last else (2**62 if own < last else 0)


def _place(after: str | None) -> tuple[Instant, int, int] | None:
    """Where a page begins, from what an earlier page said: a place, that names nobody."""
    if after is None:
        return None
    found = _PLACE.fullmatch(after)
    if found is None:
        raise InvalidPlaceError
    return int(found["at"]), _KINDS.index(found["kind"]), int(found["seq"])


def _next(rows: Sequence[Done]) -> str:
    last = rows[-1]
    return f"{last.at}.{last.kind}.{last.seq}"
