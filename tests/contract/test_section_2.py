"""tokens.md section 2: what people, mandates and organisations are called, and by whom."""

from __future__ import annotations

import json
import logging
from dataclasses import fields, replace
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from attack_tools import claims_of
from broker.cli.registration import Application
from broker.flows import parties
from exchange_world import API, USE
from flow_world import ISSUER, OTHER, SCOPES, VOUCHERS, access_claims
from keys.encoding import decode_base64url
from mandates.model import Level

BRAM, MARIA = "85073003328", "93051822361"
ACR = "http://eidas.europa.eu/LoA/"


def registered(key, audience):
    """What `volmacht clients add` makes of an API with a client, when nothing is said of sectors."""
    nothing = dict.fromkeys((one.name for one in fields(Application)), ())
    said = replace(
        Application(**nothing),
        client_id=key, name=None, auth="client_secret_basic", profile=None, jwks=None, jwks_uri=None,
        scopes=("vouchers:read",), audiences=(audience,), sector=None, allow_insz=False,
        id_token_alg="ES256",
    )  # fmt: skip
    client = said.client(frozenset(), None)
    return client, said.served(client, frozenset())[0]


def test_a_sector_is_one_service_unless_it_is_named():
    shop, shop_api = registered("shop", VOUCHERS)
    other, other_api = registered("other", OTHER)
    assert shop.sector == shop_api.sector != other.sector == other_api.sector


def number(world, party, insz):
    with world.services.database.write() as uow:
        index = parties.insz_indexes(world.services, uow, insz)[0]
        uow.parties.set_insz(party, index, world.services.vault.seal(insz.encode(), f"insz:{party}"))
        uow.commit()


def written(world):
    """All that the journal and the outbox hold."""
    with world.services.database.read() as uow:
        rows = uow.journal.tail(10_000)
        waiting = [
            one for topic in ("status-changed", "session-revoked") for one in uow.outbox.waiting(topic, 1000)
        ]
    return [str(one) for one in (*rows, *waiting)]


def test_a_national_number_is_read_at_user_info_and_nowhere_else(roads, caplog):
    number(roads, roads.bram.party, BRAM)
    number(roads, roads.maria.id, MARIA)
    web = roads.web = roads.client(scopes=SCOPES | {USE, "insz", "obo:insz", "insz_actor"})
    with caplog.at_level(logging.DEBUG):
        answers = [*roads.own().values(), *roads.acting().values()]
        code = roads.tokens(web, roads.bram, roads.key_of(web, roads.given))
        asked = roads.refresh(web, code, resources=[ISSUER])
        bearer = {"Authorization": f"Bearer {asked['access_token']}"}
        told = roads.http.get("/userinfo", headers=bearer).json
        roads.end(roads.given.id)
    assert (told["insz"], told["insz_actor"]) == (MARIA, BRAM)
    tokens = [claims_of(one[name]) for one in answers for name in ("access_token", "id_token") if name in one]
    places = [*answers, *tokens, *written(roads), caplog.text]
    assert not any(one in str(place) for place in places for one in (BRAM, MARIA))


@pytest.mark.parametrize("level", [Level.SUBSTANTIAL, Level.HIGH])
def test_acr_speaks_of_how_the_actor_signed_in(roads, level):
    roads.bram = roads.officer(level=level)
    for answer in (*roads.own().values(), *roads.acting().values()):
        said = access_claims(answer)
        assert said["acr"] == ACR + level.name.lower()
        assert "amr" not in said
    id_token = claims_of(roads.acting()["code"]["id_token"])
    assert id_token["acr"] == ACR + level.name.lower()
    assert "amr" not in id_token


def test_a_low_login_is_called_low(roads):
    roads.bram = roads.officer(level=Level.LOW)
    assert access_claims(roads.tokens(roads.web, roads.bram))["acr"] == ACR + "low"


def test_an_organisation_is_called_by_its_enterprise_number_everywhere(roads):
    called = "iso6523-actorid-upis::0208:0999000129"
    code = roads.acting()["code"]
    said = access_claims(code)
    assert said["authorization_details"][0]["representative"] == called
    assert code["authorization_details"][0]["representative"] == called
    assert claims_of(code["id_token"])["represents"]["sub"] == called


def test_tokens_speak_the_audiences_language_and_answers_the_clients(roads):
    """The client is of another sector than the API that it calls."""
    web = roads.web = roads.client(scopes=SCOPES | {USE, "obo:insz", "obo:profile"}, sector="app")
    code = roads.acting()["code"]
    said, (entry,) = access_claims(code), code["authorization_details"]
    vault, mandate = roads.services.vault, roads.given.id
    (in_token,) = said["authorization_details"]
    assert said["sub"] == in_token["principal"] == roads.called(roads.maria.id, "vouchers")
    assert said["act"]["sub"] == roads.called(roads.bram.party, "vouchers")
    assert in_token["identifier"] == vault.pseudonym("m-", "vouchers", mandate)
    assert entry["principal"] == roads.called(roads.maria.id, "app")
    assert entry["identifier"] == vault.pseudonym("m-", "app", mandate)
    named = claims_of(code["id_token"])
    asked = roads.refresh(web, code, resources=[ISSUER])
    bearer = {"Authorization": f"Bearer {asked['access_token']}"}
    for told in (named, roads.http.get("/userinfo", headers=bearer).json):
        assert told["sub"] == roads.called(roads.bram.party, "app")
        assert told["represents"]["represents"]["sub"] == roads.called(roads.maria.id, "app")


def test_a_client_learns_a_reference_from_its_answer_and_from_the_list_and_exchanges_it(roads):
    """One name for one mandate in one sector, and it is good for an exchange."""
    scopes = SCOPES | {"mandates:read", USE}
    client = roads.client("back", scopes=scopes, audiences=(API,), sector=roads.api.sector)
    token = roads.issued(roads.bram, "self", client, wants_mandate=False)
    listed = roads.http.get("/api/v1/representations", headers={"Authorization": f"Bearer {token}"})
    (line,) = json.loads(listed.data)["representations"]
    front = roads.client("front", sector=roads.api.sector)
    chosen = roads.tokens(front, roads.bram, roads.key_of(front, roads.given))
    (entry,) = chosen["authorization_details"]
    assert entry["identifier"] in json.dumps(line)
    assert roads.act(entry["identifier"], roads.self_token(roads.bram))


def test_no_table_of_pseudonyms_is_kept(roads):
    """Another process with the same key says the same; nothing that was given out stands in the database."""
    answers = [*roads.own().values(), *roads.acting().values()]
    names = {access_claims(one)["sub"] for one in answers}
    names |= {one["identifier"] for a in answers for one in access_claims(a).get("authorization_details", ())}
    stored = b"".join(one.read_bytes() for one in Path(roads.folder).glob("volmacht.db*"))
    assert names
    assert not any(one.encode() in stored for one in names)


@pytest.mark.parametrize("kind", ["p-", "m-"])
def test_a_name_is_the_uuid_under_the_key_of_the_sector(roads, kind):
    """AES-SIV (RFC 5297) with kind and sector as associated data, so 16 bytes beside the UUID's own."""
    vault, uuid = roads.services.vault, roads.maria.id
    name = vault.pseudonym(kind, "vouchers", uuid)
    key = AESSIV(vault._root.derive("sector", "vouchers", 64))
    box = decode_base64url(name.removeprefix(kind))
    assert name.startswith(kind)
    assert len(box) == 32
    assert key.decrypt(box, [kind.encode(), b"vouchers"]) == UUID(uuid).bytes
