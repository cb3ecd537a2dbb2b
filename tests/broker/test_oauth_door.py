"""Who asks, and with what key: the rows of the table that judge a request before what it asks is looked at."""

from __future__ import annotations

from base64 import b64encode

import pytest

from attack_tools import ASSERTION_TYPE, DROP, basic
from broker.flows.registry import secret_digest
from broker.oauth import checks
from broker.oauth.client_auth import TOKEN_EXCHANGE
from flow_world import ISSUER, FlowWorld
from oauth_door import PROGRAM, REFRESH, SECRET, SECRET_ENCODED, Door
from provers import Prover


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    flow = FlowWorld(tmp_path_factory.mktemp("door"))
    yield Door(flow)
    flow.close()


@pytest.fixture
def door(world):
    """The clock goes on between tests, so that no mark of one meets another."""
    world.flow.clock.forward(700)
    return world


# --- proofs of possession (RFC 9449) ---


def test_a_request_with_assertion_proof_and_nonce_comes_in(door):
    answer = door.as_fapi()
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_a_client_registered_for_dpop_gets_nothing_without_a_proof(door):
    for form in (REFRESH, {"grant_type": "authorization_code"}, {"grant_type": "client_credentials"}, {"grant_type": TOKEN_EXCHANGE}):  # fmt: skip
        answer = door.as_fapi(form=form, DPoP=DROP)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")
        assert "DPoP-Nonce" not in answer.headers


def test_another_client_may_come_without_a_proof(door):
    assert door.as_basic().json["error"] == "invalid_grant"
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion("keyed")}
    assert door.post("/token", form).json["error"] == "invalid_grant"


WRONG_PROOFS = {
    "another address": lambda door: {"htu": f"{ISSUER}/par"},
    "another method": lambda door: {"htm": "GET"},
    "no jti": lambda door: {"jti": DROP},
    "too old": lambda door: {"iat": door.flow.now - 61},
    "too far ahead": lambda door: {"iat": door.flow.now + 61},
}


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_a_proof_of_something_else_is_refused(door, name):
    answer = door.as_fapi(DPoP=door.with_nonce(**WRONG_PROOFS[name](door)))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")
    assert answer.headers["DPoP-Nonce"]


@pytest.mark.parametrize("lead", [-10, 10, 60])
def test_a_proof_of_a_clock_that_differs_a_little_is_believed(door, lead):
    """FAPI 2.0 section 5.3.2.1 number 13."""
    assert door.as_fapi(DPoP=door.with_nonce(iat=door.flow.now + lead)).json["error"] == "invalid_grant"


def test_two_proofs_are_none(door):
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion()}
    proofs = [("DPoP", door.with_nonce()), ("DPoP", door.with_nonce())]
    assert door.post("/token", REFRESH | form, proofs).json["error"] == "invalid_dpop_proof"


def test_a_proof_counts_once(door):
    proof = door.with_nonce()
    assert door.as_basic(DPoP=proof).json["error"] == "invalid_grant"
    assert door.as_basic(DPoP=proof).json["error"] == "invalid_dpop_proof"


def test_a_proof_is_remembered_for_as_long_as_it_would_be_believed(door):
    """One of a clock that runs a minute ahead is good for two."""
    period = door.flow.services.settings.dpop_nonce_seconds
    door.flow.clock.forward(period - door.flow.now % period)
    proof = door.with_nonce(iat=door.flow.now + 60)
    assert door.as_basic(DPoP=proof).json["error"] == "invalid_grant"
    door.flow.clock.forward(119)
    assert door.as_basic(DPoP=proof).json["error"] == "invalid_dpop_proof"
    fresh = door.with_nonce(iat=door.flow.now - 59)
    assert door.as_basic(DPoP=fresh).json["error"] == "invalid_grant"


def test_a_proof_that_was_signed_again_is_the_same_proof(door):
    """ES256 has many signatures for one text: the mark is the key and the jti."""
    nonce = door.nonce()
    first, second = (door.proof(jti="the same", nonce=nonce) for _ in range(2))
    assert first != second
    assert door.as_basic(DPoP=first).json["error"] == "invalid_grant"
    assert door.as_basic(DPoP=second).json["error"] == "invalid_dpop_proof"


def test_one_jti_of_two_keys_is_two_proofs(door):
    nonce = door.nonce()
    for prover in (Prover(), Prover()):
        proof = prover.proof("POST", f"{ISSUER}/token", iat=door.flow.now, jti="anybody's", nonce=nonce)
        assert door.as_basic(DPoP=proof).json["error"] == "invalid_grant"


def test_a_proof_of_before_the_replay_store_remembers_is_refused(door, monkeypatch):
    """The store was lost: what it may have forgotten does not count (decision 0005)."""
    monkeypatch.setattr(door.flow.services.ephemeral, "_epoch", door.flow.now)
    nonce = door.nonce()
    old, new = (door.proof(iat=door.flow.now - age, nonce=nonce) for age in (1, 0))
    assert door.as_basic(DPoP=old).json["error"] == "invalid_dpop_proof"
    assert door.as_basic(DPoP=new).json["error"] == "invalid_grant"


def test_marks_of_assertion_and_proof_are_claimed_in_one_round_trip(door, monkeypatch):
    claimed = []
    store = door.flow.services.ephemeral
    plain = store.claim_all
    monkeypatch.setattr(type(store), "claim_all", lambda _self, marks: claimed.append(marks) or plain(marks))
    proof = door.with_nonce()
    claimed.clear()
    door.as_fapi(DPoP=proof)
    ((first, second),) = claimed
    assert {first[0], second[0]} == {"client_assertion", "dpop"}


def test_a_refusal_that_asks_for_a_nonce_uses_nothing_up(door):
    """Whoever retries with the nonce may send the same assertion again."""
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion()}
    told = door.post("/token", form, [("DPoP", door.proof())])
    assert told.json["error"] == "use_dpop_nonce"
    again = door.proof(nonce=told.headers["DPoP-Nonce"])
    assert door.post("/token", form, [("DPoP", again)]).json["error"] == "invalid_grant"


# --- the nonce (RFC 9449 section 8) ---


def test_the_token_endpoint_wants_its_nonce_in_every_proof(door):
    answer = door.as_fapi(DPoP=door.proof())
    assert (answer.status_code, answer.json["error"]) == (400, "use_dpop_nonce")
    assert answer.headers["DPoP-Nonce"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("nonce", ["", "x", "0" * 32, "é"])
def test_a_nonce_that_is_not_ours_is_asked_anew(door, nonce):
    error = door.as_fapi(DPoP=door.proof(nonce=nonce)).json["error"]
    assert error == ("invalid_dpop_proof" if nonce == "" else "use_dpop_nonce")


def test_a_nonce_is_accepted_through_the_period_after_its_own_and_no_longer(door):
    period = door.flow.services.settings.dpop_nonce_seconds
    door.flow.clock.forward(period - door.flow.now % period)  # the first second of a period
    nonce = door.nonce()
    door.flow.clock.forward(2 * period - 1)
    assert door.as_fapi(DPoP=door.proof(nonce=nonce)).json["error"] == "invalid_grant"
    door.flow.clock.forward(1)
    assert door.as_fapi(DPoP=door.proof(nonce=nonce)).json["error"] == "use_dpop_nonce"


def test_every_answer_to_a_proof_brings_the_newest_nonce(door):
    first = door.nonce()
    door.flow.clock.forward(door.flow.services.settings.dpop_nonce_seconds)
    answer = door.as_fapi(DPoP=door.proof(nonce=first))
    assert answer.json["error"] == "invalid_grant"
    assert answer.headers["DPoP-Nonce"] not in {"", first}
    assert "DPoP-Nonce" not in door.as_basic().headers


def test_no_nonce_is_demanded_where_none_is_configured(tmp_path):
    flow = FlowWorld(tmp_path, changes={"dpop_nonce_seconds": 0})
    door = Door(flow)
    answer = door.as_fapi(DPoP=door.proof())
    assert answer.json["error"] == "invalid_grant"
    assert "DPoP-Nonce" not in answer.headers
    flow.close()


# --- client authentication ---


def test_an_assertion_counts_once_whatever_it_was_used_for(door):
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion()}
    assert door.post("/revoke", assertion | {"token": "x"}).status_code == 200
    for path, form in (("/token", REFRESH), ("/par", {}), ("/introspect", {"token": "x"})):
        headers = [("DPoP", door.with_nonce())] if path == "/token" else []
        assert door.post(path, assertion | form, headers).json["error"] == "invalid_client"


@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt"])
def test_the_type_of_an_assertion_is_its_own_or_none(door, typ):
    header = {} if typ is None else {"typ": typ}
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion(header=header)}
    assert door.post("/revoke", form | {"token": "x"}).status_code == 200


def test_a_proof_is_no_assertion_though_it_says_all_that_one_says(door):
    proof = door.prover.proof(
        "POST", f"{ISSUER}/token", iat=door.flow.now, iss="fapi", sub="fapi", aud=ISSUER,
        exp=door.flow.now + 60, header={"kid": door.key.thumbprint()}, signer=door.key,
    )  # fmt: skip
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}
    answer = door.post("/token", form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_the_key_of_proof_and_of_assertion_are_left_for_whoever_issues(door):
    """RFC 9449 section 5, and tokens.md section 4: a token is bound to the caller's own key."""
    sent = [("DPoP", door.with_nonce())]
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion()}
    with door.app.test_request_context("/token", method="POST", data=form, headers=sent, base_url=ISSUER):
        server = door.app.extensions["volmacht"].oauth
        request = server.create_oauth2_request(None)
        server.authenticate_client(request, [])
    assert (request.jkt, request.assertion_jkt) == (door.prover.jkt, door.key.thumbprint())
    assert request.client.client_id == "fapi"


def test_a_secret_may_hold_any_character(door):
    assert door.as_basic().json["error"] == "invalid_grant"


WRONG_HEADERS = {
    "another secret": basic("basic", "x"),
    "another client": basic("nobody", SECRET_ENCODED),
    "a client with a key": basic("fapi", SECRET_ENCODED),
    "a public client": basic("public", ""),
    "no secret": basic("basic", ""),
    "no colon": "Basic " + b64encode(b"basic").decode(),
    "no base64": "Basic ???",
    "bytes that are no text": "Basic " + b64encode(b"basic:\xff\xfe").decode(),
    "another scheme": "Bearer x",
    "nothing": "",
}


@pytest.mark.parametrize("name", WRONG_HEADERS)
@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
def test_who_failed_by_a_header_is_told_which_scheme_there_is(door, path, name):
    """RFC 6749 section 5.2: 401, and a challenge of the scheme that was used."""
    answer = door.post(path, REFRESH, [("Authorization", WRONG_HEADERS[name])])
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_brings_nothing_is_told_too_and_whoever_brings_an_assertion_is_not(door):
    for form in (REFRESH, REFRESH | {"client_id": "basic"}, REFRESH | {"client_id": "basic", "client_secret": SECRET}):  # fmt: skip
        answer = door.post("/token", form)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    answer = door.post("/token", REFRESH | {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")
    assert "WWW-Authenticate" not in answer.headers


def test_a_client_uses_the_one_method_that_it_registered_though_it_could_use_another(door):
    """Threats: class 19. Keys and a secret that are left from before open nothing."""
    left = {
        "secret_sha256": secret_digest(SECRET),
        "jwks": door.flow.services.registrations().find_client("fapi").jwks,
    }
    door.flow.client("was-keyed", **left)
    door.flow.client("was-secret", auth="private_key_jwt", **left)
    door.flow.clock.forward(1)
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion("was-keyed")}
    assert door.post("/revoke", assertion | {"token": "x"}).json["error"] == "invalid_client"
    assert door.as_basic(client="was-secret").json["error"] == "invalid_client"
    assert door.as_basic(client="was-keyed").json["error"] == "invalid_grant"


def test_two_methods_at_once_are_none(door):
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion("keyed")}
    assert door.as_basic(form=form).json["error"] == "invalid_client"


def test_an_assertion_says_when_it_was_made(door):
    """Nobody could tell whether it is older than what the replay store remembers (decision 0005)."""
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion("keyed", iat=DROP)}
    assert door.post("/revoke", form | {"token": "x"}).json["error"] == "invalid_client"


def test_a_public_client_sends_its_name_and_no_secret(door):
    assert door.post("/token", REFRESH | {"client_id": "public"}).json["error"] == "invalid_grant"
    answer = door.post("/token", REFRESH | {"client_id": "public", "client_secret": ""})
    assert answer.json["error"] == "invalid_client"


@pytest.mark.parametrize("client", ["basic", "fapi"])
def test_another_client_id_than_the_one_that_was_proven_is_refused(door, client):
    other = {"client_id": "public"}
    answer = door.as_basic(form=REFRESH | other) if client == "basic" else door.as_fapi(form=REFRESH | other)
    assert answer.json["error"] == "invalid_client"


def test_who_proves_nothing_may_not_introspect_exchange_or_be_a_program(door):
    for path, form in (
        ("/introspect", {"token": "x"}),
        ("/token", {"grant_type": TOKEN_EXCHANGE}),
        ("/token", {"grant_type": "client_credentials", "scope": PROGRAM}),
    ):
        answer = door.post(path, form | {"client_id": "public"})
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_client_uses_the_grants_that_it_is_registered_for(door):
    for grant_type in ("refresh_token", "authorization_code"):
        answer = door.as_basic(form={"grant_type": grant_type, "code": "x"}, client="program")
        assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
    assert door.as_basic(form={"grant_type": TOKEN_EXCHANGE}).json["error"] == "unauthorized_client"
    assert door.as_fapi(form={"grant_type": TOKEN_EXCHANGE}).json["error"] == "invalid_request"


# --- the form of a request (RFC 6749 section 3.2 and appendix B) ---


@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
def test_a_body_is_a_form_and_nothing_else(door, path):
    secret = [("Authorization", basic("basic", SECRET_ENCODED))]
    for options in (
        {"json": REFRESH | {"token": "x"}},
        {"data": REFRESH | {"token": "x"}, "content_type": "multipart/form-data"},
        {"data": "grant_type=refresh_token&refresh_token=x&token=x", "content_type": "text/plain"},
        {"data": "grant_type=refresh_token&refresh_token=x&token=x"},
    ):
        answer = door.http.post(path, headers=secret, base_url=ISSUER, **options)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_form_may_say_in_which_alphabet_it_is(door):
    secret = [("Authorization", basic("basic", SECRET_ENCODED))]
    body = "grant_type=refresh_token&refresh_token=x"
    answer = door.http.post(
        "/token", data=body, headers=secret, base_url=ISSUER,
        content_type="application/x-www-form-urlencoded; charset=UTF-8",
    )  # fmt: skip
    assert answer.json["error"] == "invalid_grant"


TWICE = [
    ("/token", REFRESH | {"refresh_token": ["x", "y"]}),
    ("/token", REFRESH | {"grant_type": ["refresh_token", "client_credentials"]}),
    ("/token", REFRESH | {"scope": ["openid", "profile"]}),
    ("/token", {"grant_type": "authorization_code", "code": ["x", "x"]}),
    ("/token", {"grant_type": "client_credentials", "scope": [PROGRAM, PROGRAM]}),
    ("/introspect", {"token": ["x", "y"]}),
    ("/revoke", {"token": ["x", "y"]}),
    ("/par", {"scope": ["openid", "profile"]}),
]


@pytest.mark.parametrize(("path", "form"), TWICE)
def test_no_parameter_comes_twice(door, path, form):
    answer = door.as_basic(path, form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert "more than once" in answer.json["error_description"]


def test_a_parameter_is_as_long_as_anybody_needs(door):
    assert door.as_basic(form=REFRESH | {"scope": "s" * 4097}).json["error"] == "invalid_request"
    assert door.as_basic(form=REFRESH | {"refresh_token": "r" * 8193}).json["error"] == "invalid_request"
    many = {f"unread{number}": "u" * 4000 for number in range(5)}
    assert door.as_basic(form=REFRESH | many).json["error"] == "invalid_request"
    assert door.as_basic(form=REFRESH | {"refresh_token": "r" * 8192}).json["error"] == "invalid_grant"


@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
def test_a_nul_is_nobodys_typing(door, path):
    """PostgreSQL refuses to store it, and nobody may find out how late."""
    for name, value in (("refresh_token", "a\0b"), ("scope", "\0"), ("a\0b", "x")):
        answer = door.as_basic(path, REFRESH | {"token": "x", name: value})
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_request_has_as_many_parameters_as_anybody_needs(door):
    few, many = ({f"p{number}": "x" for number in range(count)} for count in (90, 200))
    assert door.as_basic(form=REFRESH | few).json["error"] == "invalid_grant"
    assert door.as_basic(form=REFRESH | many).json["error"] == "invalid_request"


@pytest.mark.parametrize(
    "form",
    [
        REFRESH | {"audience": "https://a.example"},
        REFRESH | {"claims": "{}"},
        REFRESH | {"subject_token": "x"},
        {"grant_type": "authorization_code", "code": "x", "actor_token": "x"},
        {"grant_type": "client_credentials", "scope": PROGRAM, "authorization_details": "[]"},
    ],
)
def test_what_would_change_the_answer_and_cannot_be_honoured_is_refused(door, form):
    """tokens.md section 4: never an unsupported parameter silently ignored."""
    assert door.as_basic(form=form).json["error"] == "invalid_request"


def test_authorization_details_that_are_not_understood_narrow_nothing(door):
    """RFC 9396 section 6: at the token endpoint too."""
    for details in ("[", '[{"type":"other"}]', '[{"type":"urn:volmacht:mandate","extra":1}]'):
        answer = door.as_basic(form=REFRESH | {"authorization_details": details})
        assert answer.json["error"] == "invalid_authorization_details"


@pytest.mark.parametrize("grant_type", ["password", "implicit", 'evil" \\ <script>', "é"])
def test_an_unknown_grant_is_refused_and_not_quoted(door, grant_type):
    answer = door.as_basic(form={"grant_type": grant_type})
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")
    assert grant_type not in answer.json["error_description"]
    assert "evil" not in answer.text


def test_without_a_grant_type_there_is_no_request(door):
    for form in ({}, {"grant_type": ""}):
        assert door.as_basic(form=form).json["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
def test_these_endpoints_are_posted_to(door, path):
    answer = door.http.get(path, query_string=REFRESH, base_url=ISSUER)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_parameters_in_the_address_are_not_read(door):
    """RFC 6749 section 3.2: they would stand in every log."""
    secret = [("Authorization", basic("basic", SECRET_ENCODED))]
    answer = door.http.post("/token", query_string=REFRESH, headers=secret, base_url=ISSUER)
    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "device_code", "é"])
@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_a_hint_on_the_type_of_a_token_changes_nothing(door, path, hint):
    """RFC 7009 section 2.1, RFC 7662 section 2.1."""
    answer = door.as_basic(path, {"token": "x", "token_type_hint": hint})
    assert answer.status_code == 200


# --- each row of the door does something ---

ALONE = {
    "is_a_form": lambda door: door.post("/revoke", b"token=x", [("Authorization", basic("basic", SECRET_ENCODED))]),
    "keeps_a_secret": lambda door: door.post("/introspect", {"token": "x", "client_id": "public"}),
    "registered_grant": lambda door: door.as_basic(client="program"),
    "bound_when_registered": lambda door: door.as_fapi(DPoP=DROP),
    "proven_key": lambda door: door.as_basic(DPoP="no proof"),
}  # fmt: skip


@pytest.mark.parametrize("row", ALONE)
def test_without_its_row_a_request_would_come_in(door, monkeypatch, row):
    refused = ALONE[row](door).json
    kept_rows = tuple(one for one in checks.CHECKS if one[0].__name__ != row)
    monkeypatch.setattr(checks, "CHECKS", kept_rows)
    assert ALONE[row](door).json != refused


def test_a_handler_that_does_not_ask_who_it_is_gets_nowhere(door):
    """Only the column of a request says who asks: what did not run it has no client."""
    with door.app.test_request_context("/token", method="POST", data=REFRESH, base_url=ISSUER):
        request = door.app.extensions["volmacht"].oauth.create_oauth2_request(None)
    assert request.client is None
