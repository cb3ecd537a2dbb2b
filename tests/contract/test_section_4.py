"""tokens.md section 4: what its sentences say that no other test of this house says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from attack_tools import claims_of, header_of
from broker import wiring
from broker.errors import ExchangeRefusedError, InvalidTargetError
from broker.flows import codes, introspection, revocation, sessions, tokens
from broker.oauth import rar
from exchange_world import USE
from flow_world import BROWSER, ISSUER, SCOPES, VOUCHERS, access_claims, settings
from provers import DROP, sign_raw


def test_whatever_descends_from_a_grant_ends_with_it(roads):
    web = roads.client(scopes=SCOPES | {USE, "obo:profile"})
    code = roads.tokens(web, roads.bram, roads.key_of(web, roads.given))
    refreshed = roads.refresh(web, code)
    narrowed = roads.narrow(refreshed["access_token"])
    again = roads.narrow(narrowed["access_token"], client=roads.next, targets=(VOUCHERS,))
    descends = [code, refreshed, roads.refresh(web, code, resources=[ISSUER]), narrowed, again]
    other = roads.own()["code"]
    (grant,) = {roads.entry_of(one).grant for one in descends}
    with roads.services.database.write() as uow:
        revocation.end_grants(uow, [uow.grants.find(grant)], "test", roads.now)
        uow.commit()
    assert all(roads.entry_of(one).revoked_at == roads.now for one in descends)
    assert roads.entry_of(other).revoked_at is None


def test_an_exchange_belongs_to_the_grant_of_its_actor_token(roads):
    own = roads.own()["code"]
    exchanged = roads.act(roads.given, own["access_token"])
    assert roads.entry_of(exchanged).grant == roads.entry_of(own).grant


def test_who_lost_redis_loses_no_grant_and_no_session(roads):
    """A broker that starts anew on the same database, with nothing in its other store."""
    code = roads.tokens(roads.web, roads.bram, roads.key_of(roads.web, roads.given))
    lost = roads.choose(roads.ask(roads.web, roads.bram), roads.bram, "self")
    anew = wiring.build(settings(roads.file), roads.clock, roads.upstream)
    assert sessions.current(anew, roads.cookies[roads.bram.id], roads.now).party == roads.bram.party
    assert tokens.refresh(anew, roads.web, code["refresh_token"], roads.now)["access_token"]
    told = introspection.introspect(anew, roads.api, code["access_token"])
    assert told["active"]
    assert codes.take_code(anew, lost) is None
    anew.database.close()


@pytest.mark.parametrize("target", [(), ("",), (VOUCHERS, ""), (" ",)])
def test_an_empty_audience_is_none(roads, target):
    own = roads.self_token(roads.bram)
    for ask in (
        lambda: roads.act(roads.given, own, targets=target),
        lambda: roads.narrow(own, targets=target),
    ):
        with pytest.raises(InvalidTargetError):
            ask()
    if target:
        with pytest.raises(InvalidTargetError):
            rar.audience_of(roads.services, roads.web, target)


@pytest.mark.parametrize("aud", ["", [], [""], None, DROP])
def test_a_token_for_nobody_is_no_token(roads, aud):
    claims = claims_of(roads.self_token(roads.bram)) | {"aud": aud}
    for use in (roads.narrow, lambda token: roads.act(roads.given, token)):
        with pytest.raises(ExchangeRefusedError):
            use(roads.forged(claims))


def test_auth_time_is_what_acm_stated_and_a_forced_login_alone_states_nothing(roads):
    for stated in (roads.now - 3, None):
        roads.officer()
        roads.upstream.answer = replace(roads.upstream.answer, auth_time=stated)
        url = sessions.start(
            roads.services, browser=BROWSER, return_to="/portal/", redirect_uri=f"{ISSUER}/cb", force=True
        )
        answer = {"state": url.partition("state=")[2], "code": "c"}
        signed_in = sessions.finish(
            roads.services, browser=BROWSER, unverified_response=answer, previous=None, now=roads.now
        )
        response = roads.tokens(roads.web, signed_in.session)
        for said in (access_claims(response), claims_of(response["id_token"])):
            assert said.get("auth_time") == stated


BENT = {
    "signed by somebody else": lambda world, token: sign_raw(
        header_of(token), claims_of(token), ECKey.generate_key("P-256")
    ),
    "of another issuer": lambda world, token: world.forged(
        claims_of(token) | {"iss": "https://id.example.org"}
    ),
    "without an issuer": lambda world, token: world.forged(claims_of(token) | {"iss": DROP}),
    "over": lambda world, token: world.forged(claims_of(token) | {"exp": world.now}),
    "without an end": lambda world, token: world.forged(claims_of(token) | {"exp": DROP}),
    "without a status": lambda world, token: world.forged(claims_of(token) | {"status": DROP}),
    "as it is": lambda world, token: world.forged(claims_of(token)),
}


@pytest.mark.parametrize("bent", BENT)
def test_neither_token_is_believed_with_another_signature_issuer_or_end(roads, bent):
    token = BENT[bent](roads, roads.self_token(roads.bram))
    for use in (roads.narrow, lambda one: roads.act(roads.given, one)):
        if bent == "as it is":
            assert use(token)
            continue
        with pytest.raises(ExchangeRefusedError):
            use(token)
