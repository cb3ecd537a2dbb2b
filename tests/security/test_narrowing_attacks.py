"""Classes 5 and 6: a token that a service passes on never becomes more than it was, nor anybody else's."""

from __future__ import annotations

from attack_tools import claims_of, plain_session, unsigned
from exchange_tools import ACCESS, POWERS, TYPES, exchange, passed_on, refused
from provers import DROP


def test_class_06_a_delegated_token_cannot_be_turned_into_the_principals_own(shop, delegated, ledger):
    """The fault of another broker: given again without an actor token, the actor was stripped."""
    token = delegated["access_token"]
    answer = exchange(shop, passed_on(token, ledger))
    assert answer.status_code == 200, answer.text
    before, after = claims_of(token), claims_of(answer.json()["access_token"])
    assert after["act"]["sub"]
    assert all(scope.startswith("obo:") for scope in after["scope"].split())
    assert after["exp"] <= before["exp"]
    for scope in ("vouchers:order", "openid", "obo:vouchers:order vouchers:order", "obo:vouchers:assign"):
        assert refused(exchange(shop, passed_on(token, ledger, scope=scope))) == "invalid_scope"


def test_class_06_another_actor_cannot_be_put_in(shop, delegated, own, ledger):
    token = delegated["access_token"]
    spliced = passed_on(token, ledger, actor_token=own["access_token"], actor_token_type=ACCESS)
    assert refused(exchange(shop, spliced)) == "invalid_request"
    typed = passed_on(token, ledger, actor_token_type=ACCESS)
    assert refused(exchange(shop, typed)) == "invalid_request"


def test_class_06_a_persons_own_token_cannot_be_turned_into_a_delegated_one(shop, own, ledger):
    answer = exchange(shop, passed_on(own["access_token"], ledger, scope="obo:vouchers:order"))
    assert refused(answer) == "invalid_scope"


def test_class_05_only_the_api_that_a_token_was_for_passes_it_on(bookkeeper, delegated, ledger):
    assert refused(exchange(bookkeeper, passed_on(delegated["access_token"], ledger))) == "invalid_request"


def test_class_05_what_is_no_access_token_cannot_be_passed_on(shop, own, delegated, ledger):
    uri = claims_of(own["access_token"])["status"]["status_list"]["uri"]
    wrong = {
        "ID token": own["id_token"],
        "refresh token": own["refresh_token"],
        "status list": plain_session().get(uri, timeout=10).text[:4000],
        "client assertion": shop.assertion(),
        "unsigned": unsigned(delegated["access_token"]),
        "reference": delegated["authorization_details"][0]["identifier"],
    }
    for name, token in wrong.items():
        assert refused(exchange(shop, passed_on(token, ledger))) == "invalid_request", name
    for kind in (f"{TYPES}id_token", f"{TYPES}refresh_token", f"{TYPES}saml2", "", DROP):
        form = passed_on(own["access_token"], ledger, subject_token_type=kind)
        assert refused(exchange(shop, form)) == "invalid_request"


def test_class_06_a_token_is_passed_on_four_times_and_no_more(land, delegated, shop, ledger):
    """Two services that serve each other's audience toss it between them."""
    token, caller = delegated["access_token"], shop
    tosser = land.app("ruil-werper", audiences=(ledger,), serves=(ledger,), exchange=True, scope=POWERS)
    ends = [claims_of(token)["exp"]]
    for _ in range(4):
        answer = exchange(caller, passed_on(token, ledger))
        assert answer.status_code == 200, answer.text
        token, caller = answer.json()["access_token"], tosser
        ends.append(claims_of(token)["exp"])
    assert ends == sorted(ends, reverse=True)
    assert refused(exchange(caller, passed_on(token, ledger))) == "invalid_request"


def test_class_24_a_revoked_token_is_not_passed_on_and_its_successors_end_with_it(
    shop, bookkeeper, delegated, ledger
):
    after = exchange(shop, passed_on(delegated["access_token"], ledger)).json()["access_token"]
    assert bookkeeper.active(after)["active"] is True
    assert shop.post("/revoke", token=delegated["refresh_token"]).status_code == 200
    assert refused(exchange(shop, passed_on(delegated["access_token"], ledger))) == "invalid_request"
    assert bookkeeper.active(after) == {"active": False}
