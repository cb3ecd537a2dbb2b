"""What happened to a party: who may say so, whether it can have happened, and the fact that it leaves.

The source and the effective date are part of it (mandates.md section 2). A date in the
past is usual; one in the future is refused, because nobody knows yet.
"""

from __future__ import annotations

from dataclasses import replace

from broker.errors import FutureDateError, InvalidHappeningError, NotFoundHereError, SourceMissingError
from broker.flows import decisions
from broker.ports import Services, UnitOfWork
from broker.records import Session
from mandates.capacity import REVIEWER
from mandates.cascade import Cause, Happening
from mandates.errors import AssuranceTooLowError, NotAllowedError
from mandates.model import Instant, Level, Party, PartyKind, Recognition

_OF_ORGANISATIONS = frozenset({Cause.CEASED, Cause.MERGED, Cause.RECOGNITION_LOST})


def check_said(happening: Happening, now: Instant) -> None:
    """Raise `SourceMissingError` or `FutureDateError`."""
    if not happening.source.strip():
        raise SourceMissingError("say who or which register says so")
    if happening.at > now:
        raise FutureDateError("the date lies in the future; report it when it has come")


def check_may(services: Services, happening: Happening, by: Session | None, now: Instant) -> None:
    """Raise `NotAllowedError` or `AssuranceTooLowError` unless this person may report this."""
    leaves = happening.organisation if happening.cause is Cause.LEAVER else None
    if by is None or leaves is None or not decisions.manages(services, by, leaves, now):
        check_reviewer(by, about=happening.party)
    else:
        _check_level(by)


def check_reviewer(by: Session | None, about: str | None = None) -> None:
    """Raise `AssuranceTooLowError` or `NotAllowedError` unless a reviewer, or the command line, says this.

    `about` is the party that it is said of: no role approves its own change (mandates.md section 2).
    """
    if by is None:
        return
    _check_level(by)
    if REVIEWER not in by.staff or by.party == about:
        raise NotAllowedError("a reviewer says this; of a leaver, whoever manages the organisation too")


def _check_level(by: Session) -> None:
    if by.level < Level.SUBSTANTIAL:
        raise AssuranceTooLowError(Level.SUBSTANTIAL)


def party_of(uow: UnitOfWork, happening: Happening) -> Party:
    """The party that it happened to. Raise `NotFoundHereError` or `InvalidHappeningError`."""
    named = {happening.party, happening.successor, happening.organisation} - {None}
    found = uow.parties.get_many(one for one in named if one)
    if len(found) != len(named):
        raise NotFoundHereError
    party = found[happening.party]
    kind = PartyKind.ORGANISATION if happening.cause in _OF_ORGANISATIONS else PartyKind.PERSON
    if party.kind is not kind:
        raise InvalidHappeningError(f"{happening.cause.value} happens to a party of kind {kind.value}")
    _check_other(happening, party, found.get(happening.successor or happening.organisation or ""))
    return party


def _check_other(happening: Happening, party: Party, other: Party | None) -> None:
    """The organisation that takes over or is left; raise `InvalidHappeningError`."""
    if happening.cause in {Cause.MERGED, Cause.LEAVER}:
        if other is None or other.kind is not PartyKind.ORGANISATION or other.id == party.id:
            raise InvalidHappeningError("name the organisation that takes over, or that is left")
        if happening.cause is Cause.MERGED and other.ceased_at is not None:
            raise InvalidHappeningError("the organisation that takes over has ceased itself")
    if happening.cause is Cause.RECOGNITION_LOST and happening.kind not in party.kinds_at(happening.at):
        raise InvalidHappeningError("the organisation was not recognised as this on that day")
    if happening.cause is Cause.MEASURE:
        raise InvalidHappeningError("a measure is requested and approved as a mandate")


def with_fact(party: Party, happening: Happening) -> Party:
    """The party with what happened to it."""
    if happening.cause is Cause.DEATH:
        return replace(party, deceased_at=happening.at)
    if happening.cause in {Cause.CEASED, Cause.MERGED}:
        return replace(party, ceased_at=happening.at, successor=happening.successor)
    if happening.cause is Cause.RECOGNITION_LOST:
        left = tuple(_lost(one, happening) for one in party.recognitions)
        return replace(party, recognitions=left)
    return party


def _lost(one: Recognition, happening: Happening) -> Recognition:
    held = one.since <= happening.at and (one.until is None or happening.at < one.until)
    return replace(one, until=happening.at) if held and one.kind == happening.kind else one
