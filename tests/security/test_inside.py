"""Class 16 and races inside one process: caches that grow, stores that fill, copies that grow stale."""

import threading
from uuid import uuid4

import pytest

from broker.flows.status_lists import StatusPublisher
from broker.port_errors import UnavailableError
from broker.storage.ephemeral_memory import MemoryStore


def test_class_16_sealing_for_many_people_and_sessions_keeps_no_key_for_each(services):
    """`insz:<party>` and `id_token:<session>` are new for each login; a broker lives for months."""
    from keys.vault import Vault

    vault = Vault(bytes(range(32)))
    for _ in range(3000):
        vault.seal(b"x", f"id_token:{uuid4()}")
    assert len(vault._seals) <= 1024


def test_class_16_a_flood_of_sign_ins_does_not_take_the_room_of_replay_marks():
    """Anybody can start a sign-in; nobody may thereby stop every client from authenticating."""
    store = MemoryStore(lambda: 1_800_000_000, max_entries=500)
    for number in range(600):
        try:
            store.put("login", str(number), {}, 900)
            store.put("interaction", str(number), {}, 900)
        except UnavailableError:
            break
    assert store.claim("client_assertion", "mark", 60)


def test_class_18_a_full_store_refuses_rather_than_forget():
    store = MemoryStore(lambda: 1_800_000_000, max_entries=10)
    for number in range(10):
        assert store.claim("client_assertion", str(number), 60)
    with pytest.raises(UnavailableError):
        store.claim("client_assertion", "one more", 60)
    assert not store.claim("client_assertion", "0", 60)


def test_class_18_of_many_threads_one_claims():
    store, won, start = MemoryStore(lambda: 1_800_000_000), [], threading.Barrier(16)

    def claim():
        start.wait()
        if store.claim("client_assertion", "x", 60):
            won.append(1)

    threads = [threading.Thread(target=claim) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]


def test_class_24_a_list_signed_in_the_second_of_a_revocation_is_signed_anew_in_the_next(
    services, land, apps, citizen
):
    from attack_tools import claims_of

    publisher, now = StatusPublisher(), services.clock()
    tokens = apps.basic.tokens(citizen)
    place = claims_of(tokens["access_token"])["status"]["status_list"]
    list_id = place["uri"].rpartition("/")[2]
    before = publisher.token(services, list_id, now)
    apps.basic.post("/revoke", token=tokens["refresh_token"])
    assert publisher.token(services, list_id, now) == before
    assert publisher.token(services, list_id, now + 1) != before


def test_class_20_memory_of_one_kind_is_not_read_as_another():
    store = MemoryStore(lambda: 1_800_000_000)
    store.put("par", "same", {"a": 1}, 60)
    assert store.get("code", "same") is None
    assert store.take("login", "same") is None
    assert store.take("par", "same") == {"a": 1}


def test_class_20_one_issuers_keys_and_lists_do_not_serve_another(services, apps, citizen):
    from volmacht_guard import Guard, GuardError

    token = apps.basic.tokens(citizen)["access_token"]
    honest = services.guard(apps.service.issuer)
    audience = apps.basic.tokens(citizen)
    assert audience
    with pytest.raises(GuardError):
        Guard("https://other.example", "x", honest._keys, honest._status).authenticate(
            token, serves={"self"}, audiences={"x"}
        )
