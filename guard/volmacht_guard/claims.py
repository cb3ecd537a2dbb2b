"""What a token says once it is verified: frozen values, and the reading of their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from volmacht_guard.errors import InvalidTokenError

MANDATE = "urn:volmacht:mandate"
"""Type of the one `authorization_details` entry that we know (RFC 9396)."""

ACR_ORDER = (
    "http://eidas.europa.eu/LoA/low",
    "http://eidas.europa.eu/LoA/substantial",
    "http://eidas.europa.eu/LoA/high",
)
"""Levels of assurance, lowest first (Regulation 910/2014 article 8)."""

Kind = Literal["self", "delegated", "machine"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person at the keyboard, when that is not the subject (RFC 8693 section 4.1)."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The party represented."""

    subject: str


@dataclass(frozen=True, slots=True)
class MandateEntry:
    """The mandate that the actor acts under, as far as this audience needs to know it."""

    identifier: str
    mandate_type: str
    actions: frozenset[str]
    principal: Principal
    representative: str
    """A person, or the organisation that acts through the actor."""
    not_after: int
    """Instant from which the mandate, or a link behind it, is no more."""


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where it is written whether the token was revoked (Token Status List)."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """An access token that was verified for this audience."""

    issuer: str
    subject: str
    """The party whose right is exercised."""
    actor: Actor | None
    mandate: MandateEntry | None
    client_id: str
    scopes: frozenset[str]
    acr: str | None
    jti: str
    issued_at: int
    expires_at: int
    audience: str
    status: StatusReference | None
    jkt: str | None = None
    """Thumbprint of the key that the token is bound to (RFC 9449 section 6.1); None for a bearer token."""
    auth_time: int | None = None
    """When the person signed in, if that is known."""

    @property
    def kind(self) -> Kind:
        """Who acts: the subject herself, somebody for her, or a program for itself."""
        if self.actor is not None:
            return "delegated"
        return "machine" if self.subject == self.client_id else "self"

    @property
    def acting(self) -> bool:
        """Whether somebody else than the subject is at the keyboard."""
        return self.actor is not None


def text(claims: Mapping[str, Any], name: str, code: str) -> str:
    """Return the non-empty string `name`; raise `InvalidTokenError(code)`."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(code, "a claim is missing or is not text")
    return value


def instant(claims: Mapping[str, Any], name: str, code: str) -> int:
    """Return the NumericDate `name`; raise `InvalidTokenError(code)`. We issue whole seconds only."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTokenError(code, "a claim is missing or is not an instant")
    return value


def texts(claims: Mapping[str, Any], name: str, code: str) -> frozenset[str]:
    """Return the non-empty list of strings `name`; raise `InvalidTokenError(code)`."""
    value = claims.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise InvalidTokenError(code, "a claim is missing or is not a list of texts")
    return frozenset(value)


def read_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes (RFC 8693 section 4.2); none when the claim is absent."""
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise InvalidTokenError("scope_shape", "scope is not text")
    return frozenset(value.split(" ")) - {""}


def read_actor(claims: Mapping[str, Any], subject: str) -> Actor:
    """Return the outermost actor; members inside it are ignored (RFC 8693 section 4.1)."""
    act = claims.get("act")
    if not isinstance(act, dict):
        raise InvalidTokenError("act_shape", "act is not an object")
    actor = Actor(issuer=text(act, "iss", "act_shape"), subject=text(act, "sub", "act_shape"))
    if actor.subject == subject:
        # A mandate to oneself would make a token of either kind out of the other.
        raise InvalidTokenError("act_is_subject", "actor and subject are the same party")
    return actor


def read_mandate(entry: Mapping[str, Any], subject: str) -> MandateEntry:
    """Return the mandate entry; its principal must be the subject of the token."""
    mandate = MandateEntry(
        identifier=text(entry, "identifier", "mandate_shape"),
        mandate_type=text(entry, "mandate_type", "mandate_shape"),
        actions=texts(entry, "actions", "mandate_shape"),
        principal=Principal(text(entry, "principal", "mandate_shape")),
        representative=text(entry, "representative", "mandate_shape"),
        not_after=instant(entry, "not_after", "mandate_shape"),
    )
    if mandate.principal.subject != subject:
        raise InvalidTokenError("principal", "the mandate is of another principal")
    return mandate


def read_status(claims: Mapping[str, Any]) -> StatusReference:
    """Return the status reference, which every token about a person carries."""
    status = claims.get("status")
    reference = status.get("status_list") if isinstance(status, dict) else None
    if not isinstance(reference, dict):
        raise InvalidTokenError("status_missing", "the token has no status")
    index = instant(reference, "idx", "status_shape")
    if index < 0:
        raise InvalidTokenError("status_shape", "an index is not less than nought")
    return StatusReference(uri=text(reference, "uri", "status_shape"), index=index)


def read_confirmation(claims: Mapping[str, Any]) -> str | None:
    """Return the thumbprint of the key that the token is bound to; None if it is bound to none.

    A token that is bound in a way that we do not know is refused: to overlook a
    bond would make a bearer token of it (RFC 7800 section 3.1).
    """
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"}:
        raise InvalidTokenError("cnf_shape", "the token is bound in a way that is not known")
    return text(confirmation, "jkt", "cnf_shape")


def read_auth_time(claims: Mapping[str, Any]) -> int | None:
    """Return when the person signed in (RFC 9068 section 2.2.1), if it is stated."""
    return instant(claims, "auth_time", "auth_time_shape") if "auth_time" in claims else None


def read_acr(claims: Mapping[str, Any]) -> str | None:
    """Return the level of the actor's login, if it is stated."""
    return text(claims, "acr", "acr_shape") if "acr" in claims else None


def reaches(acr: str | None, required: str) -> bool:
    """Whether a login of level `acr` is enough; an unknown level never is."""
    return acr in ACR_ORDER and ACR_ORDER.index(acr) >= ACR_ORDER.index(required)
