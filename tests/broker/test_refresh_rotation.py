"""How often a refresh token serves: kept by whoever proves a key, rotated for whoever does not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import servers
from broker.errors import InvalidGrantError, JudgedError, ProofMissingError
from broker.flows.sessions import fingerprint
from broker.storage.database import SqlDatabase
from flow_world import FlowWorld, access_claims
from provers import Prover

GRACE = 10


@pytest.fixture(scope="module")
def postgres():
    with servers.postgres() as server, servers.postgres_database(server) as template:
        migrated = SqlDatabase(template)
        migrated.upgrade()
        migrated.close()
        yield server, template


@pytest.fixture(params=["sqlite", "postgresql"])
def flow(request, tmp_path):
    if request.param == "sqlite":
        world = FlowWorld(tmp_path)
        yield world
        world.close()
        return
    server, template = request.getfixturevalue("postgres")
    with servers.postgres_database(server, template) as url:
        world = FlowWorld(tmp_path, {"database_url": url})
        yield world
        world.close()


@pytest.fixture
def phone(flow):
    """A public client."""
    return flow.client("phone", auth="none", profile="public")


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def first(flow, phone, bram):
    return flow.tokens(phone, bram)


def signed_in(flow, client, session, jkt):
    return flow.redeem(client, flow.choose(flow.ask(client, session), session, "self"), jkt=jkt)


def ended_for(flow):
    """The grounds in the journal."""
    with flow.services.database.read() as uow:
        return [row.body["grounds"] for row in uow.journal.tail(1000) if row.type == "grant.ended"]


def is_refused(flow, client, answer, **options):
    with pytest.raises(InvalidGrantError):
        flow.refresh(client, answer, **options)
    return True


# --- confidential clients ---


def test_a_confidential_client_keeps_its_token(flow, bram):
    client = flow.client()
    answer = flow.tokens(client, bram)
    for _ in range(3):
        assert "refresh_token" not in flow.refresh(client, answer)


def test_its_access_tokens_are_bound_to_whatever_key_it_proves(flow, bram):
    client = flow.client()
    answer = signed_in(flow, client, bram, "first-key")
    assert access_claims(answer)["cnf"] == {"jkt": "first-key"}
    again = flow.refresh(client, answer, jkt="second-key")
    assert (access_claims(again)["cnf"], again["token_type"]) == ({"jkt": "second-key"}, "DPoP")
    plain = flow.refresh(client, answer)
    assert ("cnf" in access_claims(plain), plain["token_type"]) == (False, "Bearer")


def test_a_client_registered_for_dpop_gets_no_token_without_a_proof(flow, bram):
    client = flow.client(dpop=True)
    answer = signed_in(flow, client, bram, "key")
    with pytest.raises(ProofMissingError):
        flow.refresh(client, answer)
    with pytest.raises(ProofMissingError):
        signed_in(flow, client, bram, None)


# --- public clients with a key ---


def test_a_public_client_with_a_key_keeps_its_token_and_proves_the_key_each_time(flow, phone, bram):
    answer = signed_in(flow, phone, bram, Prover().jkt)
    bound = access_claims(answer)["cnf"]["jkt"]
    again = flow.refresh(phone, answer, jkt=bound)
    assert "refresh_token" not in again
    assert access_claims(again)["cnf"] == {"jkt": bound}
    with pytest.raises(ProofMissingError):
        flow.refresh(phone, answer)
    assert is_refused(flow, phone, answer, jkt=Prover().jkt)
    assert flow.refresh(phone, answer, jkt=bound)


# --- public clients without one ---


def test_a_public_client_without_a_key_gets_a_new_token_each_time(flow, phone, first):
    second = flow.refresh(phone, first)
    third = flow.refresh(phone, second)
    assert len({one["refresh_token"] for one in (first, second, third)}) == 3


def test_a_lost_answer_is_given_again_within_ten_seconds(flow, phone, first):
    second = flow.refresh(phone, first)
    for _ in range(2):
        flow.clock.forward(4)
        again = flow.refresh(phone, first)
        assert again["refresh_token"] == second["refresh_token"]
        assert again["access_token"] != second["access_token"]
    assert flow.refresh(phone, second)


def test_and_not_from_the_tenth_second_on(flow, phone, bram, first):
    second = flow.refresh(phone, first)
    flow.clock.forward(GRACE - 1)
    assert flow.refresh(phone, first)["refresh_token"] == second["refresh_token"]
    flow.clock.forward(1)
    assert is_refused(flow, phone, first)
    assert ended_for(flow) == ["refresh token used twice"]


def test_nor_once_the_new_token_was_used(flow, phone, bram, first):
    third = flow.refresh(phone, flow.refresh(phone, first))
    assert is_refused(flow, phone, first)
    assert is_refused(flow, phone, third)
    assert flow.grants(bram) == []
    assert ended_for(flow) == ["refresh token used twice"]


def test_nor_for_another_client(flow, phone, first):
    flow.refresh(phone, first)
    thief = flow.client("thief", auth="none", profile="public")
    assert is_refused(flow, thief, first)
    assert flow.refresh(phone, first)


def test_a_thief_who_got_the_same_answer_is_found_out_by_whoever_comes_second(flow, phone, bram, first):
    owner, thief = flow.refresh(phone, first), flow.refresh(phone, first)
    assert owner["refresh_token"] == thief["refresh_token"]
    flow.refresh(phone, thief)
    flow.clock.forward(300)
    assert is_refused(flow, phone, owner)
    assert flow.grants(bram) == []


def test_reuse_sets_the_bits_of_the_whole_family(flow, phone, first):
    second = flow.refresh(phone, flow.refresh(phone, first))
    is_refused(flow, phone, first)
    place = access_claims(second)["status"]["status_list"]
    with flow.services.database.read() as uow:
        assert uow.status.entry(place["uri"].rpartition("/")[2], place["idx"]).revoked_at == flow.now


def test_the_new_token_cannot_be_had_from_the_old_one_without_the_vaults_key(flow, phone, first):
    second = flow.refresh(phone, first)["refresh_token"]
    assert second != first["refresh_token"]
    assert fingerprint(first["refresh_token"]) != second
    assert len(second) == 43


def test_it_holds_after_a_restart(flow, phone, first, tmp_path_factory):
    from broker import wiring

    second = flow.refresh(phone, first)
    settings = flow.services.settings
    flow.services.database.close()
    flow.services = wiring.build(settings, flow.clock, flow.upstream)
    assert flow.refresh(phone, first)["refresh_token"] == second["refresh_token"]


def test_no_token_of_a_family_outlives_its_first(flow, phone, bram, first):
    second = flow.refresh(phone, first)
    with flow.services.database.read() as uow:
        ends = {
            uow.grants.find_refresh_token(fingerprint(one["refresh_token"])).expires_at
            for one in (first, second)
        }
    assert ends == {bram.expires_at}


def test_a_refusal_uses_nothing_up(flow, phone, bram):
    given = flow.beneficiary()
    answer = flow.tokens(phone, bram, flow.key_of(phone, given))
    flow.change(given.id, powers=("refunds:request",))
    with pytest.raises(JudgedError):
        flow.refresh(phone, answer)
    flow.change(given.id, powers=("vouchers:read",))
    flow.clock.forward(60)
    assert flow.refresh(phone, answer)["refresh_token"]


def test_a_token_that_was_rotated_away_serves_no_client_that_turned_confidential(flow, phone, bram, first):
    flow.refresh(phone, first)
    changed = flow.client("phone", auth="client_secret_basic")
    assert is_refused(flow, changed, first)
    assert flow.grants(bram) == []


def test_two_at_once_get_the_same_token_and_the_family_lives(flow, phone, bram, first):
    for _ in range(3):
        barrier = threading.Barrier(4)

        def refresh(_, barrier=barrier, answer=first):
            barrier.wait(10)
            return flow.refresh(phone, answer)["refresh_token"]

        with ThreadPoolExecutor(4) as pool:
            successors = set(pool.map(refresh, range(4)))
        assert len(successors) == 1
        first = {"refresh_token": successors.pop()}
    assert len(flow.grants(bram)) == 1


def test_of_many_at_once_with_an_old_token_none_gets_anything(flow, phone, bram, first):
    second = flow.refresh(phone, first)
    flow.refresh(phone, second)

    def refused(_):
        return is_refused(flow, phone, first)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(refused, range(4)))
    assert flow.grants(bram) == []
    assert set(ended_for(flow)) == {"refresh token used twice"}
