"""The flow world with two services that exchange tokens: what each registered, holds and sends."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

from joserfc.jwk import ECKey

from attack_tools import ASSERTION_TYPE
from broker.app import create_app
from broker.flows import exchange
from broker.records import Client, JournalEntry, Session, StatusEntry
from flow_world import DELEGATED, ISSUER, OTHER, OWN, SCOPES, VOUCHERS, FlowWorld, access_claims
from keys.tokens import sign
from mandates.model import Mandate, Party
from provers import DROP, Prover, kept, sign_raw

API = f"{ISSUER}/api/v1"
USE = "mandate:use"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
MANDATE = "urn:volmacht:token-type:mandate"
READ, ORDER = "obo:vouchers:read", "obo:vouchers:order"


class ExchangeWorld(FlowWorld):
    """`voucher-web` signs people in; `voucher-api` is VOUCHERS and calls OTHER, which `company-api` is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        knows = OWN | DELEGATED | {USE}
        self.audience(scopes=knows)
        self.audience(uri=OTHER, name="Companies", sector="companies", scopes=knows)
        self.web = self.client(scopes=SCOPES | {USE})
        self.key = ECKey.generate_key("P-256")
        self.jkt = str(self.key.thumbprint())
        self.api = self.service()
        self.next = self.service("company-api", serves=(OTHER,), audiences=(VOUCHERS,))
        self.http = create_app(self.services.settings, self.services).test_client()

    def service(self, key: str = "voucher-api", **changes: Any) -> Client:
        """A back end with a key of its own, registered for exchange."""
        public = self.key.as_dict(private=False, alg="ES256", use="sig", kid=self.jkt)
        plain: dict[str, Any] = {
            "auth": "private_key_jwt", "redirect_uris": (), "scopes": SCOPES | {USE}, "sector": key,
            "audiences": (OTHER,), "serves": (VOUCHERS,), "exchange": True, "jwks": {"keys": [public]},
        }  # fmt: skip
        return self.client(key, **(plain | changes))

    def reference(self, given: Mandate, client: Client | None = None) -> str:
        """What the service calls a mandate."""
        return self.key_of(client or self.api, given)

    # --- tokens that people have ---

    def self_token(self, session: Session, client: Client | None = None, **request: Any) -> str:
        """Of this person for herself; with `jkt`, bound to that key."""
        return self.issued(session, "self", client, **request)

    def issued(self, session: Session, key: str, client: Client | None = None, **request: Any) -> str:
        client = client or self.web
        jkt = request.pop("jkt", None)
        asked = self.ask(client, session, **request)
        code = self.choose(asked, session, key)
        return str(self.redeem(client, code, jkt=jkt)["access_token"])

    def delegated(self, session: Session, given: Mandate, **request: Any) -> str:
        """Of this person for whoever gave the mandate."""
        return self.issued(session, self.key_of(self.web, given), **request)

    def forged(self, claims: dict[str, Any], typ: str = "at+jwt") -> str:
        """Signed by the broker's own key: what only a fault of ours would let out."""
        return sign(kept(claims), self.services.keyring().signing_key("tokens", self.now), typ)

    # --- exchanging, as a flow ---

    def caller(self, client: Client | None = None, jkt: str | None = None) -> exchange.Caller:
        return exchange.Caller(client or self.api, jkt, self.jkt)

    def act(self, given: Mandate | str, actor_token: str, **changes: Any) -> dict[str, Any]:
        """Mandate-bound, for reading vouchers unless `scope` says otherwise."""
        client = changes.pop("client", self.api)
        caller = self.caller(client, changes.pop("jkt", None))
        subject = given if isinstance(given, str) else self.reference(given, client)
        asked = exchange.Asked(subject, (OTHER,), frozenset({READ}), actor_token)
        return exchange.mandate_bound(self.services, caller, replace(asked, **changes), self.now)

    def narrow(self, token: str, **changes: Any) -> dict[str, Any]:
        caller = self.caller(changes.pop("client", self.api), changes.pop("jkt", None))
        asked = replace(exchange.Asked(token, (OTHER,)), **changes)
        return exchange.narrow(self.services, caller, asked, self.now)

    # --- exchanging, on the wire ---

    def proof(self, prover: Prover, url: str, token: str | None = None, **claims: Any) -> str:
        """A DPoP proof of this moment."""
        method = claims.pop("method", "POST")
        return prover.proof(method, url, token, **({"iat": self.now} | claims))

    def assertion(self, client: Client, **claims: Any) -> str:
        body = {
            "iss": client.id, "sub": client.id, "aud": ISSUER, "jti": secrets.token_urlsafe(9),
            "iat": self.now, "exp": self.now + 60,
        } | claims  # fmt: skip
        return sign_raw({"alg": "ES256", "kid": self.jkt}, body, self.key)

    def post(self, client: Client | None = None, *, headers: Any = None, **form: Any) -> Any:
        """The exchange that `form` asks for, by a client that proves who it is; `DROP` leaves a field out."""
        client = client or self.api
        credentials = {
            "client_id": client.id, "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(client), "grant_type": EXCHANGE,
        }  # fmt: skip
        return self.http.post("/token", data=kept(credentials | form), headers=headers or {})

    def post_act(self, given: Mandate | str, actor_token: str, /, **changes: Any) -> Any:
        """As `act`, on the wire."""
        subject = given if isinstance(given, str) else self.reference(given)
        plain = {
            "subject_token": subject, "subject_token_type": MANDATE, "actor_token": actor_token,
            "actor_token_type": ACCESS_TOKEN, "resource": OTHER, "scope": READ,
        }  # fmt: skip
        return self.post(**(plain | changes))

    def post_narrow(self, token: str, /, **changes: Any) -> Any:
        """As `narrow`, on the wire."""
        plain = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "resource": OTHER}
        return self.post(**(plain | changes))

    # --- what is left of it ---

    def entry_of(self, answer: dict[str, Any]) -> StatusEntry:
        reference = access_claims(answer)["status"]["status_list"]
        with self.services.database.read() as uow:
            found = uow.status.entry(reference["uri"].rpartition("/")[2], reference["idx"])
        assert found is not None
        return found

    def stored(self, party: str) -> Party:
        with self.services.database.read() as uow:
            return uow.parties.get(party)

    def rows(self, kind: str) -> list[JournalEntry]:
        """Of the journal, oldest first."""
        with self.services.database.read() as uow:
            return [row for row in reversed(uow.journal.tail(1000)) if row.type == kind]


def said(answer: Any) -> tuple[int, str, str | None]:
    """Status, error and reason of a refusal; nothing was issued beside it."""
    body = json.loads(answer.data)
    assert "access_token" not in body, body
    return answer.status_code, body["error"], body.get("reason")


__all__ = [
    "ACCESS_TOKEN", "API", "DROP", "EXCHANGE", "MANDATE", "ORDER", "READ", "USE", "ExchangeWorld", "said",
]  # fmt: skip
