"""A browser at the flow world's own pages, without a server: it follows redirects until it leaves the broker.

At the upstream it is signed in at once, as whoever the test put in `world.upstream.answer`.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from api_world import SECRET, ApiWorld
from attack_tools import challenge
from broker.flows import registry
from broker.records import Client, Session, UpstreamLogin
from flow_world import ACM, EXECUTOR_ROLE, ISSUER, OCMW
from http_browser import Page
from mandates.model import Level

HOPS = 20
ANY_MANDATE = [{"type": "urn:volmacht:mandate"}]


@dataclass
class Landing:
    """A page of ours, or the address outside to which the browser was sent."""

    page: Page
    left_for: str | None = None

    @property
    def query(self) -> dict[str, str]:
        assert self.left_for is not None, self.page.text[:400]
        return {name: values[0] for name, values in parse_qs(urlsplit(self.left_for).query).items()}

    @property
    def choices(self) -> list[str]:
        """The keys on the chooser."""
        assert self.left_for is None, self.left_for
        return [value for name, value, _ in self.page.form("keuze").buttons if name == "choice"]


@dataclass
class Visitor:
    """One browser with its cookies."""

    world: ApiWorld
    trail: list[str] = field(default_factory=list)
    """Every address that it was sent to."""

    def __post_init__(self) -> None:
        self.http = self.world.app.test_client()

    def go(self, url: str, data: Any = None) -> Landing:
        method = "GET" if data is None else "POST"
        for _ in range(HOPS):
            parts = urlsplit(urljoin(ISSUER, url))
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            answer = self.http.open(path, base_url=ISSUER, method=method, data=data)
            page = Page(
                SimpleNamespace(url=urljoin(ISSUER, url), status_code=answer.status_code, text=answer.text)
            )
            if "Location" not in answer.headers:
                return Landing(page)
            url = urljoin(page.url, answer.headers["Location"])
            self.trail.append(url)
            if url.startswith(self.world.upstream.issuer):
                url = self.at_upstream(url)
            elif not url.startswith(f"{ISSUER}/"):
                return Landing(page, url)
            method, data = "GET", None
        raise AssertionError(f"sent in a circle: {self.trail[-4:]}")

    def at_upstream(self, url: str) -> str:
        state = parse_qs(urlsplit(url).query)["state"][0]
        return f"{ISSUER}/login/acm/callback?{urlencode({'state': state, 'code': 'c'})}"

    def press(self, landing: Landing, choice: str, **changes: Any) -> Landing:
        """Press a line of the chooser."""
        values = dict(landing.page.form("keuze").values) | {"choice": choice} | changes
        return self.go(landing.page.url, values)

    def carry(self, session: Session) -> None:
        """Have the cookie of a session that was made elsewhere."""
        secret = self.world.cookies[session.id]
        self.http.set_cookie("__Host-volmacht_session", secret, domain=urlsplit(ISSUER).hostname)


def app(world: ApiWorld, key: str = "voucher-web", **changes: Any) -> Client:
    """A registered client that can prove itself at our endpoints."""
    return world.client(key, **({"secret_sha256": registry.secret_digest(SECRET)} | changes))


def says(world: ApiWorld, name: str = "Bram", *, executor: bool = False, **login: Any) -> None:
    """What the upstream will say of whoever comes next."""
    organisation = {"organisation_code": OCMW, "roles": (EXECUTOR_ROLE,)} if executor else {}
    plain = {"level": Level.HIGH, "issued_at": world.now, "id_token": ""}
    world.upstream.answer = UpstreamLogin(ACM, name, name, **(plain | organisation | login))


def request_of(client: Client, **changes: Any) -> tuple[dict[str, str], str]:
    """An authorization request with its verifier; None leaves a parameter out, JSON is made of lists."""
    verifier = secrets.token_urlsafe(48)
    plain = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect_uris[0],
        "scope": " ".join(sorted(client.scopes)),
        "state": "state-of-the-client",
        "nonce": "n",
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    values = {name: value for name, value in (plain | changes).items() if value is not None}
    return {k: json.dumps(v) if isinstance(v, list | dict) else str(v) for k, v in values.items()}, verifier


def address_of(client: Client, **changes: Any) -> str:
    return "/authorize?" + urlencode(request_of(client, **changes)[0])


def push(world: ApiWorld, client: Client, **changes: Any) -> tuple[Any, str]:
    """The answer of the PAR endpoint, and the verifier."""
    values, verifier = request_of(client, **changes)
    return world.http.post("/par", data=values, auth=(client.id, SECRET)), verifier


def redeem(world: ApiWorld, client: Client, code: str, verifier: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uris[0],
        "code_verifier": verifier,
    }
    return world.http.post("/token", data=form, auth=(client.id, SECRET))
