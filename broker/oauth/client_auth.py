"""Client authentication: private_key_jwt (RFC 7523, bis audience rule), client_secret_basic, none.

Each client has exactly one registered method and no other is tried for it, so an
assertion can never be downgraded to something weaker (threats: classes 18, 19).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import ClientMixin

from broker.errors import ClientKeysError
from broker.oauth.errors import ClientRefusedError
from broker.oauth.request import Request, UsedOnce
from broker.ports import Services
from broker.records import Client
from keys.errors import ClientAssertionError
from keys.tokens import read_client_assertion, verify_client_assertion

METHODS = ["private_key_jwt", "client_secret_basic", "none"]
CONFIDENTIAL = [method for method in METHODS if method != "none"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 -- a name, no password
NEVER_IN_TOKENS = frozenset({"insz_actor"})
"""Marks among a client's scopes that are no scopes: nobody asks for them, no token has them."""


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
        allowed = self.record.scopes - NEVER_IN_TOKENS
        return " ".join(one for one in (scope or "").split() if one in allowed)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact text, nothing else (RFC 9700 section 2.1; threats: class 1)."""
        return redirect_uri in self.record.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return method == self.record.auth

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """As registered: people come back to a redirect URI, and a program proves who it is."""
        confidential = self.record.auth != "none"
        return {
            "authorization_code": bool(self.record.redirect_uris),
            "refresh_token": bool(self.record.redirect_uris),
            "client_credentials": confidential,
            TOKEN_EXCHANGE: confidential and self.record.exchange,
        }.get(grant_type, False)


def authenticate(services: Services, request: Request) -> RegisteredClient:
    """Return who asks, by the one method that it is registered with; raise `ClientRefusedError`.

    What a client assertion leaves to be marked as used stands on the request: it is claimed
    with all else that counts once (`checks.used_once`).
    """
    assertion, header = request.get("client_assertion"), request.headers.get("Authorization")
    if request.get("client_secret") is not None:
        # Nobody registers that method here, and beside another one it is a second (RFC 6749 section 2.3).
        raise ClientRefusedError("client_secret is never sent in the form.", status_code=401)
    if assertion is not None:
        record = _by_assertion(services, request, assertion, header)
    elif header is not None:
        record = _by_secret(services, header)
    else:
        record = _by_name(services, request)
    if request.get("client_id") not in {None, record.id}:
        raise ClientRefusedError("client_id differs from the authenticated client.")
    return RegisteredClient(record)


def _by_assertion(services: Services, request: Request, assertion: str, header: str | None) -> Client:
    if request.get("client_assertion_type") != ASSERTION_TYPE or header is not None:
        raise ClientRefusedError("Send client_assertion with its type, and no second method.")
    issuer, now = services.settings.issuer, services.clock()
    try:
        unverified = read_client_assertion(assertion)
        # Who it says it is; the signature decides.
        named = request.get("client_id") or unverified.unverified_subject or ""
        record = services.registrations().find_client(named)
        if record is None or record.auth != "private_key_jwt":
            raise ClientRefusedError("This client is not registered for private_key_jwt.")
        jwks = services.client_keys.keys_of(record, unverified.unverified_kid, now)
        verified = verify_client_assertion(unverified, jwks=jwks, client_id=record.id, issuer=issuer, now=now)
    except ClientAssertionError as error:
        raise ClientRefusedError(f"The client assertion is refused: {error.reason}.") from error
    except ClientKeysError as error:
        raise ClientRefusedError("The keys of the client's jwks_uri cannot be had.") from error
    if verified.iat is None:
        # Nobody could tell whether it is older than what the replay store remembers.
        raise ClientRefusedError("The client assertion is refused: issued_at.")
    digest = hashlib.sha256(f"{record.id}:{verified.jti}".encode()).hexdigest()
    seconds = verified.replay_until - now + 1
    request.used_once.append(UsedOnce("client_assertion", digest, seconds, verified.iat))
    request.assertion_jkt = verified.jkt
    return record


def _by_secret(services: Services, header: str) -> Client:
    client_id, secret = _basic(header)
    record = services.registrations().find_client(client_id)
    expected = record.secret_sha256 if record and record.auth == "client_secret_basic" else None
    given = hashlib.sha256(secret.encode()).hexdigest()
    if record is None or expected is None or not hmac.compare_digest(given, expected):
        raise ClientRefusedError("Unknown client or wrong secret.", status_code=401)
    return record


def _basic(header: str) -> tuple[str, str]:
    """Client id and secret, form-encoded before they were put together (RFC 6749 section 2.3.1)."""
    scheme, _, credentials = header.partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if scheme.lower() != "basic" or ":" not in text:
        raise ClientRefusedError("The Authorization header is not understood.", status_code=401)
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _by_name(services: Services, request: Request) -> Client:
    """A public client proves nothing, so its name is all that it may send."""
    record = services.registrations().find_client(request.get("client_id") or "")
    if record is None or record.auth != "none":
        raise ClientRefusedError("Make yourself known by the method that you registered.", status_code=401)
    return record
