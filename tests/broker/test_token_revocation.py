"""What becomes of what stands behind a token that a client throws away (RFC 7009; tokens.md section 6)."""

from __future__ import annotations

import base64

import pytest

from attack_tools import claims_of
from broker.app import create_app
from broker.errors import FlowError
from broker.flows.registry import secret_digest
from broker.records import Basis
from flow_world import OTHER, access_claims
from keys.tokens import sign

SECRET = "s" * 43


@pytest.fixture
def app(flow):
    return flow.client(secret_sha256=secret_digest(SECRET))


@pytest.fixture
def back_end(flow):
    return flow.client("back-end", secret_sha256=secret_digest(SECRET), audiences=(OTHER,), exchange=True)


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def delegated(flow, app, bram):
    return flow.tokens(app, bram, flow.key_of(app, flow.beneficiary()))


@pytest.fixture
def throw_away(flow, app, back_end):
    flow.services.registrations.renew()
    http = create_app(flow.services.settings, flow.services).test_client()

    def send(token, client=app, secret=SECRET, **form):
        pair = base64.b64encode(f"{client.id}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return http.post("/revoke", data={"token": token, **form}, headers=headers)

    return send


def entry_of(flow, token):
    place = claims_of(token)["status"]["status_list"]
    with flow.services.database.read() as uow:
        return uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])


def is_revoked(flow, token):
    return entry_of(flow, token).revoked_at is not None


def exchanged(flow, answer, client, hops=0, **changes):
    """A token as an exchange gives it: of this client, on the grant of the answer, with its own index."""
    known = entry_of(flow, answer["access_token"])
    basis = {"mandate": known.mandate, "executor": known.executor} | changes
    with flow.services.database.write() as uow:
        entry = uow.status.allocate(
            Basis(known.grant, client.id, OTHER, hops=hops, **basis), flow.now + 300, flow.now
        )
        uow.commit()
    claims = access_claims(answer) | {"aud": OTHER, "client_id": client.id}
    claims["status"] = {
        "status_list": {"uri": f"{flow.services.settings.issuer}/status/{entry.list}", "idx": entry.index}
    }
    for one in claims.get("authorization_details", ()):
        one["locations"] = [OTHER]
    return sign(claims, flow.services.keyring().signing_key("tokens", flow.now), "at+jwt")


def events(flow, kind):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(100) if row.type == kind]


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_a_token_of_the_clients_own_grant_ends_the_grant_whatever_the_hint(
    flow, app, bram, delegated, throw_away, which, hint
):
    answer = throw_away(delegated[which], **({"token_type_hint": hint} if hint else {}))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert is_revoked(flow, delegated["access_token"])
    assert flow.grants(bram) == []
    with pytest.raises(FlowError):
        flow.refresh(app, delegated)
    (ended,) = events(flow, "grant.ended")
    assert ended.body["grounds"] == "revoked by the service"


def test_the_session_and_its_other_grants_go_on(flow, app, bram, delegated, throw_away):
    own = flow.tokens(app, bram, "self")
    throw_away(delegated["access_token"])
    assert not is_revoked(flow, own["access_token"])
    assert flow.session(bram.id).ended_at is None


def test_what_was_exchanged_on_the_grant_ends_with_it(flow, delegated, back_end, throw_away):
    further = exchanged(flow, delegated, back_end, hops=1)
    throw_away(delegated["refresh_token"])
    assert is_revoked(flow, further)


def test_an_exchanged_token_loses_its_own_index_alone(flow, bram, delegated, back_end, throw_away):
    mine, beside = exchanged(flow, delegated, back_end, hops=1), exchanged(flow, delegated, back_end, hops=2)
    assert throw_away(mine, back_end).status_code == 200
    assert [is_revoked(flow, one) for one in (mine, beside, delegated["access_token"])] == [
        True,
        False,
        False,
    ]
    assert len(flow.grants(bram)) == 1
    (row,) = events(flow, "token.revoked")
    assert row.body["detail"] == {"client": "back-end", "audience": OTHER}
    assert (row.actor, row.mandate) == (bram.party, entry_of(flow, mine).mandate)


def test_it_is_told_and_journalled_once(flow, delegated, back_end, throw_away):
    mine = exchanged(flow, delegated, back_end, hops=1)
    for _ in range(2):
        assert throw_away(mine, back_end).status_code == 200
    with flow.services.database.read() as uow:
        assert len(uow.outbox.waiting("status-changed", 10)) == 1
    assert len(events(flow, "token.revoked")) == 1


def test_a_client_that_exchanged_on_its_own_sign_in_keeps_the_sign_in(flow, app, bram, throw_away):
    """The officer's back end is done with one beneficiary; the officer is still at work."""
    own = flow.tokens(app, bram, "self")
    given = flow.beneficiary()
    for_her = exchanged(flow, own, app, mandate=given.id)
    assert throw_away(for_her).status_code == 200
    assert is_revoked(flow, for_her)
    assert not is_revoked(flow, own["access_token"])
    assert flow.refresh(app, own)


def test_a_client_ends_nothing_of_another(flow, bram, delegated, back_end, throw_away):
    for token in (delegated["access_token"], delegated["refresh_token"]):
        assert throw_away(token, back_end).status_code == 200
    further = exchanged(flow, delegated, back_end, hops=1)
    assert throw_away(further).status_code == 200
    assert not is_revoked(flow, further)
    assert not is_revoked(flow, delegated["access_token"])
    assert len(flow.grants(bram)) == 1


def test_a_bound_token_needs_no_proof_because_the_client_is_known(flow, bram, delegated, throw_away):
    claims = access_claims(delegated) | {"cnf": {"jkt": "k" * 43}}
    bound = sign(claims, flow.services.keyring().signing_key("tokens", flow.now), "at+jwt")
    assert throw_away(bound).status_code == 200
    assert flow.grants(bram) == []


def test_a_token_whose_bit_is_set_already_still_ends_its_grant(flow, app, bram, delegated, throw_away):
    """Its mandate was narrowed, and then she signs out with the token at hand."""
    flow.change(entry_of(flow, delegated["access_token"]).mandate, powers=("vouchers:read",))
    assert is_revoked(flow, delegated["access_token"])
    throw_away(delegated["access_token"])
    assert flow.grants(bram) == []


def test_a_token_for_an_api_that_the_client_is_registered_for_no_more_still_ends(
    flow, bram, delegated, throw_away
):
    flow.client(secret_sha256=secret_digest(SECRET), audiences=(OTHER,))
    flow.services.registrations.renew()
    throw_away(delegated["access_token"])
    assert flow.grants(bram) == []


def test_whatever_is_unknown_answers_like_the_rest_and_changes_nothing(flow, bram, delegated, throw_away):
    expected = throw_away("nobody's")
    forged = delegated["access_token"].rpartition(".")[0] + ".AAAA"
    for token in ("", "a.b.c", "x" * 3000, forged, delegated["id_token"]):
        answer = throw_away(token)
        if token:
            assert (answer.status_code, answer.data) == (expected.status_code, expected.data) == (200, b"{}")
        else:
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert len(flow.grants(bram)) == 1


def test_who_is_not_the_client_ends_nothing(flow, bram, delegated, throw_away):
    answer = throw_away(delegated["refresh_token"], secret="wrong")
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert len(flow.grants(bram)) == 1
