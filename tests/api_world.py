"""The flow world with its web application: people and programs that call the REST API with real tokens."""

from __future__ import annotations

from typing import Any

from broker.app import create_app
from broker.flows import registry
from broker.records import Client, Session
from flow_world import ISSUER, VOUCHERS, FlowWorld

API = f"{ISSUER}/api/v1"
SECRET = "a-secret-of-this-test"
PEOPLE = registry.API_SCOPES


class ApiWorld(FlowWorld):
    """`http` is the application's test client; `person(...)` and `program(...)` give bearer headers."""

    def __init__(self, folder: Any, **changes: Any) -> None:
        super().__init__(folder, changes)
        self.app = create_app(self.services.settings, self.services)
        self.http = self.app.test_client()
        self.desk = self.client(
            "desk", scopes=PEOPLE | {"openid", "profile"}, audiences=(API,), sector="desk"
        )
        self.register = self.machine("register", "insz:resolve", "parties:report")
        self.machine("shop", "uses:write", "stock:read", "vouchers:order", audiences=(API, VOUCHERS))

    def machine(self, key: str, *scopes: str, **changes: Any) -> Client:
        plain: dict[str, Any] = {
            "scopes": frozenset(scopes or ("insz:resolve",)),
            "audiences": (API,),
            "redirect_uris": (),
            "sector": key,
            "secret_sha256": registry.secret_digest(SECRET),
        }
        return self.client(key, **(plain | changes))

    def journal(self) -> list[Any]:
        with self.services.database.read() as uow:
            return list(reversed(uow.journal.tail(1000)))

    def stored(self, party: str) -> Any:
        with self.services.database.read() as uow:
            return uow.parties.get(party)

    def called(self, session: Session, sector: str = "desk") -> str:
        """What a client of this sector calls the person of this session."""
        return self.services.vault.pseudonym("p-", sector, session.party)

    def token_of(self, session: Session, client: Client | None = None, **request: Any) -> str:
        """An access token for the API, of this person through this client."""
        return str(self.tokens(client or self.desk, session, wants_mandate=False, **request)["access_token"])

    def bearer(self, token: str, **headers: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", **headers}

    def person(self, session: Session, client: Client | None = None, **request: Any) -> dict[str, str]:
        return self.bearer(self.token_of(session, client, **request))

    def program(self, client: str, scope: str, audience: str = API) -> dict[str, str]:
        answer = self.http.post(
            "/token",
            data={"grant_type": "client_credentials", "scope": scope, "resource": audience},
            auth=(client, SECRET),
        )
        assert answer.status_code == 200, answer.json
        return self.bearer(answer.json["access_token"])
