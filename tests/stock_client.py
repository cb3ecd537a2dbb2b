"""A login by a client that nobody here wrote: Authlib's own, with the discovery document alone."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Auth, OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from http_browser import Browser
from provers import Prover

CALLBACK = "http://127.0.0.1:9/callback"


def register(
    village, client_id: str, *options: str, scopes: tuple[str, ...] = ("openid", "profile")
) -> str | None:
    """Register a client on the running broker by the command line; returns its secret."""
    given = [part for scope in scopes for part in ("--scope", scope)]
    command = ["clients", "add", "--id", client_id, "--redirect-uri", CALLBACK, *given, *options, "--json"]
    done = village.volmacht(*command)
    assert done.returncode == 0, done.stderr
    wait_until_known(village, client_id)
    return json.loads(done.stdout)["client_secret"]


def wait_until_known(village, client_id: str) -> None:
    """A running broker hears of a registration within about a second: until then it sends nobody back there."""
    query = {"client_id": client_id, "response_type": "code", "redirect_uri": CALLBACK}
    deadline = time.monotonic() + 10
    while (
        requests.get(f"{village.broker}/authorize", query, allow_redirects=False, timeout=10).status_code
        == 400
    ):
        assert time.monotonic() < deadline, f"the broker never heard of {client_id}"
        time.sleep(0.1)


def in_header(token, uri, headers, body, placement):
    """RFC 9449 section 7.1: the scheme of a bound token; nowhere but in the header."""
    headers["Authorization"] = f"DPoP {token}"
    return uri, headers, body


class ProvenToken(OAuth2Auth):
    """Authlib lacks the scheme, but has a table for it."""

    SIGN_METHODS = OAuth2Auth.SIGN_METHODS | {"dpop": in_header}


class ProvingSession(OAuth2Session):
    """Authlib's session with a proof on each request, made once more when the server gives its nonce."""

    token_auth_class = ProvenToken

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.prover = Prover()

    def request(self, method, url, withhold_token=False, auth=None, headers=None, **options):
        shown = self.token and not withhold_token and auth is None
        token = self.token["access_token"] if shown else None

        def attempt():
            given = dict(headers or {}) | {"DPoP": self.prover.proof(method, url, token)}
            return super(ProvingSession, self).request(
                method, url, withhold_token, auth, headers=given, **options
            )

        return self.prover.send(attempt)


class StockClient:
    """One registered client, driving one browser; with `dpop` its tokens are bound to a key."""

    def __init__(
        self,
        village,
        client_id: str,
        secret: str | None,
        scope: str = "openid profile",
        *,
        dpop: bool = False,
    ) -> None:
        self.metadata = requests.get(f"{village.broker}/.well-known/openid-configuration", timeout=10).json()
        self.browser = Browser()
        self.session = (ProvingSession if dpop else OAuth2Session)(
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
