"""Client authentication: private_key_jwt (RFC 7523, bis audience rule), client_secret_basic, none.

Each client has exactly one registered method and no other is tried for it, so an
assertion can never be downgraded to something weaker (threats: classes 18, 19).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from broker.ports import Services
from broker.records import Client
from keys.errors import ClientAssertionError
from keys.tokens import unverified_subject, verify_client_assertion

METHODS = ["private_key_jwt", "client_secret_basic", "none"]
CONFIDENTIAL = [method for method in METHODS if method != "none"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

QueryClient = Callable[[str], "RegisteredClient | None"]


class RegisteredClient(ClientMixin):  # type: ignore[misc]
    """A registered client as Authlib wants to see it; the record itself is `record`."""

    def __init__(self, record: Client) -> None:
        self.record = record
        self.client_id = record.id

    def get_client_id(self) -> str:
        return self.record.id

    def get_default_redirect_uri(self) -> None:
        """Return nothing: a redirect URI is always sent (FAPI 2.0 section 5.3.2.2 number 6)."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return what was asked and is registered; the rest is left out (RFC 6749 section 3.3)."""
        return " ".join(one for one in (scope or "").split() if one in self.record.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact text, nothing else (RFC 9700 section 2.1; threats: class 1)."""
        return redirect_uri in self.record.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return method == self.record.auth

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {"authorization_code", "refresh_token", "client_credentials"}


def register(server: Any, services: Services) -> None:
    """Teach an Authlib server our three methods."""
    server.register_client_auth_method("private_key_jwt", _PrivateKeyJwt(services))
    server.register_client_auth_method("client_secret_basic", _basic)
    server.register_client_auth_method("none", _public)


class _PrivateKeyJwt:
    def __init__(self, services: Services) -> None:
        self.services = services

    def __call__(self, query_client: QueryClient, request: OAuth2Request) -> RegisteredClient | None:
        assertion = request.form.get("client_assertion")
        if assertion is None:
            return None
        client = _claimed(query_client, request, assertion)
        if request.form.get("client_assertion_type") != ASSERTION_TYPE or request.headers.get(
            "Authorization"
        ):
            raise InvalidClientError(description="Send client_assertion with its type, and no second method.")
        if client is None or client.record.auth != "private_key_jwt" or client.record.jwks is None:
            raise InvalidClientError(description="This client is not registered for private_key_jwt.")
        self._verify(client, assertion)
        return client

    def _verify(self, client: RegisteredClient, unverified_assertion: str) -> None:
        services, now = self.services, self.services.clock()
        try:
            verified = verify_client_assertion(
                unverified_assertion,
                jwks=client.record.jwks or {},
                client_id=client.record.id,
                issuer=services.settings.issuer,
                now=now,
            )
        except ClientAssertionError as error:
            raise InvalidClientError(
                description=f"The client assertion is refused: {error.reason}."
            ) from error
        mark = f"{client.record.id}:{verified.jti}"
        digest = hashlib.sha256(mark.encode()).hexdigest()
        if not services.ephemeral.claim("client_assertion", digest, verified.replay_until - now + 1):
            raise InvalidClientError(description="The client assertion is refused: replayed.")
        # Asked after the claim: a store that was lost a moment ago has its new epoch by now. What it
        # could have forgotten, the assertions issued before it, is refused.
        if verified.iat is None or verified.iat < services.ephemeral.epoch():
            raise InvalidClientError(description="The client assertion is refused: issued_before_epoch.")


def _claimed(
    query_client: QueryClient, request: OAuth2Request, unverified_assertion: str
) -> RegisteredClient | None:
    """Who the request says it is: `client_id`, or the assertion's own `sub`; the signature decides."""
    named = request.form.get("client_id") or unverified_subject(unverified_assertion)
    return query_client(named) if named else None


def _basic(query_client: QueryClient, request: OAuth2Request) -> RegisteredClient | None:
    client_id, secret = extract_basic_authorization(request.headers)
    if not client_id or not secret:
        return None
    client = query_client(client_id)
    expected = client.record.secret_sha256 if client else None
    given = hashlib.sha256(secret.encode()).hexdigest()
    if client is None or expected is None or not hmac.compare_digest(given, expected):
        raise InvalidClientError(status_code=401, description="Unknown client or wrong secret.")
    if request.form.get("client_id") not in {None, client_id}:
        raise InvalidClientError(
            status_code=401, description="client_id differs from the authenticated client."
        )
    return client


def _public(query_client: QueryClient, request: OAuth2Request) -> RegisteredClient | None:
    client_id = request.form.get("client_id")
    if not client_id or request.headers.get("Authorization") or request.form.get("client_assertion"):
        return None
    return query_client(client_id)
