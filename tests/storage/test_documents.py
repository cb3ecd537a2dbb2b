"""Papers that requests rest on, and how they go, on both databases."""

import dataclasses

import pytest

from broker.port_errors import ImpossibleStateError
from broker.records import ActivationCode, BulkJob, CascadeRecord, Contact, Document, Review
from mandates.model import Evidence
from storage.records import NOW, mandate, populate

PAPER, OTHER = "ab" * 32, "cd" * 32


def document(sha256=PAPER, **facts):
    plain = {"media_type": "application/pdf", "size": 9, "sealed_key": "s2.key", "content": "box"}
    return Document(sha256, added_by="bram", added_at=NOW, **(plain | facts))


def over(key, representative="ocmw", *, paper=PAPER, **facts):
    """A mandate of Maria that ended at NOW."""
    plain = {"valid_from": NOW - 50, "valid_until": NOW, "requested_at": NOW - 60, "activated_at": NOW - 55}
    return mandate(key, "maria", representative, evidence=Evidence("order", paper), **(plain | facts))


@pytest.fixture
def village(database):
    populate(database)
    with database.write() as unit:
        unit.documents.put(document())
        unit.commit()
    return database


def test_a_paper_is_kept_once_whoever_brings_it(village):
    with village.write() as unit:
        unit.documents.put(document(sealed_key="s2.other", content="other", size=8))
        assert unit.documents.find(PAPER) == document()
        assert unit.documents.find(OTHER) is None
        assert unit.documents.kept({PAPER, OTHER}) == {PAPER}


def test_a_paper_that_is_brought_again_waits_anew_for_a_request_until_one_names_it(village):
    with village.write() as unit:
        unit.documents.put(dataclasses.replace(document(), added_at=NOW + 9))
        assert unit.documents.find(PAPER).added_at == NOW + 9
        assert unit.documents.name(PAPER, NOW + 10)
        assert unit.documents.name(PAPER, NOW + 20)
        assert not unit.documents.name(OTHER, NOW + 10)
        unit.documents.put(dataclasses.replace(document(), added_at=NOW + 30))
        found = unit.documents.find(PAPER)
        assert (found.added_at, found.named_at) == (NOW + 9, NOW + 10)


def test_a_whole_file_names_its_papers(village):
    with village.write() as unit:
        unit.documents.name_many({PAPER, OTHER}, NOW + 1)
        assert unit.documents.find(PAPER).named_at == NOW + 1


@pytest.mark.parametrize("facts", [{"media_type": "text/html"}, {"size": 0}, {"size": 5 * 1024 * 1024 + 1}])
def test_a_row_that_is_no_paper_is_refused(village, facts):
    with village.write() as unit, pytest.raises(ImpossibleStateError):
        unit.documents.put(document(OTHER, **facts))


def clear(village, kind, before):
    with village.write() as unit:
        stale = unit.retention.stale(kind, before)
        assert unit.retention.clear_stale(kind, before, NOW, 100) == stale
        unit.commit()
    return stale


def test_a_paper_goes_with_the_texts_of_the_last_mandate_that_rests_on_it(village):
    with village.write() as unit:
        unit.documents.name(PAPER, NOW)
        renewal = over("m2", "bram", valid_from=NOW, valid_until=NOW + 100)
        unit.mandates.add_many([over("m1"), renewal], NOW)
        unit.commit()
    assert clear(village, "mandates", NOW + 1) == 1
    with village.read() as unit:
        assert unit.documents.find(PAPER) is not None
    assert clear(village, "mandates", NOW + 101) == 1
    with village.read() as unit:
        assert unit.documents.find(PAPER) is None


def test_a_paper_goes_when_she_is_forgotten(village):
    with village.write() as unit:
        unit.documents.put(document(OTHER))
        unit.mandates.add(over("m1"), NOW)
        unit.data_subjects.erase("maria", "test", NOW)
        assert unit.documents.kept({PAPER, OTHER}) == {OTHER}


def test_neither_key_nor_content_stands_in_what_who_brought_it_is_shown(village):
    with village.read() as unit:
        ((row),) = unit.data_subjects.rows_of("bram")["documents"]
    assert row["sha256"] == PAPER
    assert {"sealed_key", "content"}.isdisjoint(row)


# --- terms of what stands beside a mandate ---


def test_a_paper_that_no_request_named_goes_in_its_time_and_a_named_one_stays(village):
    with village.write() as unit:
        unit.documents.put(document(OTHER))
        unit.documents.name(OTHER, NOW)
        unit.commit()
    assert clear(village, "documents", NOW) == 0
    assert clear(village, "documents", NOW + 1) == 1
    with village.read() as unit:
        assert unit.documents.kept({PAPER, OTHER}) == {OTHER}


def test_a_code_goes_once_nothing_can_be_done_with_it(village):
    with village.write() as unit:
        lapsed = mandate("m2", "jozef", "ocmw", activated_at=None, lapses_at=NOW)
        living = mandate("m3", "fatima", "ocmw", lapses_at=NOW)
        unit.mandates.add_many([over("m1"), lapsed, living], NOW)
        for key in ("m1", "m2", "m3"):
            unit.activation.put(ActivationCode(f"hash-{key}", key, "principal", NOW - 9, "bram"))
        unit.commit()
    assert clear(village, "activation_codes", NOW) == 0
    assert clear(village, "activation_codes", NOW + 1) == 2
    with village.read() as unit:
        assert unit.activation.find("hash-m3") is not None


def test_an_address_goes_once_she_gives_nothing(village):
    with village.write() as unit:
        unit.mandates.add_many([over("m1"), mandate("m3", "jozef", "ocmw")], NOW)
        for party in ("maria", "jozef"):
            unit.contacts.put(Contact(party, "s2.a", "register", NOW - 9))
        unit.commit()
    assert clear(village, "contacts", NOW) == 0
    assert clear(village, "contacts", NOW + 1) == 1
    with village.read() as unit:
        assert unit.contacts.find("maria") is None
        assert unit.contacts.find("jozef") is not None


def test_cases_go_after_they_were_decided_and_cascades_after_they_were_done(village):
    with village.write() as unit:
        unit.mandates.add(over("m1"), NOW)
        unit.reviews.add_many([Review("r1", "m1", "misuse", NOW), Review("r2", "m1", "sample", NOW)])
        unit.reviews.decide(Review("r1", "m1", "misuse", NOW, decided_at=NOW, outcome="confirm"))
        unit.cascades.add(CascadeRecord("c1", "death", "maria", NOW, None, {}))
        unit.commit()
    assert clear(village, "reviews", NOW) == clear(village, "cascades", NOW) == 0
    assert clear(village, "reviews", NOW + 1) == clear(village, "cascades", NOW + 1) == 1
    with village.read() as unit:
        assert unit.reviews.find("r1") is None
        assert unit.reviews.find("r2") is not None
        assert unit.cascades.find("c1") is None


def test_what_was_typed_in_a_file_goes_and_what_became_of_it_stays(village):
    with village.write() as unit:
        for key, applied_at in (("j1", NOW), ("j2", None)):
            job = BulkJob(key, "ocmw", "bram", "mandates", "file", PAPER, "s2.key", NOW - 50)
            unit.bulk.add_job(job)
            unit.bulk.complete(key, 0)
            if applied_at is not None:
                unit.bulk.finished(key, applied_at)
        unit.commit()
    assert clear(village, "bulk_jobs", NOW - 50) == 0
    assert clear(village, "bulk_jobs", NOW) == 1
    assert clear(village, "bulk_jobs", NOW + 1) == 1
    assert clear(village, "bulk_jobs", NOW + 1) == 0
    with village.read() as unit:
        assert [unit.bulk.find(key).sealed_key for key in ("j1", "j2")] == ["", ""]
        # A blank key stands under no key of the vault: it holds up no replacement.
        assert unit.vault_keys.elsewhere("bulk_jobs.sealed_key", "s9.", "", 10) == []
