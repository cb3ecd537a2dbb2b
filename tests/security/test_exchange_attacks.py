"""Classes 5 and 6: what a thief, a confused deputy or a greedy service gets from a mandate's reference: nothing.

Against a running village; `test_narrowing_attacks.py` is about tokens that are passed on.
"""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc.jwk import ECKey

from attack_tools import ask_and_approve, claims_of, plain_session, sign_raw, unsigned
from exchange_tools import (
    EXCHANGE,
    POWERS,
    REFERENCE,
    SCOPE,
    TYPES,
    exchange,
    passed_on,
    refused,
    under,
)
from provers import DROP, Prover


@pytest.fixture
def reference(delegated):
    return delegated["authorization_details"][0]["identifier"]


def test_an_honest_exchange_gives_what_the_attacks_below_are_after(shop, reference, own, burgers, delegated):
    answer = exchange(shop, under(reference, own, burgers))
    assert answer.status_code == 200, answer.text
    claims, login = claims_of(answer.json()["access_token"]), claims_of(delegated["access_token"])
    assert (claims["sub"], claims["act"]) == (login["sub"], login["act"])
    assert claims["cnf"] == {"jkt": shop.prover.jkt}
    assert "refresh_token" not in answer.json()
    assert shop.call(f"{burgers}/vouchers", delegated["access_token"]).status_code == 200


# --- the reference is no credential ---


def test_class_05_a_reference_that_is_not_hers_answers_byte_for_byte_as_one_that_nobody_has(
    shop, reference, burgers, other_officer
):
    hers = shop.tokens(other_officer, resource=burgers)
    unknown = "m-" + secrets.token_urlsafe(len(reference) * 3 // 4)[: len(reference) - 2]
    answers = [
        exchange(shop, under(one, hers, burgers)) for one in (reference, unknown, "m-", "x", "M" * 900)
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} == {400}
    told = [
        {k: v for k, v in answer.headers.items() if k not in {"Date", "DPoP-Nonce"}} for answer in answers
    ]
    assert all(one == told[0] for one in told)
    assert refused(answers[0]) == "invalid_request"
    assert "reason" not in answers[0].json()


def test_class_05_a_reference_of_another_sector_is_a_reference_of_nothing(
    land, burgers, apps, officer, own, shop, village
):
    elsewhere = land.app("ruil-sector", sector="een-andere-sector", scope=POWERS + " openid")
    foreign = elsewhere.tokens(officer, "Jos Maes")["authorization_details"][0]["identifier"]
    assert refused(exchange(shop, under(foreign, own, burgers))) == "invalid_request"


def test_class_05_a_party_is_no_mandate(shop, delegated, own, burgers):
    principal = delegated["authorization_details"][0]["principal"]
    for subject in (principal, "m-" + principal.removeprefix("p-")):
        assert refused(exchange(shop, under(subject, own, burgers))) == "invalid_request"


@pytest.mark.parametrize("extra", ["requested_subject", "requested_actor"])
def test_class_05_nobody_is_named_into_a_token(shop, reference, own, burgers, extra):
    assert refused(exchange(shop, under(reference, own, burgers, **{extra: "p-x"}))) == "invalid_request"


# --- the actor must be there ---


def test_class_06_no_exchange_under_a_mandate_without_an_actor(shop, reference, own, burgers):
    for gone in ({"actor_token": DROP}, {"actor_token_type": DROP}, {"actor_token": ""}):
        assert refused(exchange(shop, under(reference, own, burgers, **gone))) == "invalid_request"
    bare = {"actor_token": DROP, "actor_token_type": DROP}
    assert refused(exchange(shop, under(reference, own, burgers, **bare))) == "invalid_request"


def test_class_06_an_actor_token_is_an_access_token_of_a_person_for_herself(
    shop, reference, own, burgers, delegated
):
    wrong = {
        "delegated": delegated["access_token"],
        "ID token": own["id_token"],
        "refresh token": own["refresh_token"],
        "client assertion": shop.assertion(),
        "proof": shop.prover.proof("POST", f"{shop.issuer}/token"),
        "unsigned": unsigned(own["access_token"]),
        "forged": sign_raw(
            {"alg": "ES256", "typ": "at+jwt", "kid": "x"},
            claims_of(own["access_token"]),
            ECKey.generate_key("P-256"),
        ),
        "nothing": "x",
    }
    for name, token in wrong.items():
        answer = exchange(shop, under(reference, own, burgers, actor_token=token))
        assert refused(answer) == "invalid_request", name


def test_class_06_an_actor_token_type_other_than_an_access_token_is_refused(shop, reference, own, burgers):
    for kind in (f"{TYPES}id_token", f"{TYPES}refresh_token", REFERENCE, ""):
        answer = exchange(shop, under(reference, own, burgers, actor_token_type=kind))
        assert refused(answer) == "invalid_request"


def test_class_06_a_machine_is_no_actor(land, shop, reference, own, burgers):
    program = land.app("ruil-machine", audiences=(f"{shop.issuer}/api/v1",), scope="uses:write")
    answer = program.post(
        "/token", grant_type="client_credentials", scope="uses:write", resource=f"{shop.issuer}/api/v1"
    )
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert refused(exchange(shop, under(reference, own, burgers, actor_token=token))) == "invalid_request"


def test_class_06_an_actor_token_needs_the_scope_for_it(shop, reference, own, burgers, officer):
    tokens = shop.tokens(officer, resource=burgers, scope="openid vouchers:read vouchers:order")
    answer = exchange(shop, under(reference, tokens, burgers))
    assert refused(answer) == "invalid_request"


def test_class_06_an_actor_token_for_an_api_that_the_caller_is_not_is_refused(
    land, officer, burgers, ledger, shop, reference, own, bookkeeper
):
    """The bookkeeper got hold of a token that was meant for the shop: it is worth nothing to it."""
    answer = exchange(
        bookkeeper,
        under(
            reference,
            own,
            ledger,
            actor_token_dpop=shop.prover.proof("GET", f"{burgers}/x", own["access_token"]),
        ),
    )
    assert refused(answer) == "invalid_request"


def test_class_06_an_ended_session_acts_no_more(shop, reference, own, burgers, officer, land):
    land.end_session(officer)
    assert refused(exchange(shop, under(reference, own, burgers))) == "invalid_request"


def test_class_06_a_revoked_actor_token_acts_no_more(shop, reference, own, burgers):
    assert shop.post("/revoke", token=own["refresh_token"]).status_code == 200
    assert refused(exchange(shop, under(reference, own, burgers))) == "invalid_request"


# --- the actor token's own key ---


def test_class_33_a_stolen_actor_token_is_worth_nothing_without_its_key(land, burgers, reference, own):
    """The thief is a service of the same audience, with a key of its own."""
    thief = land.app("ruil-dief", serves=(burgers,), exchange=True, scope=SCOPE, sector=burgers)
    token = own["access_token"]
    assert refused(exchange(thief, under(reference, own, burgers))) == "invalid_request"
    made_up = Prover().proof("GET", f"{burgers}/vouchers", token)
    answer = exchange(thief, under(reference, own, burgers, actor_token_dpop=made_up))
    assert refused(answer) == "invalid_request"


def test_class_33_the_proof_that_came_with_an_actor_token_is_handed_on_once(
    land, burgers, reference, own, shop
):
    api = land.app("ruil-api", serves=(burgers,), exchange=True, scope=SCOPE, sector=burgers)
    token = own["access_token"]
    came = shop.prover.proof("POST", f"{burgers}/orders", token)
    form = under(reference, own, burgers, actor_token_dpop=came)
    first = exchange(api, form)
    assert first.status_code == 200, first.text
    assert claims_of(first.json()["access_token"])["cnf"] == {"jkt": api.prover.jkt}
    assert refused(exchange(api, form)) == "invalid_request"


def test_class_33_a_proof_that_came_to_another_place_or_with_another_token_proves_nothing(
    land, burgers, reference, own, delegated, shop, village
):
    api = land.app("ruil-api-2", serves=(burgers,), exchange=True, scope=SCOPE, sector=burgers)
    token, prover = own["access_token"], shop.prover
    for bent in (
        prover.proof("POST", f"{village.vouchers}/api/ondernemingen/performances", token),
        prover.proof("POST", f"{burgers}-elsewhere/orders", token),
        prover.proof("POST", f"{burgers}/orders", delegated["access_token"]),
        prover.proof("POST", f"{burgers}/orders"),
        prover.proof("POST", f"{burgers}/orders", token, iat=int(time.time()) - 300),
        "x",
    ):
        answer = exchange(api, under(reference, own, burgers, actor_token_dpop=bent))
        assert refused(answer) == "invalid_request"


def test_class_33_the_result_of_an_exchange_is_bound_to_the_caller(shop, reference, own, burgers):
    token = exchange(shop, under(reference, own, burgers)).json()["access_token"]
    url = f"{burgers}/vouchers"
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"DPoP {token}", "DPoP": Prover().proof("GET", url, token)},
    ):
        assert plain_session().get(url, headers=headers, timeout=10).status_code == 401


# --- the caller ---


def test_class_19_nobody_and_no_public_client_exchanges(shop, apps, reference, own, burgers):
    form = under(reference, own, burgers)
    nobody = plain_session().post(f"{shop.issuer}/token", data=form | {"grant_type": EXCHANGE}, timeout=10)
    assert refused(nobody) == "invalid_client"
    assert refused(exchange(apps.public, form)) in {"invalid_client", "unauthorized_client"}


def test_class_05_a_client_that_is_not_registered_for_it_does_not_exchange(
    apps, reference, own, burgers, delegated, ledger
):
    for form in (under(reference, own, burgers), passed_on(delegated["access_token"], ledger)):
        assert refused(exchange(apps.fapi, form)) == "unauthorized_client"


# --- targets and scopes ---


@pytest.mark.parametrize(
    "resource",
    [
        DROP,
        "",
        "https://evil.example/api",
        "*",
        ["https://ledger.example/api", "https://ledger.example/api"],
    ],
)
def test_class_05_an_exchange_names_one_audience_of_its_caller(shop, reference, own, burgers, resource):
    answer = exchange(shop, under(reference, own, burgers, resource=resource))
    assert refused(answer) == "invalid_target"


def test_class_05_resource_and_audience_together_name_two(shop, reference, own, burgers, ledger):
    assert refused(exchange(shop, under(reference, own, burgers, audience=ledger))) == "invalid_target"


def test_class_05_an_api_that_does_not_understand_act_gets_no_delegated_token(
    land, burgers, reference, own, delegated
):
    """`elders.example` never said that it is delegation-aware."""
    target = "https://elders.example/api"
    app = land.app(
        "ruil-onwetend", audiences=(burgers, target), serves=(burgers,), exchange=True, scope=SCOPE
    )
    assert refused(exchange(app, passed_on(delegated["access_token"], target))) == "invalid_target"


@pytest.mark.parametrize(
    "scope",
    [
        DROP,
        "",
        "vouchers:order",
        "openid obo:vouchers:order",
        "mandate:use",
        "obo:vouchers:order obo:payout:change",
        "obo:vouchers:assign",
        "obo:obo:vouchers:order",
        "obo:",
    ],
)
def test_class_05_each_scope_is_delegated_and_within_mandate_client_and_audience(
    shop, reference, own, burgers, scope
):
    answer = exchange(shop, under(reference, own, burgers, scope=scope))
    assert refused(answer) in {"invalid_scope", "invalid_request"}


def test_class_05_a_scope_beyond_the_powers_of_this_very_mandate_is_refused_whole(
    land, shop, officer, second_officer, own, burgers, someone
):
    mandate = ask_and_approve(
        land, officer, second_officer, someone(7301), "Leo Lezer", powers=["vouchers:read"]
    )
    reference = land.services.vault.pseudonym("m-", burgers, mandate)
    for scope in ("obo:vouchers:order", "obo:vouchers:read obo:vouchers:order"):
        assert refused(exchange(shop, under(reference, own, burgers, scope=scope))) == "invalid_scope"
    answer = exchange(shop, under(reference, own, burgers, scope="obo:vouchers:read"))
    assert answer.status_code == 200, answer.text


def test_class_05_no_other_kind_of_token_comes_out(shop, reference, own, burgers):
    for kind in (f"{TYPES}refresh_token", f"{TYPES}id_token", f"{TYPES}saml2", "x"):
        answer = exchange(shop, under(reference, own, burgers, requested_token_type=kind))
        assert refused(answer) == "invalid_request"


def test_class_24_of_an_exchange_and_a_revocation_at_once_nothing_survives(shop, officer, burgers, reference):
    for _ in range(3):
        own = shop.tokens(officer, resource=burgers)
        form = under(reference, own, burgers)
        with ThreadPoolExecutor(5) as pool:
            racing = [pool.submit(exchange, shop, form) for _ in range(4)]
            pool.submit(shop.post, "/revoke", token=own["refresh_token"]).result()
        for answer in (one.result() for one in racing):
            if answer.status_code == 200:
                assert shop.active(answer.json()["access_token"]) == {"active": False}


# --- the endpoint ---


def test_class_16_a_parameter_sent_twice_is_refused(shop, reference, own, burgers):
    for name in ("subject_token", "actor_token", "scope", "subject_token_type", "grant_type"):
        form = under(reference, own, burgers) | {"grant_type": EXCHANGE}
        form[name] = [form[name], form[name]]
        answer = plain_session().post(
            f"{shop.issuer}/token",
            data=form | shop.credentials()[0],
            headers={"DPoP": shop.prover.proof("POST", f"{shop.issuer}/token")},
            timeout=10,
        )
        assert refused(answer) in {"invalid_request", "unsupported_grant_type"}, name


def test_class_16_an_endless_subject_token_is_refused(shop, reference, own, burgers, ledger):
    for form in (under("m-" + "A" * 100_000, own, burgers), passed_on("e" * 100_000, ledger)):
        assert exchange(shop, form).status_code in {400, 413}


def test_class_27_neither_token_stands_in_the_log(village, shop, reference, own, burgers, delegated, ledger):
    exchange(shop, under(reference, own, burgers))
    exchange(shop, under(reference, own, burgers, scope="vouchers:order"))
    exchange(shop, passed_on(delegated["access_token"] + "x", ledger))
    log = village.log.read_text()
    assert "eyJ" not in log
    assert reference not in log
