"""A file of requests is taken in whole or not at all, and seen by its organisation alone."""

import dataclasses
import sqlite3

import pytest

from broker.errors import NotFoundHereError, UnreadableFileError
from broker.flows import bulk, vault_keys
from broker.flows.bulk import intake, runs
from bulk_requests import (
    apply,
    beneficiary,
    bring,
    contents,
    csv,
    insz,
    manager_of_company,
    result,
    rows_of,
)
from keys.errors import SealError
from mandates.errors import NotAllowedError


@pytest.fixture
def officer(flow):
    return flow.officer()


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(intake, "CHUNK", 2)
    monkeypatch.setattr(runs, "CHUNK", 2)


# --- taking in ---


def test_a_file_becomes_a_job_of_the_organisation(flow, officer):
    job = bring(flow, officer, beneficiary(1), beneficiary(2), name="C:\\Users\\An\\lijst.csv")
    report = bulk.find(flow.services, officer, job, flow.now)
    assert (report.job.rows, report.job.kind, report.job.name) == (2, "mandates", "lijst.csv")
    assert report.counts == {"": 2}
    assert [one.id for one in bulk.jobs(flow.services, officer, flow.now)] == [job]


def test_what_was_typed_stands_nowhere_in_the_clear(flow, officer):
    bring(flow, officer, beneficiary(1, sleutel="dossier-een"))
    files = [file.read_bytes() for file in flow.folder.iterdir()]
    for typed in (insz(1), "Persoon 1", "dossier-een"):
        assert not any(typed.encode() in content for content in files)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"naam;rijksregisternummer\r\nMaria;85073003328\r\n",
        b"naam;rijksregisternummer;bevoegdheden\r\n",
        csv(*[beneficiary(one) for one in range(5)]) + b'\r\nk;"open',
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_a_file_that_is_refused_leaves_nothing(flow, officer, content):
    before = contents(flow)
    with pytest.raises(UnreadableFileError):
        bring(flow, officer, content)
    assert contents(flow) == before


def test_a_file_that_is_half_stored_is_seen_by_nobody_and_goes_with_the_next_one(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    with sqlite3.connect(flow.file) as connection:
        connection.execute("UPDATE bulk_jobs SET complete = 0")
    with pytest.raises(NotFoundHereError):
        bulk.find(flow.services, officer, job, flow.now)
    flow.clock.forward(3600)
    bring(flow, officer, beneficiary(1))
    assert len(contents(flow)["bulk_jobs"]) == 2
    flow.clock.forward(86_400)
    officer = flow.officer()
    bring(flow, officer, beneficiary(1))
    assert job not in {row[0] for row in contents(flow)["bulk_jobs"]}


def test_only_those_who_ask_or_manage_for_an_organisation_bring_files(flow):
    clerk = flow.sign_in("Tom")
    with pytest.raises(NotAllowedError):
        bring(flow, clerk, beneficiary(1))
    with flow.services.database.read() as uow:
        tom = uow.parties.get(clerk.party)
    company, _ = manager_of_company(flow)
    flow.give("company-employee", company, tom)
    with pytest.raises(NotAllowedError):
        bring(flow, dataclasses.replace(clerk, organisation=company.id), beneficiary(1))


def test_another_organisation_does_not_see_a_job(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    _, other = manager_of_company(flow)
    assert bulk.jobs(flow.services, other, flow.now) == []
    for look in (bulk.find, bulk.validate, bulk.apply):
        with pytest.raises(NotFoundHereError):
            look(flow.services, other, job, flow.now)
    with pytest.raises(NotFoundHereError):
        result(flow, other, job)


def test_a_file_that_waits_outlives_the_key_that_sealed_it(flow, officer):
    job = bring(flow, officer, beneficiary(1))
    before = {row[0] for row in contents(flow)["vault_keys"]}
    vault_keys.rotate(flow.services, "seal")
    flow.clock.forward(7200)
    dropped = vault_keys.rotate(flow.services, "seal").dropped
    assert set(dropped) & before
    assert apply(flow, flow.officer(), job) == ["needs_approval"]


def test_the_rows_of_a_file_are_sealed_for_their_own_line(flow, officer):
    job = bring(flow, officer, beneficiary(1), beneficiary(2))
    first, second = rows_of(flow, job)
    with flow.services.database.read() as uow:
        seal = intake.RowSeal(flow.services, uow.bulk.find(job))
    assert seal.open(first).request.insz == insz(1)
    with pytest.raises(SealError):
        seal.open(dataclasses.replace(first, sealed=second.sealed))
