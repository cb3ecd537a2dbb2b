"""ACM as an OpenID Connect relying party, on Authlib, with ACM's habits.

We always send `acr_values`, because only then does ACM promise `acr`, and of our means
only those that are strong enough for what a service asks (RFC 9470 section 5); we enforce
state, nonce and PKCE S256 ourselves, because ACM does not; and we verify the ID token in
full, which some integrators skipped.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from broker.errors import LevelTooLowError, UpstreamError, UpstreamRefusedError
from broker.ports import Clock
from broker.records import LoginRequest, UpstreamLogin
from broker.upstream.connection import UpstreamConnection
from broker.upstream.metadata import UpstreamMetadata
from broker.upstream.tables import UpstreamTables
from config.settings import Settings
from mandates.model import Instant, Level

ALGORITHMS = ["RS256"]
LEEWAY = 60
ASSERTION_SECONDS = 180
MAX_ID_TOKEN = 16 * 1024
MAX_AGE = 900
"""Seconds: an ID token is made when its code is redeemed; an older one answers another login."""


class AcmUpstream:
    """One ACM environment."""

    def __init__(self, settings: Settings, tables: UpstreamTables, clock: Clock) -> None:
        self.issuer = settings.acm_issuer
        self._settings = settings
        self._tables = tables
        self._clock = clock
        self._connection = UpstreamConnection(settings.threads)
        self._metadata = UpstreamMetadata(self.issuer, self._connection, clock)
        # Parsed once: reading an RSA key from PEM costs thirty milliseconds.
        self._key = _private_key(settings.acm_private_key) if settings.acm_private_key else None

    def start(
        self,
        *,
        state: str,
        redirect_uri: str,
        force: bool = False,
        level: Level = Level.NONE,
        max_age: int | None = None,
    ) -> LoginRequest:
        """Where to send the person, with nonce and PKCE verifier to remember.

        Raise `UpstreamError`, `LevelTooLowError` if no means that we may use reaches `level`.
        """
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        extra: dict[str, str | int] = {"prompt": "login"} if force else {}
        if max_age is not None:
            extra["max_age"] = max_age
        url = prepare_grant_uri(
            self._metadata.document()["authorization_endpoint"],
            self._settings.acm_client_id,
            "code",
            redirect_uri,
            self._settings.acm_scopes,
            state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            acr_values=" ".join(self._means(level)),
            **extra,
        )
        return LoginRequest(url, {"nonce": nonce, "verifier": verifier})

    def _means(self, level: Level) -> list[str]:
        """Of the means that we may use, those that reach this level."""
        means = self._settings.acm_acr_values.split()
        enough = [one for one in means if self._tables.level(one) >= level]
        if means and not enough:
            raise LevelTooLowError
        return enough

    def finish(
        self,
        unverified_response: Mapping[str, str],
        memory: Mapping[str, Any],
        redirect_uri: str,
        now: Instant,
    ) -> UpstreamLogin:
        """Redeem the code once and verify the ID token. Raise `UpstreamError`, `UpstreamRefusedError`."""
        if unverified_response.get("error"):
            if unverified_response["error"] in {"access_denied", "login_required"}:
                raise UpstreamRefusedError("the upstream sent the person back")
            raise UpstreamError("the upstream answered with an error")
        # RFC 9207: ACM sends no `iss`; one that names somebody else is a mix-up.
        if unverified_response.get("iss", self.issuer) != self.issuer or not unverified_response.get("code"):
            raise UpstreamError("the response is not from this upstream")
        token = self._redeem(unverified_response["code"], memory["verifier"], redirect_uri, now)
        claims = self._verify(token, memory["nonce"], now)
        return self._login(claims, token)

    def logout_url(self, post_logout_redirect_uri: str, state: str) -> str | None:
        """A browser navigation that ends ACM's own session."""
        endpoint = self._metadata.document().get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return None
        query = {
            "client_id": self._settings.acm_client_id,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        return f"{endpoint}?{urlencode(query)}"

    def check(self) -> str:
        """Fetch metadata and keys; say what was found. Raise `UpstreamError`."""
        document = self._metadata.document()
        keys = self._metadata.keys(None)
        return f"{document['issuer']} answers, with {len(keys.keys)} signing key(s)"

    def _redeem(self, code: str, verifier: str, redirect_uri: str, now: Instant) -> str:
        """One try and no retry: a code is redeemed once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        proof, credentials = self._proof(now)
        answer = self._connection.post(self._metadata.document()["token_endpoint"], form | proof, credentials)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > MAX_ID_TOKEN:
            raise UpstreamError("the upstream sent no usable ID token")
        return token

    def _proof(self, now: Instant) -> tuple[dict[str, str], tuple[str, str] | None]:
        """How we prove who we are: an assertion for the form, or credentials for HTTP Basic."""
        client_id = self._settings.acm_client_id
        if self._key is None:
            # RFC 6749 section 2.3.1: both are form-encoded first.
            return {}, (quote_plus(client_id), quote_plus(self._settings.acm_client_secret or ""))
        # `aud` is the issuer, not the token endpoint (rfc7523bis).
        assertion = private_key_jwt_sign(
            self._key,
            client_id,
            self.issuer,
            claims={"exp": now + ASSERTION_SECONDS, "iat": now, "jti": secrets.token_urlsafe(24)},
        )
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return {"client_id": client_id} | form, None

    def _verify(self, unverified_token: str, nonce: str, now: Instant) -> dict[str, Any]:
        """OpenID Connect Core section 3.1.3.7, every step that applies to the code flow."""
        client_id = self._settings.acm_client_id
        try:
            keys = self._metadata.keys(_kid(unverified_token))
            token = jwt.decode(unverified_token, keys, algorithms=ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                now=lambda: now,
                leeway=LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise UpstreamError("the upstream's ID token does not verify") from error
        claims: dict[str, Any] = token.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else client_id) != client_id:
            raise UpstreamError("the ID token is for another party")
        # Compared as bytes: `compare_digest` refuses text beyond ASCII, and the claim is unverified text.
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise UpstreamError("the ID token answers another request")
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise UpstreamError("the ID token names nobody")
        if claims["iat"] < now - MAX_AGE:
            raise UpstreamError("the ID token was made for an earlier login")
        return claims

    def _login(self, claims: Mapping[str, Any], token: str) -> UpstreamLogin:
        roles = _roles(claims)
        name = " ".join(part for part in (_text(claims, "given_name"), _text(claims, "family_name")) if part)
        return UpstreamLogin(
            issuer=self.issuer,
            subject=claims["sub"],
            name=name,
            level=self._tables.level(claims.get("acr")),
            issued_at=int(claims["iat"]),
            id_token=token,
            auth_time=_auth_time(claims),
            insz=_text(claims, "rrn"),
            organisation_code=_text(claims, "vo_orgcode"),
            roles=roles,
            staff=self._tables.staff_roles(roles),
        )


def _private_key(pem: str) -> RSAKey:
    """Our key at ACM. Raise `ValueError` that does not quote it."""
    try:
        return RSAKey.import_key(pem)
    except (JoseError, ValueError, TypeError):
        raise ValueError("VOLMACHT_ACM_PRIVATE_KEY is not an RSA private key in PEM") from None


def _kid(unverified_token: str) -> str | None:
    """`kid` of a header that nobody verified yet: only to pick the key."""
    kid = jws.extract_compact(unverified_token.encode()).headers().get("kid")
    return kid if isinstance(kid, str) else None


def _auth_time(claims: Mapping[str, Any]) -> Instant | None:
    """When she signed in, if ACM says so: whole seconds, and not after the token was made."""
    stated = claims.get("auth_time")
    if isinstance(stated, bool) or not isinstance(stated, int) or not 0 < stated <= int(claims["iat"]):
        return None
    return stated


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Roles of every claim named `…rol_3d` or `…rol_2d`, in any case, string or array."""
    found: list[str] = []
    for name, value in claims.items():
        if name.lower().endswith(("_rol_3d", "_rol_2d")):
            values = value if isinstance(value, list) else [value]
            found.extend(one for one in values if isinstance(one, str))
    return tuple(found)
