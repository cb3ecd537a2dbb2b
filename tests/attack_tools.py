"""What an attacker has: registered applications of her own, browsers that stop before they leave, forged tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from joserfc.jwk import ECKey

from http_browser import Form, Page
from provers import DROP, Prover, b64, kept, sign_raw

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MANDATE = json.dumps([{"type": "urn:volmacht:mandate"}])


def plain_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Landing:
    """Where a browser came to: a page of the village, or an address outside that it was sent to."""

    response: requests.Response
    left_for: str | None = None
    trail: list[requests.Response] = field(default_factory=list)

    @property
    def page(self) -> Page:
        assert self.left_for is None, f"the browser was sent to {self.left_for}"
        return Page(self.response)

    @property
    def query(self) -> dict[str, str]:
        """Parameters that the browser carries out of the village."""
        assert self.left_for is not None, self.response.text[:600]
        return {name: values[0] for name, values in parse_qs(urlsplit(self.left_for).query).items()}


class Person:
    """A browser that follows redirects inside the village and stops before it leaves it."""

    def __init__(self, village: Any) -> None:
        self.village = village
        self.http = plain_session()
        self.inside = {urlsplit(one).netloc for one in (village.broker, village.acm)}

    def go(self, url: str, data: Any = None, **options: Any) -> Landing:
        method, trail = ("GET" if data is None else "POST"), []
        while True:
            response = self.http.request(method, url, data=data, allow_redirects=False, timeout=30, **options)
            trail.append(response)
            if "Location" not in response.headers:
                return Landing(response, None, trail)
            url = urljoin(response.url, response.headers["Location"])
            if urlsplit(url).netloc not in self.inside:
                return Landing(response, url, trail)
            method, data, options = "GET", None, {}

    def submit(self, page: Page, form: Form, press: str = "", **typed: Any) -> Landing:
        values = [pair for pair in form.values if pair[0] not in typed]
        for name, value in typed.items():
            values.extend((name, one) for one in (value if isinstance(value, list) else [value]))
        if press:
            button = next(button for button in form.buttons if press in button[2])
            values.append(button[:2])
        return self.go(urljoin(page.url, form.attributes.get("action") or page.url), values)

    def sign_in(self, persona: str) -> Landing:
        """Through the simulated ACM, to the portal."""
        return self.at_acm(self.go(f"{self.village.broker}/login?terug=/portal/"), persona)

    def at_acm(self, landing: Landing, persona: str) -> Landing:
        return self.submit(landing.page, landing.page.form("aanmelden"), persona=persona)

    def at_portal(self, path: str = "") -> Page:
        return self.go(self.village.portal + path).page

    @property
    def session_cookie(self) -> str | None:
        return self.http.cookies.get("volmacht_session")

    def form_token(self) -> str:
        """The token of a `mandate` form of this person's own session, as any page with one shows it."""
        for path in ("medewerkers", "begunstigden/nieuw", "", "aanvragen"):
            for form in self.at_portal(path).forms:
                action = form.attributes.get("action", "")
                if "afmelden" not in action and dict(form.values).get("token"):
                    return dict(form.values)["token"]
        raise AssertionError("no form")


@dataclass
class App:
    """One registered client and all it can do by itself."""

    issuer: str
    id: str
    redirect_uri: str
    scope: str
    key: ECKey | None = None
    secret: str | None = None
    prover: Prover = field(default_factory=Prover)
    """Its DPoP key: a client with a key gets tokens that are bound to this one, and no others."""

    def request(self, **changes: Any) -> tuple[dict[str, Any], str]:
        """An authorization request with a fresh verifier; `DROP` leaves a parameter out."""
        verifier = secrets.token_urlsafe(48)
        values = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            "authorization_details": MANDATE if self.key else DROP,
        } | changes
        return kept(values), verifier

    def address(self, **changes: Any) -> tuple[str, str]:
        """Where a browser starts: pushed when this client must, plain otherwise; with the verifier."""
        values, verifier = self.request(**changes)
        if self.key:
            pushed = self.push(values)
            assert pushed.status_code == 201, pushed.text
            values = {"client_id": self.id, "request_uri": pushed.json()["request_uri"]}
        return str(requests.Request("GET", f"{self.issuer}/authorize", params=values).prepare().url), verifier

    def assertion(self, key: ECKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        body = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + 60,
        } | claims
        signer = key or self.key
        assert signer is not None
        top = {"alg": "ES256", "kid": signer.thumbprint()} | (header or {})
        return sign_raw(top, kept(body), signer)

    def credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """(form, headers) with which this client proves itself."""
        if self.key:
            return {
                "client_id": self.id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self.assertion(),
            }, {}
        if self.secret:
            return {}, {"Authorization": basic(self.id, self.secret)}
        return {"client_id": self.id}, {}

    def post(
        self, path: str, *, headers: dict[str, str] | None = None, proves: bool | None = None, **form: Any
    ) -> requests.Response:
        """As this client; with a proof when it has a key and asks for tokens, or as `proves` says."""
        url = f"{self.issuer}{path}"
        proves = (self.key is not None and path == "/token") if proves is None else proves

        def attempt() -> requests.Response:
            credentials, own = self.credentials()
            if proves:
                own |= {"DPoP": self.prover.proof("POST", url)}
            return plain_session().post(
                url, data=credentials | form, headers=own | (headers or {}), timeout=30, allow_redirects=False
            )

        return self.prover.send(attempt)

    def call(self, url: str, token: str, method: str = "GET", **options: Any) -> requests.Response:
        """An API, with a token of this client and its proof."""

        def attempt() -> requests.Response:
            headers = {
                "Authorization": f"DPoP {token}",
                "DPoP": self.prover.proof(method, url, token),
            }
            return plain_session().request(method, url, headers=headers, timeout=30, **options)

        return self.prover.send(attempt)

    def push(self, values: dict[str, Any], *, proves: bool = False) -> requests.Response:
        own = {name: value for name, value in values.items() if name != "client_id" or not self.key}
        return self.post("/par", proves=proves, **own)

    def redeem(
        self, code: str, verifier: str, /, *, proves: bool | None = None, **changes: Any
    ) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        } | changes
        return self.post("/token", proves=proves, **kept(form))

    def refresh(self, token: str, **changes: Any) -> requests.Response:
        return self.post("/token", grant_type="refresh_token", refresh_token=token, **changes)

    def code(self, person: Person, choose: str = "Voor mezelf", **changes: Any) -> tuple[str, str]:
        """A code for a signed-in person who presses the line with `choose` on the chooser, if there is one."""
        address, verifier = self.address(**changes)
        landing = person.go(address)
        if landing.left_for is None:
            landing = person.submit(landing.page, landing.page.form("keuze"), press=choose)
        assert "code" in landing.query, landing.left_for
        return landing.query["code"], verifier

    def tokens(self, person: Person, choose: str = "Voor mezelf", **changes: Any) -> dict[str, Any]:
        answer = self.redeem(*self.code(person, choose, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def active(self, token: str) -> dict[str, Any]:
        answer = self.post("/introspect", token=token)
        assert answer.status_code == 200, answer.text
        return answer.json()


def challenge(verifier: str) -> str:
    return b64(hashlib.sha256(verifier.encode()).digest())


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified: to look, never to trust."""
    return part(token, 1)


def header_of(token: str) -> dict[str, Any]:
    return part(token, 0)


def part(token: str, place: int) -> dict[str, Any]:
    text = token.split(".")[place]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def unsigned(token: str, **header: Any) -> str:
    """The claims of a good token under a header that needs no signature."""
    top = {
        name: value
        for name, value in (header_of(token) | {"alg": "none"} | header).items()
        if value is not DROP
    }
    return b64(json.dumps(top).encode()) + "." + token.split(".")[1] + "."


ABOUT = {"powers": ["vouchers:read", "vouchers:order"], "evidence": "Formulier"}


def ask(officer, number, name, **changes):
    page = officer.at_portal("begunstigden/nieuw")
    return officer.submit(
        page, page.form("begunstigde"), **({"name": name, "insz": number} | ABOUT | changes)
    )


def newest(land, number):
    with land.services.database.read() as uow:
        found = uow.mandates.of_principal(land.party_of(number))
    return max(found, key=lambda one: one.requested_at).id


def ask_and_approve(land, officer, second, number, name, **changes):
    assert ask(officer, number, name, **changes).response.status_code == 200
    mandate = newest(land, number)
    landing = second.go(
        f"{second.village.portal}aanvragen/{mandate}/goedkeuren", {"token": second.form_token()}
    )
    assert landing.response.status_code == 200
    assert state(land, mandate).activated_at is not None
    return mandate


def state(land, mandate):
    with land.services.database.read() as uow:
        return uow.mandates.find(mandate)
