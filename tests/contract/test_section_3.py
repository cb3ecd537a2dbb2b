"""tokens.md section 3: every claim of every token, letter for letter."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

import broker.cli
from attack_tools import claims_of, header_of
from broker.errors import InvalidTargetError
from broker.flows import machines, registry
from broker.oauth import rar
from builders import DAY
from exchange_world import ORDER, READ, USE
from flow_world import ISSUER, OTHER, SCOPES, VOUCHERS, access_claims
from volmacht_guard import InvalidTokenError

HIGH = "http://eidas.europa.eu/LoA/high"
SHOP = "0999000228"


def placed(claims):
    """The claims without what is drawn at random, which is looked at here."""
    place = claims.pop("status")["status_list"]
    assert set(place) == {"uri", "idx"}
    assert place["uri"].startswith(f"{ISSUER}/status/")
    assert isinstance(place["idx"], int)
    assert len(claims.pop("jti")) >= 20
    return claims


def common(world, client="voucher-web", audience=VOUCHERS):
    return {
        "iss": ISSUER, "aud": audience, "client_id": client, "iat": world.now, "exp": world.now + 300,
        "acr": HIGH, "cnf": {"jkt": world.jkt},
    }  # fmt: skip


def bound(world, session, key, **request):
    asked = world.ask(world.web, session, **request)
    return world.redeem(world.web, world.choose(asked, session, key), jkt=world.jkt)


def test_the_header_is_alg_typ_and_kid(roads):
    for answer in (*roads.own().values(), *roads.acting().values()):
        header = header_of(answer["access_token"])
        assert (header.pop("alg"), header.pop("typ")) == ("ES256", "at+jwt")
        assert list(header) == ["kid"]
        assert header["kid"] in {one["kid"] for one in roads.http.get("/jwks").json["keys"]}


def test_a_a_citizen_for_herself(roads):
    answer = bound(roads, roads.bram, "self", scopes=("vouchers:read", "vouchers:order"))
    assert placed(access_claims(answer)) == common(roads) | {
        "sub": roads.called(roads.bram.party, "vouchers"),
        "scope": "vouchers:order vouchers:read",
    }


def test_b_an_officer_for_the_ocmw_for_a_beneficiary(roads):
    answer = bound(roads, roads.bram, roads.key_of(roads.web, roads.given), scopes=(READ, ORDER))
    said = placed(access_claims(answer))
    maria = roads.called(roads.maria.id, "vouchers")
    entry = {
        "type": "urn:volmacht:mandate",
        "identifier": roads.services.vault.pseudonym("m-", "vouchers", roads.given.id),
        "mandate_type": "ocmw-beneficiary",
        "locations": [VOUCHERS],
        "actions": ["vouchers:order", "vouchers:read"],
        "principal": maria,
        "representative": "iso6523-actorid-upis::0208:0999000129",
        "not_after": said["authorization_details"][0]["not_after"],
    }
    assert said == common(roads) | {
        "sub": maria,
        "act": {"iss": ISSUER, "sub": roads.called(roads.bram.party, "vouchers")},
        "scope": f"{ORDER} {READ}",
        "authorization_details": [entry],
    }


def test_not_after_is_the_end_of_the_mandate_or_of_the_link_that_ends_first(roads):
    clara = roads.sign_in("Clara")
    helped = roads.client("helper", mandate_types=("citizen-helper",))
    until = roads.now + DAY
    given = roads.give("citizen-helper", roads.maria, roads.stored(clara.party), valid_until=until)
    said = access_claims(roads.tokens(helped, clara, roads.key_of(helped, given)))
    assert said["authorization_details"][0]["not_after"] == until
    # Bram's power comes from a claim of his login, and that ends before the mandate does.
    (entry,) = access_claims(roads.acting()["code"])["authorization_details"]
    assert entry["not_after"] == roads.now + 2 * 3600 < roads.given.valid_until


def test_c_a_clerk_for_a_recognised_company(roads):
    dina = roads.sign_in("Dina")
    company = roads.organisation("Poetshulp", SHOP, "recognised_company")
    clerk = roads.stored(dina.party)
    given = roads.give("company-employee", company, clerk, valid_until=roads.now + DAY)
    scopes = frozenset({"performances:submit", "obo:performances:submit"})
    roads.audience(uri=OTHER, sector="companies", scopes=scopes)
    web = roads.client(scopes=scopes, audiences=(OTHER,), mandate_types=("company-employee",))
    asked = roads.ask(web, dina, scopes=("obo:performances:submit",))
    answer = roads.redeem(web, roads.choose(asked, dina, roads.key_of(web, given)), jkt=roads.jkt)
    human, called = roads.called(dina.party, "companies"), f"iso6523-actorid-upis::0208:{SHOP}"
    assert placed(access_claims(answer)) == common(roads, audience=OTHER) | {
        "sub": called,
        "act": {"iss": ISSUER, "sub": human},
        "scope": "obo:performances:submit",
        "authorization_details": [
            {
                "type": "urn:volmacht:mandate",
                "identifier": roads.services.vault.pseudonym("m-", "companies", given.id),
                "mandate_type": "company-employee",
                "locations": [OTHER],
                "actions": ["performances:submit"],
                "principal": called,
                "representative": human,
                "not_after": roads.now + DAY,
            }
        ],
    }


def test_d_a_program_is_its_client_and_nothing_else(roads):
    roads.audience(machine_scopes=frozenset({"stock:read"}))
    shop = roads.client("shop", scopes=frozenset({"stock:read"}), redirect_uris=())
    answer = machines.issue(
        roads.services, shop, VOUCHERS, frozenset({"stock:read"}), roads.now, jkt=roads.jkt
    )
    said = access_claims(answer)
    assert len(said.pop("jti")) >= 20
    expected = common(roads, client="shop") | {"sub": "shop", "scope": "stock:read"}
    del expected["acr"]
    assert said == expected
    assert "refresh_token" not in answer


def test_the_id_token_of_b(roads):
    id_token = roads.acting()["code"]["id_token"]
    said = claims_of(id_token)
    assert header_of(id_token)["alg"] == "ES256"
    assert len(said.pop("sid")) >= 20
    assert said == {
        "iss": ISSUER, "aud": "voucher-web", "iat": roads.now, "exp": roads.now + 300, "acr": HIGH,
        "nonce": "nonce-1", "sub": roads.called(roads.bram.party, "vouchers"), "name": "Bram",
        "represents": {
            "iss": ISSUER, "sub": "iso6523-actorid-upis::0208:0999000129", "name": "OCMW",
            "represents": {
                "iss": ISSUER, "sub": roads.called(roads.maria.id, "vouchers"), "name": "Maria",
            },
        },
    }  # fmt: skip


def test_names_stand_in_it_when_the_client_has_profile(roads):
    asked = [one for one in SCOPES if one != "profile"]
    chosen = roads.key_of(roads.web, roads.given)
    answer = roads.tokens(roads.web, roads.bram, chosen, scopes=tuple(asked))
    assert "name" not in str(claims_of(answer["id_token"]))


def test_no_api_accepts_an_id_token(roads):
    """Not one of a service, and neither of the broker's own."""
    id_token = roads.own()["code"]["id_token"]
    with pytest.raises(InvalidTokenError):
        roads.services.guard(VOUCHERS).verify(id_token, power="vouchers:read", serves={"self"})
    for path in ("/userinfo", "/api/v1/representations"):
        answer = roads.http.get(path, headers={"Authorization": f"Bearer {id_token}"})
        assert answer.status_code == 401


def test_eddsa_may_be_configured(roads):
    before = roads.own()["code"]["access_token"]
    registry.rotate_keys(roads.services, "tokens", roads.now, at_once=True, alg="EdDSA")
    roads.services.registrations.renew()
    roads.clock.forward(2)
    answers = [*roads.own().values(), *roads.acting().values()]
    assert {header_of(one["access_token"])["alg"] for one in answers} == {"EdDSA"}
    guard = roads.services.guard(VOUCHERS)
    for token in (before, answers[0]["access_token"]):
        assert guard.verify(token, power="vouchers:read", serves={"self"}).kind == "self"


def test_an_operator_configures_it_where_it_is_allowed(roads, monkeypatch):
    monkeypatch.setattr(sys.modules["broker.cli.keys"], "services", lambda: roads.services)

    def rotate(*words):
        return CliRunner().invoke(broker.cli.main, ["keys", "rotate", "--now", *words]).exit_code

    assert rotate("--alg", "EdDSA") == 0
    assert rotate("--alg", "ES256", "--purpose", "checkpoints") == 2
    with roads.services.database.read() as uow:
        records = uow.registry.keys()
    algorithms = [(one.purpose, one.alg) for one in records]
    assert algorithms.count(("tokens", "EdDSA")) == 1
    assert ("checkpoints", "ES256") not in algorithms


def test_rs256_is_for_the_id_tokens_of_who_registered_it_and_for_nothing_else(roads):
    old = replace(roads.client("old", secret_sha256="0" * 64), id_token_alg="RS256")
    registry.put_client(roads.services, old, [], roads.now)
    roads.services.registrations.renew()
    roads.clock.forward(2)
    for client, alg in ((old, "RS256"), (roads.web, "ES256")):
        answer = roads.tokens(client, roads.bram)
        assert header_of(answer["id_token"])["alg"] == alg
        assert header_of(answer["access_token"])["alg"] == "ES256"
    uri = access_claims(answer)["status"]["status_list"]["uri"]
    assert header_of(roads.http.get(uri.removeprefix(ISSUER)).text)["alg"] == "ES256"


@pytest.mark.parametrize("seconds", [60, 300, 400])
def test_it_ends_with_the_session_or_the_mandate_or_after_five_minutes(roads, seconds):
    """Whichever comes first, on every road."""
    lasting = min(seconds, 300)
    clara = roads.sign_in("Clara")
    roads.keep_alive(clara, roads.now)
    web = roads.web = roads.client(scopes=SCOPES | {USE}, mandate_types=("citizen-helper",))
    roads.service(mandate_types=("citizen-helper",))
    ends = roads.now + seconds
    given = roads.give("citizen-helper", roads.maria, roads.stored(clara.party), valid_until=ends)
    code = roads.tokens(web, clara, roads.key_of(web, given))
    api = roads.services.registrations().find_client("voucher-api")
    found = [
        code, roads.refresh(web, code), roads.narrow(code["access_token"], client=api),
        roads.act(given, roads.self_token(clara), client=api),
    ]  # fmt: skip
    assert {access_claims(one)["exp"] - roads.now for one in found} == {lasting}
    late = clara.expires_at - seconds
    while roads.now < late:
        roads.clock.forward(min(1700, late - roads.now))
        roads.keep_alive(clara, roads.now + 1)
    own = roads.tokens(web, clara)
    found = [own, roads.refresh(web, own), roads.narrow(own["access_token"], client=api)]
    assert {access_claims(one)["exp"] - roads.now for one in found} == {lasting}


def test_without_resource_it_is_the_single_audience_or_the_issuer_and_never_one_of_several(roads):
    services = roads.services
    assert rar.audience_of(services, roads.web, []) == VOUCHERS
    alone = roads.client("alone", audiences=())
    assert rar.audience_of(services, alone, []) == ISSUER
    several = roads.client("several", audiences=(VOUCHERS, OTHER))
    with pytest.raises(InvalidTargetError):
        rar.audience_of(services, several, [])
    assert rar.audience_of(services, several, [OTHER]) == OTHER


def test_user_info_is_the_audience_issuer_with_obo_scopes_in_delegated_grants(roads):
    web = roads.client(scopes=SCOPES | {"insz", "obo:insz", "obo:profile"})
    code = roads.tokens(web, roads.bram, roads.key_of(web, roads.given))
    said = access_claims(roads.refresh(web, code, resources=[ISSUER]))
    assert said["aud"] == ISSUER
    assert set(said["scope"].split()) == {"obo:insz", "obo:profile"}
    assert set(said["authorization_details"][0]["actions"]) == {"insz", "profile"}
