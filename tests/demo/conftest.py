"""A browser and an application against the simulated ACM: no rules, only hands."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from demo.acm.app import create_acm
from demo.acm.relying_party import RelyingParty
from demo.village import load_village

ISSUER = "http://127.0.0.1:8001/op"
CALLBACK = "http://127.0.0.1:8000/login/acm/callback"
AFTER_LOGOUT = "http://127.0.0.1:8000/"
EID = "urn:be:vlaanderen:authmech:eid"
ITSME = "urn:be:vlaanderen:authmech:itsme"
SCOPES = "openid profile rrn vo dienstencheques"
CLIENT_KEY = ECKey.generate_key("P-256")
ACM_KEY = RSAKey.generate_key(2048)
BASIC = {"Authorization": "Basic " + base64.b64encode(b"with-secret:a%2Bsecret").decode()}


@dataclass
class Now:
    """A clock that tests turn."""

    at: int = 1_795_420_000

    def __call__(self) -> int:
        return self.at


@dataclass
class Browser:
    """One browser; `now` is ACM's clock."""

    issuer = ISSUER
    now: Now = field(default_factory=Now)
    http: FlaskClient = None

    def __post_init__(self):
        shared = {
            "redirect_uris": (CALLBACK,),
            "scopes": frozenset(SCOPES.split()),
            "post_logout_redirect_uris": (AFTER_LOGOUT,),
        }
        parties = [
            RelyingParty("with-secret", mechanisms=frozenset({EID, ITSME}), secret="a+secret", **shared),
            RelyingParty(
                "with-key",
                mechanisms=frozenset({EID}),
                jwks=KeySet([CLIENT_KEY]).as_dict(private=False),
                **shared,
            ),
        ]
        self.http = create_acm(ISSUER, load_village(), parties, ACM_KEY, self.now).test_client()

    def ask(self, **changes):
        """GET /op/v1/auth; a parameter that is None is left out."""
        query = {
            "response_type": "code",
            "client_id": "with-secret",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "s",
            "nonce": "n",
        }
        query = {name: value for name, value in (query | changes).items() if value is not None}
        return self.http.get("/op/v1/auth", query_string=query)

    def choose(self, page, persona):
        """Post the form of this page."""
        transaction = re.search(r'name="transaction" value="([^"]+)"', page.text).group(1)
        return self.http.post("/op/v1/auth", data={"transaction": transaction, "persona": persona})

    def sign_in(self, persona="an", **changes):
        """Ask and choose; the query of the answer."""
        return self.answer(self.choose(self.ask(**changes), persona))

    def redeem(self, code, headers=BASIC, **changes):
        """POST /op/v1/token."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        form = {name: value for name, value in (form | changes).items() if value is not None}
        return self.http.post("/op/v1/token", data=form, headers=headers)

    def id_claims(self, persona="an", **changes):
        """Claims of the ID token after a whole sign-in."""
        response = self.redeem(self.sign_in(persona, **changes)["code"])
        return jwt.decode(response.json["id_token"], ACM_KEY, algorithms=["RS256"]).claims

    def person_of(self, code):
        """Given name of the person that this code is for."""
        token = self.redeem(code).json["id_token"]
        return jwt.decode(token, ACM_KEY, algorithms=["RS256"]).claims["given_name"]

    def assertion(self, **changes):
        """The form fields of private_key_jwt."""
        claims = {"iss": "with-key", "sub": "with-key", "aud": ISSUER, "jti": "j", "iat": self.now.at}
        claims = claims | {"exp": self.now.at + 60} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return {
            "client_id": "with-key",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "ES256"}, claims, CLIENT_KEY),
        }

    @staticmethod
    def answer(response):
        """The query that the application gets; the response must be a redirect to its callback."""
        assert response.status_code == 303, response.text
        location = response.headers["Location"]
        assert location.startswith(f"{CALLBACK}?")
        return dict(parse_qsl(urlsplit(location).query))


@pytest.fixture(name="browser")
def _browser():
    return Browser()
