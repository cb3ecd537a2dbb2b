"""The applications that ACM knows, and how one of them proves who it is at the token endpoint."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote_plus

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from werkzeug.datastructures import Authorization

from demo.acm.shelf import Shelf

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384")
ASSERTION_SECONDS = 600
"""ACM wants assertions that live less than ten minutes."""


class ClientAuthenticationError(Exception):
    """The application did not prove who it is (RFC 6749 section 5.2)."""

    code: ClassVar[str] = "invalid_client"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One application, as its integration dossier describes it. Empty means no."""

    client_id: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    mechanisms: frozenset[str]
    """Mechanism URNs that may be used for it."""
    post_logout_redirect_uris: tuple[str, ...] = ()
    secret: str | None = None
    jwks: KeySetSerialization | None = None
    """Public keys; then `private_key_jwt` is the only way in."""


def authenticate(
    form: Mapping[str, str],
    authorization: Authorization | None,
    *,
    parties: Mapping[str, RelyingParty],
    issuer: str,
    used: Shelf[str],
    now: int,
) -> RelyingParty:
    """The application that sent this token request. Raise `ClientAuthenticationError`."""
    assertion = form.get("client_assertion")
    if assertion is not None:
        return _by_assertion(assertion, form, parties=parties, issuer=issuer, used=used, now=now)
    if authorization is not None:
        if authorization.type != "basic" or authorization.username is None:
            raise ClientAuthenticationError("only Basic is understood here")
        # RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
        client_id = unquote_plus(authorization.username)
        secret = unquote_plus(authorization.password or "")
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    party = parties.get(client_id)
    if party is None or party.secret is None or not secret:
        raise ClientAuthenticationError("unknown application, or not with a secret")
    if not hmac.compare_digest(party.secret.encode(), secret.encode()):
        raise ClientAuthenticationError("wrong secret")
    return party


def _by_assertion(
    assertion: str,
    form: Mapping[str, str],
    *,
    parties: Mapping[str, RelyingParty],
    issuer: str,
    used: Shelf[str],
    now: int,
) -> RelyingParty:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise ClientAuthenticationError("client_assertion_type is not jwt-bearer")
    party = parties.get(form.get("client_id") or _claimed_issuer(assertion))
    if party is None or party.jwks is None:
        raise ClientAuthenticationError("unknown application, or not with a key")
    try:
        token = jwt.decode(assertion, KeySet.import_key_set(party.jwks), algorithms=ASSERTION_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            now=now,
            iss={"essential": True, "value": party.client_id},
            sub={"essential": True, "value": party.client_id},
            exp={"essential": True},
            jti={"essential": True},
        ).validate(token.claims)
    except (JoseError, ValueError) as error:
        raise ClientAuthenticationError("the assertion does not hold") from error
    # The audience is the issuer as one string: not the token endpoint, not a list.
    if token.claims.get("aud") != issuer:
        raise ClientAuthenticationError("aud of the assertion is not the issuer")
    if token.claims["exp"] - now >= ASSERTION_SECONDS:
        raise ClientAuthenticationError("the assertion lives ten minutes or more")
    if not used.claim(f"{party.client_id} {token.claims['jti']}", "", now):
        raise ClientAuthenticationError("the assertion was used before")
    return party


def _claimed_issuer(unverified_assertion: str) -> str:
    """`iss` before anything is verified: it only says whose key to try."""
    try:
        unverified_claims = json.loads(jws.extract_compact(unverified_assertion.encode()).payload)
    except (JoseError, ValueError):
        return ""
    issuer = unverified_claims.get("iss") if isinstance(unverified_claims, dict) else None
    return issuer if isinstance(issuer, str) else ""
