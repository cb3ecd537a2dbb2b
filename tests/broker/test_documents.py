"""A judgment or a signed form is brought first, kept sealed, and seen by those who decide."""

from __future__ import annotations

import dataclasses
import hashlib
from io import BytesIO

import pytest

from api_world import ApiWorld
from broker.errors import InvalidDocumentError, NotFoundHereError, TooManyTriesError
from broker.flows import bulk, documents, mandates, vault_keys
from broker.flows.mandates import Asked
from broker.flows.naming import ME, MY_ORGANISATION, Named
from broker.records import StaffRole
from flow_world import EXECUTOR_ROLE
from mandates.errors import EvidenceRequiredError
from mandates.model import Level

PDF = b"%PDF-1.7 vonnis 26/B/131"
SHA256 = hashlib.sha256(PDF).hexdigest()
DAY = 86_400


def reviewer(flow):
    return dataclasses.replace(flow.sign_in("Noor", level=Level.HIGH), staff=frozenset({"reviewer"}))


@pytest.fixture
def dirk(flow):
    return flow.sign_in("Dirk", level=Level.HIGH)


def ask(flow, session, sha256=SHA256, **more):
    maria = more.pop("principal", None) or flow.party("Maria")
    asked = Asked(
        "court-administrator",
        Named(party=maria.id, name="Maria"),
        ME,
        ("vouchers:read",),
        flow.now,
        None,
        "vonnis",
        sha256,
    )
    return mandates.ask(flow.services, session, asked, flow.now)


def journal(flow, kind):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(100) if row.type == kind]


def test_a_measure_rests_on_a_judgment_that_is_kept(flow, dirk):
    maria = flow.party("Maria")
    for missing in (None, SHA256):
        with pytest.raises(EvidenceRequiredError):
            ask(flow, dirk, missing, principal=maria)
    assert documents.keep(flow.services, dirk, PDF, flow.now) == SHA256
    assert ask(flow, dirk, principal=maria).evidence.sha256 == SHA256
    with flow.services.database.read() as uow:
        assert uow.documents.find(SHA256).named_at == flow.now


def test_a_renewal_rests_on_the_same_paper_or_on_another_that_is_kept(flow, dirk):
    documents.keep(flow.services, dirk, PDF, flow.now)
    given = ask(flow, dirk)
    mandates.approve(flow.services, reviewer(flow), given.id, flow.now)
    flow.clock.forward(given.valid_until - flow.now - 30 * DAY)
    dirk = flow.sign_in("Dirk", level=Level.HIGH)
    terms = {"dry_run": False}
    with pytest.raises(EvidenceRequiredError):
        mandates.renew(flow.services, dirk, given.id, flow.now, sha256="ab" * 32, **terms)
    renewed = mandates.renew(flow.services, dirk, given.id, flow.now, evidence="verlengd", **terms).mandate
    assert (renewed.evidence.note, renewed.evidence.sha256) == ("verlengd", SHA256)


def test_it_is_stored_sealed_and_opens_after_the_key_was_replaced(flow, dirk):
    documents.keep(flow.services, dirk, PDF, flow.now)
    given = ask(flow, dirk)
    with flow.services.database.read() as uow:
        stored = uow.documents.find(SHA256)
    assert "vonnis" not in stored.content
    vault_keys.rotate(flow.services, "seal")
    with flow.services.database.read() as uow:
        assert uow.documents.find(SHA256).sealed_key != stored.sealed_key
    assert documents.fetch(flow.services, reviewer(flow), given.id, flow.now).content == PDF


def test_those_who_decide_see_it_and_nobody_else_and_the_journal_says_who_looked(flow, dirk):
    documents.keep(flow.services, dirk, PDF, flow.now)
    given = ask(flow, dirk)
    noor = reviewer(flow)
    paper = documents.fetch(flow.services, noor, given.id, flow.now)
    assert (paper.content, paper.media_type) == (PDF, "application/pdf")
    (row,) = journal(flow, "document.read")
    assert (row.actor, row.mandate, row.principal) == (noor.party, given.id, given.principal)
    for session in (dirk, flow.sign_in("Tom")):
        with pytest.raises(NotFoundHereError):
            documents.fetch(flow.services, session, given.id, flow.now)
    assert len(journal(flow, "document.read")) == 1


def test_to_know_the_hash_of_a_paper_is_not_to_have_it(flow, dirk):
    documents.keep(flow.services, dirk, PDF, flow.now)
    flow.party("Maria")
    bram, fatima = flow.officer(), flow.sign_in("Fatima", roles=(EXECUTOR_ROLE,))
    powers, named = ("vouchers:read",), Named(party=flow.party("Jozef").id, name="Jozef")
    asked = Asked("ocmw-beneficiary", named, MY_ORGANISATION, powers, flow.now, None, "form", SHA256)
    stolen = mandates.ask(flow.services, bram, asked, flow.now)
    with pytest.raises(NotFoundHereError):
        documents.fetch(flow.services, fatima, stolen.id, flow.now)
    own = b"%PDF-1.7 formulier"
    asked = dataclasses.replace(
        asked,
        principal=Named(party=flow.party("An").id, name="An"),
        sha256=documents.keep(flow.services, bram, own, flow.now),
    )
    honest = mandates.ask(flow.services, bram, asked, flow.now)
    assert documents.fetch(flow.services, fatima, honest.id, flow.now).content == own


def test_a_paper_that_is_not_there_and_a_mandate_that_is_not_there_answer_alike(flow, dirk):
    given = flow.give("citizen-helper", flow.party("Maria"), flow.party("Tom"))
    for mandate in (given.id, "nothing"):
        with pytest.raises(NotFoundHereError):
            documents.fetch(flow.services, reviewer(flow), mandate, flow.now)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\nIHDR", "image/png"),
        (b"%PDF-".ljust(documents.MOST_BYTES, b"x"), "application/pdf"),
    ],
)
def test_the_first_bytes_say_what_it_is(flow, dirk, content, media_type):
    sha256 = documents.keep(flow.services, dirk, content, flow.now)
    with flow.services.database.read() as uow:
        found = uow.documents.find(sha256)
    assert (found.media_type, found.size, found.added_by) == (media_type, len(content), dirk.party)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"PK\x03\x04", b" %PDF-1.4", b"%PDF-".ljust(documents.MOST_BYTES + 1, b"x")]
)
def test_what_is_no_paper_is_refused(flow, dirk, content):
    with pytest.raises(InvalidDocumentError):
        documents.keep(flow.services, dirk, content, flow.now)


def test_nobody_fills_the_store(flow, dirk):
    for number in range(documents.MOST_AN_HOUR):
        documents.keep(flow.services, dirk, PDF + str(number).encode(), flow.now)
    with pytest.raises(TooManyTriesError):
        documents.keep(flow.services, dirk, PDF, flow.now)


def test_a_file_whose_term_is_over_is_gone_and_no_fault_of_ours(flow):
    """Its rows were sealed under a key that the term took away."""
    officer = flow.officer()
    content = BytesIO(b"sleutel;naam;rijksregisternummer;bevoegdheden\n1;Maria;85.07.30-033.28;alle\n")
    job = bulk.start(flow.services, officer, kind="mandates", content=content, name="a.csv", now=flow.now)
    with flow.services.database.write() as uow:
        uow.retention.clear_stale("bulk_jobs", flow.now + 1, flow.now, 10)
        uow.commit()
    with pytest.raises(NotFoundHereError, match="term"):
        bulk.validate(flow.services, officer, job.id, flow.now)


# --- over HTTP ---


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


def test_over_http_it_is_brought_named_and_saved(api):
    dirk, maria = api.sign_in("Dirk", level=Level.HIGH), api.party("Maria")
    hands = api.person(dirk)
    brought = api.http.post("/api/v1/documents", data={"file": (BytesIO(PDF), "x.exe")}, headers=hands)
    assert (brought.status_code, brought.json) == (201, {"sha256": SHA256})
    given = ask(api, dirk, principal=maria)
    path = f"/api/v1/mandates/{api.services.vault.pseudonym('m-', 'desk', given.id)}"
    assert api.http.get(f"{path}/document", headers=hands).status_code == 404
    noor = api.party("Noor")
    with api.services.database.write() as uow:
        uow.staff.give(StaffRole(noor.id, "reviewer", api.now, noor.id))
        uow.commit()
    noor = api.person(api.sign_in("Noor", level=Level.HIGH))
    saved = api.http.get(f"{path}/document", headers=noor)
    assert (saved.data, saved.content_type) == (PDF, "application/pdf")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert (saved.headers["X-Content-Type-Options"], saved.headers["Cache-Control"]) == (
        "nosniff",
        "no-store",
    )
    flat = api.http.get(f"{path}/sets-aside", headers=noor).json
    assert (flat["cause"], flat["changed"]) == ("measure", 0)
    assert api.http.get(f"{path}/sets-aside", headers=hands).status_code == 404


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 422),
        ({"file": (BytesIO(PDF), "a.pdf"), "name": "x"}, 422),
        ({"file": (BytesIO(b"<html>"), "a.pdf")}, 400),
        ({"file": (BytesIO(b"x" * (documents.MOST_BYTES + 100_000)), "a.pdf")}, 413),
    ],
)
def test_over_http_what_is_no_paper_is_refused(api, data, status):
    hands = api.person(api.sign_in("Dirk", level=Level.HIGH))
    assert api.http.post("/api/v1/documents", data=data, headers=hands).status_code == status
