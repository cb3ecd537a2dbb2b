"""What a service is told of a token that was sent to it (RFC 7662, RFC 9701; tokens.md section 3)."""

from __future__ import annotations

import base64
import secrets

import pytest

from attack_tools import claims_of, header_of
from broker.app import create_app
from broker.flows import introspection, machines, registry
from broker.flows.registry import secret_digest
from flow_world import DELEGATED, ISSUER, OTHER, OWN, VOUCHERS, access_claims
from keys.tokens import sign
from volmacht_guard import InvalidTokenError

SIGNED = "application/token-introspection+jwt"
SECRET = "s" * 43
OFF = {"active": False}


@pytest.fixture
def app(flow):
    """The application that people use."""
    return flow.client()


@pytest.fixture
def service(flow):
    """The API that its tokens are for."""
    return flow.client("voucher-api", serves=(VOUCHERS,), secret_sha256=secret_digest(SECRET), audiences=())


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def own(flow, app, bram):
    return flow.tokens(app, bram, "self")


@pytest.fixture
def delegated(flow, app, bram):
    return flow.tokens(app, bram, flow.key_of(app, flow.beneficiary()))


@pytest.fixture
def ask(flow, service):
    return lambda token, client=None: introspection.introspect(flow.services, client or service, token)


@pytest.fixture
def post(flow, service):
    """Send a token to the endpoint, as this service unless told otherwise."""
    http = create_app(flow.services.settings, flow.services).test_client()
    pair = base64.b64encode(f"{service.id}:{SECRET}".encode()).decode()

    def send(form, accept=None, authorization=f"Basic {pair}"):
        headers = {"Authorization": authorization} if authorization else {}
        return http.post("/introspect", data=form, headers=headers | ({"Accept": accept} if accept else {}))

    return send


def signed_anew(flow, answer, purpose="tokens", typ="at+jwt", drop=(), **changes):
    """A token that the broker could have issued: the claims of a real one, but for these."""
    claims = {name: value for name, value in access_claims(answer).items() if name not in drop} | changes
    return sign(claims, flow.services.keyring().signing_key(purpose, flow.now), typ)


# --- RFC 7662: what is said ---


def test_a_self_token_is_told_whole_and_nothing_is_said_of_a_mandate(ask, own):
    claims = access_claims(own)
    said = ask(own["access_token"])
    assert said == {
        "active": True,
        "iss": ISSUER,
        "aud": VOUCHERS,
        "token_type": "Bearer",
        **{name: claims[name] for name in ("sub", "client_id", "scope", "iat", "exp", "jti", "acr")},
    }


def test_a_delegated_token_is_told_with_act_and_the_mandate_as_they_stand_in_it(ask, delegated):
    claims = access_claims(delegated)
    said = ask(delegated["access_token"])
    assert said["active"] is True
    assert (said["act"], said["sub"], said["scope"]) == (claims["act"], claims["sub"], claims["scope"])
    assert said["authorization_details"] == claims["authorization_details"]


def test_what_a_service_reads_is_in_the_sector_of_its_audience_and_in_no_other(flow, bram, ask):
    elsewhere = flow.client("municipality", sector="municipality")
    given = flow.beneficiary()
    answer = flow.tokens(elsewhere, bram, flow.key_of(elsewhere, given))
    said = ask(answer["access_token"])
    vault = flow.services.vault
    assert said["act"]["sub"] == vault.pseudonym("p-", "vouchers", bram.party)
    assert said["sub"] == vault.pseudonym("p-", "vouchers", given.principal)
    for prefix, named in (("p-", bram.party), ("p-", given.principal), ("m-", given.id)):
        assert vault.pseudonym(prefix, "municipality", named) not in str(said)


def test_a_bound_token_needs_no_proof_here_and_tells_its_key(flow, ask, delegated):
    bound = signed_anew(flow, delegated, cnf={"jkt": "k" * 43})
    said = ask(bound)
    assert (said["active"], said["token_type"], said["cnf"]) == (True, "DPoP", {"jkt": "k" * 43})


def test_when_the_person_proved_who_she_is_is_told_if_it_is_known(flow, ask, own):
    assert ask(signed_anew(flow, own, auth_time=flow.now - 60))["auth_time"] == flow.now - 60
    assert "auth_time" not in ask(own["access_token"])


def test_a_token_of_a_program_is_told_without_anything_about_people(flow, service, ask):
    flow.audience(machine_scopes=frozenset({"stock:read"}))
    program = flow.client("stock", scopes=frozenset({"stock:read"}))
    flow.services.registrations.renew()
    token = machines.issue(flow.services, program, VOUCHERS, frozenset({"stock:read"}), flow.now)
    said = ask(token["access_token"])
    assert said["active"] is True
    assert (said["sub"], said["client_id"], said["scope"]) == ("stock", "stock", "stock:read")
    assert {"act", "acr", "auth_time", "authorization_details"}.isdisjoint(said)


@pytest.mark.parametrize("change", ["removed", "scope taken"])
def test_the_token_of_a_program_that_may_no_more_is_inactive(flow, ask, change):
    """It has no index, so its registration is what counts."""
    flow.audience(machine_scopes=frozenset({"stock:read"}))
    program = flow.client("stock", scopes=frozenset({"stock:read"}))
    flow.services.registrations.renew()
    token = machines.issue(flow.services, program, VOUCHERS, frozenset({"stock:read"}), flow.now)
    assert ask(token["access_token"])["active"] is True
    if change == "removed":
        registry.remove_client(flow.services, "stock", flow.now)
    else:
        flow.client("stock", scopes=frozenset({"stock:write"}))
    flow.clock.forward(2)  # the registrations are compared about once a second
    assert ask(token["access_token"]) == OFF


# --- and what is not ---


def test_to_who_does_not_serve_the_audience_every_token_is_inactive(flow, ask, app, delegated):
    stranger = flow.client("companies-api", serves=(OTHER,))
    for caller in (app, stranger):
        assert ask(delegated["access_token"], caller) == OFF


def unknown(flow, answer):
    return secrets.token_urlsafe(32)


def refresh_token(flow, answer):
    return answer["refresh_token"]


def expired(flow, answer):
    flow.clock.forward(access_claims(answer)["exp"] - flow.now + 6)
    return answer["access_token"]


def revoked(flow, answer):
    with flow.services.database.write() as uow:
        place = access_claims(answer)["status"]["status_list"]
        entry = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
        uow.status.revoke([entry.grant], flow.now)
        uow.commit()
    return answer["access_token"]


def with_place(flow, answer, **changes):
    place = access_claims(answer)["status"]["status_list"] | changes
    return signed_anew(flow, answer, status={"status_list": place})


def free(flow, answer):
    """An index of the same list that was handed out to nobody."""
    place = access_claims(answer)["status"]["status_list"]
    return (place["idx"] + 1) % 2**20


BAD = {
    "an unknown token": unknown,
    "a refresh token": refresh_token,
    "an expired token": expired,
    "a revoked token": revoked,
    "nothing": lambda flow, answer: "",
    "half a token": lambda flow, answer: answer["access_token"].rpartition(".")[0],
    "a very long token": lambda flow, answer: "a." * 9000,
    "an ID token": lambda flow, answer: signed_anew(flow, answer, typ="JWT"),
    "a signed answer of ours": lambda flow, answer: signed_anew(flow, answer, typ="token-introspection+jwt"),
    "a token under the key of the lists": lambda flow, answer: signed_anew(flow, answer, purpose="status"),
    "a token of another issuer": lambda flow, answer: signed_anew(flow, answer, iss="https://else.example"),
    "a token without an actor for a mandate": lambda flow, answer: signed_anew(flow, answer, drop=("act",)),
    "an index that nobody was given": lambda flow, answer: with_place(flow, answer, idx=free(flow, answer)),
    "a list of somebody else's": lambda flow, answer: with_place(
        flow, answer, uri="https://else.example/status/1"
    ),
}


@pytest.mark.parametrize("which", BAD)
def test_inactive_and_nothing_else_is_said_of(flow, ask, delegated, which):
    assert ask(delegated["access_token"])["active"] is True
    assert ask(BAD[which](flow, delegated)) == OFF


def test_an_index_of_another_list_does_not_speak_for_a_token(flow, app, bram, ask, own):
    """A list is read by its whole address: the same id at another origin is another list."""
    place = access_claims(own)["status"]["status_list"]
    assert ask(with_place(flow, own, uri="x" + place["uri"])) == OFF
    assert ask(with_place(flow, own, uri=place["uri"].rpartition("/")[2])) == OFF


def test_a_client_that_serves_nothing_costs_no_signature(flow, app, own, monkeypatch):
    monkeypatch.setattr("volmacht_guard.verify.verify_signature", lambda *_: pytest.fail("verified"))
    assert introspection.introspect(flow.services, app, own["access_token"]) == OFF


def test_one_statement_tells_the_status(flow, ask, own, monkeypatch):
    monkeypatch.setattr(type(flow.services.database), "read", lambda _: pytest.fail("a unit of work"))
    assert ask(own["access_token"])["active"] is True


# --- on the wire ---


def test_the_answer_is_json_that_nobody_keeps(post, own):
    answer = post({"token": own["access_token"]})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["active"] is True


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "nonsense"])
def test_a_hint_changes_nothing(post, own, hint):
    answer = post({"token": own["access_token"], "token_type_hint": hint})
    assert (answer.status_code, answer.json["active"]) == (200, True)


@pytest.mark.parametrize("form", [{}, {"token": ""}])
def test_a_request_without_a_token_is_an_error(post, form):
    answer = post(form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_who_does_not_say_who_she_is_learns_nothing(post, own):
    wrong = base64.b64encode(b"voucher-api:wrong").decode()
    for authorization in (None, f"Basic {wrong}"):
        answer = post({"token": own["access_token"]}, authorization=authorization)
        assert answer.status_code == 401
        assert answer.json["error"] == "invalid_client"
        assert "active" not in answer.json


# --- RFC 9701: the same, signed ---


def test_a_signed_answer_is_for_its_caller_and_can_pass_for_no_other_token(flow, post, delegated):
    plain = post({"token": delegated["access_token"]}).json
    answer = post({"token": delegated["access_token"]}, accept=SIGNED)
    assert (answer.status_code, answer.content_type) == (200, SIGNED)
    assert answer.headers["Cache-Control"] == "no-store"
    key = flow.services.keyring().signing_key("tokens", flow.now)
    assert header_of(answer.text) == {"alg": "ES256", "typ": "token-introspection+jwt", "kid": key.kid}
    assert claims_of(answer.text) == {
        "iss": ISSUER,
        "aud": "voucher-api",
        "iat": flow.now,
        "token_introspection": plain,
    }
    for audience in (VOUCHERS, "voucher-api"):
        with pytest.raises(InvalidTokenError) as refused:
            flow.services.guard(audience).authenticate(answer.text, serves={"self", "delegated"})
        assert refused.value.code == "typ"


def test_a_signed_answer_about_a_bad_token_says_no_more_than_a_plain_one(post):
    assert claims_of(post({"token": "nobody's"}, accept=SIGNED).text)["token_introspection"] == OFF


def test_the_signature_verifies_with_the_published_keys(flow, post, own):
    from joserfc import jwt
    from joserfc.jwk import KeySet

    text = post({"token": own["access_token"]}, accept=SIGNED).text
    keys = KeySet.import_key_set(flow.services.keyring().jwks(flow.now, ("tokens", "status")))
    assert jwt.decode(text, keys, algorithms=["ES256"]).claims["aud"] == "voucher-api"


@pytest.mark.parametrize(
    "accept",
    [
        SIGNED,
        SIGNED.upper(),
        f"{SIGNED}, application/json;q=0.9",
        f"application/json;q=0.5, {SIGNED};q=0.8",
        f"{SIGNED}, */*;q=0.1",
        f"application/json, {SIGNED}",
    ],
)
def test_who_asks_for_a_signed_answer_no_less_than_for_a_plain_one_gets_it(post, own, accept):
    assert post({"token": own["access_token"]}, accept=accept).content_type == SIGNED


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "text/html",
        f"{SIGNED};q=0",
        f"{SIGNED};q=0.5, application/json",
        f"{SIGNED};q=0.5, application/*",
        "application/token-introspection",
    ],
)
def test_who_asks_for_anything_else_gets_plain_json(post, own, accept):
    answer = post({"token": own["access_token"]}, accept=accept)
    assert (answer.content_type, answer.json["active"]) == ("application/json", True)


def test_a_caller_may_serve_several_audiences_and_hears_of_each_token_in_its_own(flow, app, bram, ask):
    both = flow.client("hub", serves=(VOUCHERS, OTHER))
    company = flow.client("company-web", audiences=(OTHER,), scopes=OWN | DELEGATED)
    flow.audience(uri=OTHER, name="Companies", sector="companies")
    flow.services.registrations.renew()
    first, second = (
        ask(flow.tokens(client, bram, "self")["access_token"], both) for client in (app, company)
    )
    assert (first["aud"], second["aud"]) == (VOUCHERS, OTHER)
    assert first["sub"] == flow.services.vault.pseudonym("p-", "vouchers", bram.party)
    assert second["sub"] == flow.services.vault.pseudonym("p-", "companies", bram.party)


def test_a_name_is_never_in_an_answer(flow, ask, delegated):
    assert "Bram" not in str(ask(delegated["access_token"]))
