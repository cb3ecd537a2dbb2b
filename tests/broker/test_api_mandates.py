"""Mandates over the REST API: the same rules as the portal, in a client's own references."""

from __future__ import annotations

import pytest

from api_world import ApiWorld
from attack_tools import claims_of
from flow_world import EXECUTOR_ROLE, OCMW

MARIA = "85.07.30-033.28"
URN = f"iso6523-actorid-upis::0208:{OCMW}"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def bram(api):
    return api.person(api.officer())


@pytest.fixture
def bea(api):
    return api.person(api.sign_in("Bea", roles=(EXECUTOR_ROLE,)))


def asked(**changes):
    return {
        "type": "ocmw-beneficiary",
        "principal": {"insz": MARIA, "name": "Maria Peeters"},
        "representative": {"my_organisation": True},
        "powers": ["vouchers:read", "vouchers:order"],
        "evidence": "Ondertekend formulier",
        **changes,
    }


def ask(api, caller, **changes):
    return api.http.post("/api/v1/mandates", json=asked(**changes), headers=caller)


def do(api, caller, reference, act, body=None, **headers):
    return api.http.post(f"/api/v1/mandates/{reference}/{act}", json=body or {}, headers=caller | headers)


@pytest.fixture
def waiting(api, bram):
    answer = ask(api, bram)
    assert answer.status_code == 201, answer.json
    return answer


def test_an_officer_asks_and_a_second_one_approves(api, bram, bea, waiting):
    assert waiting.json["state"] == "awaiting"
    assert waiting.json["representative"]["identifier"] == URN
    assert waiting.headers["ETag"] == '"1"'
    assert waiting.headers["Cache-Control"] == "no-store"
    approved = do(api, bea, waiting.json["identifier"], "approve", {"grounds": "gezien aan het loket"})
    assert approved.status_code == 200, approved.json
    assert (approved.json["state"], approved.headers["ETag"]) == ("active", '"2"')
    steps = api.http.get(f"/api/v1/mandates/{waiting.json['identifier']}/history", headers=bea).json[
        "history"
    ]
    told = {step["event"]: step["grounds"] for step in steps}
    assert told["mandate.approved"] == "gezien aan het loket"
    listed = api.http.get("/api/v1/representations", headers=bram).json
    assert [row["identifier"] for row in listed["representations"]] == [waiting.json["identifier"]]
    assert listed["incomplete"] == []


def test_nobody_approves_her_own_request(api, bram, waiting):
    refused = do(api, bram, waiting.json["identifier"], "approve")
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    assert refused.json["code"] == "own_request"
    assert refused.json["type"] == "urn:volmacht:problem:own_request"


@pytest.mark.parametrize(
    ("language", "start"), [("fr-BE,fr;q=0.9", "Vous"), ("en", "You"), ("nl", "U "), ("de", "U "), ("", "U ")]
)
def test_refusals_speak_the_language_of_the_caller(api, bram, waiting, language, start):
    refused = do(api, bram, waiting.json["identifier"], "approve", **{"Accept-Language": language})
    assert refused.json["title"].startswith(start)


def test_a_national_number_is_never_answered(api, bram, bea, waiting):
    reference = waiting.json["identifier"]
    texts = [waiting.text, do(api, bea, reference, "approve").text]
    texts += [
        api.http.get(f"/api/v1/mandates/{reference}{tail}", headers=bram).text for tail in ("", "/history")
    ]
    assert not any("85073003328" in text or MARIA in text for text in texts)


def test_what_is_not_hers_and_what_is_not_there_answer_alike(api, waiting):
    stranger = api.person(api.sign_in("Stranger"))
    hers = api.http.get(f"/api/v1/mandates/{waiting.json['identifier']}", headers=stranger)
    none = api.http.get("/api/v1/mandates/m-AAAA", headers=stranger)
    assert (hers.status_code, none.status_code) == (404, 404)
    assert hers.json == none.json
    acts = [
        do(api, stranger, waiting.json["identifier"], act) for act in ("approve", "refuse", "end", "suspend")
    ]
    assert [act.json for act in acts] == [none.json] * 4


def test_a_reference_of_another_sector_is_nothing_here(api, waiting):
    other = api.client("other-desk", scopes=api.desk.scopes, audiences=api.desk.audiences, sector="elsewhere")
    session = api.officer()
    there = api.person(session, other)
    assert api.http.get(f"/api/v1/mandates/{waiting.json['identifier']}", headers=there).status_code == 404
    page = api.http.get("/api/v1/mandates?role=requested", headers=there).json
    assert page["mandates"][0]["identifier"] != waiting.json["identifier"]


@pytest.mark.parametrize("version", ['"2"', '"999"', "1", 'W/"1"', '"x"', '"1'])
def test_another_version_than_the_one_looked_at_is_refused(api, bea, waiting, version):
    refused = do(api, bea, waiting.json["identifier"], "approve", **{"If-Match": version})
    assert (refused.status_code, refused.json["code"]) == (412, "version_mismatch")


@pytest.mark.parametrize("version", ['"1"', "*"])
def test_the_version_looked_at_goes_through(api, bea, waiting, version):
    assert do(api, bea, waiting.json["identifier"], "approve", **{"If-Match": version}).status_code == 200


def test_a_renewal_and_a_passing_on_ask_for_the_version_too(api, bram, bea, waiting):
    reference = waiting.json["identifier"]
    do(api, bea, reference, "approve")
    old = {"If-Match": '"1"'}
    assert do(api, bram, reference, "renew", {}, **old).status_code == 412
    body = {"representative": {"me": True}, "powers": ["vouchers:read"]}
    assert do(api, bram, reference, "pass-on", body, **old).status_code == 412


def test_the_whole_life_of_a_mandate(api, bram, bea, waiting):
    reference = waiting.json["identifier"]
    do(api, bea, reference, "approve")
    assert do(api, bram, reference, "powers/vouchers:order/end").json["powers"] == ["vouchers:read"]
    assert do(api, bram, reference, "suspend").json["code"] == "not_allowed"
    ended = do(api, bram, reference, "end", {"grounds": "verhuisd"})
    assert ended.json["state"] == "waived"
    steps = api.http.get(f"/api/v1/mandates/{reference}/history", headers=bea).json["history"]
    assert steps[0]["grounds"] == "verhuisd"
    assert steps[0]["by"]["name"] == "Bram"
    assert do(api, bram, reference, "end").json["code"] == "wrong_state"


def test_who_gave_a_mandate_sets_it_aside_and_takes_it_up(api):
    session = api.sign_in("Maria")
    given = api.give("citizen-helper", api.stored(session.party), api.party("Helper"))
    maria, reference = api.person(session), api.services.vault.pseudonym("m-", "desk", given.id)
    suspended = do(api, maria, reference, "suspend", {"grounds": "even niet"})
    assert (suspended.json["state"], suspended.json["may"]) == ("suspended", ["end", "resume"])
    assert do(api, maria, reference, "resume").json["state"] == "active"


def test_a_request_is_refused(api, bea, waiting):
    assert do(api, bea, waiting.json["identifier"], "refuse", {"grounds": "nee"}).json["state"] == "refused"


def test_a_request_is_taken_back(api, bram, waiting):
    assert do(api, bram, waiting.json["identifier"], "cancel").json["state"] == "cancelled"


def test_the_same_mandate_is_not_asked_twice(api, bram, waiting):
    refused = ask(api, bram)
    assert (refused.status_code, refused.json["code"]) == (409, "duplicate")


def test_the_name_on_record_is_not_told_to_who_asks(api, bram):
    session = api.sign_in("Elisabeth van Oost")
    with api.services.database.write() as uow:
        from broker.flows import parties

        index = parties.insz_indexes(api.services, uow, "85073003328")[0]
        sealed = api.services.vault.seal(b"85073003328", f"insz:{session.party}")
        uow.parties.set_insz(session.party, index, sealed)
        uow.commit()
    answer = ask(api, bram)
    assert answer.json["principal"]["name"] == "Maria Peeters"
    reference = answer.json["identifier"]
    seen = [
        api.http.get(f"/api/v1/mandates/{reference}{tail}", headers=bram).text for tail in ("", "/history")
    ]
    assert not any("Elisabeth" in text for text in [answer.text, *seen])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"powers": []}, "powers"),
        ({"powers": "vouchers:read"}, "powers"),
        ({"type": ""}, "type"),
        ({"type": "x" * 101}, "type"),
        ({"evidence": "x" * 2001}, "evidence"),
        ({"evidence": "a\0b"}, "evidence"),
        ({"first_day": "31/12/2026"}, "first_day"),
        ({"sha256": "abc"}, "sha256"),
        ({"principal": {}}, "principal"),
        ({"principal": {"insz": MARIA}}, "principal"),
        ({"principal": {"insz": MARIA, "name": "M", "me": True}}, "principal"),
        ({"principal": {"identifier": "p-abc"}}, "principal"),
        ({"representative": {"my_organisation": False}}, "representative"),
    ],
)
def test_a_field_that_is_not_right_is_named(api, bram, change, field):
    refused = ask(api, bram, **change)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_fields")
    assert set(refused.json["errors"]) == {field}


def test_a_number_in_the_evidence_is_refused_and_not_repeated(api, bram):
    refused = ask(api, bram, evidence=f"Kopie eID {MARIA}")
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"evidence"}
    assert "85.07" not in refused.text
    assert do(api, bram, "m-x", "end", {"grounds": f"zie {MARIA}"}).status_code == 422


def test_a_parameter_that_we_do_not_know_is_refused_by_name(api, bram):
    refused = api.http.get("/api/v1/mandates?role=given&organization=x", headers=bram)
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"organization"})


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_request_is_refused(api, bram, body):
    refused = api.http.post(
        "/api/v1/mandates", data=body, headers=bram | {"Content-Type": "application/json"}
    )
    assert refused.status_code in {400, 422}
    assert refused.content_type == "application/problem+json"


def test_lists_give_the_same_lines_at_any_size_of_page(api, bram):
    from builders import NOW

    session = api.sign_in("Maria")
    for number in range(7):
        other = api.party(f"Helper {number}")
        api.give("citizen-helper", api.stored(session.party), other, requested_at=NOW - number // 2)
    maria = api.person(session)

    def walk(limit):
        found, after = [], ""
        while True:
            page = api.http.get(f"/api/v1/mandates?role=given&limit={limit}{after}", headers=maria).json
            found += [row["identifier"] for row in page["mandates"]]
            if page["next"] is None:
                return found
            after = f"&after={page['next']}"

    whole = walk(1000)
    assert len(set(whole)) == 7
    assert walk(1) == walk(2) == walk(3) == whole


@pytest.mark.parametrize("after", ["x", "1", "1.m-x", "9" * 20 + ".m-x"])
def test_a_place_in_a_list_that_is_none_of_ours_is_refused(api, bram, after):
    assert api.http.get(f"/api/v1/mandates?role=given&after={after}", headers=bram).status_code in {400, 404}


def test_a_preview_shows_what_it_replaces_and_stores_nothing(api, bram, bea, waiting):
    reference, until = waiting.json["identifier"], waiting.json["valid_until"]
    do(api, bea, reference, "approve")
    api.clock.forward(until - api.now - 10 * 86_400)
    bram = api.person(api.officer())
    before = len(api.journal())
    preview = api.http.get(f"/api/v1/mandates/{reference}/preview", headers=bram)
    assert len(api.journal()) == before
    assert preview.json["replaces"]["identifier"] == reference
    renewed = api.http.post(f"/api/v1/mandates/{reference}/renew", json={}, headers=bram)
    assert (renewed.status_code, renewed.json["mandate"]["replaces"]) == (201, reference)
    assert renewed.json["waits_for"] == preview.json["waits_for"]


def test_a_reviewer_sees_all_that_waits_in_pages_and_others_their_part(api, bram, bea):
    from broker.flows import staff

    numbers = ("85073003328", "90010100123", "90010100222", "90010100321")
    made = [ask(api, bram, principal={"insz": number, "name": "Iemand"}) for number in numbers]
    assert {answer.status_code for answer in made} == {201}
    noor = api.party("Noor")
    staff.give(api.services, noor.id, "reviewer", by=api.party("Operator").id, now=api.now)

    def walk(caller, role, limit):
        found, query = [], {"role": role, "limit": limit}
        while True:
            page = api.http.get("/api/v1/mandates", query_string=query, headers=caller).json
            found += [row["identifier"] for row in page["mandates"]]
            if page["next"] is None:
                return found
            query["after"] = page["next"]

    expected = {answer.json["identifier"] for answer in made}
    reviewer = api.person(api.sign_in("Noor"))
    for caller in (reviewer, bea):
        assert set(walk(caller, "waiting", 1000)) == expected
        assert walk(caller, "waiting", 1) == walk(caller, "waiting", 3) == walk(caller, "waiting", 1000)
    assert set(walk(bram, "requested", 2)) == expected
    assert walk(bram, "waiting", 2) == []
    assert walk(api.person(api.sign_in("Stranger")), "waiting", 10) == []


def test_the_audience_of_the_token_is_the_api_and_its_client_the_sector(api):
    claims = claims_of(api.token_of(api.officer()))
    assert claims["aud"].endswith("/api/v1")
