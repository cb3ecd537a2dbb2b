"""RP-Initiated Logout 1.0 with an `id_token_hint`: whose session it may end, and where the person goes."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from api_world import ApiWorld
from attack_tools import b64
from broker.records import Client
from keys.algorithms import sign_bytes
from keys.tokens import sign
from visitor import Visitor, address_of, app, redeem, request_of, says

BYE = "https://voucher-web.example/bye"
DAY = 86_400


@pytest.fixture
def world(tmp_path):
    found = ApiWorld(tmp_path)
    yield found
    found.close()


@pytest.fixture
def client(world):
    return app(world, post_logout_redirect_uris=(BYE,))


@pytest.fixture
def tom(world):
    return arrived(world, "Tom")


def arrived(world, name):
    says(world, name)
    visitor = Visitor(world)
    visitor.go("/login")
    return visitor


def tokens_of(world, visitor, client: Client) -> dict[str, str]:
    values, verifier = request_of(client, scope="openid vouchers:read")
    return redeem(world, client, visitor.go(address_of(client, **values)).query["code"], verifier).json


def leave(visitor, method="GET", **said):
    if method == "POST":
        return visitor.go("/logout", said)
    return visitor.go(f"/logout?{urlencode(said)}")


def onward(landing):
    """Where the page that says goodbye leads; None if it asks instead."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', landing.page.response.text)
    return html.unescape(found.group(1)) if found else None


def is_signed_in(visitor):
    return "U bent niet aangemeld." not in visitor.go("/portal/").page.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hint_of_this_session_signs_out_without_a_question_and_leads_back(world, client, tom, method):
    answer = tokens_of(world, tom, client)
    landing = leave(tom, method, id_token_hint=answer["id_token"], post_logout_redirect_uri=BYE, state="a&b")
    assert onward(landing) == f"{BYE}?state=a%26b"
    assert not is_signed_in(tom)
    with world.services.database.read() as uow:
        assert uow.grants.live_of_client(client.id) == []


def test_the_hint_of_a_form_does_not_go_into_an_address(world, client, tom):
    answer = tokens_of(world, tom, client)
    leave(tom, "POST", id_token_hint=answer["id_token"])
    assert not any(answer["id_token"] in address for address in tom.trail)


def test_a_hint_that_expired_long_ago_still_says_whose_session_it_is(world, client, tom):
    answer = tokens_of(world, tom, client)
    with world.services.database.read() as uow:
        (grant,) = uow.grants.live_of_client(client.id)
    for _ in range(20):
        world.keep_alive(world.session(grant.session), world.clock.forward(1200))
    assert onward(leave(tom, id_token_hint=answer["id_token"], post_logout_redirect_uri=BYE)) == BYE


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hint_of_another_session_only_asks(world, client, tom, method):
    other = arrived(world, "Nora")
    answer = tokens_of(world, other, client)
    landing = leave(tom, method, id_token_hint=answer["id_token"], post_logout_redirect_uri=BYE)
    assert onward(landing) is None
    assert is_signed_in(tom)
    assert is_signed_in(other)
    assert answer["id_token"] not in landing.page.response.text, "nor does the page repeat it"


def test_after_the_question_she_goes_to_where_the_client_of_the_hint_registered(world, client, tom):
    answer = tokens_of(world, arrived(world, "Nora"), client)
    page = leave(tom, id_token_hint=answer["id_token"], post_logout_redirect_uri=BYE, state="s").page
    landing = tom.go("/logout", dict(page.form(action="/logout").values))
    assert onward(landing) == f"{BYE}?state=s"
    assert not is_signed_in(tom)


@pytest.mark.parametrize(("client_id", "asks"), [("voucher-web", False), ("other-web", True)])
def test_a_client_id_beside_the_hint_names_the_same_client_or_the_hint_proves_nothing(
    world, client, tom, client_id, asks
):
    app(world, "other-web", post_logout_redirect_uris=(BYE,))
    answer = tokens_of(world, tom, client)
    landing = leave(tom, id_token_hint=answer["id_token"], client_id=client_id, post_logout_redirect_uri=BYE)
    assert (onward(landing) is None) is asks


@pytest.mark.parametrize("address", ["", f"{BYE}/", f"{BYE}?x", "https://evil.example/", "//evil.example"])
def test_an_address_that_is_not_registered_letter_for_letter_leads_home(world, client, tom, address):
    answer = tokens_of(world, tom, client)
    landing = leave(tom, id_token_hint=answer["id_token"], post_logout_redirect_uri=address, state="s")
    assert onward(landing) == "https://id.example.be/"


def test_an_access_token_is_no_hint(world, client, tom):
    answer = tokens_of(world, tom, client)
    assert onward(leave(tom, id_token_hint=answer["access_token"])) is None
    assert is_signed_in(tom)


def test_a_hint_for_a_client_that_is_gone_proves_nothing(world, client, tom):
    answer = tokens_of(world, tom, client)
    with world.services.database.write() as uow:
        uow.registry.remove_client(client.id)
        uow.commit()
    assert onward(leave(tom, id_token_hint=answer["id_token"])) is None


@pytest.mark.parametrize("hint", ["", "x", "a.b.c", "é.é.é", "x" * 9000])
def test_what_is_no_token_only_asks(client, tom, hint):
    assert onward(leave(tom, id_token_hint=hint, client_id=client.id)) is None
    assert is_signed_in(tom)


def test_a_hint_by_a_key_that_is_gone_only_asks(world, client, tom):
    answer = tokens_of(world, tom, client)
    with world.services.database.write() as uow:
        stored = uow.registry.keys()
        for key in stored:
            if key.purpose == "tokens":
                uow.registry.put_key(replace(key, retires_at=world.now, gone_at=world.now))
        uow.commit()
    world.clock.forward(2)
    assert onward(leave(tom, id_token_hint=answer["id_token"])) is None


def test_who_is_not_signed_in_is_asked_and_sees_no_lie(world, client, tom):
    answer = tokens_of(world, tom, client)
    assert onward(leave(Visitor(world), id_token_hint=answer["id_token"])) is None
    assert is_signed_in(tom)


def test_the_hint_must_be_of_this_issuer_for_one_client_and_one_session(world, client, tom):
    claims = {"iss": "https://id.example.be", "aud": client.id, "sid": sid_of(world, client, tom)}
    key = world.services.keyring().signing_key("tokens", world.now)
    for wrong in (
        {"iss": "https://evil.example"},
        {"aud": [client.id]},
        {"aud": ""},
        {"sid": ""},
        {"sid": 7},
    ):
        assert onward(leave(tom, id_token_hint=sign(claims | wrong, key, "JWT"))) is None
    honest = sign(claims, key, "JWT")
    assert onward(leave(tom, id_token_hint=honest[:-8] + "AAAAAAAA")) is None
    assert onward(leave(tom, id_token_hint=sign(claims | {"name": "x" * 9000}, key, "JWT"))) is None
    for header in ({"alg": "none"}, {"alg": "RS256"}, {"crit": ["b64"], "b64": True}):
        assert (
            onward(leave(tom, id_token_hint=raw({"alg": key.alg, "kid": key.kid} | header, claims, key)))
            is None
        )
    status = world.services.keyring().signing_key("status", world.now)
    assert onward(leave(tom, id_token_hint=sign(claims, status, "JWT"))) is None
    for typ in ("at+jwt", "logout+jwt", "jwt "):
        assert onward(leave(tom, id_token_hint=sign(claims, key, typ))) is None
    assert is_signed_in(tom)
    assert onward(leave(tom, id_token_hint=honest)) is not None


def raw(header, claims, key):
    """Signed by this key in truth, whatever the header says."""
    signed = ".".join(b64(json.dumps(part).encode()) for part in ({"typ": "JWT"} | header, claims))
    return f"{signed}.{b64(sign_bytes(key.private, key.alg, signed.encode()))}"


def sid_of(world, client, visitor):
    tokens_of(world, visitor, client)
    with world.services.database.read() as uow:
        (grant,) = uow.grants.live_of_client(client.id)
        return uow.sessions.find(grant.session).sid
