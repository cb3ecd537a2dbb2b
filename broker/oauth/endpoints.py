"""Where each endpoint stands: for the metadata, and for proofs that name the address they are for."""

from __future__ import annotations

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
"""Member of the metadata (RFC 8414 and its extensions) -> path under the issuer."""
