"""How the voucher service proves that it holds the key of a session (RFC 9449)."""

import base64
import hashlib
import json

import pytest
import requests
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from demo.vouchers.dpop import Prover, new_key

NOW = 1_795_420_000
TOKEN_ENDPOINT = "http://127.0.0.1:8000/token"
API = "http://127.0.0.1:8002/api/burgers/vouchers"


class Server:
    """In place of `requests`: answers what the test queued, and remembers what it was sent."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def request(self, method, url, **options):
        self.sent.append((method, url, options))
        status, headers, body = self.answers.pop(0)
        answer = requests.Response()
        answer.status_code, answer._content = status, json.dumps(body).encode()
        answer.headers.update(headers)
        return answer

    def proof(self, place):
        """The claims of a proof that was sent, verified with the key inside it."""
        proof = self.sent[place][2]["headers"]["DPoP"]
        header = jws.extract_compact(proof.encode()).headers()
        assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
        assert "d" not in header["jwk"]
        return jwt.decode(proof, ECKey.import_key(header["jwk"])).claims


OK = (200, {}, {})
NONCE_AT_TOKEN = (400, {"DPoP-Nonce": "n-1"}, {"error": "use_dpop_nonce"})
NONCE_AT_API = (401, {"DPoP-Nonce": "n-1", "WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}, {})


def send(server, url=TOKEN_ENDPOINT, method="POST", token=None, prover=None):
    prover = prover or Prover(server, lambda: NOW)
    return prover.send(new_key(), method, url, lambda: {"data": {"made": len(server.sent)}}, token)


def test_a_proof_is_for_one_method_and_address_and_no_two_are_alike():
    server = Server(OK, OK)
    send(server)
    send(server)
    first, second = server.proof(0), server.proof(1)
    assert (first["htm"], first["htu"], first["iat"]) == ("POST", TOKEN_ENDPOINT, NOW)
    assert first["jti"] != second["jti"]
    assert "ath" not in first
    assert "Authorization" not in server.sent[0][2]["headers"]


def test_at_an_api_the_proof_names_the_token_and_the_scheme_is_dpop():
    server = Server(OK)
    send(server, API, "GET", token="t.o.k")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"t.o.k").digest()).rstrip(b"=").decode()
    assert server.proof(0)["ath"] == digest
    assert server.sent[0][2]["headers"]["Authorization"] == "DPoP t.o.k"


@pytest.mark.parametrize("answer", [NONCE_AT_TOKEN, NONCE_AT_API])
def test_a_server_that_wants_its_nonce_gets_it_in_a_request_that_is_made_anew(answer):
    server = Server(answer, OK)
    assert send(server).status_code == 200
    assert "nonce" not in server.proof(0)
    assert server.proof(1)["nonce"] == "n-1"
    assert [options["data"]["made"] for _, _, options in server.sent] == [0, 1]


def test_a_server_that_asks_twice_is_not_asked_for_ever():
    server = Server(NONCE_AT_TOKEN, NONCE_AT_TOKEN)
    assert send(server).status_code == 400
    assert len(server.sent) == 2


def test_another_refusal_is_not_tried_again():
    server = Server((400, {"DPoP-Nonce": "n-1"}, {"error": "invalid_grant"}))
    assert send(server).status_code == 400


def test_each_server_gets_back_its_own_newest_nonce():
    server = Server((200, {"DPoP-Nonce": "old"}, {}), (200, {"DPoP-Nonce": "new"}, {}), OK, OK)
    prover = Prover(server, lambda: NOW)
    for url in (TOKEN_ENDPOINT, TOKEN_ENDPOINT, API, TOKEN_ENDPOINT):
        send(server, url, prover=prover)
    assert [server.proof(place).get("nonce") for place in range(4)] == [None, "old", None, "new"]


def test_no_redirect_takes_a_proof_or_a_token_elsewhere():
    server = Server((302, {"Location": "https://elsewhere.example/"}, {}))
    assert send(server, API, "GET", token="t").status_code == 302
    assert server.sent[0][2]["allow_redirects"] is False
