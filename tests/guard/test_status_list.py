from __future__ import annotations

import zlib

import pytest

from guard_builders import ISSUER, JWKS, LIST, NOW, OTHER_KEY, b64, list_claims, sign_list
from volmacht_guard import (
    GuardError,
    HttpStatusSource,
    StaticKeySource,
    UnavailableError,
    decode_list,
    encode_bits,
    encode_list,
)
from volmacht_guard.fetch import Fetched, FetchError


class Broker:
    """A status list behind a fetch that counts."""

    def __init__(self, body=None):
        self.body = sign_list(list_claims()) if body is None else body
        self.away = False
        self.fetches = 0
        self.source = HttpStatusSource(ISSUER, StaticKeySource(JWKS), fetch=self.fetch)

    def fetch(self, url, accept, timeout, max_bytes):
        assert (url, accept) == (LIST, "application/statuslist+jwt")
        self.fetches += 1
        if self.away:
            raise FetchError("away")
        return Fetched(self.body)

    def stands(self, index, now=NOW):
        """Whether the token stands; the reason if it does not."""
        try:
            self.source.check(LIST, index, now)
        except GuardError as error:
            return error.code
        return True


def test_the_example_of_the_specification_decodes_to_its_bytes():
    # Token Status List section 4.2: bytes b9 a3, lowest bit first.
    assert decode_list("eNrbuRgAAhcBXQ") == bytes([0xB9, 0xA3])
    assert decode_list(encode_bits(bytes([0xB9, 0xA3]))) == bytes([0xB9, 0xA3])
    assert decode_list(encode_list(16, [0, 3, 4, 5, 7, 8, 9, 13, 15])) == bytes([0xB9, 0xA3])


@pytest.mark.parametrize("index", [-1, 16])
def test_an_index_outside_the_list_cannot_be_set(index):
    with pytest.raises(ValueError, match="outside"):
        encode_list(16, [index])


def test_a_list_that_unpacks_to_too_much_is_refused_before_it_does():
    with pytest.raises(ValueError, match="too much"):
        decode_list(b64(zlib.compress(bytes(1 << 26))))


@pytest.mark.parametrize(
    "lst", ["", "!", b64(b"plain"), b64(zlib.compress(b"ab")[:-1]), b64(zlib.compress(b"a") + b"x")]
)
def test_a_list_that_is_cut_or_followed_by_something_is_refused(lst):
    with pytest.raises(ValueError):
        decode_list(lst)


def test_only_the_indices_that_were_revoked_are_refused():
    broker = Broker(sign_list(list_claims((7, 8, 1023))))
    assert [index for index in range(1024) if broker.stands(index) == "revoked"] == [7, 8, 1023]
    assert broker.fetches == 1


@pytest.mark.parametrize("index", [1024, 10**9])
def test_an_index_outside_the_list_is_refused(index):
    assert Broker().stands(index) == "status_index"


def test_a_revocation_is_seen_when_the_ttl_has_passed():
    broker = Broker()
    assert broker.stands(7) is True
    broker.body = sign_list(list_claims((7,), iat=NOW + 5, exp=NOW + 605))
    assert broker.stands(7, NOW + 9) is True
    assert broker.stands(7, NOW + 10) == "revoked"


def test_an_old_list_that_is_still_current_is_asked_for_at_most_once_a_second():
    broker = Broker(sign_list(list_claims(iat=NOW - 100)))
    assert [broker.stands(7) for _ in range(20)] == [True] * 20
    assert broker.fetches == 1
    broker.stands(7, NOW + 1)
    assert broker.fetches == 2


def test_without_the_broker_the_list_serves_until_it_expires_and_then_nothing_passes():
    broker = Broker()
    broker.stands(7)
    broker.away = True
    assert broker.stands(7, NOW + 599) is True
    assert broker.stands(7, NOW + 600) == "status_unavailable"


def test_an_absent_broker_is_asked_once_per_back_off():
    broker = Broker()
    broker.away = True
    assert [broker.stands(7) for _ in range(20)] == ["status_unavailable"] * 20
    assert broker.fetches == 1
    broker.away = False
    assert broker.stands(7, NOW + 4) == "status_unavailable"
    assert broker.stands(7, NOW + 5) is True


def test_an_older_list_does_not_replace_a_newer_one():
    broker = Broker(sign_list(list_claims((7,))))
    assert broker.stands(7) == "revoked"
    broker.body = sign_list(list_claims(iat=NOW - 1))
    assert broker.stands(7, NOW + 20) == "revoked"


BAD = [
    sign_list(list_claims(), key=OTHER_KEY),
    sign_list(list_claims(), typ="at+jwt"),
    sign_list(list_claims(sub=LIST + "/")),
    sign_list(list_claims(sub=None)),
    sign_list(list_claims(iss="https://other.example.be")),
    sign_list(list_claims(iat=NOW + 6)),
    sign_list(list_claims(iat=None)),
    sign_list(list_claims(exp=NOW)),
    sign_list(list_claims(exp=None)),
    sign_list(list_claims(ttl="10")),
    sign_list(list_claims(ttl=-1)),
    sign_list(list_claims(status_list={"bits": 2, "lst": encode_list(1024, [])})),
    sign_list(list_claims(status_list={"bits": 1, "lst": "!"})),
    sign_list(list_claims(status_list={"bits": 1})),
    sign_list(list_claims(status_list=None)),
    b"not a token",
    "é".encode(),
    b"",
]


@pytest.mark.parametrize("body", BAD)
def test_a_list_that_does_not_verify_is_no_list(body):
    assert Broker(body).stands(7) == "status_unavailable"


@pytest.mark.parametrize(
    "uri",
    [
        "https://id.example.be.evil.example/status/7f3a",
        "https://id.example.be@evil.example/status/7f3a",
        "https://id.example.be:8443/status/7f3a",
        "http://id.example.be/status/7f3a",
        "http://localhost/status/7f3a",
        "file:///status/7f3a",
        "https://id.example.be:port/",
        "",
    ],
)
def test_a_list_outside_the_issuers_origin_is_never_fetched(uri):
    broker = Broker()
    with pytest.raises(GuardError) as refused:
        broker.source.check(uri, 7, NOW)
    assert (refused.value.code, broker.fetches) == ("status_uri", 0)


def test_lists_that_are_over_are_forgotten():
    broker = Broker()
    broker.stands(7)
    with pytest.raises(UnavailableError):
        HttpStatusSource.check(broker.source, LIST, 7, NOW + 700)
    broker.source._open_slot(LIST + "2", NOW + 700)
    assert set(broker.source._slots) == {LIST + "2"}
