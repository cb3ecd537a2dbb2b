"""Pushed authorization requests (RFC 9126): judged once, kept as they were understood, bound to a key."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from attack_tools import DROP, challenge
from broker.flows.registry import secret_digest
from broker.oauth import authorization, checks
from flow_world import ISSUER, OTHER, SCOPES, VOUCHERS, FlowWorld
from oauth_door import SECRET, Door
from provers import Prover, kept

MANDATE = json.dumps([{"type": "urn:volmacht:mandate", "locations": [VOUCHERS]}])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    flow = FlowWorld(tmp_path_factory.mktemp("par"))
    yield Door(flow)
    flow.close()


@pytest.fixture
def door(world):
    world.flow.clock.forward(700)
    return world


def values(client="basic", **changes):
    plain = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": f"https://{client}.example/cb",
        "scope": " ".join(sorted(SCOPES)),
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge("v" * 43),
        "code_challenge_method": "S256",
        "authorization_details": MANDATE,
    }
    return kept(plain | changes)


def push(door, client="basic", proof=None, **changes):
    headers = {} if proof is None else {"DPoP": proof}
    if client == "fapi":
        return door.as_fapi("/par", values("fapi", client_id=DROP, **changes), **({"DPoP": DROP} | headers))
    return door.as_basic("/par", values(client, **changes), client=client, **headers)


def read(door, pushed, client="basic", **beside):
    query = {"client_id": client, "request_uri": pushed.json["request_uri"]} | beside
    with door.app.test_request_context("/authorize", query_string=query, base_url=ISSUER):
        return authorization.read(door.app.extensions["volmacht"].oauth)


def test_a_pushed_request_answers_with_a_name_of_one_use_for_a_minute(door):
    answer = push(door)
    assert answer.status_code == 201
    assert answer.json["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(answer.json["request_uri"]) > 60
    assert answer.json["expires_in"] == 60
    assert answer.headers["Cache-Control"] == "no-store"
    assert read(door, answer).state == "state-1"
    with pytest.raises(authorization.UnusableRequestError):
        read(door, answer)


def test_what_was_pushed_is_what_a_browser_would_have_brought(door):
    asked = read(door, push(door, max_age="60", prompt="login consent", acr_values="http://eidas.europa.eu/LoA/high"))  # fmt: skip
    with door.app.test_request_context(
        "/authorize",
        query_string=values(
            max_age="60", prompt="login consent", acr_values="http://eidas.europa.eu/LoA/high"
        ),
        base_url=ISSUER,
    ):
        assert authorization.read(door.app.extensions["volmacht"].oauth) == asked
    assert (asked.level, asked.max_age, asked.prompt) == ("HIGH", 60, "login consent")
    assert isinstance(asked.scopes, tuple)


def test_the_checks_run_once(door, monkeypatch):
    """The redirect loads what was understood, and judges nothing anew."""
    pushed = push(door)
    monkeypatch.setattr(checks, "run", lambda *_: pytest.fail("judged twice"))
    assert read(door, pushed).client == "basic"


def test_no_credentials_are_kept(door, monkeypatch):
    kept_values = []
    store = door.flow.services.ephemeral
    put = type(store).put
    monkeypatch.setattr(
        type(store),
        "put",
        lambda self, kind, key, value, ttl: (
            kept_values.append((kind, dict(value))) or put(self, kind, key, value, ttl)
        ),
    )
    push(door, "fapi", stuffing="x" * 4000)
    ((kind, value),) = kept_values
    assert kind == "par"
    assert "assertion" not in json.dumps(value)
    assert "xxxx" not in json.dumps(value)


def test_only_the_client_that_pushed_it_may_use_it(door):
    door.flow.client("twin", redirect_uris=("https://basic.example/cb",))
    door.flow.clock.forward(1)
    for client in ("public", "twin"):
        pushed = push(door)
        with pytest.raises(authorization.UnusableRequestError):
            read(door, pushed, client=client)


def test_the_mark_for_an_actors_number_is_no_scope(door):
    door.flow.client("marked", secret_sha256=secret_digest(SECRET), scopes=SCOPES | {"insz_actor"})
    door.flow.clock.forward(1)
    assert "insz_actor" not in read(door, push(door, "marked", scope="openid insz_actor"), "marked").scopes
    assert push(door, "marked", scope="insz_actor").json["error"] == "invalid_scope"


def test_what_stands_beside_the_name_is_not_read(door):
    asked = read(door, push(door), redirect_uri="https://evil.example/cb", state="evil", scope="admin")
    assert (asked.redirect_uri, asked.state) == ("https://basic.example/cb", "state-1")


@pytest.mark.parametrize("name", ["client_id", "request_uri"])
def test_a_name_is_given_once(door, name):
    pushed = push(door)
    query = {"client_id": "basic", "request_uri": pushed.json["request_uri"]}
    with pytest.raises(authorization.UnusableRequestError):
        read(door, pushed, **{name: [query[name], query[name]]})


# --- the registration may have changed since ---


@pytest.fixture
def changed(door):
    """Register a client of this test with other facts; everybody else's registration stays."""
    plain = door.flow.client("moved", secret_sha256=secret_digest(SECRET), audiences=(VOUCHERS, OTHER))

    def change(**facts):
        with door.flow.services.database.write() as uow:
            if facts:
                uow.registry.put_client(dataclasses.replace(plain, **facts))
            else:
                uow.registry.remove_client(plain.id)
            uow.commit()
        door.flow.clock.forward(1)

    door.flow.clock.forward(1)
    yield change
    change(id="moved")


def refusal(door, pushed):
    with pytest.raises(authorization.RedirectedError) as refused:
        read(door, pushed, "moved")
    address = urlsplit(refused.value.location)
    query = dict(parse_qsl(address.query))
    assert (address.hostname, query["state"], query["iss"]) == ("moved.example", "state-1", ISSUER)
    return query["error"]


def test_a_client_that_was_removed_meanwhile_starts_nothing(door, changed):
    pushed = push(door, "moved")
    changed()
    with pytest.raises(authorization.UnusableRequestError):
        read(door, pushed, "moved")


def test_a_redirect_uri_that_was_withdrawn_meanwhile_is_never_gone_to(door, changed):
    pushed = push(door, "moved")
    changed(redirect_uris=("https://elsewhere.example/cb",))
    with pytest.raises(authorization.UnusableRequestError):
        read(door, pushed, "moved")


def test_a_scope_that_was_withdrawn_meanwhile_is_refused(door, changed):
    pushed = push(door, "moved")
    changed(scopes=SCOPES - {"vouchers:read"})
    assert refusal(door, pushed) == "invalid_scope"


def test_an_audience_that_was_withdrawn_meanwhile_is_refused(door, changed):
    pushed = push(door, "moved")
    changed(audiences=(OTHER,))
    assert refusal(door, pushed) == "invalid_target"


def test_a_registration_that_only_grew_changes_nothing(door, changed):
    pushed = push(door, "moved")
    changed(scopes=SCOPES | {"more"})
    assert read(door, pushed, "moved").client == "moved"


# --- the key of the code (RFC 9449 section 10) ---


def test_a_proof_binds_the_code_to_its_key(door):
    pushed = push(door, "fapi", proof=door.proof("/par"))
    assert pushed.status_code == 201
    assert read(door, pushed, "fapi").dpop_jkt == door.prover.jkt


def test_a_thumbprint_binds_it_without_a_proof(door):
    assert read(door, push(door, dpop_jkt=door.prover.jkt)).dpop_jkt == door.prover.jkt
    assert read(door, push(door)).dpop_jkt is None


def test_proof_and_thumbprint_agree_or_nothing_is_kept(door):
    assert push(door, proof=door.proof("/par"), dpop_jkt=door.prover.jkt).status_code == 201
    refused = push(door, proof=door.proof("/par"), dpop_jkt=Prover().jkt)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_dpop_proof")


def test_a_nonce_is_offered_here_and_not_demanded(door):
    for answer in (push(door, proof=door.proof("/par")), push(door, proof=door.proof("/par"), scope="admin")):
        assert answer.headers["DPoP-Nonce"] == door.nonce()
    assert push(door, proof=door.with_nonce("/par")).status_code == 201
    assert push(door, proof=door.proof("/par", nonce="old")).json["error"] == "use_dpop_nonce"
    assert "DPoP-Nonce" not in push(door).headers


def test_a_proof_for_another_endpoint_is_refused(door):
    assert push(door, proof=door.proof("/token")).json["error"] == "invalid_dpop_proof"


def test_a_proof_counts_once_here_too(door):
    proof = door.proof("/par")
    assert push(door, proof=proof).status_code == 201
    assert push(door, proof=proof).json["error"] == "invalid_dpop_proof"


# --- refusals ---


def test_a_refusal_goes_to_the_client_that_asked_and_repeats_nothing(door):
    for changes, error in (
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"redirect_uri": 'https://evil.example/"<>'}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'evil" \\'}, "unsupported_response_type"),
        ({"response_type": DROP}, "unsupported_response_type"),
        ({"scope": "evil"}, "invalid_scope"),
        ({"state": "evil" * 1000}, "invalid_request"),
        ({"client_id": "public"}, "invalid_client"),
    ):
        answer = push(door, **changes)
        assert (answer.status_code // 100, answer.json["error"]) == (4, error)
        assert "Location" not in answer.headers
        assert set(answer.json) == {"error", "error_description"}
        assert "evil" not in answer.text


def test_a_public_client_may_push_too(door):
    answer = door.post("/par", values("public", authorization_details=DROP))
    assert answer.status_code == 201
