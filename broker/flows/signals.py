"""What the outbox says to voucher services, as security events (tokens.md section 6).

Two topics, written in the transaction of the change that they tell of. `status-changed` is the
status list sent early: which bits were set. `session-revoked` is for stock receivers (CAEP
section 3.1), which know no status list: who may no longer do something, and under which mandate.
A self token has no mandate, so no `session` to name; without one, a receiver would end
everything of a person who signed out in one of two browsers. The list tells of it; the list
is the truth.

Everything here is pure: whoever delivers brings the messages and the sectors, and wraps each
signal in a security event token of its own (RFC 8417).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.flows import status_lists
from broker.records import Message
from keys.vault import Vault
from mandates.model import Instant

STATUS_CHANGED, SESSION_REVOKED = "status-changed", "session-revoked"
TOPICS = (STATUS_CHANGED, SESSION_REVOKED)
"""Topics of the outbox that are for services."""
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_WHY = {
    "nl": "De volmacht of de aanmelding is beperkt of beëindigd.",
    "fr": "La procuration ou la connexion a été limitée ou a pris fin.",
    "en": "The mandate or the sign-in was narrowed or has ended.",
}
"""A reason for administrators may not be empty (CAEP interoperability profile); grounds would be private."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One security event, for whoever serves this audience."""

    audience: str
    type: str
    """Event type, a URI."""
    subject: Mapping[str, Any]
    """`sub_id` (RFC 9493; SSF section 3 for complex ones)."""
    event: Mapping[str, Any]
    at: Instant


def of_message(issuer: str, vault: Vault, sectors: Mapping[str, str], message: Message) -> list[Signal]:
    """The events that a message stands for; none for an audience that is registered no more.

    `sectors` maps audiences to their sectors: people and mandates are called what the
    audience's own tokens call them. Raise `ValueError` for a message to somebody else.
    """
    if message.topic not in TOPICS:
        raise ValueError("this message is not for services")
    audience = message.body["audience"]
    sector = sectors.get(audience)
    if sector is None:
        return []
    if message.topic == STATUS_CHANGED:
        return [_status_changed(issuer, audience, message)]
    return [
        _session_revoked(issuer, vault, (audience, sector), one, message.at) for one in message.body["ended"]
    ]


def _status_changed(issuer: str, audience: str, message: Message) -> Signal:
    address = status_lists.uri(issuer, message.body["list"])
    return Signal(
        audience=audience,
        type=f"{issuer}/events/{STATUS_CHANGED}",
        subject={"format": "uri", "uri": address},
        event={"uri": address, "idx": list(message.body["idx"])},
        at=message.at,
    )


def _session_revoked(
    issuer: str, vault: Vault, place: tuple[str, str], ended: Mapping[str, Any], at: Instant
) -> Signal:
    """`user` is the human at the keyboard, always a person; nobody, when the mandate ended for all."""
    audience, sector = place
    subject: dict[str, Any] = {"format": "complex"}
    if ended["actor"] is not None:
        human = vault.pseudonym("p-", sector, ended["actor"])
        subject["user"] = {"format": "iss_sub", "iss": issuer, "sub": human}
    subject["session"] = {"format": "opaque", "id": vault.pseudonym("m-", sector, ended["mandate"])}
    event = {"event_timestamp": at, "reason_admin": _WHY}
    return Signal(audience, CAEP + SESSION_REVOKED, subject, event, at)
