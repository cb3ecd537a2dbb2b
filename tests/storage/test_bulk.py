"""The store of bulk files, on both databases: what a job's readers see, and who wins."""

import dataclasses
import threading

import pytest

from broker.port_errors import ConflictError, NotFoundError
from broker.records import BulkJob, BulkRow
from storage.records import NOW, mandate, populate

JOB = BulkJob("job", "ocmw", "bram", "mandates", "lijst.csv", "ab" * 32, "sealed-key", NOW)


def row(line, **facts):
    return dataclasses.replace(BulkRow(line, f"key{line}", f"pair{line}", f"sealed{line}"), **facts)


@pytest.fixture
def bulk(database):
    """The village, one complete job of three rows, and a way to it in a unit of its own."""
    populate(database)
    with database.write() as unit:
        unit.bulk.add_job(JOB)
        unit.bulk.add_rows(JOB.id, [row(2), row(3, key=None), row(5, pair=None)])
        unit.bulk.complete(JOB.id, 3)
        unit.mandates.add_many([mandate("m1", "maria", "ocmw"), mandate("m2", "jozef", "ocmw")], NOW)
        unit.commit()

    def act(name, *args):
        with database.write() as unit:
            found = getattr(unit.bulk, name)(*args)
            unit.commit()
        return found

    return act


def test_a_complete_job_is_found_as_it_was_stored(bulk):
    assert bulk("find", "job") == dataclasses.replace(JOB, rows=3, complete=True)
    assert bulk("find", "other") is None


def test_a_job_that_is_not_complete_is_found_by_nobody(bulk):
    bulk("add_job", dataclasses.replace(JOB, id="half"))
    assert bulk("find", "half") is None
    assert [one.id for one in bulk("of_organisation", "ocmw", 10)] == ["job"]


def test_jobs_are_listed_by_organisation_newest_first(bulk):
    for key, at in (("older", NOW - 5), ("newer", NOW + 5)):
        bulk("add_job", dataclasses.replace(JOB, id=key, created_at=at, complete=True))
    assert [one.id for one in bulk("of_organisation", "ocmw", 10)] == ["newer", "job", "older"]
    assert [one.id for one in bulk("of_organisation", "ocmw", 1)] == ["newer"]
    assert bulk("of_organisation", "company", 10) == []


def test_rows_are_read_in_pages_in_the_order_of_the_file(bulk):
    assert bulk("rows_after", "job", 0, 2) == [row(2), row(3, key=None)]
    assert bulk("rows_after", "job", 3, 2) == [row(5, pair=None)]
    assert bulk("rows_after", "other", 0, 2) == []


def test_only_what_was_never_complete_is_removed(bulk):
    bulk("add_job", dataclasses.replace(JOB, id="half"))
    bulk("add_rows", "half", [row(2)])
    bulk("remove", "half")
    bulk("remove", "job")
    assert bulk("rows_after", "half", 0, 9) == []
    assert len(bulk("rows_after", "job", 0, 9)) == 3


def test_unfinished_jobs_go_by_their_age(bulk):
    for key, at in (("old", NOW - 10), ("new", NOW)):
        bulk("add_job", dataclasses.replace(JOB, id=key, created_at=at))
        bulk("add_rows", key, [row(2)])
    bulk("remove_unfinished", NOW)
    assert [len(bulk("rows_after", key, 0, 9)) for key in ("old", "new", "job")] == [0, 1, 3]


def test_the_first_line_of_a_key_or_a_pair_is_within_the_job(bulk):
    bulk("add_job", dataclasses.replace(JOB, id="other"))
    bulk("add_rows", "other", [row(1, key="key2", pair="pair2")])
    bulk("add_rows", "job", [row(7, key="key2", pair="pair3")])
    found = bulk("first_lines", "job", ["key2", "unknown"], ["pair3", "pair2"])
    assert found == {"key2": 2, "pair3": 3, "pair2": 2}
    assert bulk("first_lines", "job", [], []) == {}


def test_a_key_is_applied_once_a_mandate_was_made_of_it(bulk):
    bulk("judged", "job", [row(2, verdict="accepted", mandate="m1"), row(5, verdict="refused", pair=None)])
    assert bulk("applied", ["key2", "key5", "key9"]) == {"key2"}


def test_a_key_of_which_a_mandate_was_made_is_taken_in_every_job(bulk):
    bulk("judged", "job", [row(2, mandate="m1")])
    bulk("add_job", dataclasses.replace(JOB, id="other"))
    bulk("add_rows", "other", [row(2)])
    with pytest.raises(ConflictError):
        bulk("judged", "other", [row(2, mandate="m2")])
    bulk("judged", "other", [row(2, verdict="duplicate")])


def test_a_row_is_made_of_a_stored_mandate(bulk):
    with pytest.raises(NotFoundError):
        bulk("judged", "job", [row(2, mandate="unknown")])


def test_a_verdict_replaces_the_one_before_and_the_line_stays_what_it_was(bulk):
    judged = row(2, sealed="less", verdict="refused", code="missing", column="naam", needs="principal")
    bulk("judged", "job", [judged])
    assert bulk("rows_after", "job", 0, 1) == [judged]
    again = row(2, verdict="accepted")
    bulk("judged", "job", [dataclasses.replace(again, key="other", pair="other")])
    assert bulk("rows_after", "job", 0, 1) == [again]
    assert bulk("counts", "job") == {"accepted": 1, "": 2}


def test_a_job_tells_how_far_it_was_applied(bulk):
    job = bulk("find", "job")
    bulk("advance", job, 3, 2)
    bulk("validated", "job", NOW + 1)
    bulk("finished", "job", NOW + 2)
    stands = bulk("find", "job")
    assert (stands.applied_to, stands.applied_rows) == (3, 2)
    assert (stands.validated_at, stands.applied_at) == (NOW + 1, NOW + 2)


def test_who_read_the_job_before_it_moved_on_moves_it_no_further(bulk):
    job = bulk("find", "job")
    bulk("advance", job, 3, 2)
    with pytest.raises(ConflictError):
        bulk("advance", job, 5, 3)
    with pytest.raises(ConflictError):
        bulk("advance", job, job.applied_to, 0)


def test_of_two_writers_who_move_a_job_on_at_once_one_wins(bulk, database):
    job, together, won = bulk("find", "job"), threading.Barrier(2), []

    def move():
        together.wait()
        try:
            with database.write() as unit:
                unit.bulk.advance(job, 3, 2)
                unit.commit()
            won.append(True)
        except ConflictError:
            won.append(False)

    threads = [threading.Thread(target=move) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]
    assert bulk("find", "job").applied_rows == 2


def test_many_executors_get_their_caseloads_in_one_statement(bulk, database):
    edges = [
        mandate(key, "ocmw", key, type="ocmw-executor", whole=False, evidence=mandate("x", "a", "b").evidence)
        for key in ("bram", "fatima")
    ]
    with database.write() as unit:
        unit.mandates.add_many(edges, NOW)
        unit.mandates.add_caseloads([("bram", "maria"), ("bram", "jozef"), ("fatima", "maria")], NOW)
        unit.commit()
    with database.read() as unit:
        assert [one.principal for one in unit.mandates.caseload_of("fatima")] == ["maria"]
        assert {one.principal for one in unit.mandates.caseload_of("bram")} == {"maria", "jozef"}


def test_what_many_people_gave_is_found_in_one_query(bulk, database):
    with database.read() as unit:
        found = unit.mandates.of_principals(["maria", "jozef", "bram"])
        assert [one.id for one in found] == ["m1", "m2"]
        assert unit.mandates.of_principals([]) == []


def test_the_sealed_numbers_of_many_people_are_found_in_one_query(bulk, database):
    with database.write() as unit:
        unit.parties.set_insz("maria", "index", "sealed number")
        unit.commit()
    with database.read() as unit:
        assert unit.parties.insz_sealed_many(["maria", "jozef"]) == {"maria": "sealed number"}
