"""What ACM says of a person, per scope, and the ID token that carries it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from demo.acm.request import AuthorizationRequest
from demo.village import Person

ID_TOKEN_SECONDS = 3600


def _profile(person: Person) -> dict[str, Any]:
    return {"given_name": person.given_name, "family_name": person.family_name}


def _rrn(person: Person) -> dict[str, Any]:
    return {"rrn": person.insz}


def _vo(person: Person) -> dict[str, Any]:
    claims: dict[str, Any] = {"vo_id": person.vo_id, "vo_doelgroepcode": person.target_group}
    if person.organisation is not None:
        claims["vo_orgcode"] = person.organisation.kbo
        claims["vo_orgnaam"] = person.organisation.name
    return claims


def _dienstencheques(person: Person) -> dict[str, Any]:
    # Who has no right at all gets no claim, not an empty one.
    return {"dienstencheques_rol_3d": list(person.roles)} if person.roles else {}


CLAIMS_OF: dict[str, Callable[[Person], dict[str, Any]]] = {
    "profile": _profile,
    "rrn": _rrn,
    "vo": _vo,
    "dienstencheques": _dienstencheques,
}
"""Scope -> the claims it opens; `openid` opens `sub` alone."""


def claims_of(person: Person, request: AuthorizationRequest) -> dict[str, Any]:
    """`sub`, what the scopes open, and `acr` for who asked with `acr_values`."""
    claims: dict[str, Any] = {"sub": person.sub}
    for scope in request.scopes:
        if scope in CLAIMS_OF:
            claims |= CLAIMS_OF[scope](person)
    if request.asked_mechanisms:
        claims["acr"] = person.acr
    return claims


def id_token(
    person: Person,
    request: AuthorizationRequest,
    *,
    issuer: str,
    key: RSAKey,
    access_token: str,
    said: Mapping[str, Any],
    now: int,
) -> str:
    """An ID token as ACM makes it: RS256, one hour, `kid` in the payload too.

    `said` is what its habits make it say of the login, whatever is true.
    """
    claims = claims_of(person, request) | {
        "iss": issuer,
        "aud": request.client_id,
        "azp": request.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "kid": key.kid,
        "at_hash": _at_hash(access_token),
    }
    if request.nonce is not None:
        claims["nonce"] = request.nonce
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims | said, key)


def _at_hash(access_token: str) -> str:
    """Left half of the SHA-256 in base64url (OpenID Connect Core 3.1.3.6)."""
    half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode("ascii")
