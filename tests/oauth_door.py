"""The broker's protocol endpoints in this process, with clients of every kind that knock at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey
from werkzeug.datastructures import Headers

from attack_tools import ASSERTION_TYPE, App, basic
from broker.app import create_app
from broker.flows.registry import secret_digest
from flow_world import ISSUER, FlowWorld
from provers import Prover, kept

SECRET = "a-secret+of%this:test"
SECRET_ENCODED = "a-secret%2Bof%25this%3Atest"
"""A client encodes before it joins (RFC 6749 section 2.3.1)."""
REFRESH = {"grant_type": "refresh_token", "refresh_token": "nobody's"}
PROGRAM = "urn:program:read"


@dataclass
class Door:
    """The broker in this process, and clients of every kind that knock at it."""

    flow: FlowWorld
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    prover: Prover = field(default_factory=Prover)

    def __post_init__(self) -> None:
        self.app = create_app(self.flow.services.settings, self.flow.services)
        digest = secret_digest(SECRET)
        jwks = {"keys": [self.key.as_dict(private=False, alg="ES256", use="sig", kid=self.key.thumbprint())]}
        self.flow.client("basic", secret_sha256=digest)
        self.flow.client("public", profile="public", auth="none")
        self.flow.client("fapi", profile="fapi", auth="private_key_jwt", jwks=jwks, dpop=True, exchange=True)
        self.flow.client("keyed", auth="private_key_jwt", jwks=jwks)
        self.flow.client("program", secret_sha256=digest, redirect_uris=(), scopes=frozenset({PROGRAM}))
        self.http = self.app.test_client()

    def assertion(self, client: str = "fapi", header: dict[str, Any] | None = None, **claims: Any) -> str:
        app, now = App(ISSUER, client, "", "", self.key), self.flow.now
        return app.assertion(header=header, **({"iat": now, "exp": now + 60} | claims))

    def proof(self, path: str = "/token", **claims: Any) -> str:
        return self.prover.proof("POST", ISSUER + path, **({"iat": self.flow.now} | claims))

    def post(self, path: str, form: Any = None, headers: Any = (), **options: Any) -> Any:
        return self.http.post(path, data=form, headers=Headers(headers), base_url=ISSUER, **options)

    def as_fapi(self, path: str = "/token", form: Any = None, **headers: Any) -> Any:
        """With a new assertion; with a proof that has the newest nonce unless `DPoP` says otherwise."""
        sent = headers if "DPoP" in headers else headers | {"DPoP": self.with_nonce()}
        asked = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
        return self.post(path, kept(asked | (REFRESH if form is None else form)), kept(sent).items())

    def with_nonce(self, path: str = "/token", **claims: Any) -> str:
        return self.proof(path, **({"nonce": self.nonce()} | claims))

    def nonce(self) -> str:
        told = self.post("/token", REFRESH | {"client_id": "public"}, [("DPoP", self.proof())])
        assert told.json["error"] == "use_dpop_nonce"
        return str(told.headers["DPoP-Nonce"])

    def as_basic(self, path: str = "/token", form: Any = None, client: str = "basic", **headers: Any) -> Any:
        headers = {"Authorization": basic(client, SECRET_ENCODED)} | headers
        return self.post(path, REFRESH if form is None else form, headers.items())
