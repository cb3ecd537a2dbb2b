"""Staff roles that were given by the command line."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from broker.records import StaffRole
from broker.storage.clauses import insert_new, row_of, select_record, skip_taken
from broker.storage.life_tables import staff

_ALL = select_record(staff, StaffRole).order_by(staff.c.given_at, staff.c.party, staff.c.role)
_ROLES = select(staff.c.role).where(staff.c.party == bindparam("whose"))
# A session is opened with these roles: a role that is taken meanwhile waits, and finds that session.
_ROLES_LOCKED = _ROLES.with_for_update(read=True)
_GIVE = skip_taken(insert(staff))
_TAKE = delete(staff).where(staff.c.party == bindparam("whose"), staff.c.role == bindparam("which"))


class SqlStaffStore:
    """`ports.StaffStore` in table `staff`. Who gave and took what, and when, stands in the journal."""

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._roles = _ROLES_LOCKED if writes else _ROLES

    def all(self) -> list[StaffRole]:
        """Oldest first."""
        return [StaffRole(**row) for row in self._connection.execute(_ALL).mappings()]

    def roles_of(self, party: str) -> frozenset[str]:
        return frozenset(self._connection.execute(self._roles, {"whose": party}).scalars())

    def give(self, role: StaffRole) -> None:
        """Raise `ConflictError` if she has it, `NotFoundError` if the party is not stored."""
        insert_new(self._connection, _GIVE, row_of(role), "this role")

    def take(self, party: str, role: str) -> bool:
        """False if she did not have it."""
        return self._connection.execute(_TAKE, {"whose": party, "which": role}).rowcount == 1
