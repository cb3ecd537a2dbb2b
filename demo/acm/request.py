"""An authorization request at ACM, checked in full before anybody sees a page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from werkzeug.datastructures import MultiDict

from demo.acm.relying_party import RelyingParty


class UntrustedReturnError(Exception):
    """Unknown application or return address: tell the person, never redirect (RFC 6749 4.1.2.1)."""

    code: ClassVar[str] = "untrusted_return"


class AuthorizationRefusedError(Exception):
    """The request is refused at once; the application hears it at its return address."""

    code: ClassVar[str] = "authorization_refused"

    def __init__(self, error: str, description: str, redirect_uri: str, state: str | None) -> None:
        super().__init__(description)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an application may ask, checked."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    """S256; None for an application without PKCE."""
    asked_mechanisms: bool
    """Whether `acr_values` was sent: only then does the ID token say `acr`."""
    mechanisms: frozenset[str]
    """Means that are good enough: what was asked and what the application may use."""
    prompt: frozenset[str]
    max_age: int | None
    """Seconds since the person chose, at most (OpenID Connect Core 3.1.2.1)."""
    switch: bool
    """`login_hint` asked to choose again."""

    def may_be_answered_by(self, acr: str | None, age: int) -> bool:
        """Whether a sign-on with this means, of so many seconds ago, may answer by itself."""
        young = self.max_age is None or age <= self.max_age
        return acr in self.mechanisms and young and not self.fresh_choice

    @property
    def fresh_choice(self) -> bool:
        """Whether a running sign-on may not answer by itself."""
        return self.switch or "login" in self.prompt


def parse(args: MultiDict[str, str], parties: Mapping[str, RelyingParty]) -> AuthorizationRequest:
    """Check everything. Raise `UntrustedReturnError` or `AuthorizationRefusedError`."""
    party = parties.get(args.get("client_id", ""))
    redirect_uri = args.get("redirect_uri", "")
    if party is None:
        raise UntrustedReturnError("Deze toepassing is niet bekend bij ACM.")
    if redirect_uri not in party.redirect_uris:
        raise UntrustedReturnError("Het terugkeeradres van deze toepassing is niet geregistreerd.")
    fault = _fault(args, party)
    if fault is not None:
        raise AuthorizationRefusedError(*fault, redirect_uri, args.get("state"))
    asked = frozenset(args.get("acr_values", "").split())
    return AuthorizationRequest(
        client_id=party.client_id,
        redirect_uri=redirect_uri,
        scopes=tuple(args["scope"].split()),
        state=args.get("state"),
        nonce=args.get("nonce"),
        code_challenge=args.get("code_challenge"),
        asked_mechanisms=bool(asked),
        mechanisms=party.mechanisms & asked if asked else party.mechanisms,
        prompt=frozenset(args.get("prompt", "").split()),
        max_age=int(args["max_age"]) if "max_age" in args else None,
        switch=_asks_switch(args.get("login_hint", "")),
    )


def _fault(args: MultiDict[str, str], party: RelyingParty) -> tuple[str, str] | None:
    """Error code and description of the first thing that is wrong, if any."""
    scopes = args.get("scope", "").split()
    checks = (
        (any(len(args.getlist(name)) > 1 for name in args), "invalid_request", "a parameter is repeated"),
        (args.get("response_type") != "code", "unsupported_response_type", "only code is supported"),
        (args.get("response_mode", "query") != "query", "invalid_request", "only query is simulated"),
        ("openid" not in scopes, "invalid_scope", "scope openid is missing"),
        # One scope too many fails the whole request before any sign-in.
        (not party.scopes.issuperset(scopes), "invalid_scope", "a scope is not allowed for this client"),
        (not args.get("max_age", "0").isdecimal(), "invalid_request", "max_age must be a number"),
        (
            "code_challenge" in args and args.get("code_challenge_method") != "S256",
            "invalid_request",
            "code_challenge_method must be S256",
        ),
    )
    return next(((error, text) for wrong, error, text in checks if wrong), None)


def _asks_switch(login_hint: str) -> bool:
    """Whether the hint is base64 of `{"switch_id": true}`, as ACM's page on switching says."""
    try:
        hint = json.loads(base64.b64decode(login_hint + "=" * (-len(login_hint) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(hint, dict) and hint.get("switch_id") is True
