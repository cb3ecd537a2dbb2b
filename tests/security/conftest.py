"""One running village for the whole folder, with an attacker's applications registered in it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey

import flow_world
import servers
from api_world import ApiWorld
from attack_tools import App, Person
from broker import wiring
from broker.flows import organisations, parties, registry, revocation
from broker.flows.sessions import fingerprint
from broker.ports import Services
from broker.records import Audience, Client, Session
from broker.storage.database import SqlDatabase
from config.settings import Settings
from demo.village import load_village
from exchange_tools import POWERS, SCOPE
from mandates.claims import claim_mandate
from mandates.model import Level
from village_process import Village

OWN = "openid profile vouchers:read vouchers:order"
BOTH = f"{OWN} obo:vouchers:read obo:vouchers:order"
OTHER_OCMW = "0999000426"


@pytest.fixture(scope="session")
def village():
    with Village(VOLMACHT_THREADS="8") as running:
        yield running


@pytest.fixture(scope="session")
def services(village) -> Services:
    """The same database by another door: to arrange what no browser can, and to look."""
    found = wiring.build(Settings.from_env(village.broker_environ()))
    yield found
    found.database.close()


@pytest.fixture(scope="session")
def numbers() -> dict[str, str]:
    return {key: person.insz for key, person in load_village().people.items()}


@dataclass
class Land:
    """Forges what an attacker may lawfully have: an account, an application, a session of her own."""

    village: Village
    services: Services

    def app(
        self,
        name: str,
        auth: str = "private_key_jwt",
        *,
        audiences: tuple[str, ...] | None = None,
        wait: bool = True,
        **changes: Any,
    ) -> App:
        """A registered client; with `wait`, one that the running broker has heard of."""
        key = ECKey.generate_key("P-256") if auth == "private_key_jwt" else None
        audiences = (f"{self.village.vouchers}/api/burgers",) if audiences is None else audiences
        scope = changes.pop("scope", BOTH)
        profile = {"private_key_jwt": "fapi", "client_secret_basic": "compatible", "none": "public"}[auth]
        redirect_uri = f"https://{name}.example/cb"
        fields: dict[str, Any] = {
            "id": name, "name": name, "profile": profile, "auth": auth, "redirect_uris": (redirect_uri,),
            "post_logout_redirect_uris": (f"https://{name}.example/bye",), "scopes": frozenset(scope.split()),
            "audiences": audiences, "mandate_types": ("ocmw-beneficiary",), "sector": audiences[0] if audiences else name, "vetted": True,
            "jwks": {"keys": [key.as_dict(private=False, alg="ES256", use="sig", kid=key.thumbprint())]} if key else None,
        }  # fmt: skip
        secret = registry.put_client(self.services, Client(**(fields | changes)), [], int(time.time()))
        app = App(self.village.broker, name, redirect_uri, scope, key, secret)
        while wait and app.refresh("x").json()["error"] == "invalid_client":
            time.sleep(0.1)
        return app

    def party(self, insz: str, name: str = "Onbekend") -> str:
        with self.services.database.write() as uow:
            found = parties.find_or_add_person(self.services, uow, insz, name, int(time.time()))
            uow.commit()
        return found.id

    def party_of(self, insz: str) -> str:
        """The party with this number, which must be there."""
        with self.services.database.read() as uow:
            found = uow.parties.find_by_insz_index(*parties.insz_indexes(self.services, uow, insz))
        assert found is not None
        return found.id

    def signed_in(
        self,
        insz: str,
        name: str = "Onbekend",
        *,
        organisation: str | None = None,
        role: str | None = None,
        level: Level = Level.HIGH,
    ) -> Person:
        """A browser with a live session of this person, as her own login would have made it."""
        secret, now, party = secrets.token_urlsafe(32), int(time.time()), self.party(insz, name)
        with self.services.database.write() as uow:
            for_whom = uow.parties.find_by_kbo(organisation) if organisation else None
            session = Session(
                fingerprint(secret), secrets.token_urlsafe(8), party, level, "https://acm.example", party, now, now,
                now + 3600, now, organisation=for_whom.id if for_whom else None,
            )  # fmt: skip
            uow.sessions.add(session)
            if role and for_whom:
                change = claim_mandate(
                    id=str(uuid4()), type_key=role, principal=for_whom, representative=uow.parties.get(party), session=session.id,
                    catalogue=self.services.catalogue(), now=now, until=now + 3600,
                )  # fmt: skip
                revocation.record(uow, change, now, new=True)
            uow.commit()
        person = Person(self.village)
        person.http.cookies.set("volmacht_session", secret, domain="127.0.0.1", path="/")
        return person

    def end_session(self, person: Person, reason: str = "test") -> None:
        revocation.end_session(
            self.services, fingerprint(str(person.session_cookie)), reason, int(time.time())
        )


@pytest.fixture(scope="session")
def land(village, services) -> Land:
    organisations.import_organisation(
        services,
        typed_kbo=OTHER_OCMW,
        name="OCMW Elders",
        kinds=frozenset({"ocmw"}),
        source="test",
        now=int(time.time()),
    )
    with services.database.write() as uow:
        uow.registry.put_audience(
            Audience(
                "https://elders.example/api",
                "Elders",
                "https://elders.example/api",
                scopes=frozenset(OWN.split()),
            )
        )
        uow.commit()
    return Land(village, services)


@pytest.fixture(scope="session")
def apps(village, land) -> SimpleNamespace:
    burgers, elders = f"{village.vouchers}/api/burgers", "https://elders.example/api"
    return SimpleNamespace(
        fapi=land.app("aanval-fapi", wait=False),
        basic=land.app("aanval-basis", "client_secret_basic", wait=False),
        public=land.app("aanval-publiek", "none", wait=False),
        service=land.app("aanval-dienst", "client_secret_basic", wait=False, serves=(burgers,)),
        elsewhere=land.app("aanval-elders", "client_secret_basic", wait=False, audiences=(elders,), serves=(elders,), scope=OWN),
        unvetted=land.app("aanval-nieuw", "client_secret_basic", vetted=False, scope=OWN),
    )  # fmt: skip


@pytest.fixture
def officer(land, numbers) -> Person:
    """Bram, in a session of his own for this test."""
    return land.signed_in(numbers["bram"], "Bram Claes", organisation="0999000129", role="ocmw-executor")


@pytest.fixture
def second_officer(land, numbers) -> Person:
    return land.signed_in(numbers["bea"], "Bea Martens", organisation="0999000129", role="ocmw-executor")


@pytest.fixture
def other_officer(land, numbers) -> Person:
    """An officer of another OCMW."""
    return land.signed_in(serial(7001), "Otto Elders", organisation=OTHER_OCMW, role="ocmw-executor")


@pytest.fixture
def citizen(land) -> Person:
    return land.signed_in(serial(7003), "Clara Burger")


@pytest.fixture
def someone():
    return serial


def serial(number: int) -> str:
    """A synthetic national number that passes its check: born on 1 January 1990, of this serial's making."""
    stem = f"9001{number // 1000 % 28 + 1:02d}{number % 1000:03d}"
    return f"{stem}{97 - int(stem) % 97:02d}"


# --- a service that exchanges tokens, and one behind it ---


@pytest.fixture(scope="session")
def burgers(village):
    return f"{village.vouchers}/api/burgers"


@pytest.fixture(scope="session")
def ledger(services):
    """A second API, delegation-aware, to which tokens may be passed on."""
    uri = "https://ledger.example/api"
    with services.database.write() as uow:
        uow.registry.put_audience(
            Audience(uri, "Ledger", uri, delegation_aware=True, scopes=frozenset(POWERS.split()))
        )
        uow.commit()
    return uri


@pytest.fixture(scope="session")
def shop(land, burgers, ledger):
    """The voucher service itself: client and API in one, as the demo's."""
    return land.app("ruil-winkel", audiences=(burgers, ledger), serves=(burgers,), exchange=True, scope=SCOPE)


@pytest.fixture(scope="session")
def bookkeeper(land, ledger):
    """The service behind the second API."""
    return land.app("ruil-boek", audiences=(ledger,), serves=(ledger,), exchange=True, scope=POWERS)


@pytest.fixture
def delegated(shop, officer, burgers):
    return shop.tokens(officer, "Jos Maes", resource=burgers)


@pytest.fixture
def own(shop, officer, burgers):
    return shop.tokens(officer, resource=burgers)


# --- the engine, without a village ---


@pytest.fixture(scope="session")
def postgres():
    with servers.postgres() as server, servers.postgres_database(server) as template:
        migrated = SqlDatabase(template)
        migrated.upgrade()
        migrated.close()
        yield server, template


@pytest.fixture(params=["sqlite", "postgresql"])
def api(request, tmp_path, monkeypatch):
    """The REST API of a broker of its own, on both databases."""
    if request.param == "sqlite":
        world = ApiWorld(tmp_path)
        yield world
        world.close()
        return
    server, template = request.getfixturevalue("postgres")
    with servers.postgres_database(server, template) as url:
        plain = flow_world.settings
        monkeypatch.setattr(
            flow_world, "settings", lambda file, **changes: plain(file, database_url=url, **changes)
        )
        world = ApiWorld(tmp_path)
        yield world
        world.close()
