from __future__ import annotations

from threading import Barrier, Thread

import pytest

from guard_builders import NOW
from volmacht_guard import MemoryReplayStore, UnavailableError


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def test_a_mark_is_claimed_once_until_its_end():
    clock = Clock()
    store = MemoryReplayStore(clock=clock)
    assert store.claim("a", 60, NOW)
    clock.now += 59
    assert not store.claim("a", 60, NOW)
    clock.now += 1
    assert store.claim("a", 60, clock.now)


def test_what_was_issued_before_the_store_began_is_refused():
    store = MemoryReplayStore(clock=Clock())
    assert not store.claim("a", 60, NOW - 1)
    assert store.claim("a", 60, NOW)


def test_a_full_store_refuses_rather_than_forget_and_has_room_again_later():
    clock = Clock()
    store = MemoryReplayStore(2, clock)
    assert store.claim("a", 10, NOW)
    assert store.claim("b", 60, NOW)
    with pytest.raises(UnavailableError):
        store.claim("c", 60, NOW)
    assert not store.claim("a", 10, NOW)
    clock.now += 10
    assert store.claim("c", 60, NOW)
    assert not store.claim("b", 60, NOW)


def test_of_many_threads_one_claims():
    store, won, start = MemoryReplayStore(clock=Clock()), [], Barrier(8)

    def claim():
        start.wait()
        if store.claim("x", 60, NOW):
            won.append(1)

    threads = [Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]
