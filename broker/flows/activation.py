"""Activation codes: a letter, or a slip handed over, to say yes or no with (mandates.md section 6).

A code belongs to one mandate and one capacity. Its holder redeems it after she signed in;
without signing in she can only refuse, pause or end, and is shown nothing: whoever finds
a letter on the doormat learns nothing from it and makes no power larger. A code does what
can still be done with its mandate, so it needs no end of its own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from broker.errors import AddressMissingError, CodeRefusedError
from broker.flows import activation_codes, contacts, revocation, standing, tries, world
from broker.flows.activation_codes import read, written
from broker.flows.mandates import store_change
from broker.flows.parties import as_typed
from broker.flows.standing import Standing
from broker.ports import Services, UnitOfWork
from broker.records import ActivationCode, Session
from mandates import lifecycle
from mandates.capacity import Actor
from mandates.change import check_assurance, check_state
from mandates.endings import CodeAct
from mandates.errors import MandateError, NotAllowedError, OwnRequestError
from mandates.events import Event
from mandates.model import Instant, Level, Mandate
from mandates.status import LIVING, State, status_of

GUESSES = 5
"""Wrong codes in an hour, of one person."""
GUESSES_FROM_ADDRESS = 10
"""Codes in an hour from one address, right or wrong: a library has one address, and many people."""
BY_LETTER = "by the code of a letter"
"""Grounds in the journal of what was done without signing in."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is printed, or shown once. The code is stored nowhere."""

    code: str = field(repr=False)
    mandate: str
    capacity: str
    name: str
    """As the requester typed it: a letter tells whoever prints it no name (mandates.md section 4)."""
    address: str | None = field(default=None, repr=False)
    """On record; None for a code that the principal hands over herself."""
    redeemable_until: Instant = 0
    """Until when it can approve, if the request still waits."""


def issue(services: Services, session: Session, mandate_id: str, capacity: str, now: Instant) -> Letter:
    """A new code for one approval that the type lists; an earlier one for it is worth nothing any more.

    For the principal by the issuer's reviewer or the second officer, to the address on
    record; for the representative by the principal who asked. Raise `NotFoundHereError`,
    `WrongStateError`, `NotAllowedError`, `OwnRequestError`, `AssuranceTooLowError` or
    `AddressMissingError`.
    """
    code = activation_codes.draw()
    with services.database.write() as uow:
        found = standing.towards(services, uow, session, mandate_id, now)
        mandate = found.mandate
        check_state(mandate, (State.AWAITING, *LIVING), now)
        _check_may_issue(found, capacity)
        name, address = _to_whom(services, uow, found, capacity, session)
        uow.activation.put(ActivationCode(_hash(services, code), mandate.id, capacity, now, session.party))
        uow.journal.append([_event("activation_code.issued", found, capacity, now)], now)
        uow.commit()
    until = mandate.valid_until if mandate.lapses_at is None else mandate.lapses_at
    return Letter(written(code), mandate.id, capacity, name, address, until)


def redeem(services: Services, session: Session, typed: str, now: Instant, *, address: str = "") -> Mandate:
    """Give the approval that a code was sent for; the person signed in is the one that it was sent to.

    A typing error costs no try, anything else that misses does. Raise `CodeRefusedError`
    for every miss alike, `TooManyTriesError`, and what `lifecycle.approve` raises.
    """
    code = read(typed)
    if code is None:
        raise CodeRefusedError("the code is mistyped, unknown or no longer valid")
    claimed = [tries.claim(services, "code", session.party, GUESSES, now)]
    if address:
        claimed.append(tries.claim(services, "code from", tries.network(address), GUESSES_FROM_ADDRESS, now))
    with services.database.write() as uow:
        found, mandate = _look_up(services, uow, code)
        actor = world.actor_of(session)
        hers = found is not None and mandate is not None and session.party == _holder(found, mandate)
        if mandate is None or not hers or status_of(mandate, now).state is not State.AWAITING:
            raise CodeRefusedError("the code is mistyped, unknown or no longer valid")
        tries.forgive(services, *claimed)
        seen = world.for_change(services, uow, actor, mandate)
        change = lifecycle.approve(mandate, actor, seen, now, by_code=True)
        store_change(services, uow, change, now)
        uow.activation.mark_redeemed(_hash(services, code), now)
        uow.commit()
    return change.mandate


def act_without_login(services: Services, typed: str, act: CodeAct, address: str, now: Instant) -> None:
    """Refuse, pause or end with a code alone. It returns nothing, whatever happened.

    Raise `TooManyTriesError` when this address tried too often, right or wrong.
    """
    tries.claim(services, "code from", tries.network(address), GUESSES_FROM_ADDRESS, now)
    with services.database.write() as uow, suppress(MandateError):
        found, mandate = _look_up(services, uow, read(typed) or "")
        if found is None or mandate is None:
            return
        holder = Actor(_holder(found, mandate), Level.NONE)
        seen = world.for_change(services, uow, holder, mandate)
        change = lifecycle.by_code(mandate, act, found.capacity, seen, BY_LETTER, now)
        revocation.record(uow, change, now)
        uow.commit()


def _look_up(services: Services, uow: UnitOfWork, code: str) -> tuple[ActivationCode | None, Mandate | None]:
    """The code and its mandate; the same two questions to the store for a code that nobody has."""
    found = uow.activation.find(_hash(services, code))
    return found, uow.mandates.find(found.mandate if found else "")


def _holder(code: ActivationCode, mandate: Mandate) -> str:
    return mandate.principal if code.capacity == "principal" else mandate.representative


def _hash(services: Services, code: str) -> str:
    return services.vault.index(code, "activation")


def _check_may_issue(found: Standing, capacity: str) -> None:
    """Raise `NotAllowedError`, or `OwnRequestError` for a requester who would hold the code herself."""
    mandate, kind = found.mandate, found.kind
    if capacity not in kind.activation_code:
        raise NotAllowedError("this type of mandate gives no code for this approval")
    asked_herself = found.actor.party == mandate.requested_by
    if capacity == "principal":
        if asked_herself:
            raise OwnRequestError("somebody else must print the letter of this request")
        if found.capacities.isdisjoint({"issuer", "second_officer"}):
            raise NotAllowedError("a reviewer or a second officer prints this letter")
    elif not (asked_herself and "principal" in found.capacities):
        raise NotAllowedError("the principal who asked hands this code over")
    check_assurance(found.actor, kind.level_to_give)


def _to_whom(
    services: Services, uow: UnitOfWork, found: Standing, capacity: str, session: Session
) -> tuple[str, str | None]:
    """Name and address on the letter; no address for a code that is handed over."""
    mandate = found.mandate
    if capacity != "principal":
        return as_typed(mandate, found.seen.parties[mandate.representative], session).name, None
    contact = uow.contacts.find(mandate.principal)
    if contact is None:
        raise AddressMissingError("no address is on record; report one first")
    address = services.vault.open(contact.address_sealed, contacts.purpose(contact.party)).decode()
    return as_typed(mandate, found.seen.parties[mandate.principal], session).name, address


def _event(name: str, found: Standing, capacity: str, now: Instant) -> Event:
    mandate = found.mandate
    return Event(
        name,
        now,
        found.actor.party,
        mandate.id,
        mandate.principal,
        mandate.representative,
        detail={"capacity": capacity},
    )
