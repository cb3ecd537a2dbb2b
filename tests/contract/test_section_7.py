"""tokens.md section 7: what each profile may, at the broker's own endpoints."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from attack_tools import ASSERTION_TYPE, challenge
from broker.flows import registry
from flow_world import FlowWorld
from oauth_door import REFRESH, Door
from provers import DROP


@pytest.fixture
def door(tmp_path):
    world = FlowWorld(tmp_path)
    yield Door(world)
    world.close()


def test_a_secret_is_random_and_only_its_sha_256_is_stored(door):
    flow, secrets = door.flow, []
    for key in ("one", "two"):
        asked = replace(flow.client(key), secret_sha256=None)
        secrets.append(registry.put_client(flow.services, replace(asked, id=f"{key}-web"), [], flow.now))
        with flow.services.database.read() as uow:
            stored = uow.registry.find_client(f"{key}-web").secret_sha256
        assert stored == hashlib.sha256(secrets[-1].encode()).hexdigest()
        assert len(secrets[-1]) >= 43, "256 bits"
    assert len(set(secrets)) == 2
    kept = b"".join(one.read_bytes() for one in Path(flow.folder).glob("volmacht.db*"))
    assert not any(one.encode() in kept for one in secrets)


def asked(door, client="public", **changes):
    """Where the browser is sent with an authorization request: its query, or None for a page."""
    plain = {
        "response_type": "code", "client_id": client, "redirect_uri": f"https://{client}.example/cb",
        "scope": "openid", "state": "s", "code_challenge": challenge("v" * 43), "code_challenge_method": "S256",
    }  # fmt: skip
    values = {name: value for name, value in (plain | changes).items() if value is not None}
    answer = door.http.get("/authorize", query_string=values)
    left = urlsplit(answer.headers.get("Location", ""))
    return {name: value[0] for name, value in parse_qs(left.query).items()} if left.netloc else None


@pytest.mark.parametrize("client", ["public", "basic"])
@pytest.mark.parametrize(
    "without", [{"code_challenge": None}, {"code_challenge_method": None}, {"code_challenge_method": "plain"}]
)
def test_nobody_goes_without_pkce_s256(door, client, without):
    assert "error" not in (asked(door, client) or {})
    assert asked(door, client, **without)["error"] == "invalid_request"


@pytest.mark.parametrize("kind", ["token", "id_token", "code id_token", "code token", "none"])
def test_no_implicit_and_no_hybrid(door, kind):
    assert asked(door, response_type=kind)["error"] == "unsupported_response_type"


def test_no_password(door):
    form = {"grant_type": "password", "username": "bram", "password": "x"}
    assert door.as_basic(form=form).json["error"] == "unsupported_grant_type"


def test_an_assertion_of_before_the_replay_store_is_refused(door, monkeypatch):
    monkeypatch.setattr(door.flow.services.ephemeral, "_epoch", door.flow.now)
    for age, error in ((1, "invalid_client"), (0, "invalid_grant")):
        assertion = door.assertion("keyed", iat=door.flow.now - age)
        proven = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        assert door.post("/token", REFRESH | proven).json["error"] == error


def test_a_fapi_client_needs_everything_of_its_profile(door):
    """PAR is asked of it by the browser's road, DPoP at the token endpoint; no road is without PKCE."""
    assert asked(door, "fapi")["error"] == "invalid_request"
    assert door.as_fapi(DPoP=DROP, form=REFRESH).json["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "form", [{}, {"code_challenge": challenge("v" * 43), "code_challenge_method": "plain"}]
)
def test_nor_is_par(door, form):
    pushed = {"response_type": "code", "redirect_uri": "https://fapi.example/cb", "scope": "openid"} | form
    assert door.as_fapi("/par", pushed, DPoP=door.proof("/par")).json["error"] == "invalid_request"
