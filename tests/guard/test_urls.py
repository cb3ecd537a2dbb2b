"""Addresses are compared in one spelling, and two addresses never share one (RFC 3986 section 6.2)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from volmacht_guard.urls import lies_within, normalised

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
PLAIN = UNRESERVED + "!$&'()*+,;=:@"
HOSTS = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){1,2}", fullmatch=True)
SEGMENTS = st.lists(st.text(st.sampled_from(PLAIN), max_size=6), max_size=4)
SCHEMES = st.sampled_from(["https", "http"])
DEFAULTS = {"https": 443, "http": 80}


@st.composite
def addresses(draw):
    """(scheme, host, port or None, segments), already in the one spelling."""
    scheme = draw(SCHEMES)
    port = draw(st.none() | st.integers(1, 65535))
    segments = draw(SEGMENTS)
    assume(not {".", ".."} & set(segments))
    return scheme, draw(HOSTS), None if port == DEFAULTS[scheme] else port, segments


def written(scheme, host, port, segments):
    return f"{scheme}://{host}{'' if port is None else f':{port}'}/{'/'.join(segments)}"


@given(addresses())
def test_the_one_spelling_stays_as_it_is(address):
    assert normalised(written(*address)) == written(*address)


@given(addresses(), st.randoms(use_true_random=False), st.sampled_from(["", "?q=1", "#part", "?q=/x#y"]))
def test_other_spellings_of_an_address_become_the_one(address, random, rest):
    scheme, host, port, segments = address

    def case(text):
        return "".join(random.choice((one.lower(), one.upper())) for one in text)

    def encoded(text):
        return "".join(
            random.choice((one, case(quote(one, safe="")) if one not in UNRESERVED else f"%{ord(one):02x}"))
            for one in text
        )

    spelled = f"{case(scheme)}://{case(host)}"
    spelled += random.choice(("", ":", f":{DEFAULTS[scheme]}")) if port is None else f":{port}"
    spelled += (
        random.choice(("", "/"))
        if segments in ([], [""])
        else "/" + "/".join(encoded(one) for one in segments)
    )
    assert normalised(spelled + rest) == written(*address)


@given(addresses(), addresses())
def test_two_addresses_never_share_a_spelling(one, other):
    assume(written(*one) != written(*other))
    assert normalised(written(*one)) != normalised(written(*other))


@given(st.text(max_size=60) | st.text(max_size=40).map("https://id.example.be/".__add__))
def test_anything_else_is_refused_or_has_a_spelling_that_stays(text):
    try:
        found = normalised(text)
    except ValueError:
        return
    assert normalised(found) == found
    assert found.isascii()
    assert "?" not in found
    assert "#" not in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "https://a.example/x/"),
        ("https://a.example/x", "https://a.example/X"),
        ("https://a.example/x", "http://a.example/x"),
        ("https://a.example/x", "https://a.example:8443/x"),
        ("https://a.example/x", "https://b.example/x"),
        ("https://a.example/x/y", "https://a.example/x%2Fy"),
        ("https://a.example/x%25", "https://a.example/x%2525"),
        ("https://a.example/x", "https://a.example//x"),
        ("http://a.example/", "http://a.example:443/"),
    ],
)
def test_what_another_door_could_be_is_another_address(one, other):
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/orders",
        "//a.example/orders",
        "ftp://a.example/",
        "https://",
        "https:///orders",
        "https://user@a.example/",
        "https://a.example@b.example/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://a.exa\tmple/",
        "https://a.example/\n",
        " https://a.example/",
        "https://a.example\\@b.example/",
        "https://a.example/é",
        "https://a.example/x/../y",
        "https://a.example/x/%2e%2E/y",
        "https://a.example/./y",
        "https://[::1/",
        "https://a.example/" + "x" * 2048,
    ],
)
def test_what_has_no_one_spelling_is_refused(url):
    with pytest.raises(ValueError):
        normalised(url)


def test_an_address_of_six_groups_keeps_its_brackets():
    assert normalised("HTTP://[::1]:80/x") == "http://[::1]/x"


@pytest.mark.parametrize(
    ("url", "base", "within"),
    [
        ("https://a.example/api", "https://a.example/api", True),
        ("https://a.example/api/x", "https://a.example/api", True),
        ("https://a.example/api/x", "https://A.example:443/api/", True),
        ("https://a.example/", "https://a.example", True),
        ("https://a.example/x", "https://a.example", True),
        ("https://a.example/apis", "https://a.example/api", False),
        ("https://a.example/", "https://a.example/api", False),
        ("https://a.example.evil.be/api", "https://a.example", False),
        ("https://a.example/api", "urn:audience", False),
    ],
)
def test_lying_within_is_judged_by_segments(url, base, within):
    assert lies_within(normalised(url), base) is within
