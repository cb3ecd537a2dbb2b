"""Class 33, sender constraint (RFC 9449) and what else FAPI 2.0 asks, against a running village.

The names follow the negatives of the FAPI 2.0 conformance plans, so that one can be laid beside the other.
"""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
from joserfc.jwk import ECKey

from attack_tools import MANDATE, claims_of, plain_session
from provers import DROP, Prover, b64, sign_raw

ES256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def own(apps, citizen):
    return apps.fapi.tokens(citizen)


@pytest.fixture(scope="module")
def held(apps, land, numbers):
    """A refresh token that every test of a proof may use: a confidential client's does not rotate."""
    bram = land.signed_in(numbers["bram"], "Bram Claes", organisation="0999000129", role="ocmw-executor")
    return apps.fapi.tokens(bram)


def vouchers(village):
    return f"{village.vouchers}/api/burgers/vouchers"


def at(url, token, scheme="DPoP", proof=None, method="GET"):
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
    return plain_session().request(method, url, headers=headers, timeout=10)


def refresh_with(app, token, proof):
    """A refresh by an authenticated client with exactly this proof, or none."""
    headers = {"DPoP": proof} if proof else {}
    return app.post("/token", headers=headers, proves=False, grant_type="refresh_token", refresh_token=token)


def nonced(app):
    """The app's prover, knowing a nonce that the broker takes."""
    answer = app.post("/token", grant_type="refresh_token", refresh_token="x")
    assert app.prover.nonce, answer.text
    return app.prover


REPLAYED = {"invalid_dpop_proof", "invalid_client"}
"""Assertion and proof are claimed in one step: the broker may not know which of both came before."""


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    assert "access_token" not in answer.text
    return answer.json()["error"]


# --- holder of key required ---


def test_a_fapi_client_without_a_proof_gets_no_token(apps, citizen):
    code, verifier = apps.fapi.code(citizen)
    assert refused(apps.fapi.redeem(code, verifier, proves=False)) == "invalid_dpop_proof"


def test_what_a_fapi_client_gets_is_bound_to_its_key_and_says_so(apps, own):
    assert own["token_type"] == "DPoP"
    assert claims_of(own["access_token"])["cnf"] == {"jkt": apps.fapi.prover.jkt}


def test_a_bound_token_works_with_its_proof_at_every_door(village, apps, own):
    assert apps.fapi.call(vouchers(village), own["access_token"]).status_code == 200


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "DPoP", "dPoP"])
def test_the_scheme_is_read_in_any_case(village, apps, own, scheme):
    proof = apps.fapi.prover.proof("GET", vouchers(village), own["access_token"])
    assert at(vouchers(village), own["access_token"], scheme, proof).status_code == 200


def test_a_stolen_bound_token_is_worth_nothing_as_bearer(village, apps, own):
    token, url = own["access_token"], vouchers(village)
    assert at(url, token, "Bearer").status_code == 401
    good = apps.fapi.prover.proof("GET", url, token)
    assert at(url, token, "Bearer", good).status_code == 401
    assert at(url, token, "DPoP").status_code == 401


def test_a_stolen_bound_token_is_worth_nothing_with_another_key(village, apps, own):
    token, url = own["access_token"], vouchers(village)
    assert at(url, token, proof=Prover().proof("GET", url, token)).status_code == 401


def test_an_unbound_token_cannot_pass_as_bound(village, apps, citizen):
    token, url = apps.basic.tokens(citizen)["access_token"], vouchers(village)
    assert at(url, token, "Bearer").status_code == 200
    assert at(url, token, "DPoP", Prover().proof("GET", url, token)).status_code == 401


def test_the_challenge_names_the_scheme_and_the_algorithms(village, own):
    challenge = at(vouchers(village), own["access_token"], "Bearer").headers["WWW-Authenticate"]
    assert "DPoP " in challenge
    assert "ES256" in challenge


@pytest.mark.parametrize("path", ["/userinfo", "/api/v1/representations"])
def test_the_brokers_own_doors_ask_for_the_proof_too(village, land, numbers, path):
    audience = village.broker + ("/api/v1" if path.startswith("/api") else "")
    name = "eigen-" + path.strip("/").replace("/", "-")
    scope = "openid profile mandate:use"
    app = land.app(name, audiences=(audience,), scope=scope, mandate_types=())
    person = land.signed_in(numbers["an"], "An Peeters")
    token, url = app.tokens(person, authorization_details=DROP)["access_token"], village.broker + path
    assert app.call(url, token).status_code == 200
    stolen = at(url, token, "Bearer")
    assert stolen.status_code == 401
    assert "resource_metadata=" in stolen.headers["WWW-Authenticate"]
    assert at(url, token, proof=Prover().proof("GET", url, token)).status_code == 401
    proof = app.prover.proof("GET", url, token)
    assert [at(url, token, proof=proof).status_code for _ in range(2)] == [200, 401]


# --- the proof itself, at the token endpoint ---


def now():
    return int(time.time())


BENT = {
    "typ of another token": ({"typ": "JWT"}, {}),
    "no typ": ({"typ": DROP}, {}),
    "no key": ({"jwk": DROP}, {}),
    "a key that is a name": ({"jwk": "ours"}, {}),
    "a kid instead of a key": ({"jwk": DROP, "kid": "ours"}, {}),
    "a critical header": ({"crit": ["b64"], "b64": False}, {}),
    "algorithm none": ({"alg": "none"}, {}),
    "a symmetric algorithm": ({"alg": "HS256"}, {}),
    "RS256": ({"alg": "RS256"}, {}),
    "another method": ({}, {"htm": "GET"}),
    "the method in small letters": ({}, {"htm": "post"}),
    "no method": ({}, {"htm": DROP}),
    "another endpoint": ({}, {"htu": lambda issuer: f"{issuer}/par"}),
    "another server": ({}, {"htu": lambda _: "https://elsewhere.example/token"}),
    "another port": ({}, {"htu": lambda issuer: f"{issuer}1/token"}),
    "no address": ({}, {"htu": DROP}),
    "no iat": ({}, {"iat": DROP}),
    "an iat that is a text": ({}, {"iat": "now"}),
    "too old": ({}, {"iat": lambda _: now() - 120}),
    "from the far future": ({}, {"iat": lambda _: now() + 120}),
    "no jti": ({}, {"jti": DROP}),
    "an empty jti": ({}, {"jti": ""}),
    "a jti without end": ({}, {"jti": "j" * 4000}),
}


@pytest.mark.parametrize("name", BENT)
def test_a_proof_of_something_else_is_refused(apps, held, name):
    header, claims = BENT[name]
    issuer = apps.fapi.issuer
    claims = {key: value(issuer) if callable(value) else value for key, value in claims.items()}
    proof = nonced(apps.fapi).proof("POST", f"{issuer}/token", header=header, **claims)
    assert refused(refresh_with(apps.fapi, held["refresh_token"], proof)) == "invalid_dpop_proof"


def test_a_proof_signed_by_another_key_than_it_shows_is_refused(apps, held):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token", signer=ECKey.generate_key("P-256"))
    assert refused(refresh_with(apps.fapi, held["refresh_token"], proof)) == "invalid_dpop_proof"


def test_a_proof_that_shows_its_private_key_is_refused(apps, held):
    prover = nonced(apps.fapi)
    header = {"jwk": prover.key.as_dict(private=True)}
    proof = prover.proof("POST", f"{apps.fapi.issuer}/token", header=header)
    assert refused(refresh_with(apps.fapi, held["refresh_token"], proof)) == "invalid_dpop_proof"


@pytest.mark.parametrize("proof", ["x", "a.b.c", "", "{}", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_proof_at_all_is_refused(apps, held, proof):
    answer = refresh_with(apps.fapi, held["refresh_token"], proof or None)
    assert refused(answer) == "invalid_dpop_proof"
    assert "eyJ" not in answer.text


def test_two_proofs_are_none(apps, held):
    """A proxy and a server may read different ones of two headers (RFC 9449 section 4.3, check 1)."""
    prover = nonced(apps.fapi)
    form, _ = apps.fapi.credentials()
    body = urlencode(form | {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]})
    place = urlsplit(apps.fapi.issuer)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    connection.putrequest("POST", "/token")
    connection.putheader("Content-Type", "application/x-www-form-urlencoded")
    connection.putheader("Content-Length", str(len(body)))
    for _ in range(2):
        connection.putheader("DPoP", prover.proof("POST", f"{apps.fapi.issuer}/token"))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, json.loads(text)["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("seconds", [-10, 0, 10])
def test_a_proof_whose_clock_is_ten_seconds_off_is_believed(village, apps, held, seconds):
    # What was made before the broker started could have been used before: its store cannot know.
    time.sleep(max(0, village.started_at + 20 - time.monotonic()))
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token", iat=now() + seconds)
    answer = refresh_with(apps.fapi, held["refresh_token"], proof)
    assert answer.status_code == 200, answer.text


def test_a_proof_works_once(apps, held):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token")
    assert refresh_with(apps.fapi, held["refresh_token"], proof).status_code == 200
    assert refused(refresh_with(apps.fapi, held["refresh_token"], proof)) in REPLAYED


def test_a_second_signature_over_the_same_proof_is_a_replay(apps, held):
    """ES256 is malleable: (r, s) and (r, n - s) sign the same, so replay is known by `jti`."""
    prover = nonced(apps.fapi)
    proof = prover.proof("POST", f"{apps.fapi.issuer}/token")
    assert refresh_with(apps.fapi, held["refresh_token"], proof).status_code == 200
    mirrored = mirror(proof)
    assert mirrored != proof
    assert refused(refresh_with(apps.fapi, held["refresh_token"], mirrored)) in REPLAYED


def test_the_mirrored_signature_itself_is_good_so_only_the_jti_can_tell(apps, held):
    proof = mirror(nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token"))
    assert refresh_with(apps.fapi, held["refresh_token"], proof).status_code == 200


def mirror(jws):
    import base64

    signed, _, signature = jws.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    s = ES256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{signed}.{b64(raw[:32] + s.to_bytes(32, 'big'))}"


def test_of_concurrent_uses_of_one_proof_one_is_believed(apps, held):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: refresh_with(apps.fapi, held["refresh_token"], proof), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5


# --- the nonce ---


def test_a_proof_without_the_servers_nonce_is_told_to_bring_it(apps, held):
    proof = Prover(apps.fapi.prover.key).proof("POST", f"{apps.fapi.issuer}/token")
    answer = refresh_with(apps.fapi, held["refresh_token"], proof)
    assert refused(answer) == "use_dpop_nonce"
    assert answer.headers["DPoP-Nonce"]


@pytest.mark.parametrize("nonce", ["x", "A" * 43, "0" * 32])
def test_a_nonce_that_nobody_gave_is_told_to_bring_one(apps, held, nonce):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token", nonce=nonce)
    assert refused(refresh_with(apps.fapi, held["refresh_token"], proof)) == "use_dpop_nonce"


def test_every_answer_to_a_proof_brings_the_next_nonce(apps, held):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token")
    answer = refresh_with(apps.fapi, held["refresh_token"], proof)
    assert answer.status_code == 200
    assert answer.headers["DPoP-Nonce"]


def test_the_demand_for_a_nonce_costs_no_code(apps, citizen):
    """A client that comes without one tries again with the same code (section 8)."""
    app = apps.fapi
    code, verifier = app.code(citizen)
    app.prover.nonce = None
    assert app.redeem(code, verifier).status_code == 200


# --- a refresh token that is bound to a key ---


def test_a_public_clients_refresh_token_is_bound_to_its_key(apps, citizen):
    app, thief = apps.public, Prover()
    code, verifier = app.code(citizen)
    first = app.redeem(code, verifier, proves=True).json()
    assert first["token_type"] == "DPoP"
    assert refused(app.refresh(first["refresh_token"])) == "invalid_dpop_proof"
    thief.nonce = app.prover.nonce
    stolen = refresh_with(app, first["refresh_token"], thief.proof("POST", f"{app.issuer}/token"))
    assert refused(stolen) in {"invalid_grant", "invalid_dpop_proof"}
    second = app.refresh(first["refresh_token"], proves=True)
    assert second.status_code == 200
    assert second.json().get("refresh_token", first["refresh_token"]) == first["refresh_token"]


# --- the proof at an API ---


def test_at_an_api_a_proof_is_for_one_token_one_method_one_address_once(village, apps, own):
    token, url, prover = own["access_token"], vouchers(village), apps.fapi.prover
    another = apps.fapi.refresh(own["refresh_token"]).json()["access_token"]
    for bent in (
        prover.proof("GET", url),
        prover.proof("GET", url, another),
        prover.proof("POST", url, token),
        prover.proof("GET", f"{village.vouchers}/api/burgers/orders", token),
        prover.proof("GET", url, token, iat=now() - 120),
        prover.proof("GET", url, token, iat=now() + 120),
    ):
        assert at(url, token, proof=bent).status_code == 401
    good = prover.proof("GET", url, token)
    assert [at(url, token, proof=good).status_code for _ in range(2)] == [200, 401]


def test_at_an_api_the_address_is_compared_as_an_address(village, apps, own):
    """RFC 3986 sections 6.2.2 and 6.2.3: query and fragment aside, the host in any case."""
    token, url = own["access_token"], vouchers(village)
    for written in (f"{url}?page=1", f"{url}#top", url.replace("http://", "HTTP://")):
        assert at(url, token, proof=apps.fapi.prover.proof("GET", written, token)).status_code == 200


def test_a_delegated_token_is_bound_like_any_other(village, apps, officer):
    token = apps.fapi.tokens(officer, "An Peeters", authorization_details=MANDATE)["access_token"]
    assert claims_of(token)["act"]
    assert at(vouchers(village), token, "Bearer").status_code == 401
    assert apps.fapi.call(vouchers(village), token).status_code == 200


def test_neither_key_nor_proof_reaches_the_log(village, apps, held):
    proof = nonced(apps.fapi).proof("POST", f"{apps.fapi.issuer}/token")
    refresh_with(apps.fapi, held["refresh_token"], proof)
    refresh_with(apps.fapi, held["refresh_token"], sign_raw({"typ": "dpop+jwt"}, {}, apps.fapi.prover.key))
    assert "eyJ" not in village.log.read_text()
