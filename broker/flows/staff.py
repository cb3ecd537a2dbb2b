"""Staff roles of the broker that the command line gives, beside those that ACM says (mandates.md section 2).

No role approves its own change: whoever gives or takes a role is an operator, and never
the one whose role it is. Only while there is no operator yet may somebody else name the
first one.
"""

from __future__ import annotations

from broker.errors import NotFoundHereError
from broker.flows import revocation
from broker.ports import Services, UnitOfWork
from broker.records import StaffRole
from mandates.errors import NotAllowedError, OwnRequestError
from mandates.events import Event
from mandates.model import Instant, PartyKind

OPERATOR = "operator"
ROLES = ("reviewer", "support", OPERATOR)


def roles_of(uow: UnitOfWork, party: str, of_upstream: frozenset[str]) -> frozenset[str]:
    """What ACM says of her, and what she was given here: for the session that she opens."""
    return of_upstream | uow.staff.roles_of(party)


def give(services: Services, party: str, role: str, *, by: str, now: Instant) -> None:
    """Give a person a role, from her next sign-in on.

    Raise `NotFoundHereError`, `OwnRequestError`, `NotAllowedError`, `ConflictError` if she has it.
    """
    with services.database.write() as uow:
        _check(uow, party, by)
        uow.staff.give(StaffRole(party, role, now, by))
        uow.journal.append([Event("staff.given", now, by, principal=party, detail={"role": role})], now)
        uow.commit()


def take(services: Services, party: str, role: str, *, by: str, now: Instant) -> None:
    """Take a role from a person; her sessions end in the same transaction, so that it counts at once.

    Raise `NotFoundHereError` also if she does not have it, `OwnRequestError`, `NotAllowedError`.
    """
    with services.database.write() as uow:
        _check(uow, party, by)
        if not uow.staff.take(party, role):
            raise NotFoundHereError
        uow.journal.append([Event("staff.taken", now, by, principal=party, detail={"role": role})], now)
        for session in uow.sessions.live_of_party(party):
            revocation.close_session(uow, session, "staff role taken", now)
        uow.commit()


def held(services: Services) -> list[StaffRole]:
    """Every role that was given here, oldest first."""
    with services.database.read() as uow:
        return uow.staff.all()


def _check(uow: UnitOfWork, party: str, by: str) -> None:
    found = uow.parties.get_many({party, by})
    if {party, by} != found.keys() or any(one.kind is not PartyKind.PERSON for one in found.values()):
        raise NotFoundHereError
    if party == by:
        raise OwnRequestError("somebody else must change your role")
    operators = {one.party for one in uow.staff.all() if one.role == OPERATOR}
    if operators and by not in operators:
        raise NotAllowedError("an operator changes roles")
