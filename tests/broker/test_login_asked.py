"""What a request asks of a login, carried to ACM and checked on the way back (RFC 9470, OpenID Connect Core).

The broker is real, so is its relying party; the ACM of the demo answers on a port of 127.0.0.1.
"""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

from api_world import ApiWorld
from attack_tools import claims_of
from broker.app import create_app
from broker.errors import UpstreamError
from broker.flows import sessions
from broker.records import UpstreamLogin
from broker.upstream.acm import AcmUpstream
from broker.upstream.tables import UpstreamTables
from demo.acm.app import create_acm
from demo.acm.habits import Habits
from demo.acm.relying_party import RelyingParty
from demo.village import load_village
from flow_world import ACM, BROWSER, ISSUER
from http_browser import Page
from mandates.model import Level
from visitor import Visitor, address_of, app, redeem, request_of, says

MEANS = "urn:be:vlaanderen:authmech:"
HIGH, SUBSTANTIAL = (f"http://eidas.europa.eu/LoA/{one}" for one in ("high", "substantial"))
KEY = RSAKey.generate_key(2048)
PLAIN, TELLS = Habits(), Habits(states_auth_time=True)


@dataclass
class AtAcm(Visitor):
    """A browser that meets the simulated ACM and is `persona` there; ACM keeps her signed on."""

    persona: str = "an"
    acm: object = None
    asked: tuple = ()
    """The parameters of every request to ACM."""
    shown: tuple = ()
    """Texts of the pages that ACM showed."""

    def at_upstream(self, url):
        self.asked += ({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()},)
        answer = self.acm.get(url)
        if answer.status_code == 200:
            page = Page(_Answer(url, answer))
            self.shown += (page.text,)
            values = dict(page.form("aanmelden").values) | {"persona": self.persona}
            answer = self.acm.post("/op/v1/auth", data=values)
        return answer.headers.get("Location", "https://elsewhere.example/stuck-at-acm")


@dataclass
class _Answer:
    url: str
    answer: object

    @property
    def text(self):
        return self.answer.text

    @property
    def status_code(self):
        return self.answer.status_code


class Land(ApiWorld):
    """A broker whose upstream is the simulated ACM with these habits."""

    def __init__(self, folder, port):
        issuer = f"http://127.0.0.1:{port}/op"
        means = " ".join(MEANS + one for one in ("eid", "itsme", "csamtotp"))
        super().__init__(folder, acm_issuer=issuer, acm_acr_values=means)
        self.upstream = AcmUpstream(
            self.services.settings,
            UpstreamTables.from_file(self.services.settings.upstreams_file),
            self.clock,
        )
        self.services = dataclasses.replace(self.services, upstream=self.upstream)
        self.app = create_app(self.services.settings, self.services)
        self.http = self.app.test_client()


@pytest.fixture
def land(tmp_path):
    """`land(habits)`: the broker, and a way to open browsers at it."""
    opened = []

    def build(habits):
        server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
        world = Land(tmp_path, server.server_port)
        party = RelyingParty(
            "volmacht",
            (f"{ISSUER}/login/acm/callback",),
            frozenset({"openid"}),
            frozenset(MEANS + one for one in ("eid", "itsme", "csamtotp")),
            secret="s" * 32,
        )
        server.app = create_acm(
            world.services.settings.acm_issuer, load_village(), [party], KEY, world.clock, habits
        )
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        opened.append((server, thread, world))
        return world, lambda persona: AtAcm(world, persona=persona, acm=server.app.test_client())

    yield build
    for server, thread, world in opened:
        server.shutdown()
        thread.join()
        server.server_close()
        world.close()


# --- the level ---


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (None, {"eid", "itsme", "csamtotp"}),
        ("http://eidas.europa.eu/LoA/low", {"eid", "itsme", "csamtotp"}),
        (SUBSTANTIAL, {"eid", "itsme", "csamtotp"}),
        (HIGH, {"eid", "itsme"}),
    ],
)
def test_only_means_that_reach_the_level_are_asked_of_acm(land, asked, sent):
    world, browser = land(PLAIN)
    an = browser("an")
    assert an.go(address_of(app(world), acr_values=asked)).query["code"]
    assert [set(one["acr_values"].split()) for one in an.asked] == [{MEANS + one for one in sent}]


def test_acm_offers_only_those_who_have_such_means(land):
    world, browser = land(PLAIN)
    an = browser("an")
    an.go(address_of(app(world), acr_values=HIGH))
    assert "An Peeters" in an.shown[0]
    assert "Cem Yilmaz" not in an.shown[0].partition("Wie kan zich niet")[0]


def test_a_session_that_is_too_weak_is_stepped_up_at_acm_in_one_trip(land):
    world, browser = land(PLAIN)
    client, cem = app(world), browser("cem")
    assert cem.go(address_of(client)).query["code"]
    cem.persona = "an"
    assert cem.go(address_of(client, acr_values=HIGH)).query["code"]
    assert [one.get("prompt") for one in cem.asked] == [None, "login"]
    assert cem.go(address_of(client, acr_values=HIGH)).query["code"]
    assert len(cem.asked) == 2


def test_an_acm_that_answers_with_weaker_means_is_unmet_and_never_a_loop(land):
    world, browser = land(Habits(claimed_acr=f"{MEANS}csamtotp"))
    client, an = app(world), browser("an")
    landing = an.go(address_of(client, acr_values=HIGH))
    assert landing.query["error"] == "unmet_authentication_requirements"
    assert landing.query["state"] == "state-of-the-client"
    assert len(an.asked) == 2, "once as she came, once afresh, and no third time"
    assert an.go(address_of(client, acr_values=SUBSTANTIAL)).query["code"]


def test_the_level_in_the_tokens_is_the_one_that_acm_answered_with(land):
    world, browser = land(PLAIN)
    client = app(world)
    values, verifier = request_of(client, acr_values=SUBSTANTIAL)
    code = browser("cem").go(address_of(client, **values)).query["code"]
    answer = redeem(world, client, code, verifier).json
    assert claims_of(answer["access_token"])["acr"] == SUBSTANTIAL


def test_a_level_that_no_means_of_ours_reaches_is_unmet_before_anybody_leaves(land):
    world, browser = land(PLAIN)
    world.upstream._settings = dataclasses.replace(world.services.settings, acm_acr_values=f"{MEANS}csamtotp")
    an = browser("an")
    refused = an.go(address_of(app(world), acr_values=HIGH))
    assert refused.query["error"] == "unmet_authentication_requirements"
    assert an.asked == ()


# --- prompt=login ---


def test_prompt_login_asks_for_a_fresh_login_once_and_is_then_satisfied(land):
    world, browser = land(PLAIN)
    client, an = app(world), browser("an")
    an.go(address_of(client))
    assert an.go(address_of(client, prompt="login")).query["code"]
    assert [one.get("prompt") for one in an.asked] == [None, "login"]


def test_an_upstream_that_says_that_nobody_signed_in_afresh_does_not_satisfy_prompt_login(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom", auth_time=world.now - 60)
    refused = tom.go(address_of(client, prompt="login"))
    assert refused.query["error"] == "login_required"
    assert [one["force"] for one in world.upstream.asked] == [True]


def test_a_forced_login_proves_nothing_for_the_session_that_came_after_it(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom")
    page = tom.go(address_of(client, prompt="login consent")).page
    tom.carry(world.sign_in("Nora"))
    landing = tom.go(page.url)
    assert len(world.upstream.asked) == 3, "Nora is sent to sign in afresh, too"
    assert "Nora" in landing.page.text


def test_what_one_session_proved_does_not_pass_to_the_next_one_in_the_browser(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom", auth_time=world.now)
    page = tom.go(address_of(client, max_age=60, prompt="consent")).page
    says(world, "Nora", auth_time=world.now)
    other = Visitor(world)
    other.go("/login")
    tom.http.set_cookie(
        "__Host-volmacht_session",
        other.http.get_cookie("__Host-volmacht_session", domain="id.example.be").value,
        domain="id.example.be",
    )
    assert "Nora" in tom.go(page.url).page.text
    world.clock.forward(61)
    assert len(world.upstream.asked) == 2
    tom.go(page.url)
    assert len(world.upstream.asked) == 3, "her own login is too old now"


@pytest.fixture
def world(tmp_path):
    found = ApiWorld(tmp_path)
    yield found
    found.close()


# --- max_age ---


def test_a_login_whose_age_acm_states_and_that_is_young_enough_needs_no_trip(land):
    world, browser = land(TELLS)
    client, an = app(world), browser("an")
    an.go(address_of(client))
    world.clock.forward(99)
    assert an.go(address_of(client, max_age=100)).query["code"]
    assert len(an.asked) == 1


def test_a_login_that_is_older_is_made_again_at_acm(land):
    world, browser = land(TELLS)
    client, an = app(world), browser("an")
    an.go(address_of(client))
    world.clock.forward(100)
    values, verifier = request_of(client, max_age=100)
    code = an.go(address_of(client, **values)).query["code"]
    assert (an.asked[1]["prompt"], an.asked[1]["max_age"]) == ("login", "100")
    answer = redeem(world, client, code, verifier).json
    assert claims_of(answer["id_token"])["auth_time"] == world.now
    assert claims_of(answer["access_token"])["auth_time"] == world.now


def test_max_age_zero_is_a_login_made_for_this_request(land):
    world, browser = land(TELLS)
    client, an = app(world), browser("an")
    an.go(address_of(client))
    assert an.go(address_of(client, max_age=0, prompt="consent")).left_for is None, "she reads the page"
    assert len(an.asked) == 2


def test_an_age_that_acm_does_not_state_is_unmet_after_one_trip(land):
    world, browser = land(PLAIN)
    client, an = app(world), browser("an")
    an.go(address_of(client))
    refused = an.go(address_of(client, max_age=3600))
    assert refused.query["error"] == "unmet_authentication_requirements"
    assert len(an.asked) == 2
    values, verifier = request_of(client)
    answer = redeem(world, client, an.go(address_of(client, **values)).query["code"], verifier).json
    assert "auth_time" not in claims_of(answer["id_token"])
    assert "auth_time" not in claims_of(answer["access_token"])


def test_an_acm_that_states_an_old_login_after_all_is_unmet(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom", auth_time=world.now - 500)
    refused = tom.go(address_of(client, max_age=300))
    assert refused.query["error"] == "unmet_authentication_requirements"
    assert world.upstream.asked == [{"force": True, "level": Level.NONE, "max_age": 300}]


def test_prompt_none_with_an_age_that_is_not_known_goes_nowhere(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom")
    tom.go("/login")
    assert tom.go(address_of(client, max_age=3600, prompt="none")).query["error"] == "login_required"
    assert len(world.upstream.asked) == 1


def test_a_login_that_grows_too_old_on_the_page_gives_no_code(world):
    client, tom = app(world), Visitor(world)
    says(world, "Tom", auth_time=world.now)
    tom.go("/login")
    landing = tom.go(address_of(client, max_age=60, prompt="consent"))
    world.clock.forward(61)
    refused = tom.press(landing, "self")
    assert refused.query["error"] == "unmet_authentication_requirements"
    assert tom.press(landing, "self").page.status == 400, "the interaction is over"


# --- what is believed of a stated instant ---


@pytest.mark.parametrize(
    ("stated", "believed"),
    [(100, 100), (99, 99), (101, None), (0, None), (-5, None), (True, None), ("100", None), (99.5, None)],
)
def test_an_auth_time_is_believed_when_it_is_whole_and_not_after_the_token(land, stated, believed):
    world, _ = land(PLAIN)
    login = world.upstream._login({"sub": "s", "iat": 100, "auth_time": stated}, "t")
    assert login.auth_time == believed


def test_an_id_token_of_long_ago_answers_no_login(land):
    world, _ = land(PLAIN)
    upstream = world.upstream
    upstream._metadata = type("Keys", (), {"keys": lambda _, __: KeySet([KEY])})()
    KEY.ensure_kid()
    for age, fine in ((900, True), (901, False)):
        claims = {
            "iss": upstream.issuer, "aud": "volmacht", "sub": "s", "nonce": "n",
            "iat": world.now - age, "exp": world.now + 60,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": KEY.kid}, claims, KEY)
        if fine:
            assert upstream._verify(token, "n", world.now)["sub"] == "s"
        else:
            with pytest.raises(UpstreamError):
                upstream._verify(token, "n", world.now)


@pytest.mark.parametrize(("before", "afresh"), [(0, True), (-30, True), (2, True), (3, False), (3600, False)])
def test_two_periods_say_whether_a_login_was_made_after_we_asked(world, before, afresh):
    """The upstream's clock runs an hour ahead of ours: instants tell nothing, periods do."""
    ahead = 3600
    url = sessions.start(world.services, browser=BROWSER, return_to="/", redirect_uri="x", force=True)
    asked_at = world.now
    now = world.clock.forward(40)
    world.upstream.answer = UpstreamLogin(
        ACM, "Tom", "Tom", Level.HIGH, now + ahead, "", auth_time=asked_at - before + ahead
    )
    signed_in = sessions.finish(
        world.services,
        browser=BROWSER,
        unverified_response={"state": url.partition("state=")[2]},
        previous=None,
        now=now,
    )
    assert (signed_in.forced, signed_in.afresh) == (True, afresh)
