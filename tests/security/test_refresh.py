"""Class 13: refresh tokens that are stolen, raced, widened, or outlive what they stand on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from attack_tools import MANDATE, claims_of


def refused(answer):
    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.text
    return answer.json()["error"]


@pytest.mark.parametrize("thief", ["public", "fapi", "service", "elsewhere"])
def test_class_13_a_refresh_token_is_bound_to_its_client(apps, citizen, thief):
    tokens = apps.basic.tokens(citizen)
    assert refused(getattr(apps, thief).refresh(tokens["refresh_token"])) == "invalid_grant"
    assert apps.basic.refresh(tokens["refresh_token"]).status_code == 200


def test_class_13_reuse_of_a_rotated_token_ends_the_family(apps, citizen):
    """Once its successor was used, too: until then an answer may have been lost (decision 0015)."""
    first = apps.public.tokens(citizen)
    second = apps.public.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert apps.public.refresh(first["refresh_token"]).json()["refresh_token"] == second["refresh_token"]
    third = apps.public.refresh(second["refresh_token"]).json()
    assert refused(apps.public.refresh(first["refresh_token"])) == "invalid_grant"
    assert refused(apps.public.refresh(third["refresh_token"])) == "invalid_grant"
    assert apps.service.active(third["access_token"]) == {"active": False}


def test_class_13_concurrent_refreshes_make_one_successor_and_nobody_keeps_the_old_one(apps, citizen):
    for _ in range(3):
        token = apps.public.tokens(citizen)["refresh_token"]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _, t=token: apps.public.refresh(t), range(6)))
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        (successor,) = {answer.json()["refresh_token"] for answer in answers}
        last = apps.public.refresh(successor).json()
        refused(apps.public.refresh(token))
        assert apps.service.active(last["access_token"]) == {"active": False}
        refused(apps.public.refresh(last["refresh_token"]))


def test_class_13_a_refresh_token_dies_with_the_session_and_says_so(apps, citizen, land):
    tokens = apps.basic.tokens(citizen)
    land.end_session(citizen)
    assert refused(apps.basic.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert apps.service.active(tokens["access_token"]) == {"active": False}


def test_class_13_a_refresh_token_dies_with_a_session_that_fell_idle(apps, citizen, services):
    tokens = apps.basic.tokens(citizen)
    from broker.flows.sessions import fingerprint

    with services.database.write() as uow:
        uow.sessions._connection.exec_driver_sql(
            "UPDATE sessions SET last_seen_at = last_seen_at - 1801 WHERE id = ?",
            (fingerprint(citizen.session_cookie),),
        )
        uow.commit()
    assert refused(apps.basic.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_class_13_revocation_by_the_client_ends_access_and_refresh(apps, citizen):
    for kind in ("refresh_token", "access_token"):
        tokens = apps.basic.tokens(citizen)
        assert apps.basic.post("/revoke", token=tokens[kind]).status_code == 200
        assert apps.service.active(tokens["access_token"]) == {"active": False}
        assert refused(apps.basic.refresh(tokens["refresh_token"])) == "invalid_grant"


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_class_13_no_client_revokes_the_tokens_of_another(apps, citizen, kind):
    tokens = apps.basic.tokens(citizen)
    assert apps.public.post("/revoke", token=tokens[kind]).status_code == 200
    assert apps.service.active(tokens["access_token"])["active"] is True


@pytest.mark.parametrize(
    "scope",
    [
        "openid vouchers:read obo:vouchers:order vouchers:assign",
        "vouchers:order admin",
        "insz obo:vouchers:read",
    ],
)
def test_class_13_a_refresh_never_widens(apps, citizen, scope):
    tokens = apps.basic.tokens(citizen, scope="openid vouchers:read")
    answer = apps.basic.refresh(tokens["refresh_token"], scope=scope)
    if answer.status_code == 200:
        assert set(answer.json()["scope"].split()) <= {"openid", "vouchers:read"}
        assert set(claims_of(answer.json()["access_token"])["scope"].split()) <= {"vouchers:read"}
    else:
        assert answer.json()["error"] == "invalid_scope"


def test_class_13_a_narrowed_refresh_is_not_the_new_limit_nor_a_way_back(apps, officer):
    tokens = apps.basic.tokens(officer, "An Peeters", authorization_details=MANDATE)
    narrow = apps.basic.refresh(tokens["refresh_token"], scope="obo:vouchers:read").json()
    claims = claims_of(narrow["access_token"])
    assert claims["scope"] == "obo:vouchers:read"
    assert claims["authorization_details"][0]["actions"] == ["vouchers:read"]
    assert "id_token" not in narrow


@pytest.mark.parametrize("scope", ["openid", "vouchers:read", "nothing"])
def test_class_06_no_access_token_has_an_actor_and_no_delegated_scope(apps, officer, scope):
    """Narrowed to nothing that was delegated, there is nothing to issue (RFC 6749 section 6: invalid_scope)."""
    tokens = apps.basic.tokens(officer, "An Peeters", authorization_details=MANDATE)
    answer = apps.basic.refresh(tokens["refresh_token"], scope=scope)
    if answer.status_code == 200:
        claims = claims_of(answer.json()["access_token"])
        assert claims["scope"], "a token with `act`, no scope and an empty list of actions"
    else:
        assert answer.json()["error"] == "invalid_scope"


def test_class_13_what_an_operator_takes_from_a_client_is_gone_at_its_next_refresh(
    apps, land, citizen, services
):
    app = land.app("aanval-krimp", "client_secret_basic")
    tokens = app.tokens(citizen)
    with services.database.write() as uow:
        client = uow.registry.find_client(app.id)
        uow.registry.put_client(replace(client, scopes=frozenset({"openid", "vouchers:read"})))
        uow.commit()
    answer = app.refresh(tokens["refresh_token"])
    assert "vouchers:order" not in answer.json().get("scope", "").split()


def test_class_24_tokens_of_a_removed_client_are_worth_nothing(apps, land, citizen, services):
    """`client ended` sets the bits of all its indices (tokens.md section 6)."""
    import time

    from broker.flows import registry

    app = land.app("aanval-weg", "client_secret_basic")
    tokens = app.tokens(citizen)
    registry.remove_client(services, app.id, int(time.time()))
    # Until the broker looks at its registrations again, within a second, it still knows who asks.
    assert refused(app.refresh(tokens["refresh_token"])) in {"invalid_grant", "invalid_client"}
    assert apps.service.active(tokens["access_token"]) == {"active": False}


def test_class_13_a_client_that_is_registered_anew_does_not_inherit_old_grants(apps, land, citizen, services):
    import time

    from broker.flows import registry

    app = land.app("aanval-terug", "client_secret_basic")
    tokens = app.tokens(citizen)
    registry.remove_client(services, app.id, int(time.time()))
    again = land.app("aanval-terug", "client_secret_basic")
    assert again.refresh(tokens["refresh_token"]).status_code == 400


def test_class_23_the_dead_refresh_nothing(apps, land, services, someone):
    import time

    person = land.signed_in(someone(7011), "Dora Dood")
    tokens = apps.basic.tokens(person)
    identifier = land.party(someone(7011))
    with services.database.write() as uow:
        party = uow.parties.get(identifier)
        uow.parties.save(replace(party, deceased_at=int(time.time()) - 5), int(time.time()))
        uow.commit()
    assert refused(apps.basic.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_class_13_a_garbage_refresh_token_is_refused_alike(apps):
    for token in ("x", "x" * 4000, "' OR 1=1 --", "é"):
        assert refused(apps.basic.refresh(token)) == "invalid_grant"
    assert refused(apps.basic.refresh("\x00")) == "invalid_request"
