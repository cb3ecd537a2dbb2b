"""A run that stops, two runs at once, others who write meanwhile: each row is asked once."""

import pytest
from sqlalchemy import event

from broker.flows import bulk
from broker.flows.bulk import intake, runs
from broker.port_errors import ConflictError
from bulk_requests import EXECUTOR, beneficiary, bring, contents, made, types_in_journal, validate, verdicts
from mandates.errors import NotAllowedError
from mandates.model import Ending


@pytest.fixture
def officer(flow):
    return flow.officer()


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(intake, "CHUNK", 2)
    monkeypatch.setattr(runs, "CHUNK", 2)


# --- stopped, and two at once ---


@pytest.mark.usefixtures("small_chunks")
def test_a_run_that_was_stopped_is_gone_on_with(flow, officer):
    job = bring(flow, officer, *[beneficiary(one) for one in range(5)])
    validate(flow, officer, job)

    def stop(done, rows):
        assert rows == 5
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk.apply(flow.services, officer, job, flow.now, stop)
    assert len(made(flow, job)) == 2
    assert bulk.find(flow.services, officer, job, flow.now).job.applied_rows == 2

    told = []
    bulk.apply(flow.services, officer, job, flow.now, lambda done, rows: told.append((done, rows)))
    assert told == [(4, 5), (5, 5)]
    assert len({one.principal for one in made(flow, job)}) == 5
    assert types_in_journal(flow).count("mandate.requested") == 5
    assert types_in_journal(flow).count("bulk.applied") == 1


@pytest.mark.usefixtures("small_chunks")
def test_a_chunk_that_breaks_leaves_nothing_of_itself(flow, officer, monkeypatch):
    job = bring(flow, officer, *[beneficiary(one) for one in range(4)])
    validate(flow, officer, job)
    before = contents(flow)

    def break_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.reviews, "sample_many", break_off)
    with pytest.raises(KeyboardInterrupt):
        bulk.apply(flow.services, officer, job, flow.now)
    assert contents(flow) == before


@pytest.mark.usefixtures("small_chunks")
def test_the_slower_run_is_told_that_another_is_at_work(flow, officer, monkeypatch):
    job = bring(flow, officer, *[beneficiary(one) for one in range(5)])
    validate(flow, officer, job)
    real = runs._chunk

    def late(services, session, stands, seal, at):
        monkeypatch.setattr(runs, "_chunk", real)
        bulk.apply(flow.services, officer, job, flow.now)
        return real(services, session, stands, seal, at)

    monkeypatch.setattr(runs, "_chunk", late)
    with pytest.raises(ConflictError):
        bulk.apply(flow.services, officer, job, flow.now)
    assert types_in_journal(flow).count("mandate.requested") == 5


def test_a_file_that_is_being_applied_is_not_validated_behind_its_back(flow, officer, monkeypatch):
    job = bring(flow, officer, beneficiary(1))
    validate(flow, officer, job)
    real = runs.judge

    def late(*args):
        found = real(*args)
        monkeypatch.setattr(runs, "judge", real)
        bulk.apply(flow.services, officer, job, flow.now)
        return found

    monkeypatch.setattr(runs, "judge", late)
    with pytest.raises(ConflictError):
        bulk.validate(flow.services, officer, job, flow.now)
    assert len(made(flow, job)) == 1


def test_a_chunk_that_meets_the_same_request_from_elsewhere_is_judged_again(flow, officer, monkeypatch):
    job, other = (
        bring(flow, officer, beneficiary(1), beneficiary(2)),
        bring(flow, officer, beneficiary(1, sleutel="x")),
    )
    validate(flow, officer, job)
    validate(flow, officer, other)
    real = runs.judge

    def late(services, uow, *args):
        monkeypatch.setattr(runs, "judge", real)
        raise ConflictError("another hand was first")

    monkeypatch.setattr(runs, "judge", late)
    bulk.apply(flow.services, officer, job, flow.now)
    assert verdicts(flow, job) == ["needs_approval", "needs_approval"]


@pytest.mark.usefixtures("small_chunks")
def test_whoever_loses_her_role_meanwhile_goes_no_further(flow, officer):
    job = bring(flow, officer, *[beneficiary(one) for one in range(5)])
    validate(flow, officer, job)

    def leave(done, rows):
        if done == 2:
            with flow.services.database.read() as uow:
                held = uow.mandates.of_session(officer.id)
            for one in held:
                flow.change(one.id, ended_at=flow.now, ended_by=officer.party, ending=Ending.SESSION_ENDED)

    with pytest.raises(NotAllowedError):
        bulk.apply(flow.services, officer, job, flow.now, leave)
    assert len(made(flow, job)) == 2
    colleague = flow.sign_in("Fatima", roles=(EXECUTOR,))
    bulk.apply(flow.services, colleague, job, flow.now)
    assert [one.requested_by for one in made(flow, job)] == [officer.party] * 2 + [colleague.party] * 3


@pytest.mark.parametrize("step", ["validate", "apply"])
def test_the_number_of_queries_does_not_grow_with_the_rows_of_a_chunk(flow, officer, step):
    counts = []
    for base, size in ((0, 10), (100, 100)):
        job = bring(flow, officer, *[beneficiary(base + one) for one in range(size)])
        validate(flow, officer, job)
        counts.append(
            statements(flow, lambda job=job: getattr(bulk, step)(flow.services, officer, job, flow.now))
        )
    assert counts[0] == counts[1] < 60


def statements(flow, act):
    seen = []
    engines = flow.services.database._engines
    for engine in (engines.read, engines.write):
        event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    act()
    return len(seen)
