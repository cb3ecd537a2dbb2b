"""What a thief, a greedy service or a moment of bad luck gets from the authorization server: nothing.

In this process, at the flows and at the wire; `test_exchange_attacks.py` and its neighbours ask
a running village.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from attack_tools import ASSERTION_TYPE
from broker.errors import InteractionGoneError, InvalidGrantError, ProofMissingError
from broker.flows import choices, introspection, registry, tokens
from broker.port_errors import ConflictError, UnavailableError
from broker.storage.ephemeral_memory import MemoryStore
from broker.storage.status import SqlStatusStore
from exchange_world import API, ExchangeWorld
from flow_world import ISSUER, OTHER, VOUCHERS, FlowWorld, SettableClock
from oauth_door import REFRESH, SECRET, Door


@pytest.fixture
def flow(tmp_path):
    world = ExchangeWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def door(tmp_path):
    world = FlowWorld(tmp_path)
    yield Door(world)
    world.close()


# --- class 23: a registration that changed in the second in which this process does not know it yet ---


def other_keys() -> dict[str, list[object]]:
    key = ECKey.generate_key("P-256")
    return {"keys": [key.as_dict(private=False, alg="ES256", use="sig", kid=key.thumbprint())]}


LESS = {
    "no exchange any more": {"exchange": False},
    "no API of its own any more": {"serves": ()},
    "other keys": {"jwks": other_keys()},
    "keys at an address": {"jwks": None, "jwks_uri": "https://keys.example/jwks"},
}


@pytest.mark.parametrize("changes", LESS.values(), ids=LESS)
@pytest.mark.parametrize("way", ["mandate", "narrowing"])
def test_class_23_what_was_taken_from_a_service_a_moment_ago_exchanges_nothing(
    flow, bram, given, changes, way
):
    token = flow.self_token(bram) if way == "mandate" else flow.delegated(bram, given)
    registry.put_client(flow.services, replace(flow.api, **changes), [], flow.now)
    assert flow.services.registrations().find_client(flow.api.id) == flow.api
    answer = flow.post_act(given, token) if way == "mandate" else flow.post_narrow(token)
    assert answer.status_code in {400, 503}
    assert "access_token" not in answer.json
    assert flow.rows("token.exchanged") == []


def test_class_23_a_service_that_only_got_a_new_name_loses_no_exchange(flow, bram, given):
    token = flow.self_token(bram)
    registry.put_client(flow.services, replace(flow.api, name="Anders"), [], flow.now)
    assert flow.post_act(given, token).status_code == 200


# --- class 1: an address that was withdrawn while somebody was choosing ---


def test_class_01_no_code_goes_to_an_address_that_was_withdrawn_on_the_way(flow, bram):
    asked = flow.ask(flow.web, bram)
    flow.client(redirect_uris=("https://new.example/cb",))
    with pytest.raises(InteractionGoneError):
        flow.choose(asked, bram, "self")
    assert flow.grants(bram) == []


def test_class_01_nor_to_that_of_a_client_whose_id_somebody_else_has_now(flow, bram):
    asked = flow.ask(flow.web, bram)
    registry.remove_client(flow.services, flow.web.id, flow.now)
    somebody = replace(flow.web, name="Somebody", redirect_uris=("https://somebody.example/cb",))
    registry.put_client(flow.services, somebody, [], flow.now)
    with pytest.raises(InteractionGoneError):
        flow.choose(asked, bram, "self")
    with flow.services.database.read() as uow, pytest.raises(InteractionGoneError):
        choices.offer(flow.services, uow, asked.request, bram, flow.now)


# --- class 5: what was confirmed for one API opens no other ---


def test_class_05_a_mandate_that_was_confirmed_for_one_api_is_shown_again_for_another(flow, bram, given):
    web = flow.client(scopes=flow.web.scopes, audiences=(VOUCHERS, OTHER))
    key = flow.key_of(web, given)
    flow.tokens(web, bram, key, audience=VOUCHERS)
    pages = {}
    for audience in (VOUCHERS, OTHER):
        asked = flow.ask(web, bram, audience=audience, identifier=key).request
        with flow.services.database.read() as uow:
            offered = choices.offer(flow.services, uow, asked, bram, flow.now)
            pages[audience] = choices.needs_page(uow, asked, bram, offered)
    assert pages == {VOUCHERS: False, OTHER: True}


# --- class 24: a token that is over ---


@pytest.mark.parametrize("after", [0, 1, 4])
def test_class_24_a_token_is_inactive_from_its_very_end(flow, bram, after):
    """A service forgives clocks that differ; the broker wrote `exp` by its own."""
    token = flow.self_token(bram)
    flow.clock.forward(299)
    assert introspection.introspect(flow.services, flow.api, token)["active"] is True
    flow.clock.forward(1 + after)
    assert introspection.introspect(flow.services, flow.api, token) == {"active": False}


def test_class_24_a_grant_that_ends_while_its_token_is_made_gives_none_and_says_so(flow, bram, monkeypatch):
    answer = flow.tokens(flow.web, bram)
    registered = flow.client(audiences=(VOUCHERS,), scopes=flow.web.scopes)

    def ended(*_: object) -> None:
        raise ConflictError("this grant has ended, or is not stored")

    monkeypatch.setattr(SqlStatusStore, "allocate", ended)
    with pytest.raises(InvalidGrantError):
        tokens.refresh(flow.services, registered, answer["refresh_token"], flow.now)


# --- a person whom nobody but UserInfo is asked about ---


def test_a_delegated_grant_for_user_info_alone_says_who_the_principal_is_and_no_more(flow, bram, given):
    scopes = frozenset({"openid", "profile", "obo:profile"})
    who = flow.client("who", audiences=(), scopes=scopes)
    asked = flow.ask(replace(who, audiences=(ISSUER,)), bram)
    answer = flow.redeem(who, flow.choose(asked, bram, flow.key_of(who, given)))
    (entry,) = answer["authorization_details"]
    assert entry["actions"] == ["profile"]
    told = flow.http.get("/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}).json
    assert told["represents"]["represents"]["name"] == "Maria"
    assert flow.http.get(
        f"{API}/representations", headers={"Authorization": f"Bearer {answer['access_token']}"}
    ).status_code in {401, 403}
    flow.end(given.id)
    assert (
        flow.http.get("/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}).status_code
        == 401
    )


# --- class 16: what costs nothing to send ---


@pytest.mark.parametrize("jti", ["\ud800", "a\udfffb", "\x00"])
def test_class_16_an_assertion_whose_name_is_no_text_is_no_fault_of_ours(door, jti):
    form = REFRESH | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": door.assertion(jti=jti)}
    answer = door.post("/token", form, {"DPoP": door.with_nonce()}.items())
    assert answer.status_code == 400
    assert answer.json["error"] in {"invalid_client", "invalid_grant"}


def test_class_16_a_control_character_in_a_path_reaches_no_database(door):
    assert door.http.get("/status/%00", base_url=ISSUER).status_code == 400


def test_class_16_pushed_requests_leave_room_for_codes_and_replay_marks():
    """A public client proves nothing: whoever has its name can push."""
    store = MemoryStore(SettableClock(), max_entries=10)

    def fill():
        for number in range(10):
            store.put("par", str(number), {}, 60)

    with pytest.raises(UnavailableError):
        fill()
    assert store.claim("client_assertion", "a", 60)
    store.put("code", "c", {}, 60)


# --- class 13: refresh families ---


def of_the_phone(flow, bram):
    phone = flow.client("phone", auth="none", profile="public")
    return phone, flow.tokens(phone, bram)


def test_class_13_a_token_that_is_rotated_with_a_proof_is_bound_to_its_key_from_then_on(flow, bram):
    """RFC 9449 section 5: or whoever finds it needs no key at all."""
    phone, first = of_the_phone(flow, bram)
    second = flow.refresh(phone, first, jkt="hers")
    with pytest.raises(ProofMissingError):
        flow.refresh(phone, second)
    with pytest.raises(InvalidGrantError):
        flow.refresh(phone, second, jkt="a thief's")
    third = flow.refresh(phone, second, jkt="hers")
    assert third["token_type"] == "DPoP"
    assert "refresh_token" not in third


@pytest.mark.parametrize(("one", "other"), [("a thief's", None), (None, "a thief's"), ("hers", "a thief's")])
def test_class_13_a_lost_answer_is_not_repeated_to_another_key(flow, bram, one, other):
    phone, first = of_the_phone(flow, bram)
    second = flow.refresh(phone, first, jkt=one)
    assert flow.refresh(phone, first, jkt=one)["refresh_token"] == second["refresh_token"]
    with pytest.raises(InvalidGrantError):
        flow.refresh(phone, first, jkt=other)
    assert flow.grants(bram) == []
    with pytest.raises(InvalidGrantError):
        flow.refresh(phone, second, jkt=one)


# --- class 19: one method ---


def test_class_19_a_secret_in_the_form_is_a_second_method_beside_any_other(door):
    assert door.as_basic().json["error"] == "invalid_grant"
    assert door.as_basic(form=REFRESH | {"client_secret": SECRET}).json["error"] == "invalid_client"
    assert door.as_fapi(form=REFRESH | {"client_secret": SECRET}).json["error"] == "invalid_client"
    alone = REFRESH | {"client_id": "basic", "client_secret": SECRET}
    assert door.post("/token", alone).status_code == 401
