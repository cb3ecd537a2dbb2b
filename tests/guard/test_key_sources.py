from __future__ import annotations

import json
from threading import Event, Thread

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from guard_builders import JWKS, KEY, KID, OTHER_KEY, jwk
from volmacht_guard import HttpKeySource, StaticKeySource, UnavailableError
from volmacht_guard.fetch import Fetched, FetchError

URI = "https://id.example.be/jwks"


class Issuer:
    """A JWK Set behind a fetch that counts, with a clock beside it."""

    def __init__(self, **options):
        self.now = 1000.0
        self.jwks = JWKS
        self.away = False
        self.max_age = None
        self.fetches = 0
        self.source = HttpKeySource(URI, fetch=self.fetch, clock=lambda: self.now, **options)

    def fetch(self, url, accept, timeout, max_bytes):
        assert (url, timeout) == (URI, 5.0)
        self.fetches += 1
        if self.away:
            raise FetchError("away")
        return Fetched(json.dumps(self.jwks).encode(), self.max_age)


def test_the_set_is_fetched_once_and_kept():
    issuer = Issuer()
    assert issuer.source.key(KID).alg == "ES256"
    issuer.now += 299
    assert issuer.source.key(KID).key.public_numbers() == KEY.public_key().public_numbers()
    assert issuer.fetches == 1


def test_the_set_is_fetched_again_after_its_age():
    issuer = Issuer()
    issuer.source.key(KID)
    issuer.now += 300
    issuer.jwks = {"keys": []}
    assert issuer.source.key(KID) is None


def test_a_server_may_shorten_the_age_but_not_below_the_refetch_interval():
    issuer = Issuer()
    issuer.max_age = 1
    issuer.source.key(KID)
    issuer.now += 29
    issuer.source.key(KID)
    assert issuer.fetches == 1
    issuer.now += 1
    issuer.source.key(KID)
    assert issuer.fetches == 2


def test_an_unknown_key_is_looked_for_once_per_interval_whatever_the_number_of_names():
    issuer = Issuer()
    issuer.source.key(KID)
    issuer.now += 30
    assert [issuer.source.key(f"invented-{number}") for number in range(50)] == [None] * 50
    assert issuer.fetches == 2
    issuer.now += 29
    issuer.source.key("invented")
    assert issuer.fetches == 2


def test_a_key_that_is_new_is_found_by_the_refetch():
    issuer = Issuer()
    issuer.source.key(KID)
    issuer.now += 31
    issuer.jwks = {"keys": [jwk(KEY, KID), jwk(OTHER_KEY, "k2")]}
    assert issuer.source.key("k2") is not None


def test_an_absent_issuer_costs_one_fetch_per_interval_and_the_old_set_serves_for_an_hour():
    issuer = Issuer()
    issuer.source.key(KID)
    issuer.away = True
    issuer.now += 3599
    for _ in range(10):
        assert issuer.source.key(KID) is not None
    assert issuer.fetches == 2
    issuer.now += 1
    with pytest.raises(UnavailableError):
        issuer.source.key(KID)


def test_an_issuer_that_is_away_at_the_start_is_unavailable_and_asked_again_after_five_seconds():
    issuer = Issuer()
    issuer.away = True
    for _ in range(10):
        with pytest.raises(UnavailableError):
            issuer.source.key(KID)
    assert issuer.fetches == 1
    issuer.away = False
    issuer.now += 5
    assert issuer.source.key(KID) is not None


def test_a_document_that_is_no_jwks_changes_nothing():
    issuer = Issuer()
    issuer.source.key(KID)
    for nonsense in ([], {"keys": {}}, {}):
        issuer.now += 301
        issuer.jwks = nonsense
        assert issuer.source.key(KID) is not None


def test_while_one_thread_fetches_the_others_use_the_old_set():
    issuer, started, release = Issuer(), Event(), Event()
    issuer.source.key(KID)
    issuer.now += 301
    fetch = issuer.fetch

    def slow(*arguments):
        started.set()
        release.wait(5)
        return fetch(*arguments)

    issuer.source._fetch = slow
    thread = Thread(target=issuer.source.key, args=(KID,))
    thread.start()
    assert started.wait(5)
    assert issuer.source.key(KID) is not None
    release.set()
    thread.join(5)
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "uri", ["http://id.example.be/jwks", "file:///etc/passwd", "https://a@id.example.be/jwks", "jwks"]
)
def test_an_address_that_is_not_plain_https_does_not_start(uri):
    with pytest.raises(ValueError, match="address"):
        HttpKeySource(uri)


def test_only_public_signature_keys_of_known_kinds_are_taken():
    p384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    rsa_key = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True)
    private = ECAlgorithm.to_jwk(KEY, as_dict=True)
    jwks = {
        "keys": [
            {**p384, "kid": "p384"},
            {**rsa_key, "kid": "rsa", "alg": "RS256"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"},
            {**private, "kid": "private"},
            jwk(KEY, "wrong-alg", alg="EdDSA"),
            {"kty": "EC", "kid": "short", "crv": "P-256", "x": "AA", "y": "AA"},
            jwk(KEY, "twice"),
            jwk(OTHER_KEY, "twice"),
            "nonsense",
            jwk(KEY, "good"),
        ]
    }
    source = StaticKeySource(jwks)
    names = ("p384", "rsa", "oct", "private", "wrong-alg", "short", "twice")
    assert [source.key(name) for name in names] == [None] * len(names)
    assert source.key("good") is not None
