"""Class 3: what a stolen, copied or raced authorization code is worth."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from attack_tools import DROP, claims_of


def refused(answer):
    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.text
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"code_verifier": "a" * 43}, "another verifier"),
        ({"code_verifier": DROP}, "no verifier"),
        ({"code_verifier": ""}, "an empty verifier"),
        ({"redirect_uri": "https://aanval-basis.example/cb/"}, "another redirect_uri"),
        ({"redirect_uri": DROP}, "no redirect_uri"),
        ({"redirect_uri": ""}, "an empty redirect_uri"),
        ({"code": "x"}, "an invented code"),
        ({"code": DROP}, "no code"),
    ],
)
def test_class_03_a_code_needs_its_verifier_and_its_redirect_uri(apps, citizen, changes, why):
    code, verifier = apps.basic.code(citizen)
    refused(apps.basic.redeem(code, verifier, **changes))


def test_class_03_the_challenge_itself_is_no_verifier(apps, citizen):
    from attack_tools import challenge

    code, verifier = apps.basic.code(citizen)
    refused(apps.basic.redeem(code, challenge(verifier)))


@pytest.mark.parametrize("thief", ["public", "fapi", "elsewhere"])
def test_class_03_a_code_is_bound_to_its_client(apps, citizen, thief):
    code, verifier = apps.basic.code(citizen)
    assert (
        refused(getattr(apps, thief).redeem(code, verifier, redirect_uri=apps.basic.redirect_uri))
        == "invalid_grant"
    )


def test_class_03_a_code_does_not_say_whose_client_it_is(apps, citizen):
    code, verifier = apps.basic.code(citizen)
    refused(apps.public.redeem(code, verifier, redirect_uri=apps.basic.redirect_uri, client_id=apps.basic.id))


def test_class_03_a_second_use_revokes_everything_that_the_first_one_gave(apps, citizen):
    code, verifier = apps.basic.code(citizen)
    first = apps.basic.redeem(code, verifier).json()
    assert apps.service.active(first["access_token"])["active"] is True
    assert refused(apps.basic.redeem(code, verifier)) == "invalid_grant"
    assert apps.service.active(first["access_token"]) == {"active": False}
    assert refused(apps.basic.refresh(first["refresh_token"])) == "invalid_grant"


def test_class_03_a_second_use_by_another_client_revokes_too(apps, citizen):
    code, verifier = apps.basic.code(citizen)
    first = apps.basic.redeem(code, verifier).json()
    refused(apps.public.redeem(code, verifier))
    assert apps.service.active(first["access_token"]) == {"active": False}


def test_class_03_a_second_use_sets_the_status_bit(apps, citizen, services):
    code, verifier = apps.basic.code(citizen)
    place = claims_of(apps.basic.redeem(code, verifier).json()["access_token"])["status"]["status_list"]
    refused(apps.basic.redeem(code, verifier))
    with services.database.read() as uow:
        entry = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
    assert entry.revoked_at is not None


def test_class_03_of_two_concurrent_redemptions_at_most_one_wins(apps, citizen):
    for _ in range(5):
        code, verifier = apps.basic.code(citizen)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _, c=code, v=verifier: apps.basic.redeem(c, v), range(6)))
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) <= 1
        assert all(answer.status_code in {200, 400} for answer in answers), [
            answer.text for answer in answers
        ]
        if won:
            # The losers had the code too: what the winner got is worth nothing (RFC 9700 section 4.5).
            assert apps.service.active(won[0].json()["access_token"]) == {"active": False}


def test_class_03_a_code_dies_with_the_session(apps, citizen, land):
    code, verifier = apps.basic.code(citizen)
    land.end_session(citizen)
    assert refused(apps.basic.redeem(code, verifier)) == "invalid_grant"


def test_class_03_a_code_that_was_tried_with_a_wrong_verifier_is_gone(apps, citizen):
    code, verifier = apps.basic.code(citizen)
    refused(apps.basic.redeem(code, "b" * 50))
    refused(apps.basic.redeem(code, verifier))


def test_class_03_the_code_comes_with_the_issuer_and_the_state(apps, citizen, village):
    address, _ = apps.basic.address(state="s&x=1#<>")
    landing = citizen.go(address)
    landing = (
        citizen.submit(landing.page, landing.page.form("keuze"), press="Voor mezelf")
        if landing.left_for is None
        else landing
    )
    assert landing.query["iss"] == village.broker
    assert landing.query["state"] == "s&x=1#<>"
    assert landing.left_for.startswith(apps.basic.redirect_uri + "?")


def test_class_04_the_nonce_of_the_request_is_in_the_id_token(apps, citizen):
    tokens = apps.basic.tokens(citizen, nonce="n-1")
    assert claims_of(tokens["id_token"])["nonce"] == "n-1"
    assert claims_of(tokens["id_token"])["aud"] == apps.basic.id
