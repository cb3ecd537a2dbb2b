"""The signed status lists: what they say, how far behind they may be, and when they are made anew."""

from __future__ import annotations

import base64
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from attack_tools import claims_of, header_of
from broker import wiring
from broker.errors import NotFoundHereError
from broker.flows import revocation, status_lists
from broker.flows.status_lists import StatusPublisher
from flow_world import ISSUER, OTHER, VOUCHERS, FlowWorld, access_claims, settings
from volmacht_guard import HttpStatusSource, InvalidTokenError, StaticKeySource
from volmacht_guard.fetch import Fetched


@pytest.fixture
def client(flow):
    return flow.client()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def token(flow, client, bram):
    """An access token of Bram's, for himself."""
    return flow.tokens(client, bram, "self")["access_token"]


@pytest.fixture
def publisher():
    return StatusPublisher()


def place(token):
    """(list, index) of an access token."""
    entry = claims_of(token)["status"]["status_list"]
    return entry["uri"].removeprefix(f"{ISSUER}/status/"), entry["idx"]


def set_bits(list_token):
    """The indices that a list says are revoked, read without any code of ours."""
    text = claims_of(list_token)["status_list"]["lst"]
    bits = zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return {8 * place + bit for place, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1}


def decoys(flow, list_id):
    with flow.services.database.read() as uow:
        return set(uow.status.find_list(list_id).decoys)


def end_all(flow: FlowWorld, session):
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, uow.grants.live_of_session(session.id), "test", flow.now)
        uow.commit()


def test_a_list_says_whose_it_is_where_it_stands_and_how_long_it_holds(flow, token, publisher):
    list_id, _ = place(token)
    settings = flow.services.settings
    published = publisher.token(flow.services, list_id, flow.now)
    claims = claims_of(published)
    assert claims.pop("status_list")["bits"] == 1
    assert claims == {
        "iss": ISSUER,
        "sub": f"{ISSUER}/status/{list_id}",
        "iat": flow.now,
        "exp": flow.now + settings.status_exp,
        "ttl": settings.status_ttl,
    }
    assert (settings.status_ttl, settings.status_exp) == (10, 600)
    ring = flow.services.keyring()
    assert header_of(published) == {
        "typ": "statuslist+jwt",
        "alg": "ES256",
        "kid": ring.signing_key("status", flow.now).kid,
    }


def test_its_settings_are_those_of_the_installation(tmp_path, publisher):
    world = FlowWorld(tmp_path, {"status_ttl": 3, "status_exp": 77})
    list_id, _ = place(world.tokens(world.client(), world.sign_in("Tom"))["access_token"])
    claims = claims_of(publisher.token(world.services, list_id, world.now))
    world.close()
    assert (claims["ttl"], claims["exp"] - claims["iat"]) == (3, 77)


def test_its_bits_are_the_decoys_and_the_revoked_and_no_others(flow, client, bram, token, publisher):
    list_id, index = place(token)
    hidden = decoys(flow, list_id)
    assert len(hidden) >= 48
    assert index not in hidden
    assert set_bits(publisher.token(flow.services, list_id, flow.now)) == hidden
    tom = flow.sign_in("Tom")
    other_list, other_index = place(flow.tokens(client, tom, "self")["access_token"])
    assert other_list == list_id
    end_all(flow, bram)
    bits = set_bits(publisher.token(flow.services, list_id, flow.clock.forward(1)))
    assert bits == hidden | {index}
    assert other_index not in bits


def test_a_decoy_is_never_handed_out(flow, client, token, monkeypatch):
    """A token on a decoy would be refused from its first second."""
    list_id, index = place(token)
    hidden = decoys(flow, list_id)
    decoy, free = min(hidden), next(one for one in range(2**20) if one not in {*hidden, index})
    draws = iter([decoy, decoy, index, free])
    monkeypatch.setattr(
        "broker.storage.status.secrets.randbelow", lambda limit: next(draws) if limit == 2**20 else 1
    )
    assert place(flow.tokens(client, flow.sign_in("Tom"), "self")["access_token"]) == (list_id, free)


def test_a_revocation_in_the_second_of_a_publication_is_out_in_the_next(flow, bram, token, publisher):
    list_id, index = place(token)
    first = publisher.token(flow.services, list_id, flow.now)
    end_all(flow, bram)
    assert publisher.token(flow.services, list_id, flow.now) == first, "at most one signature a second"
    second = publisher.token(flow.services, list_id, flow.clock.forward(1))
    assert index in set_bits(second)
    assert claims_of(second)["iat"] == flow.now


def test_each_further_revocation_is_out_in_the_next_second(flow, client, publisher):
    seen = []
    for name in ("Ann", "Bea", "Cas"):
        session = flow.sign_in(name)
        list_id, index = place(flow.tokens(client, session, "self")["access_token"])
        publisher.token(flow.services, list_id, flow.now)
        end_all(flow, session)
        seen.append(index)
        assert set(seen) <= set_bits(publisher.token(flow.services, list_id, flow.clock.forward(1)))


def test_a_list_in_which_nothing_changed_is_signed_again_after_its_ttl_and_not_before(flow, token, publisher):
    list_id, _ = place(token)
    first = publisher.token(flow.services, list_id, flow.now)
    for _ in range(9):
        assert publisher.token(flow.services, list_id, flow.clock.forward(1)) == first
    again = publisher.token(flow.services, list_id, flow.clock.forward(1))
    assert claims_of(again)["iat"] == flow.now == claims_of(first)["iat"] + 10
    assert publisher.token(flow.services, list_id, flow.clock.forward(9)) == again


def test_a_mandate_that_ended_sets_the_bits_of_what_stood_on_it(flow, client, bram, publisher):
    given, kept = flow.beneficiary("Maria"), flow.beneficiary("Jozef")
    list_id, index = place(flow.tokens(client, bram, flow.key_of(client, given))["access_token"])
    _, other = place(flow.tokens(client, bram, flow.key_of(client, kept))["access_token"])
    publisher.token(flow.services, list_id, flow.now)
    flow.end(given.id)
    bits = set_bits(publisher.token(flow.services, list_id, flow.clock.forward(1)))
    assert (index in bits, other in bits) == (True, False)


def test_a_bit_never_goes_back_and_the_next_refresh_has_another(flow, client, bram, publisher):
    given = flow.beneficiary()
    answer = flow.tokens(client, bram, flow.key_of(client, given))
    list_id, index = place(answer["access_token"])
    flow.change(given.id, powers=("vouchers:read",))
    again = place(flow.refresh(client, answer)["access_token"])
    assert again != (list_id, index)
    bits = set_bits(publisher.token(flow.services, list_id, flow.now))
    assert index in bits
    assert again[1] not in bits


def test_two_publishers_say_the_same_because_the_truth_is_in_the_database(flow, bram, token, publisher):
    list_id, _ = place(token)
    end_all(flow, bram)
    first, second = (one.token(flow.services, list_id, flow.now) for one in (publisher, StatusPublisher()))
    assert set_bits(first) == set_bits(second)


def test_a_process_that_was_killed_comes_back_with_the_same_bits(flow, client, bram, token):
    """Decoys too: a list in which they moved would tell which bits are somebody's."""
    list_id, _ = place(token)
    for name in ("Ann", "Bea"):
        session = flow.sign_in(name)
        flow.tokens(client, session, "self")
        end_all(flow, session)
    before = StatusPublisher().token(flow.services, list_id, flow.now)
    again = wiring.build(settings(flow.file), flow.clock, flow.upstream)
    after = StatusPublisher().token(again, list_id, flow.now)
    again.database.close()
    assert claims_of(before)["status_list"]["lst"] == claims_of(after)["status_list"]["lst"]
    assert len(set_bits(after)) == len(decoys(flow, list_id)) + 2


def test_one_list_does_not_wait_for_another(flow, client, bram, token, publisher, monkeypatch):
    """A million bits take their time; services of other audiences read theirs meanwhile."""
    flow.client("company-web", audiences=(OTHER,))
    with flow.services.database.read() as uow:
        company = uow.registry.find_client("company-web")
    slow, quick = place(token)[0], place(flow.tokens(company, bram, "self")["access_token"])[0]
    assert slow != quick
    begun, go_on = threading.Event(), threading.Event()
    sign = status_lists.sign

    def held(payload, *rest):
        if payload["sub"].endswith(slow):
            begun.set()
            assert go_on.wait(20)
        return sign(payload, *rest)

    monkeypatch.setattr(status_lists, "sign", held)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(publisher.token, flow.services, slow, flow.now)
        assert begun.wait(20)
        other = pool.submit(publisher.token, flow.services, quick, flow.now)
        try:
            assert claims_of(other.result(20))["sub"].endswith(quick)
            assert not waiting.done()
        finally:
            go_on.set()
        assert claims_of(waiting.result(20))["sub"].endswith(slow)


def test_names_of_lists_that_somebody_invents_fill_no_memory(flow, token, publisher):
    for number in range(100):
        with pytest.raises(NotFoundHereError):
            publisher.token(flow.services, f"{number:016x}", flow.now)
    publisher.token(flow.services, place(token)[0], flow.now)
    assert list(publisher._slots) == [place(token)[0]]


def test_a_list_that_is_over_is_published_no_more(flow, client, bram, token, publisher):
    """It goes with all its entries, 24 hours after its last token; the next list is open by then."""
    list_id, _ = place(token)
    end_all(flow, bram)
    publisher.token(flow.services, list_id, flow.now)
    with flow.services.database.write() as uow:
        open_list = uow.status._lists
        open_list._add(VOUCHERS, 2, flow.now)
        uow.commit()
    flow.clock.forward(24 * 3600 + 400)
    for _ in range(3):
        with flow.services.database.write() as uow:
            uow.status.retire(flow.now, 2**20)
            uow.commit()
    with pytest.raises(NotFoundHereError):
        publisher.token(flow.services, list_id, flow.now)
    assert publisher._slots == {}


def test_of_readers_at_the_same_moment_one_has_it_signed(flow, token, publisher):
    """No two ES256 signatures are alike: one text is one signature."""
    list_id, _ = place(token)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: publisher.token(flow.services, list_id, flow.now), range(8)))
    assert len(set(texts)) == 1


def test_a_list_that_is_nobodys_is_not_found(flow, token, publisher):
    for list_id in ("", "0" * 16, "../jwks"):
        with pytest.raises(NotFoundHereError):
            publisher.token(flow.services, list_id, flow.now)


def test_the_guard_of_a_service_reads_the_list(flow, bram, token, publisher):
    list_id, index = place(token)
    uri = f"{ISSUER}/status/{list_id}"

    def fetch(url, accept, timeout, max_bytes):
        assert (url, accept) == (uri, "application/statuslist+jwt")
        return Fetched(publisher.token(flow.services, list_id, flow.now).encode())

    jwks = flow.services.keyring().jwks(flow.now, ("tokens", "status"))
    source = HttpStatusSource(ISSUER, StaticKeySource(jwks), fetch=fetch)
    source.check(uri, index, flow.now)
    end_all(flow, bram)
    later = flow.clock.forward(11)
    with pytest.raises(InvalidTokenError) as refused:
        source.check(uri, index, later)
    assert refused.value.code == "revoked"


def test_the_tokens_of_one_grant_share_their_bit(flow, client, bram):
    answer = flow.tokens(client, bram, "self")
    first = access_claims(answer)
    flow.clock.forward(100)
    second = access_claims(flow.refresh(client, answer))
    assert first["status"] == second["status"]
    assert first["jti"] != second["jti"]
