"""Discovery (RFC 8414, OpenID Connect Discovery) from what is registered, one source for both."""

from __future__ import annotations

from typing import Any

from broker.flows.claims import ACR, MANDATE_TYPE
from broker.flows.registry import own_audiences
from broker.oauth import client_auth
from broker.oauth.client_credentials import MachineGrant
from broker.oauth.code import CodeGrant, MandateCodeChallenge
from broker.oauth.introspection import Introspection
from broker.oauth.refresh import RefreshGrant
from broker.ports import Services

ENDPOINTS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "pushed_authorization_request_endpoint": "/par",
    "revocation_endpoint": "/revoke",
    "introspection_endpoint": "/introspect",
    "userinfo_endpoint": "/userinfo",
    "end_session_endpoint": "/logout",
    "jwks_uri": "/jwks",
    "status_list_aggregation_endpoint": "/status",
}
ASSERTION_ALGORITHMS = ["ES256", "PS256", "EdDSA"]


def document(services: Services) -> dict[str, Any]:
    """The metadata of this issuer."""
    issuer = services.settings.issuer
    with services.database.read() as uow:
        registered = [*uow.registry.audiences(), *own_audiences(services.settings.issuer)]
        scopes = frozenset[str]().union(*(one.scopes | one.machine_scopes for one in registered))
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in ENDPOINTS.items()},
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CodeGrant.GRANT_TYPE, RefreshGrant.GRANT_TYPE, MachineGrant.GRANT_TYPE],
        "code_challenge_methods_supported": MandateCodeChallenge.SUPPORTED_CODE_CHALLENGE_METHOD,
        "token_endpoint_auth_methods_supported": client_auth.METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": Introspection.CLIENT_AUTH_METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": client_auth.METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "acr_values_supported": list(ACR.values()),
        "scopes_supported": sorted(scopes),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "acr", "sid", "nonce", "name", "represents"],
        "authorization_details_types_supported": [MANDATE_TYPE],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
    }
