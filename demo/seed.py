"""Opens the village: registers it with the broker through the broker's own use cases.

Running it again changes nothing: what exists is recognised by its number, its
client id or its parties. Mandates are made as people make them, requested by one
hand and approved by another, so that the journal tells their story.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from joserfc.jwk import ECKey

from broker import wiring
from broker.flows import parties, registry, revocation
from broker.flows.organisations import import_organisation
from broker.ports import Services, UnitOfWork
from broker.records import Audience, Client
from config.settings import Settings
from demo.home import read_jwks
from demo.settings import DemoSettings
from demo.village import Person, StartMandate, Village
from demo.vouchers.sides import Side, citizens, companies
from mandates import lifecycle
from mandates.capacity import Actor
from mandates.claims import claim_mandate, end_with_session
from mandates.model import Evidence, Instant, Level, Mandate, Party
from mandates.world import World

SESSION = "village"
CITIZENS_SCOPES = ("vouchers:read", "vouchers:order")
MANDATE_USE = "mandate:use"
"""On a person's own token: she may be the actor of an exchange (tokens.md section 4)."""
COMPANIES_SCOPES = ("performances:read", "performances:submit", "invoices:read")


def seed(environ: Mapping[str, str], village: Village) -> None:
    """Bring schema, clients, organisations, people and first mandates up to date."""
    settings = Settings.from_env(environ)
    database = wiring.open_database(settings)
    database.upgrade()
    database.close()
    services = wiring.build(settings)
    now = services.clock()
    _register_clients(services, DemoSettings.from_env(environ), now)
    organisations = {
        one.kbo: import_organisation(
            services, typed_kbo=one.kbo, name=one.name, kinds=one.kinds, source="demo village", now=now
        )
        for one in village.organisations.values()
    }
    with services.database.write() as uow:
        people = {
            key: parties.find_or_add_person(services, uow, person.insz, person.name, now)
            for key, person in village.people.items()
            if person.means or any(person == mandate.principal for mandate in village.mandates)
        }
        for start in village.mandates:
            _open_mandate(services, uow, start, people, organisations[start.representative.kbo], now)
        uow.commit()
    services.database.close()


def _register_clients(services: Services, demo: DemoSettings, now: Instant) -> None:
    key = ECKey.import_key(demo.home.voucher_key.read_text(encoding="ascii"))
    secret = demo.home.companies_secret.read_text(encoding="ascii").strip()
    burgers, ondernemingen = citizens(demo.vouchers, key), companies(demo.vouchers, secret)
    registry.put_client(
        services,
        _client(
            burgers,
            "fapi",
            ("ocmw-beneficiary", "citizen-helper"),
            jwks=read_jwks(demo.home.voucher_jwks),
            exchange=True,
        ),
        [_audience(burgers, CITIZENS_SCOPES, also_self=True)],
        now,
    )
    registry.put_client(
        services,
        _client(ondernemingen, "compatible", ("company-employee", "company-manager"), secret=secret),
        [_audience(ondernemingen, COMPANIES_SCOPES, also_self=False)],
        now,
    )


def _client(
    side: Side,
    profile: str,
    mandate_types: tuple[str, ...],
    *,
    jwks: Mapping[str, object] | None = None,
    secret: str | None = None,
    exchange: bool = False,
) -> Client:
    return Client(
        id=side.client_id,
        name=side.title,
        profile=profile,
        auth="private_key_jwt" if jwks else "client_secret_basic",
        redirect_uris=(side.redirect_uri,),
        post_logout_redirect_uris=(side.home,),
        scopes=frozenset(side.scopes),
        audiences=(side.audience,),
        serves=(side.audience,),
        mandate_types=mandate_types,
        sector=side.audience,
        vetted=True,
        jwks=jwks,
        exchange=exchange,
        secret_sha256=registry.secret_digest(secret) if secret else None,
    )


def _audience(side: Side, powers: tuple[str, ...], *, also_self: bool) -> Audience:
    scopes = {f"obo:{power}" for power in powers} | ({*powers, MANDATE_USE} if also_self else set())
    return Audience(
        uri=side.audience,
        name=side.title,
        sector=side.audience,
        delegation_aware=True,
        scopes=frozenset(scopes),
    )


def _open_mandate(
    services: Services,
    uow: UnitOfWork,
    start: StartMandate,
    people: Mapping[str, Party],
    organisation: Party,
    now: Instant,
) -> None:
    """Request and approve one mandate by the hands that the village names, unless it was made before."""
    principal = people[start.principal.key]
    if any(one.type == start.type for one in uow.mandates.of_principal(principal.id)):
        return
    hands = [_executor(services, uow, people[hand.key], organisation, now) for hand in _officers(start)]
    world = World(
        catalogue=services.catalogue(),
        parties={party.id: party for party in (*people.values(), organisation)},
        mandates=tuple(hands),
        revision=uow.mandates.revision(),
    )
    requested = lifecycle.request_mandate(
        id=str(uuid4()),
        type_key=start.type,
        principal=principal,
        representative=organisation,
        powers=start.powers,
        valid_from=now,
        valid_until=None,
        actor=Actor(people[start.requested_by.key].id, Level.HIGH, SESSION),
        evidence=Evidence(start.evidence),
        world=world,
        now=now,
    )
    revocation.record(uow, requested, now, new=True)
    approver = Actor(people[start.approved_by.key].id, Level.HIGH, SESSION)
    revocation.record(uow, lifecycle.approve(requested.mandate, approver, world, now), now)
    for hand in hands:
        revocation.record(uow, end_with_session(hand, now), now)


def _officers(start: StartMandate) -> list[Person]:
    """Those of the hands that act for the organisation; the principal acts for herself."""
    return [
        hand for hand in (start.requested_by, start.approved_by) if hand.organisation == start.representative
    ]


def _executor(
    services: Services, uow: UnitOfWork, person: Party, organisation: Party, now: Instant
) -> Mandate:
    """What ACM's claims would have said of this officer on that day."""
    change = claim_mandate(
        id=str(uuid4()),
        type_key="ocmw-executor",
        principal=organisation,
        representative=person,
        session=SESSION,
        catalogue=services.catalogue(),
        now=now,
        until=now + 60,
    )
    revocation.record(uow, change, now, new=True)
    return change.mandate
