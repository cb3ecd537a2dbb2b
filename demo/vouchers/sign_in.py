"""What this service knows after a sign-in, and how it comes to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from joserfc import jws, jwt
from joserfc.errors import JoseError

from demo.vouchers.discovery import Discovery
from demo.vouchers.sides import MANDATE

ID_TOKEN_ALGORITHMS = ("ES256",)
LEEWAY = 5
"""Seconds that two clocks may differ."""


class SignInError(Exception):
    """The broker's answer cannot be trusted, or was not asked for here."""

    code: ClassVar[str] = "sign_in"


@dataclass(frozen=True, slots=True)
class Someone:
    """A party as this service knows it: a `sub` of its sector and, with scope `profile`, a name."""

    sub: str
    name: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A human, whom she acts for, and the tokens that let her."""

    human: Someone
    represents: tuple[Someone, ...]
    """From the outermost to the innermost; the last one is the principal. Empty: for herself."""
    principal: str
    """`sub` of the access token: the party whose right is exercised."""
    powers: frozenset[str]
    access_token: str
    expires_at: int
    refresh_token: str | None
    reference: str | None = None
    """The mandate, `m-…`, as this service may name it to the broker; None: for herself."""

    @property
    def delegated(self) -> bool:
        return bool(self.represents)

    @property
    def principal_name(self) -> str:
        """Whose affairs these are, by name."""
        return self.represents[-1].name if self.represents else self.human.name

    @property
    def acting(self) -> str:
        """The line in every page header."""
        if not self.represents:
            return f"{self.human.name} handelt voor zichzelf"
        via = " en ".join(party.name for party in self.represents[:-1])
        return f"{self.human.name} handelt namens {self.principal_name}" + (f" via {via}" if via else "")


def verify_id_token(
    unverified: str, discovery: Discovery, *, client_id: str, nonce: str, now: int
) -> Mapping[str, Any]:
    """Every check of OpenID Connect Core 3.1.3.7 for the code flow. Raise `SignInError`."""
    try:
        unverified_kid = jws.extract_compact(unverified.encode()).protected.get("kid", "")
        token = jwt.decode(unverified, discovery.keys(unverified_kid), algorithms=ID_TOKEN_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY,
            iss={"essential": True, "value": discovery.issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
    except (JoseError, ValueError) as error:
        raise SignInError("the ID token does not hold") from error
    if token.claims.get("azp", client_id) != client_id:
        raise SignInError("the ID token was made for another client")
    return token.claims


def first_sign_in(claims: Mapping[str, Any], response: Mapping[str, Any], now: int) -> SignIn:
    """Join a verified ID token and the token response it came with. Raise `SignInError`."""
    represents = tuple(_chain(claims.get("represents")))
    human = Someone(claims["sub"], claims.get("name", "Onbekend"))
    sign_in = SignIn(
        human=human,
        represents=represents,
        principal=represents[-1].sub if represents else human.sub,
        powers=frozenset(),
        access_token="",
        expires_at=0,
        refresh_token=None,
    )
    return with_tokens(sign_in, response, now)


def with_tokens(sign_in: SignIn, response: Mapping[str, Any], now: int) -> SignIn:
    """The same parties with the tokens of this response. Raise `SignInError` if they differ.

    A refresh may answer narrower, and then says so; it may never speak of
    another principal.
    """
    access_token = response.get("access_token")
    expires_in = response.get("expires_in")
    if not isinstance(access_token, str) or not isinstance(expires_in, int):
        raise SignInError("the token response is incomplete")
    # A token that needs no proof would be worth as much to whoever steals it (RFC 9449 section 5).
    if str(response.get("token_type", "")).lower() != "dpop":
        raise SignInError("the token is not bound to our key")
    entry = _entry(sign_in, response)
    return SignIn(
        human=sign_in.human,
        represents=sign_in.represents,
        principal=sign_in.principal,
        powers=frozenset(entry.get("actions", []) if entry else str(response.get("scope", "")).split()),
        access_token=access_token,
        expires_at=now + expires_in,
        refresh_token=response.get("refresh_token", sign_in.refresh_token),
        reference=entry.get("identifier") if entry else None,
    )


def _entry(sign_in: SignIn, response: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The mandate that the response speaks of, None for oneself. Raise `SignInError` if parties differ.

    What may be shown follows from it; what may be done is the API's to judge.
    """
    entries = [entry for entry in response.get("authorization_details", []) if entry.get("type") == MANDATE]
    if bool(entries) != sign_in.delegated or len(entries) > 1:
        raise SignInError("ID token and token response disagree about who is represented")
    if not entries:
        return None
    if entries[0].get("principal") != sign_in.principal:
        raise SignInError("ID token and token response disagree about the principal")
    found: Mapping[str, Any] = entries[0]
    return found


def _chain(represents: Any) -> list[Someone]:
    chain = []
    while represents is not None:
        if not isinstance(represents, dict) or not isinstance(represents.get("sub"), str):
            raise SignInError("the ID token's `represents` has no known shape")
        chain.append(Someone(represents["sub"], represents.get("name", "Onbekend")))
        represents = represents.get("represents")
    return chain
