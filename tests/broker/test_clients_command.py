"""`volmacht clients add` for programs and for users of the broker's own API."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

import broker.cli
from flow_world import ISSUER

API = f"{ISSUER}/api/v1"
ADD = ("clients", "add", "--auth", "client_secret_basic", "--json")


@pytest.fixture
def add(flow, monkeypatch):
    monkeypatch.setattr(sys.modules["broker.cli.clients"], "services", lambda: flow.services)

    def add(key, *words, code=0):
        done = CliRunner().invoke(broker.cli.main, [*ADD, "--id", key, *words])
        assert done.exit_code == code, done.output
        if code:
            return done.output
        assert json.loads(done.output)["client_secret"]
        with flow.services.database.read() as uow:
            return uow.registry.find_client(key), uow.registry.audiences()

    return add


def test_a_program_needs_no_redirect_uri(add):
    client, audiences = add("register", "--machine-scope", "insz:resolve", "--audience", API)
    assert client.scopes == {"insz:resolve"}
    assert client.audiences == (API,)
    assert API not in {one.uri for one in audiences}


def test_two_clients_of_the_api_alone_share_no_sector(add):
    sectors = {
        add(key, "--machine-scope", "insz:resolve", "--audience", API)[0].sector for key in ("one", "two")
    }
    assert sectors == {"one", "two"}


def test_nobody_is_registered_as_the_brokers_own_api(add):
    client, _ = add(
        "shop",
        "--machine-scope",
        "uses:write",
        "--audience",
        API,
        "--audience",
        "https://a.example",
        "--serves",
    )
    assert client.serves == ("https://a.example",)
    assert client.sector == "https://a.example"


def test_machine_scopes_of_a_service_stand_apart_from_those_of_people(add):
    words = (
        "--scope",
        "stock:see",
        "--redirect-uri",
        "https://a.example/cb",
        "--audience",
        "https://a.example",
    )
    _, audiences = add("shop", *words, "--machine-scope", "stock:read")
    (one,) = [one for one in audiences if one.uri == "https://a.example"]
    assert (one.scopes, one.machine_scopes) == ({"stock:see"}, {"stock:read"})


PEOPLE = ("--scope", "openid", "--scope", "obo:stock:see", "--redirect-uri", "https://a.example/cb")
SHOP = (*PEOPLE, "--audience", "https://a.example")
KEYS = {"keys": [ECKey.generate_key("P-256").as_dict(private=False, kid="one")]}


@pytest.fixture
def jwks(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KEYS), encoding="utf-8")
    return str(path)


@pytest.fixture
def keyed(flow, monkeypatch, jwks):
    """Register a client with a key; `--jwks` is given unless `at` names where it is published."""
    monkeypatch.setattr(sys.modules["broker.cli.clients"], "services", lambda: flow.services)

    def keyed(key, *words, at=None, code=0):
        source = ("--jwks-uri", at) if at else ("--jwks", jwks)
        done = CliRunner().invoke(broker.cli.main, ["clients", "add", "--json", "--id", key, *source, *words])
        assert done.exit_code == code, done.output
        if code:
            return done.output
        assert json.loads(done.output)["client_secret"] is None
        with flow.services.database.read() as uow:
            return uow.registry.find_client(key)

    return keyed


def test_a_client_with_a_key_is_fapi_and_so_gets_bound_tokens_only(keyed):
    client = keyed("shop", *SHOP)
    assert (client.profile, client.auth, client.dpop, client.jwks) == ("fapi", "private_key_jwt", True, KEYS)
    compatible = keyed("plain", *SHOP, "--profile", "compatible")
    assert (compatible.profile, compatible.auth, compatible.dpop) == ("compatible", "private_key_jwt", False)
    assert keyed("bound", *SHOP, "--profile", "compatible", "--dpop").dpop


def test_a_client_may_publish_its_keys_instead(keyed):
    client = keyed("shop", *SHOP, at="https://a.example/jwks")
    assert (client.jwks_uri, client.jwks) == ("https://a.example/jwks", None)


def test_an_exchanging_client_needs_no_redirect_uri(keyed):
    client = keyed("back-end", "--exchange", "--scope", "obo:stock:see", "--audience", "https://a.example")
    assert client.exchange
    assert not keyed("shop", *SHOP).exchange


def test_national_numbers_are_allowed_by_name(keyed):
    client = keyed("shop", *SHOP, "--allow-insz")
    assert {"insz", "obo:insz"} <= client.scopes
    assert "insz_actor" not in client.scopes
    assert "insz_actor" in keyed("more", *SHOP, "--allow-insz", "--allow-insz-actor").scopes
    own = keyed("own", "--scope", "openid", "--redirect-uri", "https://a.example/cb", "--allow-insz")
    assert own.scopes == {"openid", "insz"}


def test_identity_is_asked_of_the_broker_and_never_of_a_service(flow, keyed):
    keyed("shop", *SHOP, "--scope", "profile", "--scope", "obo:profile", "--allow-insz", "--allow-insz-actor")
    with flow.services.database.read() as uow:
        assert uow.registry.find_audience("https://a.example").scopes == {"obo:stock:see"}


def test_clients_of_one_sector_know_people_by_one_name(flow, keyed):
    clients = [
        keyed(key, *PEOPLE, "--audience", f"https://{key}.example", "--sector", "shops") for key in ("a", "b")
    ]
    assert [client.sector for client in clients] == ["shops", "shops"]
    with flow.services.database.read() as uow:
        assert {uow.registry.find_audience(f"https://{key}.example").sector for key in ("a", "b")} == {
            "shops"
        }
    flow.clock.forward(1)
    refused = keyed("c", *PEOPLE, "--audience", "https://a.example", "--sector", "others", code=2)
    assert "registered in sector shops" in refused


def test_a_client_that_needs_rs256_brings_the_key_for_it(flow, keyed):
    """tokens.md section 3: RS256 exists only for ID tokens of clients that registered it."""
    purposes = lambda: [key["alg"] for key in flow.services.keyring().jwks(flow.now)["keys"]]  # noqa: E731
    assert "RS256" not in purposes()
    assert keyed("old", *SHOP, "--profile", "compatible", "--id-token-alg", "RS256").id_token_alg == "RS256"
    flow.clock.forward(1)
    assert purposes().count("RS256") == 1
    keyed("older", *SHOP, "--profile", "compatible", "--id-token-alg", "RS256")
    flow.clock.forward(1)
    assert purposes().count("RS256") == 1


CANNOT_BE = {
    "fapi with a secret": ("--profile", "fapi", "--auth", "client_secret_basic"),
    "a profile for a public client": ("--auth", "none", "--profile", "compatible"),
    "keys for a secret": ("--auth", "client_secret_basic", "--profile", "compatible"),
    "RS256 for fapi": ("--id-token-alg", "RS256"),
    "a public client that exchanges": ("--auth", "none", "--exchange"),
    "a number by scope": ("--scope", "insz"),
    "a number of an actor by scope": ("--scope", "insz_actor"),
    "a number for a program": ("--machine-scope", "obo:insz"),
    "the actor's number alone": ("--allow-insz-actor",),
}


@pytest.mark.parametrize("name", CANNOT_BE)
def test_what_cannot_be_true_together_is_refused(keyed, name):
    keyed("shop", *SHOP, *CANNOT_BE[name], code=2)


def test_a_number_is_read_at_user_info(keyed):
    words = (
        "--scope",
        "obo:stock:see",
        "--redirect-uri",
        "https://a.example/cb",
        "--audience",
        "https://a.example",
    )
    assert "openid" in keyed("shop", *words, "--allow-insz", code=2)


@pytest.mark.parametrize(
    "at",
    ["http://a.example/jwks", "https:///jwks", "https://a.example/jwks#one", "https://me@a.example/jwks"],
)
def test_keys_are_published_at_an_https_address(keyed, at):
    keyed("shop", *SHOP, at=at, code=2)


def test_two_sources_of_keys_are_one_too_many(keyed):
    keyed("shop", *SHOP, "--jwks-uri", "https://a.example/jwks", code=2)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", '{"keys":[]}', json.dumps({"keys": [KEYS["keys"][0] | {"d": "AA"}]})]
)
def test_a_file_that_is_no_set_of_public_keys_is_refused(keyed, jwks, text):
    Path(jwks).write_text(text, encoding="utf-8")
    assert "AA" not in keyed("shop", *SHOP, code=2)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--scope", "openid"),
        ("--redirect-uri", "https://a.example/cb"),
        ("--machine-scope", "a b"),
        ("--machine-scope", "a", "--auth", "none"),
    ],
)
def test_a_registration_that_cannot_work_is_refused(add, words):
    add("shop", *words, code=2)
