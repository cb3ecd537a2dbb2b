"""Every sentence of tokens.md section 4 item 1, at the broker's own pages and endpoints."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from api_world import SECRET, ApiWorld
from attack_tools import claims_of
from flow_world import OTHER, VOUCHERS
from visitor import ANY_MANDATE, Visitor, address_of, app, push, redeem, request_of, says

PLAIN = "openid vouchers:read vouchers:order"
NAMED = "urn:volmacht:mandate"


@pytest.fixture
def world(tmp_path):
    found = ApiWorld(tmp_path)
    yield found
    found.close()


@pytest.fixture
def client(world):
    return app(world)


@pytest.fixture
def given(world):
    return world.beneficiary()


@pytest.fixture
def bram(world, given):
    """An officer's browser; nobody signed in yet."""
    says(world, executor=True)
    return Visitor(world)


def named(world, client, given, **limits):
    return [{"type": NAMED, "identifier": world.key_of(client, given), **limits}]


def trips(world):
    """How often the upstream was asked anything."""
    return len(world.upstream.asked)


def is_chooser(landing):
    return landing.left_for is None and "Namens wie handelt u?" in landing.page.text


def introspected(world, token):
    answer = world.http.post("/introspect", data={"token": token}, auth=("watcher", SECRET))
    return answer.json["active"]


# --- by PAR, with authorization_details ---


def test_the_client_sends_the_bare_entry_by_par_and_the_chooser_opens(world, client, given, bram):
    pushed, verifier = push(world, client, authorization_details=ANY_MANDATE)
    assert pushed.status_code == 201
    landing = bram.go(f"/authorize?client_id={client.id}&request_uri={pushed.json['request_uri']}")
    assert landing.choices == ["self", world.key_of(client, given)]
    left = bram.press(landing, world.key_of(client, given))
    answer = redeem(world, client, left.query["code"], verifier).json
    assert answer["authorization_details"][0]["identifier"] == world.key_of(client, given)


def test_optionally_with_an_identifier_and_only_that_mandate_is_offered(world, client, given, bram):
    world.beneficiary("Jozef")
    landing = bram.go(address_of(client, authorization_details=named(world, client, given)))
    assert landing.choices == [world.key_of(client, given)]


def test_optionally_with_a_mandate_type_and_only_mandates_of_it_are_offered(world, given, bram):
    client = app(world, mandate_types=("ocmw-beneficiary", "citizen-helper"))
    says(world, executor=True)
    bram.go("/login")
    with world.services.database.read() as uow:
        me = uow.parties.find_by_identity("https://acm.example.be", "Bram")
    helped = world.give("citizen-helper", world.party("Nora"), me)
    both = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    assert set(both.choices) == {"self", world.key_of(client, given), world.key_of(client, helped)}
    one = [{"type": NAMED, "mandate_type": "citizen-helper"}]
    assert bram.go(address_of(client, authorization_details=one)).choices == [
        "self",
        world.key_of(client, helped),
    ]


def test_optionally_with_locations_which_name_the_audience(world, given, bram):
    client = app(world, audiences=(VOUCHERS, OTHER))
    asked = [{"type": NAMED, "locations": [OTHER]}]
    values, verifier = request_of(client, authorization_details=asked)
    landing = bram.go(address_of(client, **values))
    left = bram.press(landing, world.key_of(client, given))
    answer = redeem(world, client, left.query["code"], verifier).json
    assert claims_of(answer["access_token"])["aud"] == OTHER
    assert answer["authorization_details"][0]["locations"] == [OTHER]


def test_optionally_with_actions_and_no_other_power_is_granted(world, client, given, bram):
    asked = [{"type": NAMED, "actions": ["vouchers:read"]}]
    values, verifier = request_of(client, authorization_details=asked)
    landing = bram.go(address_of(client, **values))
    assert "Dienstencheques bestellen" not in landing.page.text.partition("Maria")[2]
    left = bram.press(landing, world.key_of(client, given))
    answer = redeem(world, client, left.query["code"], verifier).json
    assert answer["authorization_details"][0]["actions"] == ["vouchers:read"]
    assert "obo:vouchers:order" not in answer["scope"]


def test_a_compatible_client_may_ask_for_an_obo_scope_plainly_which_opens_the_chooser_the_same_way(
    world, client, given, bram
):
    with_entry = bram.go(address_of(client, authorization_details=ANY_MANDATE, scope="obo:vouchers:read"))
    with_scope = bram.go(address_of(client, scope="obo:vouchers:read"))
    assert is_chooser(with_scope)
    assert with_scope.choices == with_entry.choices == [world.key_of(client, given)]


# --- sign-in, chooser, answer ---


def test_the_broker_signs_her_in_shows_the_chooser_and_the_token_response_returns_the_details_as_granted(
    world, client, given, bram
):
    values, verifier = request_of(client, authorization_details=ANY_MANDATE)
    landing = bram.go(address_of(client, **values))
    assert trips(world) == 1
    assert is_chooser(landing)
    left = bram.press(landing, world.key_of(client, given))
    assert left.query["state"] == "state-of-the-client"
    assert left.query["iss"] == "https://id.example.be"
    answer = redeem(world, client, left.query["code"], verifier).json
    (granted,) = answer["authorization_details"]
    assert (granted["type"], granted["mandate_type"], granted["locations"]) == (
        NAMED,
        "ocmw-beneficiary",
        [VOUCHERS],
    )
    assert granted["actions"] == ["vouchers:order", "vouchers:read"]


# --- the choice ---


def test_the_choice_is_a_post_and_a_get_with_a_choice_chooses_nothing(world, client, given, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    token = dict(landing.page.form("keuze").values)["token"]
    again = bram.go(f"{landing.page.url}?choice={world.key_of(client, given)}&token={token}")
    assert is_chooser(again)


def test_the_choice_is_bound_to_one_interaction_with_a_random_id(world, client, bram):
    first = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    second = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    ids = {urlsplit(one.page.url).path.rpartition("/")[2] for one in (first, second)}
    assert len(ids) == 2
    assert all(len(one) >= 32 for one in ids)
    token_of_second = dict(second.page.form("keuze").values)["token"]
    assert bram.press(first, "self", token=token_of_second).page.status == 400
    assert bram.press(first, "self").query["code"]
    assert bram.press(second, "self").query["code"]


def test_the_choice_is_bound_to_this_browser_session(world, client, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    stranger = Visitor(world)
    assert stranger.press(landing, "self").page.status == 400
    stranger.http.set_cookie("__Host-volmacht_browser", cookie(bram, "browser"), domain="id.example.be")
    stranger.carry(world.sign_in("Tom"))
    answer = stranger.press(landing, "self")
    assert answer.left_for is None
    assert answer.page.status == 400


def cookie(visitor, kind):
    return visitor.http.get_cookie(f"__Host-volmacht_{kind}", domain="id.example.be").value


def test_the_choice_is_of_single_use(client, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    assert bram.press(landing, "self").query["code"]
    assert bram.press(landing, "self").page.status == 400


@pytest.mark.parametrize("token", ["", "x"])
def test_the_choice_needs_its_csrf_token(client, bram, token):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    assert bram.press(landing, "self", token=token).page.status == 400


def test_the_choice_is_judged_again(world, client, given, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    world.end(given.id)
    answer = bram.press(landing, world.key_of(client, given))
    assert answer.left_for is None
    assert answer.page.status == 404


# --- switching, and the confirming page ---


def test_switching_in_a_live_session_needs_no_new_login(world, client, given, bram):
    jozef = world.beneficiary("Jozef")
    for one in (given, jozef, given):
        landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
        assert bram.press(landing, world.key_of(client, one)).query["code"]
    assert trips(world) == 1


def test_an_identifier_that_she_has_not_confirmed_gets_one_confirming_page_and_no_second_one(
    world, client, given, bram
):
    address = address_of(client, authorization_details=named(world, client, given))
    landing = bram.go(address)
    assert landing.choices == [world.key_of(client, given)]
    assert "Maria" in landing.page.text
    assert bram.press(landing, landing.choices[0]).query["code"]
    assert bram.go(address).query["code"]


def test_what_she_confirmed_for_one_client_is_not_confirmed_for_another(world, client, given, bram):
    other = app(world, "other-web")
    landing = bram.go(address_of(client, authorization_details=named(world, client, given)))
    bram.press(landing, landing.choices[0])
    assert is_chooser(bram.go(address_of(other, authorization_details=named(world, other, given))))


def test_what_she_confirmed_in_one_session_is_not_confirmed_in_another(world, client, given, bram):
    address = address_of(client, authorization_details=named(world, client, given))
    bram.press(landing := bram.go(address), landing.choices[0])
    says(world, executor=True)
    assert is_chooser(Visitor(world).go(address))


def test_what_she_confirmed_for_less_is_not_confirmed_for_more(world, client, given, bram):
    narrow = named(world, client, given, actions=["vouchers:read"])
    bram.press(landing := bram.go(address_of(client, authorization_details=narrow)), landing.choices[0])
    assert bram.go(address_of(client, authorization_details=narrow)).query["code"]
    assert is_chooser(bram.go(address_of(client, authorization_details=named(world, client, given))))


def test_prompt_none_with_an_unconfirmed_identifier_is_interaction_required(world, client, given, bram):
    bram.go("/login")
    asked = {"authorization_details": named(world, client, given)}
    refused = bram.go(address_of(client, prompt="none", **asked))
    assert (refused.query["error"], refused.query["iss"]) == ("interaction_required", "https://id.example.be")
    bram.press(landing := bram.go(address_of(client, **asked)), landing.choices[0])
    assert bram.go(address_of(client, prompt="none", **asked)).query["code"]


def test_prompt_none_without_a_session_is_login_required_and_goes_nowhere(world, client, bram):
    assert bram.go(address_of(client, prompt="none")).query["error"] == "login_required"
    assert trips(world) == 0


# --- first use ---


@pytest.fixture
def unvetted(world):
    return app(world, "new-web", vetted=False, name="Nieuwe dienst")


@pytest.fixture
def tom(world):
    says(world, "Tom")
    return Visitor(world)


def test_the_first_use_of_a_client_shows_service_powers_and_data_once(world, unvetted, tom):
    landing = tom.go(address_of(unvetted, scope=f"{PLAIN} profile"))
    for words in ("Nieuwe dienst", "Dienstencheques bekijken", "Dienstencheques bestellen", "uw naam"):
        assert words in landing.page.text
    assert "rijksregisternummer" not in landing.page.text
    assert tom.press(landing, "self").query["code"]
    assert tom.go(address_of(unvetted, scope=f"{PLAIN} profile")).query["code"]


def test_a_service_that_asks_for_numbers_says_whose(world, given, bram):
    asks = {"openid", "insz", "obo:insz", "obo:profile", "vouchers:read", "obo:vouchers:read"}
    client = app(world, "numbers", vetted=False, scopes=frozenset(asks))
    page = bram.go(address_of(client, authorization_details=ANY_MANDATE)).page
    assert "uw rijksregisternummer" in page.text
    assert "het rijksregisternummer van wie u vertegenwoordigt" in page.text
    assert "de naam van wie u vertegenwoordigt" in page.text
    assert "uw naam" not in page.text


def test_what_she_agreed_to_is_remembered_in_a_later_session_too(world, unvetted, tom):
    address = address_of(unvetted, scope=PLAIN)
    tom.press(tom.go(address), "self")
    says(world, "Tom")
    assert Visitor(world).go(address).query["code"]


def test_a_client_that_asks_for_more_is_shown_again(unvetted, tom):
    tom.press(tom.go(address_of(unvetted, scope="openid vouchers:read")), "self")
    assert is_chooser(tom.go(address_of(unvetted, scope=PLAIN)))


def test_what_is_not_registered_for_the_client_is_neither_shown_nor_granted(world, tom):
    client = app(world, "modest", vetted=False, scopes=frozenset({"openid", "vouchers:read"}))
    values, verifier = request_of(client, scope=f"{PLAIN} profile insz")
    landing = tom.go(address_of(client, **values))
    for words in ("uw naam", "rijksregisternummer", "Dienstencheques bestellen"):
        assert words not in landing.page.text
    answer = redeem(world, client, tom.press(landing, "self").query["code"], verifier).json
    assert answer["scope"] == "openid vouchers:read"


def test_what_she_agreed_to_can_be_withdrawn_and_ends_at_once(world, unvetted, tom):
    app(world, "watcher", serves=(VOUCHERS,))
    values, verifier = request_of(unvetted, scope=PLAIN)
    code = tom.press(tom.go(address_of(unvetted, **values)), "self").query["code"]
    answer = redeem(world, unvetted, code, verifier).json
    page = tom.go("/portal/diensten").page
    for words in ("Nieuwe dienst", "Dienstencheques bekijken", "Sinds"):
        assert words in page.text
    form = page.form(action="/new-web/intrekken")
    assert introspected(world, answer["access_token"])
    assert "Nieuwe dienst" not in tom.go(form.attributes["action"], dict(form.values)).page.text
    assert not introspected(world, answer["access_token"])
    refused = world.http.post(
        "/token",
        data={"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]},
        auth=(unvetted.id, SECRET),
    )
    assert refused.json["error"] == "invalid_grant"
    assert [one.type for one in world.journal()][-2:] == ["grant.ended", "consent.withdrawn"]
    assert is_chooser(tom.go(address_of(unvetted, scope=PLAIN)))


def test_one_withdraws_for_herself_and_for_one_service_alone(world, unvetted, tom):
    other = app(world, "other-web", vetted=False)
    says(world, "Nora")
    nora = Visitor(world)
    address = address_of(unvetted, scope=PLAIN)
    nora.press(nora.go(address), "self")
    says(world, "Tom")
    tom.press(tom.go(address), "self")
    tom.press(tom.go(address_of(other, scope=PLAIN)), "self")
    form = tom.go("/portal/diensten").page.form(action="/new-web/intrekken")
    tom.go(form.attributes["action"], dict(form.values))
    assert is_chooser(tom.go(address))
    assert tom.go(address_of(other, scope=PLAIN)).query["code"]
    assert nora.go(address).query["code"]
    with world.services.database.read() as uow:
        assert len(uow.grants.live_of_client(other.id)) == 2
        assert len(uow.grants.live_of_client(unvetted.id)) == 2, "both are Nora's"


def test_to_withdraw_is_hers_and_not_of_those_who_act_for_her(world, client, given, bram):
    bram.press(
        landing := bram.go(address_of(client, authorization_details=named(world, client, given))),
        landing.choices[0],
    )
    says(world, "Maria")
    maria = Visitor(world)
    maria.go(address_of(client, scope=PLAIN))
    form = maria.go("/portal/diensten").page.form(action="/voucher-web/intrekken")
    maria.go(form.attributes["action"], dict(form.values))
    with world.services.database.read() as uow:
        (left,) = uow.grants.live_of_client(client.id)
    assert left.mandate == given.id


@pytest.mark.parametrize("token", ["", "x"])
def test_another_sites_form_withdraws_nothing(unvetted, tom, token):
    address = address_of(unvetted, scope=PLAIN)
    tom.press(tom.go(address), "self")
    assert tom.go("/portal/diensten/new-web/intrekken", {"token": token}).page.status == 400
    assert tom.go(address).query["code"]


def test_a_service_that_she_never_agreed_to_is_not_there_to_withdraw(unvetted, tom):
    tom.go("/login")
    token = dict(tom.go("/portal/diensten").page.forms[0].values)["token"]
    assert tom.go("/portal/diensten/new-web/intrekken", {"token": token}).page.status in {400, 404}


def test_a_vetted_client_goes_without_that_page_and_never_without_the_chooser(world, client, given, bram):
    assert bram.go(address_of(client, scope=PLAIN)).query["code"]
    assert is_chooser(bram.go(address_of(client, scope="openid obo:vouchers:read")))
    assert is_chooser(bram.go(address_of(client, authorization_details=ANY_MANDATE)))


# --- what is not understood ---


@pytest.mark.parametrize(
    "entry",
    [
        [{"type": "urn:other"}],
        [{"type": NAMED, "colour": "blue"}],
        [{"type": NAMED, "actions": "vouchers:read"}],
        [{"type": NAMED, "identifier": 7}],
        [{"type": NAMED, "locations": [""]}],
        [{"identifier": "m-x"}],
        "not json",
    ],
)
def test_an_unknown_type_field_or_value_is_invalid_authorization_details(world, client, bram, entry):
    left = bram.go(address_of(client, authorization_details=entry))
    assert left.query["error"] == "invalid_authorization_details"
    assert (
        push(world, client, authorization_details=entry)[0].json["error"] == "invalid_authorization_details"
    )
    assert trips(world) == 0


# --- grants, and what ACM said too long ago ---


def test_a_grant_is_actor_client_session_level_and_mandate(world, client, given, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    bram.press(landing, world.key_of(client, given))
    with world.services.database.read() as uow:
        (grant,) = uow.grants.live_of_client(client.id)
        session = uow.sessions.find(grant.session)
    assert (grant.actor, grant.level, grant.mandate) == (session.party, session.level, given.id)
    assert grant.principal == given.principal
    assert grant.executor is not None


def test_powers_from_claims_older_than_two_hours_are_asked_of_acm_again(world, client, given, bram):
    address = address_of(client, authorization_details=ANY_MANDATE)
    bram.go(address)
    with world.services.database.write() as uow:
        for session in uow.sessions.live_of_organisation(world.ocmw.id):
            uow.sessions.touch(session.id, world.now + 7199)
        uow.commit()
    world.clock.forward(7200)
    says(world, executor=True)
    landing = bram.go(address)
    assert trips(world) == 2
    assert world.key_of(client, given) in landing.choices


def test_nothing_of_the_way_stands_in_an_address_but_the_interaction(client, given, bram):
    landing = bram.go(address_of(client, authorization_details=ANY_MANDATE))
    assert parse_qs(urlsplit(landing.page.url).query) == {}
