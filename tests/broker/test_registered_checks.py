"""Every row of the table of protocol checks: a request that it alone refuses, and what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey
from werkzeug.datastructures import MultiDict

from attack_tools import DROP, App, basic, challenge
from broker.app import create_app
from broker.flows.registry import secret_digest
from broker.oauth import authorization, checks
from broker.oauth.checks import AUTHORIZE, CODE, EXCHANGE, INTROSPECT, MACHINE, PAR, REFRESH, REVOKE
from flow_world import ISSUER, OTHER, SCOPES, VOUCHERS, FlowWorld
from mandates.model import Level

SECRET = "a-secret-of-this-test"
HIGH, SUBSTANTIAL, LOW = (f"http://eidas.europa.eu/LoA/{name}" for name in ("high", "substantial", "low"))


def mandate(**fields: Any) -> str:
    return json.dumps([{"type": "urn:volmacht:mandate", **fields}])


@dataclass
class Wire:
    """The broker's two doors for an authorization request, and the clients that knock."""

    flow: FlowWorld
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def __post_init__(self) -> None:
        self.app = create_app(self.flow.services.settings, self.flow.services)
        digest = secret_digest(SECRET)
        jwks = {"keys": [self.key.as_dict(private=False, alg="ES256", use="sig", kid=self.key.thumbprint())]}
        self.flow.client("one", secret_sha256=digest)
        self.flow.client("two", secret_sha256=digest, audiences=(VOUCHERS, OTHER))
        self.flow.client("fapi", profile="fapi", auth="private_key_jwt", jwks=jwks)

    def values(self, client: str, changes: dict[str, Any]) -> MultiDict[str, str]:
        plain = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": f"https://{client}.example/cb",
            "scope": " ".join(sorted(SCOPES)),
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": challenge("v" * 43),
            "code_challenge_method": "S256",
            "authorization_details": mandate(locations=[VOUCHERS]),
        } | changes
        return MultiDict({name: value for name, value in plain.items() if value is not DROP})

    def push(self, client: str, changes: dict[str, Any]) -> str:
        """The error of a pushed request; empty when it was taken."""
        form, headers = self.values(client, changes), {}
        if client == "fapi":
            now, app = self.flow.now, App(ISSUER, client, "", "", self.key)
            form["client_assertion"] = app.assertion(iat=now, exp=now + 60)
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        else:
            headers = {"Authorization": basic(client, SECRET)}
        answer = self.app.test_client().post("/par", data=form, headers=headers, base_url=ISSUER)
        assert "Location" not in answer.headers
        assert answer.status_code in {201, 400}, answer.text
        return "" if answer.status_code == 201 else answer.json["error"]

    def go(self, client: str, changes: dict[str, Any]) -> str:
        """The error that the browser takes to the client; empty when an interaction began."""
        answer = self.app.test_client().get(
            "/authorize", query_string=self.values(client, changes), base_url=ISSUER
        )
        assert answer.status_code == 303, answer.text
        address = urlsplit(answer.headers["Location"])
        if address.path.startswith("/interaction/"):
            return ""
        query = dict(parse_qsl(address.query))
        assert address.hostname == f"{client}.example"
        assert (query["iss"], query["state"]) == (ISSUER, changes.get("state", "state-1"))
        return query["error"]

    def read(self, client: str = "one", **changes: Any) -> Any:
        """The request as the endpoint understood it."""
        values = self.values(client, changes)
        with self.app.test_request_context("/authorize", query_string=values, base_url=ISSUER):
            return authorization.read(self.app.extensions["volmacht"].oauth)


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    """One broker for all: a request leaves nothing behind that the next one could meet."""
    flow = FlowWorld(tmp_path_factory.mktemp("wire"))
    yield Wire(flow)
    flow.close()


@dataclass(frozen=True)
class Case:
    """One fault. `beside` names rows that would refuse it too, were this one not there."""

    row: str
    error: str
    changes: dict[str, Any]
    client: str = "one"
    beside: tuple[str, ...] = ()


THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
ESSENTIAL = {"acr": {"essential": True, "values": [HIGH]}}
CASES = [
    Case("bounded", "invalid_request", {"display": "n" * 4097}),
    Case("bounded", "invalid_request", {"resource": ["u" * 4000] * 5}, beside=("registered_audience", "one_target")),
    Case("bounded", "invalid_request", {f"unread{number}": "u" * 4000 for number in range(5)}),
    Case("sent_once", "invalid_request", {"nonce": ["nonce-1", "nonce-2"]}),
    Case("sent_once", "invalid_request", {"authorization_details": [mandate(), mandate()]}),
    Case("sent_once", "invalid_request", {"prompt": ["login", "consent"]}),
    Case("sent_once", "invalid_request", {"acr_values": [LOW, HIGH]}),
    Case("no_request_object", "request_not_supported", {"request": "eyJhbGciOiJub25lIn0.e30."}),
    Case("nothing_ignored", "invalid_request", {"registration": "{}"}),
    Case("nothing_ignored", "invalid_request", {"id_token_hint": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}),
    Case("short_memory", "invalid_request", {"state": "s" * 2049}),
    Case("short_memory", "invalid_request", {"state": "caf\u00e9"}),
    Case("short_memory", "invalid_request", {"nonce": "n" * 513}),
    Case("whole_age", "invalid_request", {"max_age": "an hour"}),
    Case("whole_age", "invalid_request", {"max_age": "-1"}),
    Case("whole_age", "invalid_request", {"max_age": ""}),
    Case("one_key", "invalid_request", {"dpop_jkt": THUMBPRINT[1:]}),
    Case("one_key", "invalid_request", {"dpop_jkt": ""}),
    Case("known_level", "unmet_authentication_requirements", {"acr_values": "loa-4 urn:mace:silver"}),
    Case("known_level", "unmet_authentication_requirements", {"claims": json.dumps({"id_token": {"acr": {"essential": True, "value": "loa-4"}}})}),
    Case("known_level", "invalid_request", {"claims": "{}"}),
    Case("known_level", "invalid_request", {"claims": "["}),
    Case("known_level", "invalid_request", {"claims": "[" * 3000}),
    Case("known_level", "invalid_request", {"claims": '{"id_token":{}}'}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"userinfo": ESSENTIAL})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": ESSENTIAL, "userinfo": {"name": None}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": ESSENTIAL | {"auth_time": {"essential": True}}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": {"acr": {"essential": True, "max": 1}}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": {"acr": {"values": HIGH}}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": {"acr": {"values": [HIGH], "value": LOW}}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": {"acr": {"value": 3}}})}),
    Case("known_level", "invalid_request", {"claims": json.dumps({"id_token": {"acr": {"essential": "yes", "value": HIGH}}})}),
    Case("query_mode", "invalid_request", {"response_mode": "fragment"}),
    Case("query_mode", "invalid_request", {"response_mode": "form_post"}),
    Case("pkce_s256", "invalid_request", {"code_challenge_method": DROP}),
    Case("pkce_s256", "invalid_request", {"code_challenge": DROP, "code_challenge_method": DROP}),
    Case("known_prompt", "invalid_request", {"prompt": "create"}),
    Case("known_prompt", "invalid_request", {"prompt": "none login"}),
    Case("known_prompt", "invalid_request", {"prompt": "login login"}),
    Case("something_to_grant", "invalid_scope", {"scope": "vouchers:assign admin"}),
    Case("something_to_grant", "invalid_scope", {"scope": DROP}),
    Case("registered_audience", "invalid_target", {"resource": "https://evil.example/api", "authorization_details": DROP}),
    Case("registered_audience", "invalid_target", {"resource": [VOUCHERS, OTHER], "authorization_details": DROP}, "two"),
    Case("understood_details", "invalid_authorization_details", {"authorization_details": "["}),
    Case("understood_details", "invalid_authorization_details", {"authorization_details": mandate(subject="p-1")}),
    Case("understood_details", "invalid_authorization_details", {"authorization_details": mandate(mandate_type="company-manager")}),
    Case("understood_details", "invalid_authorization_details", {"authorization_details": mandate(locations=[OTHER])}),
    Case("one_target", "invalid_target", {"resource": VOUCHERS, "authorization_details": mandate(locations=[OTHER])}, "two"),
]  # fmt: skip
WITHOUT_DETAILS = Case(
    "obo_needs_a_mandate", "invalid_authorization_details", {"authorization_details": DROP}, "fapi"
)
UNPUSHED = Case("pushed_when_fapi", "invalid_request", {}, "fapi")
REFERENCE = Case("no_reference", "invalid_request", {"request_uri": "urn:ietf:params:oauth:request_uri:x"})
PUSHED = [*CASES, WITHOUT_DETAILS, REFERENCE]
LEAVES = {"known_client", "understood_details"}
"""Rows that leave on the request what later rows look at."""


def only(monkeypatch, keep):
    """Leave in the table the rows that `keep` names as wanted."""
    monkeypatch.setattr(checks, "CHECKS", tuple(row for row in checks.CHECKS if keep(row[0].__name__)))


def name_of(case: Case) -> str:
    return f"{case.row}-{'-'.join(case.changes)}"


@pytest.mark.parametrize("case", PUSHED, ids=name_of)
def test_a_pushed_request_is_refused_by_this_row_and_by_no_other(wire, monkeypatch, case):
    assert wire.push(case.client, case.changes) == case.error
    only(monkeypatch, lambda row: row not in {case.row, *case.beside})
    assert wire.push(case.client, case.changes) == ""


@pytest.mark.parametrize("case", PUSHED, ids=name_of)
def test_this_row_alone_would_refuse_the_pushed_request(wire, monkeypatch, case):
    only(monkeypatch, lambda row: row in {case.row, *LEAVES})
    assert wire.push(case.client, case.changes) == case.error


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_same_request_is_refused_when_the_browser_brings_it(wire, case):
    assert wire.go(case.client, case.changes) == case.error


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_this_row_alone_would_refuse_it_from_the_browser(wire, monkeypatch, case):
    only(monkeypatch, lambda row: row in {case.row, *LEAVES})
    assert wire.go(case.client, case.changes) == case.error


def test_a_fapi_client_pushes_and_no_other_row_says_so(wire, monkeypatch):
    assert wire.go("fapi", UNPUSHED.changes) == UNPUSHED.error
    assert wire.push("fapi", UNPUSHED.changes) == ""
    only(monkeypatch, lambda row: row != UNPUSHED.row)
    assert wire.go("fapi", UNPUSHED.changes) == ""


def test_a_compatible_client_may_ask_for_an_obo_scope_alone(wire):
    assert wire.go("one", WITHOUT_DETAILS.changes) == ""
    assert wire.read(authorization_details=DROP).wants_mandate


@pytest.mark.parametrize("client", ["one", "fapi"])
def test_without_a_fault_every_row_lets_a_request_pass(wire, client):
    assert wire.push(client, {}) == ""
    if client == "one":
        assert wire.go(client, {}) == ""


DOOR = {
    "is_a_form", "known_client", "keeps_a_secret", "registered_grant", "proven_key", "bound_when_registered",
    "used_once",
}  # fmt: skip
"""Rows that judge whoever asks: `test_oauth_door.py` has a request for each."""


def test_every_row_of_the_table_has_a_request_here():
    rows = {check.__name__ for check, _ in checks.CHECKS}
    assert rows - DOOR == {case.row for case in (*PUSHED, UNPUSHED)}


TOKENS = {CODE, REFRESH, EXCHANGE, MACHINE}
POSTED = TOKENS | {PAR, INTROSPECT, REVOKE}
BOTH = {PAR, AUTHORIZE}
COLUMNS = {
    "is_a_form": POSTED,
    "bounded": POSTED | BOTH,
    "sent_once": POSTED | BOTH,
    "known_client": POSTED,
    "keeps_a_secret": {EXCHANGE, MACHINE, INTROSPECT},
    "registered_grant": TOKENS,
    "proven_key": TOKENS | {PAR},
    "bound_when_registered": TOKENS,
    "used_once": POSTED,
    "pushed_when_fapi": {AUTHORIZE},
    "no_reference": {PAR},
    "nothing_ignored": TOKENS | BOTH,
    "understood_details": BOTH | {CODE, REFRESH},
}
"""Written twice on purpose: a row that is lost for one endpoint is lost in silence."""


def test_every_row_runs_where_it_must():
    for check, columns in checks.CHECKS:
        assert columns == COLUMNS.get(check.__name__, BOTH), check.__name__


def test_no_row_looks_at_what_a_later_one_finds_out():
    """Who asks is known before anything is asked of the client, and only then something is marked as used."""
    order = [check.__name__ for check, _ in checks.CHECKS]
    assert order[:4] == ["is_a_form", "bounded", "sent_once", "known_client"]
    assert order.index("proven_key") < order.index("used_once") < order.index("one_key")
    assert order.index("understood_details") < order.index("one_target") < order.index("registered_audience")


FINE = [
    {"state": "s" * 2048},
    {"state": ""},
    {"nonce": "n" * 512},
    {"max_age": "0"},
    {"dpop_jkt": THUMBPRINT},
    {"claims": json.dumps({"id_token": ESSENTIAL})},
    {"claims": '{"id_token":{"acr":null}}'},
    {"prompt": "login consent"},
    {"resource": VOUCHERS},
    {"authorization_details": DROP},
    {"acr_values": f"loa-4 {LOW}"},
    {"response_mode": "query"},
    {"prompt": "consent"},
    {"scope": "openid admin obo:vouchers:read"},
]


@pytest.mark.parametrize("changes", FINE, ids=lambda changes: next(iter(changes)))
def test_what_lies_just_within_a_rule_passes(wire, changes):
    assert wire.push("one", changes) == ""
    assert wire.go("one", changes) == ""


# --- what the request comes to ---


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        (f"{HIGH} {SUBSTANTIAL}", Level.SUBSTANTIAL),
        (f"{LOW} {HIGH}", Level.LOW),
        (f"{HIGH} {LOW} {SUBSTANTIAL}", Level.LOW),
        (f"loa-4 {HIGH} urn:x", Level.HIGH),
        (DROP, Level.NONE),
    ],
)
def test_of_several_levels_the_weakest_that_is_known_suffices(wire, asked, level):
    assert wire.read(acr_values=asked).level == level.name


@pytest.mark.parametrize(
    ("acr", "level"),
    [
        ({"essential": True, "values": [HIGH, SUBSTANTIAL]}, Level.SUBSTANTIAL),
        ({"essential": True, "value": HIGH}, Level.HIGH),
        ({"value": LOW}, Level.LOW),
        ({"essential": True}, Level.NONE),
        (None, Level.NONE),
    ],
)
def test_an_acr_in_claims_is_a_floor_too(wire, acr, level):
    """OIDC Core section 5.5.1.1; RFC 9470 section 4."""
    asked = json.dumps({"id_token": {"acr": acr}})
    assert wire.read(claims=asked).level == level.name
    assert wire.read(claims=asked, acr_values=SUBSTANTIAL).level == max(level, Level.SUBSTANTIAL).name


def test_age_key_and_prompts_arrive_as_they_were_asked(wire):
    asked = wire.read(max_age="3600", dpop_jkt=THUMBPRINT, prompt=" login  consent ")
    assert (asked.max_age, asked.dpop_jkt, asked.prompt) == (3600, THUMBPRINT, "login consent")
    plain = wire.read()
    assert (plain.max_age, plain.dpop_jkt, plain.prompt) == (None, None, "")


def test_the_audience_is_the_resource_or_the_only_one(wire):
    silent = {"authorization_details": mandate()}
    assert wire.read(**silent).audience == VOUCHERS
    assert wire.read("two", resource=OTHER, **silent).audience == OTHER
    assert wire.push("two", silent) == "invalid_target"
    assert wire.go("two", silent) == "invalid_target"


@pytest.mark.parametrize("location", [VOUCHERS, OTHER])
def test_a_client_of_several_apis_may_name_the_one_it_means_by_its_location_alone(wire, location):
    """RFC 9396 section 2.2; `one_target`: resource and locations say the same, or one of them is silent."""
    asked = {"authorization_details": mandate(locations=[location])}
    assert wire.push("two", asked) == ""
    assert wire.read("two", **asked).audience == location


@pytest.mark.parametrize("client", ["one", "two"])
def test_several_locations_are_refused_where_the_client_is_told(wire, client):
    """One audience: an error for the client, not a page for the person (RFC 8707 section 2)."""
    asked = {"authorization_details": mandate(locations=[VOUCHERS, VOUCHERS])}
    assert wire.push(client, asked) == "invalid_target"
    assert wire.go(client, asked) == "invalid_target"


def test_a_scope_that_is_not_registered_is_left_out(wire):
    assert wire.read(scope="openid admin obo:vouchers:read vouchers:assign").scopes == (
        "openid",
        "obo:vouchers:read",
    )


def test_what_is_asked_of_the_mandate_arrives_whole(wire):
    asked = wire.read(
        authorization_details=mandate(
            identifier="m-1", mandate_type="ocmw-beneficiary", actions=["vouchers:read"], locations=[VOUCHERS]
        )
    )
    assert (asked.identifier, asked.mandate_type) == ("m-1", "ocmw-beneficiary")
    assert (asked.actions, asked.audience, asked.wants_mandate) == (("vouchers:read",), VOUCHERS, True)
    plain = wire.read(scope="openid vouchers:read", authorization_details=DROP)
    assert (plain.identifier, plain.mandate_type, plain.actions, plain.wants_mandate) == (
        None,
        None,
        (),
        False,
    )
