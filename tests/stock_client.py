"""A login by a client that nobody here wrote: Authlib's own, with the discovery document alone."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from http_browser import Browser

CALLBACK = "http://127.0.0.1:9/callback"


def register(
    village, client_id: str, *options: str, scopes: tuple[str, ...] = ("openid", "profile")
) -> str | None:
    """Register a client on the running broker by the command line; returns its secret."""
    given = [part for scope in scopes for part in ("--scope", scope)]
    command = ["clients", "add", "--id", client_id, "--redirect-uri", CALLBACK, *given, *options, "--json"]
    done = village.volmacht(*command)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["client_secret"]


class StockClient:
    """One registered client, driving one browser."""

    def __init__(self, village, client_id: str, secret: str | None, scope: str = "openid profile") -> None:
        self.metadata = requests.get(f"{village.broker}/.well-known/openid-configuration", timeout=10).json()
        self.browser = Browser()
        self.session = OAuth2Session(
            client_id,
            secret,
            scope=scope,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )
        self.nonce = ""

    def authorize(self, persona: str | None, choice: str | None = None, **extra: str) -> str:
        """Walk from the authorization endpoint to the callback; returns the callback's address."""
        self.verifier = generate_token(48)
        self.nonce = generate_token(16)
        url, self.state = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce, **extra
        )
        return self.walk(url, persona, choice)

    def walk(self, url: str, persona: str | None, choice: str | None = None) -> str:
        """Follow redirects and answer the pages until the browser is sent to the callback."""
        browser = self.browser
        try:
            page = browser.open(url)
            if persona and any(form.attributes.get("id") == "aanmelden" for form in page.forms):
                page = browser.sign_in(persona)
            if choice:
                page = browser.submit(page.form("keuze"), press=choice)
        except requests.ConnectionError as error:
            # Nobody listens at the callback: the address that could not be reached is the answer.
            return str(error.request.url) if error.request else ""
        raise AssertionError(f"never came back: {page.status} {page.url} {page.text[:300]}")

    def tokens(self, callback: str) -> dict:
        """Redeem the code, as the library does."""
        answer = parse_qs(urlsplit(callback).query)
        assert answer["iss"] == [self.metadata["issuer"]]
        return self.session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            state=self.state,
            code_verifier=self.verifier,
        )

    def id_token(self, token: dict) -> dict:
        """The ID token, verified with the published keys."""
        keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=10).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.metadata["issuer"]},
            aud={"essential": True, "value": self.session.client_id},
            nonce={"essential": True, "value": self.nonce},
            exp={"essential": True},
        ).validate(claims)
        return claims
