"""Which access tokens are narrowed, and which are not (tokens.md section 4, item 3)."""

from __future__ import annotations

import pytest

from attack_tools import claims_of
from broker.errors import ExchangeRefusedError
from broker.flows import revocation
from exchange_world import ExchangeWorld
from flow_world import ISSUER, OTHER, OWN, access_claims


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
def own(flow, bram):
    """Bram's own token at VOUCHERS, to read and order."""
    return flow.self_token(bram, scopes=tuple(sorted(OWN)))


@pytest.fixture
def delegated(flow, bram, given):
    """His for Maria, there."""
    return flow.delegated(bram, given)


def refusal(call, *args, **options):
    with pytest.raises(ExchangeRefusedError) as refused:
        call(*args, **options)
    return refused.value


# --- the subject token ---


def test_the_audience_of_the_subject_token_is_one_that_the_caller_is(flow, own):
    assert flow.narrow(own)
    assert refusal(flow.narrow, own, client=flow.service(serves=(OTHER,)))
    assert refusal(flow.narrow, own, client=flow.service(serves=()))


def test_a_citizens_own_a_delegated_and_a_clerks_token_are_narrowed(flow, own, delegated):
    els = flow.sign_in("Els")
    company = flow.organisation("Poets", "0999000228", "recognised_company")
    flow.client("company-web", mandate_types=("company-employee",), scopes=frozenset({"obo:invoices:read"}))
    flow.audience(scopes=frozenset({"obo:invoices:read"}))
    flow.audience(uri=OTHER, sector="companies", scopes=frozenset({"obo:invoices:read"}))
    clerk = flow.give("company-employee", company, flow.stored(els.party))
    web = flow.client(
        "company-web", mandate_types=("company-employee",), scopes=frozenset({"obo:invoices:read"})
    )
    token = flow.issued(els, flow.key_of(web, clerk), web)
    flow.service(mandate_types=("company-employee",), scopes=frozenset({"obo:invoices:read"}))
    claims = access_claims(flow.narrow(token))
    assert claims["sub"] == "iso6523-actorid-upis::0208:0999000228"
    assert claims["act"]["sub"] == flow.services.vault.pseudonym("p-", "companies", els.party)
    assert claims["authorization_details"][0]["representative"] == claims["act"]["sub"]


def test_a_machine_token_is_not(flow, own):
    claims = claims_of(own) | {"sub": "voucher-web", "acr": None, "status": None}
    machine = flow.forged({name: value for name, value in claims.items() if value is not None})
    assert refusal(flow.narrow, machine)


@pytest.mark.parametrize("typ", ["JWT", "statuslist+jwt", "secevent+jwt", "dpop+jwt"])
def test_nor_is_an_id_token_a_list_or_an_event(flow, own, typ):
    assert refusal(flow.narrow, flow.forged(claims_of(own), typ))
    assert flow.narrow(flow.forged(claims_of(own)))


def test_nor_a_refresh_token_or_nothing_at_all(flow, bram):
    answer = flow.tokens(flow.web, bram)
    for text in (answer["refresh_token"], answer["id_token"], "", "a.b.c"):
        assert refusal(flow.narrow, text)


def test_a_mandate_reference_is_no_access_token_whatever_it_is_said_to_be(flow, given):
    assert refusal(flow.narrow, flow.reference(given))


@pytest.mark.parametrize("cause", ["grant", "session", "mandate", "executor"])
def test_the_subject_token_is_live_by_status(flow, bram, given, delegated, cause):
    assert flow.narrow(delegated)
    with flow.services.database.write() as uow:
        if cause == "grant":
            revocation.end_grants(uow, uow.grants.live_of_session(bram.id), "test", flow.now)
        elif cause == "session":
            revocation.close_session(uow, uow.sessions.find(bram.id), "test", flow.now)
        elif cause == "mandate":
            uow.status.revoke_on_mandates([given.id], flow.now)
        else:
            (executor,) = uow.mandates.of_session(bram.id)
            uow.status.revoke_on_mandates([executor.id], flow.now)
        uow.commit()
    assert "revoked" in str(refusal(flow.narrow, delegated))


def test_an_expired_subject_token_is_refused(flow, own):
    flow.clock.forward(300)
    assert "expired" in str(refusal(flow.narrow, own))


def test_a_session_that_fell_idle_gives_nothing(flow, bram):
    flow.clock.forward(1700)
    token = flow.self_token(bram)
    flow.clock.forward(100)
    assert refusal(flow.narrow, token).reason == "session_ended"


@pytest.mark.parametrize("place", ["top", "act", "nested", "unknown"])
def test_nothing_that_stands_in_a_token_is_stripped(flow, delegated, place):
    """`may_act`, earlier actors, whatever we never sign: refused and not narrowed without it."""
    claims = claims_of(delegated)
    if place == "top":
        claims["may_act"] = {"sub": "p-somebody"}
    elif place == "act":
        claims["act"]["may_act"] = {"sub": "p-somebody"}
    elif place == "nested":
        claims["act"]["act"] = {"iss": ISSUER, "sub": "p-before"}
    else:
        claims["limit"] = 100
    assert "successor" in str(refusal(flow.narrow, flow.forged(claims)))


def test_nothing_is_spliced(flow, bram, delegated):
    """A token that names another mandate than its status speaks of: no fault of its bearer's lets it through."""
    jozef = flow.beneficiary("Jozef")
    other = claims_of(flow.delegated(bram, jozef))
    claims = claims_of(delegated)
    for name in ("authorization_details", "sub"):
        claims[name] = other[name]
    assert refusal(flow.narrow, flow.forged(claims))
