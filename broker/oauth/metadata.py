"""What this server can do, for machines, from what is registered (RFC 8414, OIDC Discovery, RFC 9728).

Nothing is listed by hand that the code decides: grants, methods, algorithms and scopes are those
of the tables that judge requests. A document is made once for each version of the registry.
"""

from __future__ import annotations

import json
from typing import Any

from broker.flows.claims import ACR, MANDATE_TYPE
from broker.flows.registry import RS256, own_audiences
from broker.oauth import checks
from broker.oauth.code import MandateCodeChallenge
from broker.oauth.endpoints import ENDPOINTS
from broker.oauth.grants import GRANTS
from broker.ports import Services
from broker.records import Audience, Registrations
from keys.algorithms import ASSERTION_ALGORITHMS
from volmacht_guard.dpop import ALGORITHMS as PROOF_ALGORITHMS

AUTHENTICATED = {
    "token_endpoint": checks.CODE,
    "introspection_endpoint": checks.INTROSPECT,
    "revocation_endpoint": checks.REVOKE,
}
"""Endpoint -> column that says how clients make themselves known there."""
CLAIMS = (
    "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "sid", "nonce", "name", "represents", "insz",
    "insz_actor",
)  # fmt: skip
"""Of ID tokens and UserInfo."""


class Metadata:
    """The documents of this issuer and of its own APIs, as JSON."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made: tuple[int, dict[str, bytes]] = (-1, {})

    def discovery(self) -> bytes:
        """The authorization server: one document for both specifications."""
        return self._documents()["discovery"]

    def protected_resource(self, path: str) -> bytes | None:
        """One of our own APIs, by what its address adds to the issuer (RFC 9728 section 3.1)."""
        return self._documents().get(path)

    def _documents(self) -> dict[str, bytes]:
        registered = self._services.registrations()
        version, made = self._made
        if version != registered.version:
            made = {"discovery": _json(_discovery(self._services, registered))}
            issuer = self._services.settings.issuer
            for audience in own_audiences(issuer):
                made[audience.uri.removeprefix(issuer)] = _json(_resource(issuer, audience))
            self._made = (registered.version, made)
        return made


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _discovery(services: Services, registered: Registrations) -> dict[str, Any]:
    issuer = services.settings.issuer
    own = own_audiences(issuer)
    scopes = {s for one in (*registered.audiences.values(), *own) for s in one.scopes | one.machine_scopes}
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in ENDPOINTS.items()},
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [grant.GRANT_TYPE for grant in GRANTS],
        "code_challenge_methods_supported": MandateCodeChallenge.SUPPORTED_CODE_CHALLENGE_METHOD,
        **_authentication(),
        **_signatures(services, registered),
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": list(ACR.values()),
        "scopes_supported": sorted(scopes),
        "claims_supported": list(CLAIMS),
        "claims_parameter_supported": True,
        "authorization_details_types_supported": [MANDATE_TYPE],
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "prompt_values_supported": sorted(checks.PROMPTS),
        "protected_resources": [audience.uri for audience in own],
    }


def _authentication() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for endpoint, column in AUTHENTICATED.items():
        found[f"{endpoint}_auth_methods_supported"] = checks.methods(column)
        found[f"{endpoint}_auth_signing_alg_values_supported"] = list(ASSERTION_ALGORITHMS)
    return found


def _signatures(services: Services, registered: Registrations) -> dict[str, Any]:
    """What we sign with now; RS256 once a client registered it for its ID tokens (tokens.md section 3)."""
    ours = services.keyring().signing_key("tokens", services.clock()).alg
    rs256 = any(client.id_token_alg == RS256 for client in registered.clients.values())
    return {
        "id_token_signing_alg_values_supported": [ours, RS256] if rs256 else [ours],
        "introspection_signing_alg_values_supported": [ours],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
    }


def _resource(issuer: str, audience: Audience) -> dict[str, Any]:
    document = {
        "resource": audience.uri,
        "resource_name": audience.name,
        "authorization_servers": [issuer],
        "jwks_uri": issuer + ENDPOINTS["jwks_uri"],
        "scopes_supported": sorted(audience.scopes | audience.machine_scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
    }
    if audience.delegation_aware:
        document["authorization_details_types_supported"] = [MANDATE_TYPE]
    return document
