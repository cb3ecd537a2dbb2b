"""ACM as an OpenID Connect relying party, on Authlib, with ACM's habits.

We always send `acr_values`, because only then does ACM promise `acr`; we enforce
state, nonce and PKCE S256 ourselves, because ACM does not; and we verify the ID
token in full, which some integrators skipped.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from requests.adapters import HTTPAdapter

from broker.errors import UpstreamError, UpstreamRefusedError
from broker.ports import Clock
from broker.records import LoginRequest, UpstreamLogin
from broker.upstream.metadata import TIMEOUT, UpstreamMetadata
from broker.upstream.tables import UpstreamTables
from config.settings import Settings
from mandates.model import Instant

ALGORITHMS = ["RS256"]
LEEWAY = 60
ASSERTION_SECONDS = 180
MAX_ID_TOKEN = 16 * 1024


class AcmUpstream:
    """One ACM environment."""

    def __init__(self, settings: Settings, tables: UpstreamTables, clock: Clock) -> None:
        self.issuer = settings.acm_issuer
        self._settings = settings
        self._tables = tables
        self._clock = clock
        self._metadata = UpstreamMetadata(self.issuer, requests.Session(), clock)
        # Parsed once: reading an RSA key from PEM costs thirty milliseconds.
        self._key = _private_key(settings.acm_private_key) if settings.acm_private_key else None
        self._connections = HTTPAdapter(pool_maxsize=settings.threads)

    def start(self, *, state: str, redirect_uri: str, force: bool = False) -> LoginRequest:
        """Where to send the person, with nonce and PKCE verifier to remember. Raise `UpstreamError`."""
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        extra = {"prompt": "login"} if force else {}
        url, _ = self._client(redirect_uri).create_authorization_url(
            self._metadata.document()["authorization_endpoint"],
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            acr_values=self._settings.acm_acr_values,
            **extra,
        )
        return LoginRequest(url, {"nonce": nonce, "verifier": verifier})

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

    def _client(self, redirect_uri: str, now: Instant | None = None) -> Any:
        settings = self._settings
        secret: RSAKey | str | None = self._key or settings.acm_client_secret
        method = "private_key_jwt" if self._key else "client_secret_basic"
        client = OAuth2Session(
            settings.acm_client_id,
            secret,
            scope=settings.acm_scopes,
            redirect_uri=redirect_uri,
            token_endpoint_auth_method=method,
        )
        client.mount("https://", self._connections)
        client.mount("http://", self._connections)
        if method == "private_key_jwt" and now is not None:
            # `aud` is the issuer, not the token endpoint; and each assertion has claims of its own,
            # because Authlib would keep the first `jti` in a dict that is shared.
            fresh = {"exp": now + ASSERTION_SECONDS, "iat": now, "jti": secrets.token_urlsafe(24)}
            client.register_client_auth_method(PrivateKeyJWT(self.issuer, claims=fresh))
        return client

    def _redeem(self, code: str, verifier: str, redirect_uri: str, now: Instant) -> str:
        """One try and no retry: a code is redeemed once."""
        try:
            answer = self._client(redirect_uri, now).fetch_token(
                self._metadata.document()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                timeout=TIMEOUT,
            )
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise UpstreamError("the upstream did not accept the code") from error
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > MAX_ID_TOKEN:
            raise UpstreamError("the upstream sent no usable ID token")
        return token

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
