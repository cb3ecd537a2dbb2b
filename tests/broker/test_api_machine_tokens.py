"""Tokens of programs for themselves (tokens.md section 3d): who gets one, for what, and what it never says."""

from __future__ import annotations

import base64

import pytest

from api_world import SECRET, ApiWorld
from attack_tools import claims_of
from broker.errors import ProofMissingError
from broker.flows import machines
from flow_world import ISSUER, VOUCHERS

API = f"{ISSUER}/api/v1"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


def ask(api, client="register", secret=SECRET, **form):
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    plain = {"grant_type": "client_credentials", "scope": "insz:resolve", "resource": API}
    return api.http.post(
        "/token",
        data={name: value for name, value in (plain | form).items() if value is not None},
        headers={"Authorization": f"Basic {basic}"},
    )


def test_a_program_gets_a_token_for_itself(api):
    answer = ask(api)
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(answer.json["access_token"])
    assert claims["sub"] == claims["client_id"] == "register"
    assert set(claims) == {"iss", "aud", "client_id", "sub", "iat", "exp", "jti", "scope"}
    assert (claims["aud"], claims["scope"]) == (API, "insz:resolve")
    assert claims["exp"] - claims["iat"] == 300


def test_no_issue_stands_in_the_journal_nor_asks_the_database(api, monkeypatch):
    """Such a token is no power: what its program does with it is recorded where it does it (decision 0016)."""
    before = len(api.journal())
    ask(api)
    monkeypatch.setattr(api.services.database, "read", None)
    monkeypatch.setattr(api.services.database, "write", None)
    assert ask(api).status_code == 200
    monkeypatch.undo()
    assert len(api.journal()) == before


def test_it_is_bound_to_the_key_that_the_program_proved(api):
    program = api.machine("bound", "insz:resolve")
    unbound = machines.issue(api.services, program, API, frozenset({"insz:resolve"}), api.now)
    assert unbound["token_type"] == "Bearer"
    bound = machines.issue(api.services, program, API, frozenset({"insz:resolve"}), api.now, jkt="its-key")
    assert (bound["token_type"], claims_of(bound["access_token"])["cnf"]) == ("DPoP", {"jkt": "its-key"})


def test_a_program_that_is_registered_for_dpop_gets_none_without_a_proof(api):
    program = api.machine("bound", "insz:resolve", dpop=True)
    with pytest.raises(ProofMissingError):
        machines.issue(api.services, program, API, frozenset({"insz:resolve"}), api.now)


@pytest.mark.parametrize(
    "scope",
    [
        None,
        "",
        "decisions:evaluate",  # of the audience, not of this client
        "vouchers:order",  # a power
        "obo:vouchers:order",
        "mandates:read",  # for people
        "openid",
        "insz:resolve vouchers:order",  # one good scope carries no other in
    ],
)
def test_only_what_client_and_audience_have_for_programs_is_given(api, scope):
    answer = ask(api, scope=scope)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_a_power_is_refused_even_if_it_was_registered_for_programs(api):
    api.audience(machine_scopes=frozenset({"vouchers:order", "stock:read"}))
    answer = ask(api, client="shop", scope="vouchers:order", resource=VOUCHERS)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert ask(api, client="shop", scope="stock:read", resource=VOUCHERS).status_code == 200


@pytest.mark.parametrize("resource", [VOUCHERS, ISSUER, "https://elsewhere.example"])
def test_an_audience_without_scopes_for_programs_or_of_others_gives_none(api, resource):
    answer = ask(api, resource=resource)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_target")


def test_a_client_with_several_audiences_must_name_one(api):
    assert ask(api, resource=None).status_code == 200
    assert ask(api, client="shop", resource=None, scope="stock:read").json["error"] == "invalid_target"


def test_a_public_client_gets_none(api):
    api.client("app", auth="none", profile="public", scopes=frozenset({"insz:resolve"}), audiences=(API,))
    answer = api.http.post(
        "/token",
        data={"grant_type": "client_credentials", "client_id": "app", "scope": "insz:resolve"},
    )
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_wrong_secret_gets_none(api):
    assert ask(api, secret="guess").status_code == 401


def test_a_client_that_is_called_like_a_person_gets_none(api):
    api.machine("p-bram")
    api.machine("iso6523-actorid-upis::0208:0999000129")
    assert ask(api, client="p-bram").json["error"] == "invalid_target"


def test_a_parameter_sent_twice_is_refused(api):
    answer = ask(api, scope=["insz:resolve", "uses:write"])
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_parameter_that_is_too_long_is_refused(api):
    answer = ask(api, scope="insz:resolve", nonsense="x" * 4097)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_the_metadata_names_the_grant_and_its_scopes(api):
    document = api.http.get("/.well-known/openid-configuration").json
    assert "client_credentials" in document["grant_types_supported"]
    assert {"insz:resolve", "mandates:read", "openid"} <= set(document["scopes_supported"])
