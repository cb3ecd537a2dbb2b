"""A broker without a web: real flows on a file of SQLite, a clock that a test sets, an ACM that answers at once."""

from __future__ import annotations

import atexit
import dataclasses
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from attack_tools import challenge, claims_of
from broker import wiring
from broker.flows import authorize, codes, revocation, sessions, tokens
from broker.flows.authorize import Interaction
from broker.flows.choices import AuthorizationRequest
from broker.flows.claims import OBO
from broker.records import Audience, Client, Grant, LoginRequest, NewParty, Session, UpstreamLogin
from broker.storage.database import SqlDatabase
from builders import NOW, mandate
from config.settings import Settings
from mandates.change import Change, next_version
from mandates.model import Ending, Level, Mandate, Party, PartyKind, Recognition

ISSUER = "https://id.example.be"
ACM = "https://acm.example.be"
VOUCHERS = "https://vouchers.example.be/api"
OTHER = "https://companies.example.be/api"
OWN = frozenset({"vouchers:read", "vouchers:order"})
DELEGATED = frozenset(OBO + power for power in OWN)
SCOPES = frozenset({"openid", "profile"}) | OWN | DELEGATED
OCMW = "0999000129"
BROWSER = "browser-of-bram"
EXECUTOR_ROLE = f"DienstenchequesVlaanderen-mandaatuitvoerder:{OCMW}"


@dataclass
class SettableClock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: int) -> int:
        self.now += seconds
        return self.now


class AnsweringUpstream:
    """Every port of an upstream; it says of a person whatever the test put in `answer`."""

    issuer = ACM

    def __init__(self) -> None:
        self.answer: UpstreamLogin | None = None
        self.asked: list[dict[str, Any]] = []
        """What each trip asked for: force, level and max_age."""

    def start(self, *, state: str, redirect_uri: str, **asked: Any) -> LoginRequest:
        self.asked.append(asked)
        return LoginRequest(f"{ACM}/authorize?state={state}", {"nonce": "n"})

    def finish(
        self, unverified_response: Mapping[str, str], memory: Mapping[str, Any], redirect_uri: str, now: int
    ) -> UpstreamLogin:
        assert self.answer is not None
        return self.answer

    def logout_url(self, post_logout_redirect_uri: str, state: str) -> str | None:
        return None

    def check(self) -> str:
        return "it answers"


@cache
def migrated() -> TemporaryDirectory[str]:
    """A folder with an empty database at the newest migration; made once a process, gone with it."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    database = SqlDatabase(f"sqlite:///{folder.name}/volmacht.db")
    database.upgrade()
    database.close()
    return folder


def settings(file: Path, **changes: Any) -> Settings:
    plain = Settings(
        demo=False,
        issuer=ISSUER,
        database_url=f"sqlite:///{file}",
        redis_url=None,
        master_key=bytes(range(32)),
        acm_issuer=ACM,
        acm_client_id="volmacht",
        acm_client_secret="s" * 32,
        acm_private_key=None,
        acm_acr_values="",
        acm_scopes="openid",
    )
    return dataclasses.replace(plain, **changes)


@dataclass
class FlowWorld:
    """Two APIs, one OCMW, one client; parties, mandates and logins are put in as a test needs them."""

    folder: Path
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that differ from the plain ones."""
    cookies: dict[str, str] = field(default_factory=dict)
    """The secret of each session that was signed in."""

    def __post_init__(self) -> None:
        self.file = self.folder / "volmacht.db"
        shutil.copy(Path(migrated().name) / self.file.name, self.file)
        self.clock, self.upstream = SettableClock(), AnsweringUpstream()
        self.services = wiring.build(settings(self.file, **self.changes), self.clock, self.upstream)
        self.audience()
        self.audience(uri=OTHER, name="Companies")
        self.ocmw = self.organisation("OCMW", OCMW, "ocmw")

    @property
    def now(self) -> int:
        return self.clock.now

    def close(self) -> None:
        self.services.database.close()

    # --- what is registered ---

    def audience(self, **changes: Any) -> Audience:
        plain = Audience(VOUCHERS, "Vouchers", "vouchers", delegation_aware=True, scopes=OWN | DELEGATED)
        audience = dataclasses.replace(plain, **changes)
        with self.services.database.write() as uow:
            uow.registry.put_audience(audience)
            uow.commit()
        self.services.registrations.renew()  # a running broker sees it within a second
        return audience

    def client(self, key: str = "voucher-web", **changes: Any) -> Client:
        plain = Client(
            id=key,
            name=key,
            profile="compatible",
            auth="client_secret_basic",
            redirect_uris=(f"https://{key}.example/cb",),
            scopes=SCOPES,
            audiences=(VOUCHERS,),
            mandate_types=("ocmw-beneficiary",),
            sector="vouchers",
            vetted=True,
        )
        client = dataclasses.replace(plain, **changes)
        with self.services.database.write() as uow:
            uow.registry.put_client(client)
            uow.commit()
        self.services.registrations.renew()
        return client

    # --- parties and mandates ---

    def party(self, name: str, kind: PartyKind = PartyKind.PERSON, **facts: Any) -> Party:
        party = Party(str(uuid4()), kind, name, **facts)
        with self.services.database.write() as uow:
            uow.parties.add(NewParty(party), self.now)
            if kind is PartyKind.PERSON:
                uow.parties.add_identity(ACM, name, party.id, self.now)
            uow.commit()
        return party

    def organisation(self, name: str, kbo: str, *kinds: str) -> Party:
        return self.party(name, PartyKind.ORGANISATION, kbo=kbo, recognitions=tuple(map(Recognition, kinds)))

    def give(self, type_key: str, principal: Party, representative: Party, **facts: Any) -> Mandate:
        """A stored mandate in force, all powers of its type unless `powers` says otherwise."""
        given = mandate(type_key, principal.id, representative.id, **({"id": str(uuid4())} | facts))
        with self.services.database.write() as uow:
            uow.mandates.add(given, self.now)
            uow.commit()
        return given

    def beneficiary(self, name: str = "Maria", **facts: Any) -> Mandate:
        """A mandate from a new person of this name to the OCMW."""
        return self.give("ocmw-beneficiary", self.party(name), self.ocmw, **facts)

    def change(self, mandate_id: str, **facts: Any) -> None:
        """The next version of a mandate, as the flows store it: with the bits of what stands on it."""
        with self.services.database.write() as uow:
            stored = uow.mandates.find(mandate_id)
            assert stored is not None
            revocation.record(uow, Change(next_version(stored, **facts), ()), self.now)
            uow.commit()

    def end(self, mandate_id: str) -> None:
        self.change(mandate_id, ended_at=self.now, ended_by="somebody", ending=Ending.REVOKED)

    # --- a person at the keyboard ---

    def sign_in(
        self,
        name: str = "Bram",
        *,
        roles: tuple[str, ...] = (),
        level: Level = Level.HIGH,
        claims_age: int = 0,
    ) -> Session:
        """Through the upstream; with roles, for the OCMW. `claims_age` is how long ago ACM said so."""
        organisation = OCMW if roles else None
        self.upstream.answer = UpstreamLogin(
            ACM, name, name, level, self.now - claims_age, "", organisation_code=organisation, roles=roles
        )
        url = sessions.start(
            self.services, browser=BROWSER, return_to="/portal/", redirect_uri=f"{ISSUER}/cb"
        )
        answer = {"state": url.partition("state=")[2], "code": "c"}
        signed_in = sessions.finish(
            self.services, browser=BROWSER, unverified_response=answer, previous=None, now=self.now
        )
        self.cookies[signed_in.session.id] = signed_in.secret
        return signed_in.session

    def officer(self, **login: Any) -> Session:
        return self.sign_in("Bram", roles=(EXECUTOR_ROLE,), **login)

    def session(self, session_id: str) -> Session:
        with self.services.database.read() as uow:
            found = uow.sessions.find(session_id)
        assert found is not None
        return found

    def keep_alive(self, session: Session, until: int) -> None:
        """The person goes on using the broker until just before this instant."""
        with self.services.database.write() as uow:
            uow.sessions.touch(session.id, until - 1)
            uow.commit()

    # --- one authorization, step by step ---

    def ask(self, client: Client, session: Session | None = None, **changes: Any) -> Interaction:
        """An interaction, tied to the session if there is one already."""
        plain = AuthorizationRequest(
            client=client.id,
            redirect_uri=client.redirect_uris[0],
            scopes=tuple(sorted(client.scopes)),
            audience=client.audiences[0],
            code_challenge=challenge(secrets.token_urlsafe(32)),
            nonce="nonce-1",
            wants_mandate=True,
        )
        interaction = authorize.begin(self.services, dataclasses.replace(plain, **changes), BROWSER)
        return authorize.attach(self.services, interaction, session) if session else interaction

    def choose(self, interaction: Interaction, session: Session, key: str) -> str:
        return authorize.choose(self.services, interaction, session, key, self.now)

    def key_of(self, client: Client, given: Mandate) -> str:
        return self.services.vault.pseudonym("m-", client.sector, given.id)

    def redeem(self, client: Client, code: str, **options: Any) -> dict[str, Any]:
        record = codes.take_code(self.services, code)
        assert record is not None
        return tokens.redeem(self.services, client, record, self.now, **options)

    def refresh(self, client: Client, answer: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        return tokens.refresh(self.services, client, answer["refresh_token"], self.now, **options)

    def tokens(self, client: Client, session: Session, key: str = "self", **request: Any) -> dict[str, Any]:
        """The whole way: asked, chosen and redeemed."""
        return self.redeem(client, self.choose(self.ask(client, session, **request), session, key))

    def grants(self, session: Session) -> list[Grant]:
        with self.services.database.read() as uow:
            return uow.grants.live_of_session(session.id)


def access_claims(answer: Mapping[str, Any]) -> dict[str, Any]:
    return claims_of(answer["access_token"])
