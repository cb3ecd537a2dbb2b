"""What the voucher service makes of a verified ID token and its token response."""

import pytest

from demo.vouchers import words
from demo.vouchers.sessions import WebSession
from demo.vouchers.sign_in import SignInError, first_sign_in, with_tokens

NOW = 1_795_420_000
JOS = {"iss": "i", "sub": "p-jos", "name": "Jos Maes"}
VIA_OCMW = {"iss": "i", "sub": "org", "name": "OCMW Voorbeeld", "represents": JOS}


def claims(represents=None):
    person = {"sub": "p-bram", "name": "Bram Claes"}
    return person | ({"represents": represents} if represents else {})


def response(principal=None, **changes):
    tokens = {"access_token": "a", "expires_in": 300, "token_type": "DPoP", "refresh_token": "r"}
    tokens["scope"] = "openid vouchers:read"
    if principal:
        entry = {"type": "urn:volmacht:mandate", "principal": principal, "actions": ["vouchers:read"]}
        tokens["authorization_details"] = [entry]
    return tokens | changes


@pytest.mark.parametrize(
    ("represents", "principal", "line"),
    [
        (None, None, "Bram Claes handelt voor zichzelf"),
        (JOS, "p-jos", "Bram Claes handelt namens Jos Maes"),
        (VIA_OCMW, "p-jos", "Bram Claes handelt namens Jos Maes via OCMW Voorbeeld"),
    ],
)
def test_the_header_says_who_acts_for_whom(represents, principal, line):
    sign_in = first_sign_in(claims(represents), response(principal), NOW)
    assert sign_in.acting == line
    assert sign_in.principal == (principal or "p-bram")
    assert "vouchers:read" in sign_in.powers
    assert sign_in.expires_at == NOW + 300


@pytest.mark.parametrize(
    ("represents", "answer"),
    [
        (JOS, response()),
        (None, response("p-jos")),
        (JOS, response("p-an")),
        (VIA_OCMW, response("org")),
        ({"sub": 1}, response("p-jos")),
        ("Jos", response("p-jos")),
        (JOS, response("p-jos", authorization_details=response("p-jos")["authorization_details"] * 2)),
    ],
)
def test_two_stories_about_who_is_represented_are_no_sign_in(represents, answer):
    with pytest.raises(SignInError):
        first_sign_in(claims(represents), answer, NOW)


@pytest.mark.parametrize("changes", [{"access_token": None}, {"expires_in": "300"}, {"token_type": "Bearer"}])
def test_a_response_without_a_usable_token_is_no_sign_in(changes):
    with pytest.raises(SignInError):
        first_sign_in(claims(), response(**changes), NOW)


def test_a_refresh_keeps_the_parties_and_may_narrow_the_powers():
    first = first_sign_in(claims(VIA_OCMW), response("p-jos"), NOW)
    narrower = response("p-jos", access_token="b", refresh_token=None)
    del narrower["refresh_token"]
    narrower["authorization_details"][0]["actions"] = []
    second = with_tokens(first, narrower, NOW + 280)
    assert (second.acting, second.access_token, second.refresh_token) == (first.acting, "b", "r")
    assert second.powers == frozenset()


def test_a_refresh_never_moves_to_another_principal():
    first = first_sign_in(claims(VIA_OCMW), response("p-jos"), NOW)
    with pytest.raises(SignInError):
        with_tokens(first, response("p-an"), NOW)


@pytest.mark.parametrize("reason", ["mandate_revoked", "mandate_expired", "executor_ended", "", "new_reason"])
def test_an_ended_mandate_is_called_by_name(reason):
    sign_in = first_sign_in(claims(VIA_OCMW), response("p-jos"), NOW)
    assert words.ended(sign_in, reason).startswith("Uw volmacht voor Jos Maes is ")
    assert "beëindigd" in words.ended(sign_in, reason)


def test_an_ended_session_is_not_blamed_on_the_mandate():
    delegated = first_sign_in(claims(VIA_OCMW), response("p-jos"), NOW)
    herself = first_sign_in(claims(), response(), NOW)
    assert words.ended(delegated, "session_ended") == words.ended(herself, "") == words.SIGNED_OUT


def test_the_mandate_of_a_delegated_sign_in_is_kept_for_later_until_somebody_else_sits_down():
    session = WebSession("id", "csrf", NOW)
    answer = response("p-jos")
    answer["authorization_details"][0]["identifier"] = "m-jos"
    for sign_in in (
        first_sign_in(claims(VIA_OCMW), answer, NOW),
        first_sign_in(claims(), response(), NOW),
    ):
        session.keep_dossier(sign_in)
        session.sign_in = sign_in
        assert session.dossiers == {"m-jos": "Jos Maes"}
    session.keep_dossier(first_sign_in({"sub": "p-bea", "name": "Bea"}, response(), NOW))
    assert session.dossiers == {}


def test_a_refused_exchange_blames_the_mandate_only_when_the_broker_did():
    assert "beëindigd door Jos Maes" in words.refused_dossier("Jos Maes", "mandate_revoked")
    assert "beëindigd" not in words.refused_dossier("Jos Maes", "")
