"""What desks and services bring to the REST API: files, codes, cases, reports, uses, proofs."""

from __future__ import annotations

import io
from datetime import date

import pytest

from api_world import ApiWorld
from broker.flows import staff
from broker.flows.journal import Sequencer
from builders import DAY
from flow_world import EXECUTOR_ROLE, OCMW, VOUCHERS
from mandates.model import Evidence

URN = "iso6523-actorid-upis::0208:"
CSV = "insz;naam;bevoegdheden;tot en met;bewijsstuk;sleutel\n85.07.30-033.28;Maria Peeters;vouchers:read;31/12/2026;formulier;r1\n12;Jan;vouchers:read;31/12/2026;formulier;r2\n"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def reviewer(api):
    noor = api.party("Noor")
    staff.give(api.services, noor.id, "reviewer", by=api.party("Operator").id, now=api.now)
    return api.person(api.sign_in("Noor"))


def post(api, path, body, caller):
    return api.http.post(f"/api/v1/{path}", json=body, headers=caller)


def get(api, path, caller, **query):
    return api.http.get(f"/api/v1/{path}", query_string=query, headers=caller)


def mandate(api, given, sector="desk"):
    return api.services.vault.pseudonym("m-", sector, given.id)


def person(api, party, sector="desk"):
    return api.services.vault.pseudonym("p-", sector, party)


# --- caseloads ---


def test_a_manager_fills_a_caseload_and_empties_it(api):
    manager, officer = api.sign_in("Els"), api.party("Bram")
    api.give("ocmw-manager", api.ocmw, api.stored(manager.party))
    executor = api.give("ocmw-executor", api.ocmw, officer, whole=False)
    given, caller = api.beneficiary("Maria"), api.person(manager)
    where, maria = f"/api/v1/mandates/{mandate(api, executor)}/caseload", person(api, given.principal)
    added = api.http.put(where, json={"principals": [maria]}, headers=caller)
    assert added.status_code == 200, added.json
    assert [one["name"] for one in added.json["principals"]] == ["Maria"]
    assert api.http.get(where, headers=caller).json == added.json
    assert api.http.delete(f"{where}/{maria}", headers=caller).status_code == 204
    assert api.http.get(where, headers=caller).json["principals"] == []
    unknown = api.http.put(where, json={"principals": [maria, "p-nobody"]}, headers=caller)
    assert unknown.status_code == 404
    assert api.http.get(where, headers=caller).json["principals"] == []
    stranger = api.person(api.sign_in("Stranger"))
    assert api.http.put(where, json={"principals": [maria]}, headers=stranger).status_code in {403, 404}


# --- files ---


def bring(api, caller, text=CSV, kind="mandates", **more):
    form = {"kind": kind, "file": (io.BytesIO(text.encode()), "aanvragen.csv")} | more
    return api.http.post("/api/v1/bulk", data=form, headers=caller, content_type="multipart/form-data")


def test_a_file_is_validated_then_applied_and_tells_its_result(api):
    bram = api.person(api.officer())
    job = bring(api, bram)
    assert job.status_code == 201, job.json
    assert (job.json["rows"], job.json["applied_at"]) == (2, None)
    assert sum(job.json["counts"].values()) == 2
    before = len(get(api, "mandates", bram, role="requested").json["mandates"])
    applied = post(api, f"bulk/{job.json['identifier']}/apply", {}, bram)
    assert applied.status_code == 200, applied.json
    assert len(get(api, "mandates", bram, role="requested").json["mandates"]) == before + 1
    again = post(api, f"bulk/{job.json['identifier']}/apply", {}, bram)
    assert again.json["applied_rows"] == applied.json["applied_rows"]
    result = get(api, f"bulk/{job.json['identifier']}/result", bram)
    assert result.content_type.startswith("text/csv")
    assert "r1" in result.text
    assert "85073003328" not in result.text
    xlsx = get(api, f"bulk/{job.json['identifier']}/result", bram, format="xlsx")
    assert xlsx.data.startswith(b"PK")


def test_a_file_is_its_organisations_own(api):
    bram = api.person(api.officer())
    job = bring(api, bram).json["identifier"]
    stranger = api.person(api.sign_in("Stranger"))
    for answer in (
        get(api, f"bulk/{job}", stranger),
        get(api, f"bulk/{job}/result", stranger),
        post(api, f"bulk/{job}/apply", {}, stranger),
    ):
        assert answer.status_code in {403, 404}
    assert bring(api, stranger).status_code == 403
    assert get(api, "bulk/unknown", bram).status_code == 404


def test_a_file_without_the_columns_it_needs_is_refused_whole(api):
    refused = bring(api, api.person(api.officer()), "naam\nMaria\n")
    assert (refused.status_code, refused.json["code"]) == (400, "unreadable_file")
    assert refused.json["errors"]["file"]["text"]


@pytest.mark.parametrize("form", [{"kind": "poems"}, {"surprise": "x"}])
def test_a_form_that_is_not_right_is_refused(api, form):
    assert bring(api, api.person(api.officer()), **form).status_code == 422


def test_a_file_may_be_larger_than_other_requests(api):
    text = CSV + "".join(f"12;Jan {n};vouchers:read;31/12/2026;formulier;k{n}\n" for n in range(8000))
    assert len(text) > 300 * 1024
    assert bring(api, api.person(api.officer()), text).json["rows"] == 8002


# --- codes ---


def test_a_code_is_handed_over_and_redeemed(api):
    maria, helper = api.sign_in("Maria"), api.sign_in("Helper")
    waits = api.give(
        "citizen-helper", api.stored(maria.party), api.stored(helper.party), activated_at=None,
        requested_by=maria.party, requested_at=api.now, lapses_at=api.now + 14 * DAY, evidence=Evidence(),
    )  # fmt: skip
    asked = {"mandate": mandate(api, waits), "capacity": "representative"}
    letter = post(api, "activation-codes", asked, api.person(maria))
    assert letter.status_code == 201, letter.json
    other = api.person(api.sign_in("Other"))
    assert (
        post(api, "activation-codes/redeem", {"code": letter.json["code"]}, other).json["code"]
        == "code_refused"
    )
    done = post(api, "activation-codes/redeem", {"code": letter.json["code"]}, api.person(helper))
    assert (done.status_code, done.json["state"]) == (200, "active")


def test_too_many_wrong_codes_are_answered_with_how_long_to_wait(api):
    maria = api.person(api.sign_in("Maria"))
    typed = ["0000-0000-0000", "0000-0000-0011", "0000-0000-0022"]
    answers = [post(api, "activation-codes/redeem", {"code": code}, maria) for code in typed * 20]
    assert {answer.json["code"] for answer in answers} <= {"code_refused", "too_many_tries"}
    locked = next((answer for answer in answers if answer.status_code == 429), None)
    if locked is not None:
        assert int(locked.headers["Retry-After"]) > 0


# --- reviews ---


def test_misuse_is_reported_and_a_reviewer_decides(api, reviewer):
    session = api.sign_in("Maria")
    given = api.give("citizen-helper", api.stored(session.party), api.party("Helper"))
    maria = api.person(session)
    reported = post(
        api, "reviews", {"mandate": mandate(api, given), "text": "Bestelt zonder te vragen."}, maria
    )
    assert reported.status_code == 201, reported.json
    assert get(api, f"mandates/{mandate(api, given)}", maria).json["state"] == "suspended"
    cases = get(api, "reviews", reviewer).json
    assert [case["identifier"] for case in cases["reviews"]] == [reported.json["identifier"]]
    assert cases["next"] is None
    outcome = {"outcome": "withdraw", "grounds": "klopt"}
    decided = post(api, f"reviews/{reported.json['identifier']}/decide", outcome, reviewer)
    assert (decided.status_code, decided.json["state"]) == (200, "withdrawn")
    assert get(api, "reviews", reviewer).json["reviews"] == []


# --- happenings and registers ---


def test_a_report_shows_first_what_it_ends_and_is_undone_the_same_day(api, reviewer):
    given, caller = api.beneficiary("Maria"), reviewer
    death = {
        "cause": "death",
        "party": person(api, given.principal),
        "day": str(date(2026, 11, 20)),
        "source": "Register",
    }
    shown = post(api, "parties/reports", death, caller)
    assert shown.status_code == 200, shown.json
    assert (shown.json["reference"], shown.json["changed"]) == (None, 1)
    done = post(api, "parties/reports", death | {"dry_run": False}, caller)
    assert [line["mandate"] for line in done.json["lines"]] == [mandate(api, given)]
    undone = post(api, "parties/reports/undo", {"reference": done.json["reference"]}, caller)
    assert undone.status_code == 200, undone.json
    late = post(api, "parties/reports", death | {"day": "2030-01-01"}, caller)
    assert late.json["code"] == "future_date"


def test_a_reviewer_imports_organisations_after_seeing_what_changes(api, reviewer):
    text = "kbo;naam;soorten\n0999000228;Netjes;recognised_company\n"
    shown = post(api, "organisations", {"text": text, "source": "KBO"}, reviewer)
    assert shown.status_code == 200, shown.json
    assert shown.json["added"] == 1
    assert post(api, "organisations", {"text": text, "source": "KBO"}, reviewer).json["added"] == 1
    post(api, "organisations", {"text": text, "source": "KBO", "dry_run": False}, reviewer)
    assert post(api, "organisations", {"text": text, "source": "KBO"}, reviewer).json["added"] == 0
    wrong = post(api, "organisations", {"text": "kbo;naam\n123;X\n", "source": "KBO"}, reviewer)
    assert (wrong.status_code, wrong.json["code"]) == (400, "invalid_import")
    assert wrong.json["errors"]["lines"]


# --- uses ---


def test_a_service_posts_what_it_did_and_she_sees_it(api):
    api.machine(
        "voucher-api", "uses:write", audiences=(f"{api.services.settings.issuer}/api/v1",), serves=(VOUCHERS,)
    )
    given, bram = api.beneficiary("Maria"), api.officer()
    line = {
        "jti": "jti-1",
        "sub": person(api, given.principal, "vouchers"),
        "act_sub": person(api, bram.party, "vouchers"),
        "representative": URN + OCMW,
        "identifier": mandate(api, given, "vouchers"),
        "decision": "permit",
        "at": api.now,
        "operation": "vouchers:order",
    }
    machine = api.program("voucher-api", "uses:write")
    assert post(api, "uses", {"lines": [line, line]}, machine).json == {"results": ["stored", "known"]}
    assert post(api, "uses", {"lines": [line | {"sub": "p-x", "jti": "j2"}]}, machine).json == {
        "results": ["refused"]
    }
    assert post(api, "uses", {"lines": [line | {"at": "now"}]}, machine).status_code == 422
    maria = api.person(api.sign_in("Maria"))
    uses = get(api, "uses", maria).json["uses"]
    (row,) = [one for one in uses if one["kind"] == "use"]
    assert (row["operations"], row["actor"]["name"], row["client"]) == (
        ["vouchers:order"],
        "Bram",
        "voucher-api",
    )
    assert get(api, "uses", api.person(api.sign_in("Stranger"))).json["uses"] != uses
    assert get(api, "uses", maria, organisation="true").status_code == 403


# --- the journal ---


def test_anybody_fetches_the_checkpoint_and_the_proof_that_it_only_grew(api):
    api.officer()
    Sequencer().run(api.services, api.now)
    first = get(api, "journal/checkpoint", {})
    assert first.status_code == 200
    api.clock.forward(10)
    api.sign_in("Bea", roles=(EXECUTOR_ROLE,))
    Sequencer().run(api.services, api.now)
    second = get(api, "journal/checkpoint", {}).json
    assert second["size"] > first.json["size"]
    proof = get(api, "journal/consistency", {}, **{"from": first.json["size"]}).json
    assert (proof["old_size"], proof["size"], proof["checkpoint"]) == (
        first.json["size"],
        second["size"],
        second["checkpoint"],
    )
    assert get(api, "journal/consistency", {}, **{"from": 10**9}).status_code == 404
    assert get(api, "journal/consistency", {}).status_code == 422


def test_a_receipt_is_for_the_parties_managers_and_reviewers_and_for_no_officer(api, reviewer):
    bram = api.officer()
    asked = {
        "type": "ocmw-beneficiary",
        "principal": {"insz": "85.07.30-033.28", "name": "Maria"},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read"],
        "evidence": "formulier",
    }
    made = post(api, "mandates", asked, api.person(bram)).json["identifier"]
    Sequencer().run(api.services, api.now)
    refused = get(api, f"mandates/{made}/receipt", api.person(bram))
    assert (refused.status_code, refused.json["code"]) == (403, "not_allowed")
    manager = api.sign_in("Wout", roles=(f"DienstenchequesVlaanderen-beheerder:{OCMW}",))
    for caller in (api.person(manager), reviewer):
        receipt = get(api, f"mandates/{made}/receipt", caller)
        assert receipt.status_code == 200, receipt.json
        assert receipt.json["rows"][0]["proof"] is not None
    assert get(api, f"mandates/{made}/receipt", api.person(api.sign_in("Stranger"))).status_code == 404
