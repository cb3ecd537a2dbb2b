"""One token per check, each unlike a valid one in exactly one respect.

Take any check out of the guard, and its row fails.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from guard_builders import (
    AUDIENCE,
    CLAIMS,
    GONE,
    ISSUER,
    KEY,
    KID,
    LOW,
    NOW,
    OTHER_KEY,
    FakeStatus,
    b64,
    guard,
    jwk,
    raw,
    sign,
)
from volmacht_guard import GuardError, StaticKeySource

POWER = {"self": "vouchers:order", "delegated": "vouchers:order", "machine": "insz:resolve"}
ALL = {"self", "delegated", "machine"}


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The valid claims of this kind, with one member changed, or removed."""
    claims = CLAIMS[kind]()
    *parents, name = path.split(".")
    place: Any = claims
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    if value is GONE:
        del place[name]
    else:
        place[name] = value
    return claims


def reason(
    token: str, kind: str = "self", serves: set[str] = ALL, acr: str | None = None, **options: Any
) -> str:
    with pytest.raises(GuardError) as refused:
        guard(**options).verify(token, power=POWER[kind], serves=serves, acr=acr)
    return refused.value.code


@pytest.mark.parametrize("kind", ["self", "delegated", "machine"])
def test_the_valid_token_that_the_others_differ_from_is_accepted(kind):
    token = guard().verify(sign(CLAIMS[kind]()), power=POWER[kind], serves={kind})
    assert token.kind == kind


HEADERS = [
    ("typ", {"typ": "JWT"}),
    ("typ", {"typ": None}),
    ("typ", {"typ": "statuslist+jwt"}),
    ("typ", {"typ": 7}),
    ("alg", {"alg": "none"}),
    ("alg", {"alg": "HS256"}),
    ("alg", {"alg": "EdDSA"}),
    ("alg", {"alg": ["ES256"]}),
    ("kid", {"kid": None}),
    ("kid", {"kid": ""}),
    ("kid", {"kid": 7}),
    ("unknown_key", {"kid": "k2"}),
    ("crit", {"crit": ["exp"]}),
    ("crit", {"crit": []}),
    ("key_in_header", {"jwk": jwk(KEY, KID)}),
    ("key_in_header", {"jku": f"{ISSUER}/jwks"}),
    ("key_in_header", {"x5u": f"{ISSUER}/x5u"}),
    ("key_in_header", {"x5c": []}),
]


@pytest.mark.parametrize(("code", "header"), HEADERS)
def test_step_1_refuses_a_header(code, header):
    assert reason(sign(CLAIMS["self"](), header)) == code


@pytest.mark.parametrize("typ", ["AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_step_1_accepts_other_spellings_of_the_type(typ):
    assert guard().verify(sign(CLAIMS["self"](), {"typ": typ}), power="vouchers:order", serves={"self"})


def test_step_1_refuses_an_algorithm_that_is_not_the_keys_own():
    assert reason(sign(CLAIMS["self"](), {"alg": "EdDSA"}), algorithms=("ES256", "EdDSA")) == "key_alg"


def test_step_2_refuses_another_key_under_the_same_name():
    assert reason(sign(CLAIMS["self"](), key=OTHER_KEY)) == "signature"


def test_step_2_refuses_altered_claims_under_a_valid_signature():
    header, _, signature = sign(CLAIMS["self"]()).split(".")
    forged = b64(json.dumps({**CLAIMS["self"](), "sub": "p-bert"}).encode())
    assert reason(f"{header}.{forged}.{signature}") == "signature"


@pytest.mark.parametrize("signature", ["", b64(bytes(63)), b64(bytes(64)), b64(bytes(65))])
def test_step_2_refuses_a_signature_of_the_wrong_length_or_of_zeroes(signature):
    head = sign(CLAIMS["self"]()).rsplit(".", 1)[0]
    assert reason(f"{head}.{signature}") == "signature"


SELF = [
    ("iss", "iss", "https://other.example.be"),
    ("iss", "iss", GONE),
    ("aud", "aud", "https://other.example.be/api"),
    ("aud", "aud", [AUDIENCE]),
    ("aud", "aud", GONE),
    ("expired", "exp", NOW - 5),
    ("exp_shape", "exp", GONE),
    ("exp_shape", "exp", str(NOW + 200)),
    ("exp_shape", "exp", True),
    ("iat", "iat", NOW + 6),
    ("iat_shape", "iat", GONE),
    ("nbf", "nbf", NOW + 6),
    ("nbf_shape", "nbf", "tomorrow"),
    ("sub", "sub", GONE),
    ("sub", "sub", ""),
    ("client_id", "client_id", GONE),
    ("jti", "jti", GONE),
    ("sender_constrained", "cnf", {"jkt": "x"}),
    ("cnf_shape", "cnf", {"x5t#S256": "x"}),
    ("cnf_shape", "cnf", {"jkt": "x", "x5t#S256": "x"}),
    ("cnf_shape", "cnf", {"jkt": ""}),
    ("cnf_shape", "cnf", {"jkt": 7}),
    ("cnf_shape", "cnf", {}),
    ("cnf_shape", "cnf", None),
    ("auth_time_shape", "auth_time", "yesterday"),
    ("details_without_act", "authorization_details", CLAIMS["delegated"]()["authorization_details"]),
    ("details_without_act", "authorization_details", [{"type": "something"}]),
    ("obo_without_act", "scope", "vouchers:order obo:vouchers:order"),
    ("scope_shape", "scope", ["vouchers:order"]),
    ("acr_shape", "acr", 3),
    ("status_missing", "status", GONE),
    ("status_missing", "status", {}),
    ("status_missing", "status.status_list", "list"),
    ("status_shape", "status.status_list.idx", -1),
    ("status_shape", "status.status_list.idx", "7"),
    ("status_shape", "status.status_list.uri", GONE),
    ("scope", "scope", "vouchers:read"),
    ("scope", "scope", "vouchers:orders"),
    ("scope", "scope", GONE),
]
DELEGATED = [
    ("scope_with_act", "scope", "obo:vouchers:order vouchers:order"),
    ("scope_with_act", "scope", "obo:vouchers:order openid"),
    ("scope_with_act", "scope", "obo:vouchers:order profile"),
    ("scope_with_act", "scope", "vouchers:order"),
    ("scope_with_act", "scope", ""),
    ("details", "authorization_details", GONE),
    ("details", "authorization_details", []),
    ("details", "authorization_details", CLAIMS["delegated"]()["authorization_details"] * 2),
    (
        "details",
        "authorization_details",
        [*CLAIMS["delegated"]()["authorization_details"], {"type": "other"}],
    ),
    ("details", "authorization_details", CLAIMS["delegated"]()["authorization_details"][0]),
    ("details", "authorization_details", ["urn:volmacht:mandate"]),
    ("details_type", "authorization_details.0.type", "urn:volmacht:other"),
    ("locations", "authorization_details.0.locations", ["https://other.example.be/api"]),
    ("locations", "authorization_details.0.locations", AUDIENCE),
    ("locations", "authorization_details.0.locations", GONE),
    ("details_without_act", "act", GONE),
    ("act_shape", "act", "p-officer"),
    ("act_shape", "act", None),
    ("act_shape", "act.iss", GONE),
    ("act_shape", "act.sub", GONE),
    ("act_shape", "act.sub", ["p-officer"]),
    ("act_is_subject", "act.sub", "p-anna"),
    ("principal", "authorization_details.0.principal", "p-bert"),
    ("mandate_shape", "authorization_details.0.principal", GONE),
    ("mandate_shape", "authorization_details.0.identifier", GONE),
    ("mandate_shape", "authorization_details.0.mandate_type", GONE),
    ("mandate_shape", "authorization_details.0.representative", GONE),
    ("mandate_shape", "authorization_details.0.not_after", GONE),
    ("mandate_shape", "authorization_details.0.actions", []),
    ("mandate_shape", "authorization_details.0.actions", "vouchers:order"),
    ("mandate_shape", "authorization_details.0.actions", ["vouchers:order", 7]),
    ("mandate_expired", "authorization_details.0.not_after", NOW),
    ("scope", "scope", "obo:vouchers:read"),
    ("actions", "authorization_details.0.actions", ["vouchers:read"]),
    ("status_missing", "status", GONE),
]
MACHINE = [
    ("machine_claims", "acr", LOW),
    ("machine_claims", "auth_time", NOW - 100),
    ("sender_constrained", "cnf", {"jkt": "x"}),
    ("machine_claims", "status", {"status_list": {"uri": f"{ISSUER}/status/1", "idx": 1}}),
    ("scope_with_act", "act", {"iss": ISSUER, "sub": "p-officer"}),
    ("details_without_act", "authorization_details", []),
    ("obo_without_act", "scope", "insz:resolve obo:insz:resolve"),
    ("status_missing", "client_id", "another"),
]
ROWS = [
    *(("self", *row) for row in SELF),
    *(("delegated", *row) for row in DELEGATED),
    *(("machine", *row) for row in MACHINE),
]


@pytest.mark.parametrize(("kind", "code", "path", "value"), ROWS)
def test_steps_2_to_5_refuse_a_claim(kind, code, path, value):
    assert reason(sign(changed(kind, path, value)), kind) == code


def test_a_delegated_token_whose_subject_is_its_client_is_refused():
    assert reason(sign(changed("delegated", "client_id", "p-anna")), "delegated") == "machine_claims"


@pytest.mark.parametrize(("claim", "value"), [("exp", NOW - 4), ("iat", NOW + 5), ("nbf", NOW + 5)])
def test_clocks_may_differ_by_the_leeway(claim, value):
    assert guard().verify(sign(changed("self", claim, value)), power="vouchers:order", serves={"self"})


def test_a_mandate_has_no_leeway_at_its_end():
    claims = changed("delegated", "authorization_details.0.not_after", NOW + 1)
    assert guard().verify(sign(claims), power="vouchers:order", serves={"delegated"})


@pytest.mark.parametrize("kind", sorted(ALL))
def test_step_5_refuses_whom_the_route_does_not_serve(kind):
    assert reason(sign(CLAIMS[kind]()), kind, serves=ALL - {kind}) == "kind"


@pytest.mark.parametrize("acr", [LOW, "http://example.be/unknown", GONE])
def test_step_5_refuses_a_login_that_is_too_low(acr):
    assert reason(sign(changed("self", "acr", acr)), acr="http://eidas.europa.eu/LoA/substantial") == "acr"


def test_step_5_refuses_a_program_where_a_login_is_asked_for():
    assert reason(sign(CLAIMS["machine"]()), "machine", acr=LOW) == "acr"


def test_step_5_refuses_a_program_without_the_scope_of_the_route():
    with pytest.raises(GuardError) as refused:
        guard().verify(sign(CLAIMS["machine"]()), power="uses:write", serves={"machine"})
    assert refused.value.code == "scope"


def test_a_program_is_asked_of_no_status_list():
    status = FakeStatus()
    guard(status=status).verify(sign(CLAIMS["machine"]()), power="insz:resolve", serves={"machine"})
    assert status.asked == []


def test_step_5_accepts_a_login_that_is_higher_than_needed():
    assert guard().verify(sign(CLAIMS["self"]()), power="vouchers:order", serves={"self"}, acr=LOW)


@pytest.mark.parametrize("kind", ["self", "delegated"])
def test_step_6_refuses_what_was_revoked(kind):
    assert reason(sign(CLAIMS[kind]()), kind, status=FakeStatus(7)) == "revoked"


def test_step_6_asks_for_the_list_index_and_instant_of_the_token_only():
    status = FakeStatus()
    guard(status=status).verify(sign(CLAIMS["self"]()), power="vouchers:order", serves={"self"})
    assert status.asked == [(f"{ISSUER}/status/7f3a", 7, NOW)]


MALFORMED = [
    ("too_long", "a" * 8193),
    ("too_long", sign(CLAIMS["self"](), {"padding": "a" * 800})),
    ("malformed", ""),
    ("malformed", "a.b"),
    ("malformed", sign(CLAIMS["self"]()) + ".x"),
    ("malformed", sign(CLAIMS["self"]()) + "="),
    ("malformed", sign(CLAIMS["self"]()) + "\n"),
    ("malformed", " " + sign(CLAIMS["self"]())),
    ("malformed", raw(b"[]", b"{}")),
    ("malformed", raw(b'{"typ":"at+jwt","typ":"at+jwt","alg":"ES256","kid":"k1"}', b"{}")),
    ("malformed", raw(b'{"typ":"at+jwt","alg":"ES256","kid":"k1"}', b"[]")),
    ("malformed", raw(b'{"typ":"at+jwt","alg":"ES256","kid":"k1"}', b'{"sub":"a","sub":"b"}')),
    ("malformed", raw(b'{"typ":"at+jwt","alg":"ES256","kid":"k1"}', b'{"exp":NaN}')),
    ("malformed", raw(b'{"typ":"at+jwt","alg":"ES256","kid":"k1"}', b"[" * 3000)),
    ("malformed", raw(b'{"typ":"at+jwt","alg":"ES256","kid":"k1"}', b"\xff")),
    ("malformed", "é.é.é"),
]


@pytest.mark.parametrize(("code", "token"), MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_not_exactly_one_token_is_refused(code, token):
    assert reason(token) == code


def test_a_second_spelling_of_a_signature_is_refused():
    token = sign(CLAIMS["self"]())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert reason(respelled) == "malformed"


def test_a_key_whose_jwk_is_for_encryption_verifies_nothing():
    keys = StaticKeySource({"keys": [jwk(KEY, KID, use="enc")]})
    assert reason(sign(CLAIMS["self"]()), keys=keys) == "unknown_key"
