"""Token exchange, mandate-bound: an officer's back end asks for a token for a beneficiary who is absent.

Each request brings a fresh `private_key_jwt` assertion and an officer's actor token; mandate and
executor are judged in PostgreSQL, the assertion's mark is set in Valkey, status index and journal
row are durable, and an ES256 token is signed. Half of the requests are for somebody new in that
session (a fresh index), half come back to somebody (the index is extended). A second figure has a
DPoP proof in each request as well. VOLMACHT_BENCH_MANDATES=10000,1000000 compares two sizes.
"""

from __future__ import annotations

import itertools
import random
import secrets
import sys
import time
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from joserfc.jwk import ECKey  # noqa: E402
from shared import load  # noqa: E402
from shared.measured import measure, plain  # noqa: E402
from shared.places import figure  # noqa: E402
from shared.population import organisation_id, uuid_of  # noqa: E402
from shared.serving import MANDATES, Place, place  # noqa: E402

from broker.app import create_app  # noqa: E402
from broker.records import Audience, Client  # noqa: E402
from keys.encoding import encode_base64url  # noqa: E402
from provers import Prover, sign_raw  # noqa: E402

DESK, TARGET = "https://desk.example.be/api", "https://vouchers.example.be/api"
SCOPES = frozenset({"obo:vouchers:read", "obo:vouchers:order"})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SESSIONS = 200
THREADS = 16
"""While some wait for a commit, the others fill the next one."""
MARKER = b'"token_type"'


class Exchange:
    """What the load sends: a back end, its key, and the officers whose tokens it received."""

    def __init__(self, country: Place) -> None:
        self.place = country
        self.key = ECKey.generate_key("P-256")
        self.kid = str(self.key.thumbprint())
        self.prover = Prover()
        self.draw = random.Random(4)
        public = self.key.as_dict(private=False, alg="ES256", use="sig", kid=self.kid)
        desk = Audience(DESK, "Desk", "desk", scopes=frozenset({"mandate:use"}))
        vouchers = Audience(TARGET, "Vouchers", "vouchers", delegation_aware=True, scopes=SCOPES)
        self.client = Client(
            id="desk-api", name="Desk", profile="compatible", auth="private_key_jwt", exchange=True,
            scopes=SCOPES | {"mandate:use"}, audiences=(TARGET, DESK), serves=(DESK,), sector="desk",
            mandate_types=("ocmw-beneficiary",), jwks={"keys": [public]},
        )  # fmt: skip
        country.register(self.client, desk, vouchers)
        now = int(time.time())
        ocmws = range(0, min(country.population.organisations, 2 * SESSIONS), 2)
        self.officers = []
        for number in itertools.islice(itertools.cycle(ocmws), SESSIONS):
            session = country.sign_in(
                country.population.officer(number), now, organisation=organisation_id(number)
            )
            self.officers.append((number, country.self_token(self.client, session, desk, now)))
        self.people = self._by_ocmw()

    def _by_ocmw(self) -> dict[int, list[str]]:
        """The references of the mandates that each OCMW has, as this client calls them."""
        population, vault = self.place.population, self.place.services.vault
        wanted, found = {number for number, _ in self.officers}, {}
        for person in range(min(population.people, 60_000)):
            ocmw = population.ocmw_of(person)
            if ocmw in wanted and len(found.setdefault(ocmw, [])) < 400:
                found[ocmw].append(vault.pseudonym("m-", "desk", uuid_of(12, person)))
        return found

    def requests(self, count: int, *, dpop: bool = False) -> list[bytes]:
        """So many, each with an assertion of its own; every second one comes back to an earlier pair."""
        port, now, seen, made = self.place.port, int(time.time()), [], []
        if dpop:
            self.learn_nonce()
        for number in range(count):
            if number % 2 and seen:
                token, reference = self.draw.choice(seen[-2000:])
            else:
                ocmw, token = self.draw.choice(self.officers)
                reference = self.draw.choice(self.people[ocmw])
                seen.append((token, reference))
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(now),
                "subject_token": reference, "subject_token_type": "urn:volmacht:token-type:mandate",
                "actor_token": token, "actor_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "resource": TARGET, "scope": "obo:vouchers:read",
            }  # fmt: skip
            headers = {"DPoP": self.proof()} if dpop else {}
            made.append(load.post("/token", port, form, headers))
        return made

    def assertion(self, now: int) -> str:
        issuer = self.place.issuer
        claims = {
            "iss": self.client.id, "sub": self.client.id, "aud": issuer, "iat": now, "exp": now + 500,
            "jti": encode_base64url(secrets.token_bytes(16)),
        }  # fmt: skip
        return sign_raw({"alg": "ES256", "kid": self.kid}, claims, self.key)

    def proof(self) -> str:
        return self.prover.proof("POST", f"{self.place.issuer}/token")

    def learn_nonce(self) -> None:
        """As a client does: by a request that is refused for the lack of one."""
        app = create_app(self.place.services.settings, self.place.services)
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(int(time.time())),
        }  # fmt: skip
        self.prover.learn(app.test_client().post("/token", data=form, headers={"DPoP": self.proof()}))


def main() -> None:
    floor, rates = plain(), []
    for size in MANDATES:
        with place(size, THREADS) as country:
            sent = Exchange(country)
            rates.append(measure(f"token_exchange_{size}", floor, country, sent.requests, MARKER))
            if size == MANDATES[0]:
                proven = partial(sent.requests, dpop=True)
                measure(f"token_exchange_dpop_{size}", floor, country, proven, MARKER)
    if len(rates) > 1:
        figure("token_exchange_growth", rates[0] / rates[-1], "times slower")


if __name__ == "__main__":
    main()
