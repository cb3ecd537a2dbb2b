"""`volmacht clients add` for programs and for users of the broker's own API."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

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
