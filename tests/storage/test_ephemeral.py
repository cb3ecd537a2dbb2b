import threading
import time

import pytest
from redis import Redis

from broker.port_errors import UnavailableError
from broker.storage.ephemeral_memory import MemoryStore
from broker.storage.ephemeral_redis import RedisStore


def later(clock, seconds):
    """Both clocks move: the one that the memory store is told, and the server's own."""
    clock.now += seconds
    time.sleep(seconds + 0.05)


def together(count, work):
    barrier, results = threading.Barrier(count), []

    def run():
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def test_a_value_comes_back_until_it_is_replaced(ephemeral):
    assert ephemeral.get("code", "k") is None
    ephemeral.put("code", "k", {"a": [1, "é"], "b": None}, 60)
    assert ephemeral.get("code", "k") == {"a": [1, "é"], "b": None}
    assert ephemeral.get("par", "k") is None
    ephemeral.put("code", "k", {}, 60)
    assert ephemeral.get("code", "k") == {}


def test_a_stored_value_is_not_changed_through_what_was_put_in_or_got_out(ephemeral):
    value = {"scopes": ["a"]}
    ephemeral.put("code", "k", value, 60)
    value["scopes"].append("b")
    ephemeral.get("code", "k")["scopes"].append("c")
    assert ephemeral.get("code", "k") == {"scopes": ["a"]}


def test_take_gives_the_value_to_one_of_many(ephemeral):
    ephemeral.put("code", "k", {"n": 1}, 60)
    results = together(8, lambda: ephemeral.take("code", "k"))
    assert [one for one in results if one is not None] == [{"n": 1}]
    assert ephemeral.get("code", "k") is None
    assert ephemeral.take("code", "unknown") is None


def test_what_was_taken_does_not_come_back(ephemeral):
    assert ephemeral.replace("interaction", "k", {"n": 1}, 60) is False
    assert ephemeral.get("interaction", "k") is None
    ephemeral.put("interaction", "k", {"n": 1}, 60)
    assert ephemeral.replace("interaction", "k", {"n": 2}, 60) is True
    assert ephemeral.take("interaction", "k") == {"n": 2}
    assert ephemeral.replace("interaction", "k", {"n": 3}, 60) is False


def test_a_claim_is_won_by_one_of_many(ephemeral):
    assert together(8, lambda: ephemeral.claim("jti", "k", 60)).count(True) == 1
    assert ephemeral.claim("jti", "k", 60) is False
    assert ephemeral.claim("jti", "other", 60) is True
    assert ephemeral.claim("proof", "k", 60) is True


def test_many_claims_in_one_are_won_by_one_of_many(ephemeral, clock):
    marks = [("jti", "a", 60), ("proof", "a", 60), ("jti", "b", 60)]
    results = together(8, lambda: ephemeral.claim_all(marks))
    assert [free for free, _ in results].count(True) == 1
    assert {epoch for _, epoch in results} == {ephemeral.epoch()}
    assert ephemeral.claim("proof", "a", 60) is False


def test_one_mark_that_is_taken_spoils_the_claim_and_the_others_are_taken_all_the_same(ephemeral, clock):
    assert ephemeral.claim("jti", "b", 60)
    assert ephemeral.claim_all([("jti", "a", 60), ("jti", "b", 60), ("jti", "c", 1)])[0] is False
    assert ephemeral.claim_all([("jti", "a", 60)])[0] is False
    assert ephemeral.claim_all([("jti", "c", 60)])[0] is False
    later(clock, 1)
    assert ephemeral.claim_all([("jti", "c", 60)]) == (True, ephemeral.epoch())
    assert ephemeral.claim_all([]) == (True, ephemeral.epoch())


def test_a_server_that_was_emptied_tells_so_with_the_very_claim(valkey_server, clock):
    with Redis.from_url(valkey_server) as server:
        server.flushdb()
        store = RedisStore(valkey_server, clock)
        began = store.epoch()
        assert store.claim_all([("jti", "a", 60)]) == (True, began)
        clock.now += 100
        server.flushdb()
        assert store.claim_all([("jti", "a", 60)]) == (True, began + 100)
        assert store.epoch() == began + 100


def test_everything_lives_as_long_as_was_said_and_no_longer(ephemeral, clock):
    ephemeral.put("code", "short", {"n": 1}, 1)
    ephemeral.put("code", "long", {"n": 2}, 60)
    assert ephemeral.claim("jti", "k", 1)
    later(clock, 1)
    assert ephemeral.get("code", "short") is None
    assert ephemeral.take("code", "short") is None
    assert ephemeral.get("code", "long") == {"n": 2}
    assert ephemeral.claim("jti", "k", 60) is True


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_time_to_live_is_at_least_a_second(ephemeral, ttl):
    with pytest.raises(ValueError):
        ephemeral.put("code", "k", {}, ttl)
    with pytest.raises(ValueError):
        ephemeral.claim("jti", "k", ttl)


def test_the_epoch_is_when_it_began_and_stays(ephemeral, clock):
    began = clock.now
    assert ephemeral.epoch() == began
    clock.now += 100
    assert ephemeral.epoch() == began
    ephemeral.ping()


def test_an_emptied_server_has_a_new_epoch_for_every_worker(valkey_server, clock):
    with Redis.from_url(valkey_server) as server:
        server.flushdb()
        one, two = RedisStore(valkey_server, clock), RedisStore(valkey_server, clock)
        began = one.epoch()
        clock.now += 100
        assert two.epoch() == began
        server.flushdb()
        assert two.epoch() == began + 100
        assert one.epoch() == began + 100


def test_the_server_holds_nothing_for_ever_but_its_epoch_and_no_key_in_the_clear(valkey_server, clock):
    with Redis.from_url(valkey_server, decode_responses=True) as server:
        server.flushdb()
        store = RedisStore(valkey_server, clock)
        store.put("code", "the-secret-code", {}, 60)
        store.claim("jti", "the-jti", 60)
        store.epoch()
        keys = server.keys("*")
        assert len(keys) == 3
        assert all(key.startswith("volmacht:") and "the-" not in key for key in keys)
        assert [key for key in keys if server.ttl(key) == -1] == ["volmacht:epoch"]


def test_a_server_that_is_away_is_unavailable_in_every_method(tmp_path, clock):
    store = RedisStore(f"unix://user:secret@{tmp_path}/nothing.sock", clock)
    calls = (
        lambda: store.put("k", "k", {}, 1),
        lambda: store.get("k", "k"),
        lambda: store.take("k", "k"),
        lambda: store.replace("k", "k", {}, 1),
        lambda: store.claim("k", "k", 1),
        lambda: store.claim_all([("k", "k", 1)]),
        store.epoch,
        store.ping,
    )
    for call in calls:
        with pytest.raises(UnavailableError) as caught:
            call()
        assert "secret" not in str(caught.value)


def test_full_memory_refuses_rather_than_forgets(clock):
    store = MemoryStore(clock, max_entries=2)
    assert store.claim("jti", "a", 10)
    assert store.claim("jti", "b", 20)
    with pytest.raises(UnavailableError):
        store.claim("jti", "c", 10)
    with pytest.raises(UnavailableError):
        store.put("code", "c", {}, 10)
    assert store.claim("jti", "a", 10) is False
    clock.now += 10  # a has expired and makes room
    assert store.claim("jti", "c", 10)
    assert store.claim("jti", "b", 10) is False


def test_full_memory_still_replaces_and_takes(clock):
    store = MemoryStore(clock, max_entries=1)
    for number in range(50):
        store.put("code", "k", {"n": number}, 1000)
    assert len(store._expiries) <= 3
    assert store.take("code", "k") == {"n": 49}
    assert store.claim("jti", "a", 10)


def test_a_replaced_value_lives_by_its_new_time(clock):
    store = MemoryStore(clock)
    store.put("code", "k", {"n": 1}, 10)
    store.put("code", "k", {"n": 2}, 30)
    clock.now += 20
    store.put("code", "other", {}, 10)
    assert store.get("code", "k") == {"n": 2}
