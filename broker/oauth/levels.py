"""Which login a request asks for: `acr_values`, and an `acr` in `claims` (OIDC Core, RFC 9470 section 4).

Both come to a floor: the weakest level that is named suffices. What `claims` may ask beside
that (OIDC Core section 5.5) is not kept here, so it is refused, not ignored.
"""

from __future__ import annotations

import json
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError

from broker.flows.claims import ACR
from broker.oauth.errors import UnmetAuthenticationError
from broker.oauth.request import Request
from mandates.model import Level

LEVELS = {uri: level for level, uri in ACR.items()}


def floor(request: Request) -> Level:
    """The least level that satisfies the request; `Level.NONE` if it asks for none.

    Raise `UnmetAuthenticationError` if it names only levels that nobody has here,
    `InvalidRequestError` for a `claims` that asks for something else.
    """
    asked = (request.get("acr_values") or "").split()
    return max(_weakest(asked), _weakest(_acr_of(request.get("claims"))))


def _weakest(asked: list[str]) -> Level:
    known = [LEVELS[uri] for uri in asked if uri in LEVELS]
    if asked and not known:
        raise UnmetAuthenticationError("None of these levels is known here; see acr_values_supported.")
    return min(known, default=Level.NONE)


def _acr_of(unverified_text: str | None) -> list[str]:
    """The values of `{"id_token": {"acr": {"essential", "value" or "values"}}}`."""
    if not unverified_text:
        return []
    try:
        claims = json.loads(unverified_text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("claims is not JSON.") from error
    wanted = _only(_only(claims, "id_token"), "acr")
    if wanted is None:
        return []
    if not isinstance(wanted, dict) or wanted.keys() - {"essential", "value", "values"}:
        raise InvalidRequestError("The acr in claims is not understood.")
    values = wanted.get("values", [wanted["value"]] if "value" in wanted else [])
    fine = isinstance(values, list) and all(isinstance(one, str) and one for one in values)
    twice = "value" in wanted and "values" in wanted
    if not fine or twice or not isinstance(wanted.get("essential", False), bool):
        raise InvalidRequestError("The acr in claims is not understood.")
    return values


def _only(members: Any, name: str) -> Any:
    """The value of the one member that is understood at this place."""
    if not isinstance(members, dict) or members.keys() != {name}:
        raise InvalidRequestError("Of claims only the acr of the id_token is understood.")
    return members[name]
