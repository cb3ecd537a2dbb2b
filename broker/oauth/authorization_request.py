"""From an authorization request to what it means, once every check let it pass."""

from __future__ import annotations

from broker.flows.choices import AuthorizationRequest
from broker.flows.claims import OBO
from broker.oauth.request import Request


def understood(request: Request) -> AuthorizationRequest:
    """What a request means, pushed or brought by a browser; partly as the checks found it out."""
    data, details = request.payload.data, request.mandate
    scopes = tuple(request.client.get_allowed_scope(data.get("scope")).split())
    return AuthorizationRequest(
        client=request.client.client_id,
        redirect_uri=data["redirect_uri"],
        scopes=scopes,
        audience=request.audience,
        code_challenge=data.get("code_challenge", ""),
        state=data.get("state"),
        nonce=data.get("nonce"),
        level=request.level.name,
        wants_mandate=details is not None or any(scope.startswith(OBO) for scope in scopes),
        identifier=details.identifier if details else None,
        mandate_type=details.mandate_type if details else None,
        actions=details.actions if details else (),
        prompt=" ".join(data.get("prompt", "").split()),
        max_age=request.max_age,
        dpop_jkt=data.get("dpop_jkt") or request.jkt,
    )
