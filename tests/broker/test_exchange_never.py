"""What must not exist, whoever asks and however: the invariants behind every token (tokens.md section 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attack_tools import claims_of, header_of
from broker.errors import FlowError
from broker.flows import claims, issuing, tokens
from broker.flows.issuing import ImpersonationError, OversizedTokenError
from broker.oauth.rar import MandateRequest
from exchange_world import ORDER, READ, USE, ExchangeWorld
from flow_world import ISSUER, OTHER, OWN, SCOPES, VOUCHERS, access_claims


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


def every_way(flow, bram, given):
    """One answer of each way in which somebody gets a token."""
    web = flow.client(scopes=SCOPES | {USE, "insz", "obo:insz", "obo:profile"})
    own = flow.tokens(web, bram)
    acting = flow.tokens(web, bram, flow.key_of(web, given))
    yield from (own, acting)
    for answer in (own, acting):
        yield flow.refresh(web, answer)
        yield flow.refresh(web, answer, resources=[ISSUER])
        yield flow.narrow(answer["access_token"])
    yield flow.refresh(web, acting, details=MandateRequest(actions=("vouchers:read",)))
    yield flow.act(given, own["access_token"], scope=frozenset({READ, ORDER}))
    yield flow.act(
        given,
        flow.narrow(own["access_token"])["access_token"],
        client=flow.next,
        targets=(VOUCHERS,),
        jkt=flow.jkt,
    )


def test_a_token_whose_subject_is_not_the_human_has_act_and_one_with_act_has_only_obo_scopes(
    flow, bram, given
):
    kinds = set()
    for answer in every_way(flow, bram, given):
        said = access_claims(answer)
        sector = {VOUCHERS: "vouchers", OTHER: "companies"}.get(said["aud"], said["aud"])
        human = flow.services.vault.pseudonym("p-", sector, bram.party)
        assert said.get("act", {}).get("sub", said["sub"]) == human
        assert (said["sub"] != human) is ("act" in said)
        assert ("act" in said) is ("authorization_details" in said)
        assert {scope.startswith("obo:") for scope in said["scope"].split()} == {"act" in said}
        kinds.add((said["aud"], "act" in said))
    assert len(kinds) == 6


def test_each_is_an_access_token_of_rfc_9068_for_one_audience_and_five_minutes(flow, bram, given):
    for answer in every_way(flow, bram, given):
        said = access_claims(answer)
        assert header_of(answer["access_token"])["typ"] == "at+jwt"
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "acr", "scope", "status"} <= set(said)
        assert isinstance(said["aud"], str)
        assert 0 < said["exp"] - said["iat"] <= 300
        assert not {"may_act", "amr", "insz", "name", "sid"} & set(said)
        assert set(said.get("act", {})) in (set(), {"iss", "sub"})


def test_no_exchange_gives_a_refresh_or_an_id_token(flow, bram, given):
    own = flow.self_token(bram)
    for answer in (flow.act(given, own), flow.narrow(own)):
        assert not {"refresh_token", "id_token"} & set(answer)


def signed_while(monkeypatch, change):
    """Every text that is signed while claims are made wrongly."""
    plain, signed = claims.access_token, []
    monkeypatch.setattr(claims, "access_token", lambda *args, **named: change(plain(*args, **named)))
    sign = issuing.sign
    monkeypatch.setattr(issuing, "sign", lambda *args: signed.append(args) or sign(*args))
    return signed


def without_act(made):
    return {name: value for name, value in made.items() if name != "act"}


@pytest.mark.parametrize(
    "wrong",
    [
        without_act,
        lambda made: made | {"act": {"iss": ISSUER, "sub": made["sub"]}},
        lambda made: made | {"act": {"iss": ISSUER, "sub": "p-somebody"}},
        lambda made: made | {"sub": made["act"]["sub"]},
        lambda made: made | {"scope": "vouchers:read"},
        lambda made: made | {"scope": made["scope"] + " vouchers:read"},
        lambda made: made | {"scope": ""},
    ],
)
def test_a_delegated_token_that_would_impersonate_is_not_signed(flow, bram, given, monkeypatch, wrong):
    own = flow.self_token(bram)
    signed = signed_while(monkeypatch, wrong)
    with pytest.raises(ImpersonationError):
        flow.act(given, own)
    with pytest.raises(ImpersonationError):
        flow.delegated(bram, given)
    assert signed == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda made: made | {"sub": "p-somebody"},
        lambda made: made | {"scope": "obo:vouchers:read"},
        lambda made: made | {"act": {"iss": ISSUER, "sub": made["sub"]}},
    ],
)
def test_nor_is_a_self_token_that_speaks_of_another(flow, bram, monkeypatch, wrong):
    own = flow.self_token(bram)
    signed = signed_while(monkeypatch, wrong)
    for call in (flow.self_token, lambda _: flow.narrow(own)):
        with pytest.raises(ImpersonationError):
            call(bram)
    assert signed == []


def test_nor_an_id_token_that_is_not_about_who_signed_in(flow, bram, given, monkeypatch):
    plain = claims.id_token

    def wrong(*args, **named):
        made = plain(*args, **named)
        return made | {"sub": made["represents"]["sub"]}

    monkeypatch.setattr(claims, "id_token", wrong)
    with pytest.raises(ImpersonationError):
        flow.delegated(bram, given)


def test_who_is_at_the_keyboard_is_told_by_the_session_and_not_by_the_grant(flow, bram, given, monkeypatch):
    """A grant that got into the wrong session gives no token, whatever the engine says of its actor."""
    other = flow.sign_in("Bea")
    plain = tokens._judge

    def wrong(*args):
        judged, left = plain(*args)
        return replace(judged, session=other), left

    monkeypatch.setattr(tokens, "_judge", wrong)
    with pytest.raises(ImpersonationError):
        flow.delegated(bram, given)


def test_an_impersonating_token_is_a_fault_that_is_logged_and_says_nothing(flow, bram, given, monkeypatch):
    own = flow.self_token(bram)
    signed_while(monkeypatch, without_act)
    answer = flow.post_act(given, own)
    assert (answer.status_code, answer.json["error"]) == (500, "server_error")
    assert "access_token" not in answer.text


def test_a_token_stays_under_four_kilobytes_whatever_she_may_represent(flow, bram):
    for number in range(20):
        flow.beneficiary(f"Begunstigde {number} " + "x" * 200)
    given = flow.beneficiary("De langste naam van allemaal " * 20)
    answer = flow.act(given, flow.self_token(bram), scope=frozenset({READ, ORDER}), jkt="k" * 43)
    assert len(answer["access_token"]) < 4096


def test_one_that_would_not_is_not_given(flow, bram, monkeypatch):
    monkeypatch.setattr(issuing, "MAX_TOKEN", 300)
    with pytest.raises(OversizedTokenError):
        flow.self_token(bram)


def test_every_scope_and_claim_of_a_narrowed_token_was_in_its_source(flow, bram, given):
    """Nothing strips, splices or widens."""
    for source in (flow.self_token(bram), flow.delegated(bram, given)):
        before, after = claims_of(source), access_claims(flow.narrow(source))
        assert set(after) - {"cnf"} == set(before) - {"cnf"}
        assert set(after["scope"].split()) <= set(before["scope"].split())
        assert after["exp"] <= before["exp"]
        assert after["acr"] == before["acr"]


def test_no_power_is_had_by_asking_under_another_name(flow, bram, given):
    """The same words with another prefix, case or space are other words."""
    own = flow.self_token(bram)
    for scope in (
        "OBO:vouchers:read",
        "obo:obo:vouchers:read",
        "obo:",
        "obo:vouchers:read ",
        "obo:mandate:use",
    ):
        with pytest.raises(FlowError):
            flow.act(given, own, scope=frozenset({scope}))


def test_a_client_that_is_registered_for_everything_gets_no_more_than_the_mandate(flow, bram):
    everything = SCOPES | OWN | {USE, "obo:payout:change", "obo:refunds:request"}
    flow.audience(uri=OTHER, sector="companies", scopes=everything)
    flow.service(scopes=everything)
    narrow = flow.beneficiary("Jozef", powers=("vouchers:read",))
    own = flow.self_token(bram)
    for scope in everything - {READ}:
        with pytest.raises(FlowError):
            flow.act(narrow, own, scope=frozenset({READ, scope}))
    assert flow.act(narrow, own)
