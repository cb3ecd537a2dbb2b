"""Exchanges at the very moment at which what they stand on ends: no token is left behind that still stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest

import servers
from broker.errors import ExchangeRefusedError, InvalidScopeError, InvalidTargetError
from broker.flows import registry, revocation
from broker.port_errors import UnavailableError
from broker.storage.database import SqlDatabase
from exchange_world import ORDER, READ, ExchangeWorld

THREADS = 4


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
        world = ExchangeWorld(tmp_path)
        yield world
        world.close()
        return
    server, template = request.getfixturevalue("postgres")
    with servers.postgres_database(server, template) as url:
        world = ExchangeWorld(tmp_path, {"database_url": url})
        yield world
        world.close()


@pytest.fixture
def bram(flow):
    return flow.officer()


@pytest.fixture
def given(flow):
    return flow.beneficiary()


@pytest.fixture
def token(flow, bram):
    return flow.self_token(bram)


def end_mandate(flow, bram, given):
    flow.end(given.id)


def end_executor(flow, bram, given):
    with flow.services.database.read() as uow:
        (executor,) = uow.mandates.of_session(bram.id)
    flow.end(executor.id)


def end_grant(flow, bram, given):
    with flow.services.database.write() as uow:
        revocation.end_grants(uow, uow.grants.live_of_session(bram.id), "test", flow.now)
        uow.commit()


def end_session(flow, bram, given):
    revocation.end_session(flow.services, bram.id, "test", flow.now)


def narrow_client(flow, bram, given):
    registry.put_client(flow.services, replace(flow.api, scopes=frozenset({ORDER})), [], flow.now)


def remove_client(flow, bram, given):
    registry.remove_client(flow.services, flow.api.id, flow.now)


ENDS = [end_mandate, end_executor, end_grant, end_session, narrow_client, remove_client]


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_while_tokens_are_exchanged_ends_them_all(flow, bram, given, token, end):
    started, over = Barrier(THREADS + 1), Event()

    def exchange_on(_):
        answers = []
        started.wait(20)
        while not over.is_set():
            try:
                answers.append(flow.act(given, token))
            except (ExchangeRefusedError, InvalidScopeError, InvalidTargetError, UnavailableError):
                continue
        return answers

    with ThreadPoolExecutor(THREADS) as pool:
        runs = [pool.submit(exchange_on, number) for number in range(THREADS)]
        started.wait(20)
        answers = [flow.act(given, token)]
        end(flow, bram, given)
        over.set()
        answers.extend(answer for run in runs for answer in run.result(60))
    assert {flow.entry_of(answer).revoked_at for answer in answers} == {flow.now}
    with pytest.raises((ExchangeRefusedError, InvalidScopeError, InvalidTargetError)):
        flow.act(given, token)


def test_exchanges_at_once_share_one_index_and_each_stands_in_the_journal(flow, given, token):
    barrier = Barrier(THREADS)

    def exchange(_):
        barrier.wait(20)
        return flow.act(given, token)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(exchange, range(THREADS)))
    assert len({(flow.entry_of(one).list, flow.entry_of(one).index) for one in answers}) == 1
    assert len({one["access_token"] for one in answers}) == THREADS
    assert len(flow.rows("token.exchanged")) == THREADS


def test_the_next_permitted_exchange_gets_a_fresh_index(flow, given, token):
    before = flow.entry_of(flow.act(given, token))
    flow.change(given.id, powers=("vouchers:read",))
    after = flow.entry_of(flow.act(given, token))
    assert (after.list, after.index) != (before.list, before.index)
    assert (after.revoked_at, flow.act(given, token, scope=frozenset({READ}))["scope"]) == (None, READ)


def test_a_change_to_one_mandate_reaches_no_token_on_another(flow, given, token):
    jozef = flow.beneficiary("Jozef")
    kept = flow.act(jozef, token)
    flow.act(given, token)
    flow.end(given.id)
    assert flow.entry_of(kept).revoked_at is None
    assert flow.services.guard("x").authenticate(
        token, serves={"self"}, audiences=["https://vouchers.example.be/api"]
    )
