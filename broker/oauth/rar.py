"""Rich authorization requests (RFC 9396) for the one type we know, and the audience (RFC 8707)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error

from broker.errors import InvalidTargetError
from broker.flows.claims import MANDATE_TYPE
from broker.oauth.request import Request
from broker.ports import Services
from broker.records import Client

TEXTS = frozenset({"identifier", "mandate_type"})
LISTS = frozenset({"locations", "actions"})


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]
    """RFC 9396 section 5."""

    error = "invalid_authorization_details"


@dataclass(frozen=True, slots=True)
class MandateRequest:
    """What a client asks of the mandate; everything may be left open."""

    identifier: str | None = None
    mandate_type: str | None = None
    locations: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


def parse(client: Client, unverified_text: str | None) -> MandateRequest | None:
    """The one mandate entry, or None if nothing was sent. Raise `InvalidAuthorizationDetailsError`."""
    if not unverified_text:
        return None
    try:
        entries = json.loads(unverified_text)
    except (ValueError, RecursionError) as error:
        raise InvalidAuthorizationDetailsError("authorization_details is not JSON.") from error
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise InvalidAuthorizationDetailsError("authorization_details must be an array of one object.")
    request = _entry(entries[0])
    if request.mandate_type is not None and request.mandate_type not in client.mandate_types:
        raise InvalidAuthorizationDetailsError("This mandate_type is not registered for this client.")
    if any(location not in client.audiences for location in request.locations):
        raise InvalidAuthorizationDetailsError("A location is not an audience of this client.")
    return request


def resources(request: Request) -> list[str]:
    """The audiences that an authorization request names: `resource`, or else its `locations`."""
    return request.asked("resource") or list(request.mandate.locations if request.mandate else ())


def _entry(entry: dict[str, Any]) -> MandateRequest:
    if entry.get("type") != MANDATE_TYPE:
        raise InvalidAuthorizationDetailsError("Unknown authorization details type.")
    if set(entry) - TEXTS - LISTS - {"type"}:
        raise InvalidAuthorizationDetailsError("Unknown field in authorization_details.")
    for name in TEXTS & set(entry):
        if not isinstance(entry[name], str) or not entry[name]:
            raise InvalidAuthorizationDetailsError(f"{name} must be a non-empty string.")
    for name in LISTS & set(entry):
        if not _strings(entry[name]):
            raise InvalidAuthorizationDetailsError(f"{name} must be an array of non-empty strings.")
    return MandateRequest(
        entry.get("identifier"),
        entry.get("mandate_type"),
        tuple(entry.get("locations", ())),
        tuple(entry.get("actions", ())),
    )


def _strings(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)


def audience_of(services: Services, client: Client, resources: Sequence[str]) -> str:
    """The audience of a request (tokens.md section 3): the one asked, the only one, or the broker itself.

    Raise `InvalidTargetError` when several are possible or one is not registered.
    """
    issuer = services.settings.issuer
    if not resources:
        if len(client.audiences) > 1:
            raise InvalidTargetError
        return client.audiences[0] if client.audiences else issuer
    if len(resources) != 1 or resources[0] not in {*client.audiences, issuer}:
        raise InvalidTargetError
    return resources[0]
