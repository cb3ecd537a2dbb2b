"""Grants, their refresh tokens, and what people agreed to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, or_, select, update

from broker.records import Consent, Grant, RefreshToken
from broker.storage.clauses import columns_of, insert_new, one_of, row_of, select_record, skip_taken
from broker.storage.tables import consents, grants, refresh_tokens
from mandates.model import Instant

_GRANTS = select_record(grants, Grant)
_LIVE = _GRANTS.where(grants.c.ended_at.is_(None)).order_by(grants.c.id)
_FIND = _GRANTS.where(grants.c.id == bindparam("grant_id"))
_LIVE_ON_MANDATES = _LIVE.where(or_(one_of(grants.c.mandate, "ids"), one_of(grants.c.executor, "ids")))
_LIVE_OF_SESSION = _LIVE.where(grants.c.session == bindparam("session"))
_LIVE_OF_CLIENT = _LIVE.where(grants.c.client == bindparam("client"))
_LIVE_OF_PARTY = _LIVE.where(
    or_(grants.c.actor == bindparam("party"), grants.c.principal == bindparam("party"))
)
_ADD = skip_taken(insert(grants))
_END = (
    update(grants)
    .where(one_of(grants.c.id, "ids"), grants.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), ended_reason=bindparam("reason"))
)

_ADD_REFRESH_TOKEN = skip_taken(insert(refresh_tokens))
_FIND_REFRESH_TOKEN = select_record(refresh_tokens, RefreshToken).where(
    refresh_tokens.c.hash == bindparam("token_hash")
)
_USE_REFRESH_TOKEN = (
    update(refresh_tokens)
    .where(refresh_tokens.c.hash == bindparam("token_hash"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("now"), successor=bindparam("successor_hash"))
)

_REMEMBER_CONSENT = skip_taken(insert(consents))
_FORGET_CONSENTS = delete(consents).where(consents.c.client == bindparam("client"))
_CONSENTED = select(consents.c.scope).where(
    consents.c.party == bindparam("party"), consents.c.client == bindparam("client")
)
_CONSENTS_OF = (
    select(*columns_of(consents, Consent))
    .where(consents.c.party == bindparam("party"))
    .order_by(consents.c.client, consents.c.scope)
)
_WITHDRAW_CONSENT = delete(consents).where(
    consents.c.party == bindparam("of_party"), consents.c.client == bindparam("of_client")
)


class SqlGrantStore:
    """`ports.GrantStore` in tables `grants`, `refresh_tokens` and `consents`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, grant: Grant) -> None:
        """Raise `ConflictError` if the id is taken, `NotFoundError` if what it rests on is not stored."""
        insert_new(self._connection, _ADD, row_of(grant), "this grant")

    def find(self, grant: str) -> Grant | None:
        row = self._connection.execute(_FIND, {"grant_id": grant}).mappings().one_or_none()
        return None if row is None else Grant(**row)

    def end(self, grants: Iterable[str], reason: str, now: Instant) -> None:
        """End those that have not ended yet; an earlier reason stays."""
        self._connection.execute(_END, {"ids": grants, "reason": reason, "now": now})

    def live_on_mandates(self, mandates: Iterable[str]) -> list[Grant]:
        """Not ended, with one of these as mandate or as executor."""
        # Asked for twice in the statement: an iterator would be empty the second time, and no executor found.
        return self._list(_LIVE_ON_MANDATES, ids=tuple(mandates))

    def live_of_session(self, session: str) -> list[Grant]:
        """Not ended, of this session."""
        return self._list(_LIVE_OF_SESSION, session=session)

    def live_of_client(self, client: str) -> list[Grant]:
        """Not ended, of this client."""
        return self._list(_LIVE_OF_CLIENT, client=client)

    def live_of_party(self, party: str) -> list[Grant]:
        """Not ended, with this party as actor or as principal."""
        return self._list(_LIVE_OF_PARTY, party=party)

    def add_refresh_token(self, token: RefreshToken) -> None:
        """Raise `ConflictError` if the hash is stored, `NotFoundError` if its grant is not."""
        insert_new(self._connection, _ADD_REFRESH_TOKEN, row_of(token), "this refresh token")

    def find_refresh_token(self, token_hash: str) -> RefreshToken | None:
        row = (
            self._connection.execute(_FIND_REFRESH_TOKEN, {"token_hash": token_hash}).mappings().one_or_none()
        )
        return None if row is None else RefreshToken(**row)

    def use_refresh_token(self, token_hash: str, successor_hash: str, now: Instant) -> bool:
        """Mark it rotated into that successor; False if it was used already or is unknown.

        Atomic: of two users one gets True.
        """
        keys = {"token_hash": token_hash, "successor_hash": successor_hash, "now": now}
        return self._connection.execute(_USE_REFRESH_TOKEN, keys).rowcount == 1

    def remember_consent(self, party: str, client: str, scopes: Iterable[str], now: Instant) -> None:
        """Add to what is remembered; the instant of the first time stays."""
        rows = [
            {"party": party, "client": client, "scope": scope, "at": now} for scope in sorted(set(scopes))
        ]
        if rows:
            self._connection.execute(_REMEMBER_CONSENT, rows)

    def forget_consents(self, client: str) -> None:
        """Of everybody."""
        self._connection.execute(_FORGET_CONSENTS, {"client": client})

    def consented(self, party: str, client: str) -> frozenset[str]:
        """Scopes that this person was shown for this client."""
        return frozenset(self._connection.execute(_CONSENTED, {"party": party, "client": client}).scalars())

    def consents_of(self, party: str) -> list[Consent]:
        """All that this person agreed to, by client and scope."""
        return [Consent(*row) for row in self._connection.execute(_CONSENTS_OF, {"party": party})]

    def withdraw_consent(self, party: str, client: str) -> bool:
        """Forget what this person agreed to for this client; False if it was nothing."""
        keys = {"of_party": party, "of_client": client}
        return self._connection.execute(_WITHDRAW_CONSENT, keys).rowcount > 0

    def _list(self, statement: Select[Any], **keys: Any) -> list[Grant]:
        return [Grant(**row) for row in self._connection.execute(statement, keys).mappings()]
