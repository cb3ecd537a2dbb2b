"""Decisions and lists over the REST API agree with each other, and tell nobody more than is hers."""

from __future__ import annotations

import pytest

from api_world import API, ApiWorld
from broker.flows import mandates as flow_mandates
from flow_world import OCMW, PartyKind
from mandates.model import Level

URN = f"iso6523-actorid-upis::0208:{OCMW}"


@pytest.fixture
def api(tmp_path):
    world = ApiWorld(tmp_path)
    world.client("desk", scopes=world.desk.scopes, audiences=(API,), sector="desk", mandate_types=TYPES)
    yield world
    world.close()


TYPES = ("ocmw-beneficiary", "company-employee", "citizen-helper")


def person(api, party, sector="desk"):
    return api.services.vault.pseudonym("p-", sector, party)


def post(api, path, body, caller):
    return api.http.post(f"/api/v1/{path}", json=body, headers=caller)


def test_a_permit_names_its_chain_and_a_deny_its_reasons(api):
    given, bram = api.beneficiary("Maria"), api.person(api.officer())
    question = {"principal": person(api, given.principal), "power": "vouchers:order"}
    permit = post(api, "decisions", question, bram).json
    assert permit["permitted"] is True
    assert [link["executor"] for link in permit["path"]] == [False, True]
    assert permit["path"][0]["representative"] == URN
    assert "considered" not in permit
    deny = post(api, "decisions", question | {"power": "profile:fly"}, bram | {"Accept-Language": "en"}).json
    assert (deny["permitted"], deny["path"]) == (False, [])
    assert deny["reasons"][0]["code"] == "power_not_granted"
    assert deny["reasons"][0]["needs"] == ["profile:fly"]
    assert deny["reasons"][0]["mend"].startswith("Ask")


def test_explain_shows_every_chain_that_was_looked_at(api):
    given, bram = api.beneficiary("Maria"), api.person(api.officer())
    api.end(given.id)
    question = {"principal": person(api, given.principal), "explain": True}
    answer = post(api, "decisions", question, bram).json
    assert answer["permitted"] is False
    assert [one["reasons"][0]["code"] for one in answer["considered"]] == ["mandate_revoked"]


def test_a_stranger_and_somebody_who_gave_nothing_answer_alike(api):
    bram, stranger = api.person(api.officer()), api.party("Stranger")
    answers = [
        post(api, "decisions", {"principal": principal}, bram).json
        for principal in (person(api, stranger.id), "p-nobody", "iso6523-actorid-upis::0208:0999999922")
    ]
    assert [one["reasons"][0]["code"] for one in answers] == ["no_mandate"] * 3
    assert answers[0] == answers[1] == answers[2]


def test_a_batch_answers_as_one_by_one_in_the_order_asked(api):
    bram = api.person(api.officer())
    given = [api.beneficiary(f"Person {number}") for number in range(3)]
    api.end(given[1].id)
    questions = [{"principal": person(api, one.principal), "power": "vouchers:read"} for one in given]
    together = post(api, "decisions/batch", {"questions": questions}, bram).json["decisions"]
    assert [one["permitted"] for one in together] == [True, False, True]
    assert together == [post(api, "decisions", question, bram).json for question in questions]


def test_a_batch_is_bounded(api):
    bram = api.person(api.officer())
    questions = [{"principal": "p-nobody"}] * 1001
    assert post(api, "decisions/batch", {"questions": questions}, bram).status_code == 422
    assert len(post(api, "decisions/batch", {"questions": questions[:1000]}, bram).json["decisions"]) == 1000
    assert post(api, "decisions/batch", {"questions": []}, bram).status_code == 422


def test_an_answer_is_as_fresh_as_asked_or_none(api):
    given, bram = api.beneficiary("Maria"), api.person(api.officer())
    question = {"principal": person(api, given.principal)}
    revision = post(api, "decisions", question, bram).json["revision"]
    assert post(api, "decisions", question | {"fresh_as": revision}, bram).status_code == 200
    stale = post(api, "decisions", question | {"fresh_as": revision + 1}, bram)
    assert (stale.status_code, stale.json["code"]) == (503, "stale")


def test_a_service_asks_about_people_that_it_knows_at_their_level(api):
    api.machine("shop", "decisions:evaluate", audiences=(API,), sector="shop")
    helper, maria = api.party("Helper"), api.party("Maria")
    api.give("citizen-helper", maria, helper)
    question = {
        "actor": person(api, helper.id, "shop"),
        "principal": person(api, maria.id, "shop"),
        "power": "vouchers:read",
    }
    asked = {"questions": [question | {"level": "substantial"}, question | {"level": "low"}]}
    found = post(api, "decisions/evaluate", asked, api.program("shop", "decisions:evaluate")).json[
        "decisions"
    ]
    assert [one["permitted"] for one in found] == [True, False]
    assert found[1]["reasons"][0]["code"] == "assurance_too_low"


def test_a_service_does_not_borrow_a_session_of_its_user(api):
    api.machine("shop", "decisions:evaluate", audiences=(API,), sector="shop")
    given, session = api.beneficiary("Maria"), api.officer()
    question = {
        "actor": api.called(session, "shop"),
        "principal": person(api, given.principal, "shop"),
        "level": "high",
    }
    found = post(
        api, "decisions/evaluate", {"questions": [question]}, api.program("shop", "decisions:evaluate")
    )
    assert found.json["decisions"][0]["permitted"] is False


def test_the_list_of_representations_is_the_same_in_pages_of_any_size(api):
    given = [api.beneficiary(f"Person {number}") for number in range(7)]
    api.end(given[3].id)
    bram = api.person(api.officer())

    def walk(limit):
        found, after = [], {}
        while True:
            query = {"limit": limit} | after
            page = api.http.get("/api/v1/representations", query_string=query, headers=bram).json
            found += [row["principal_name"] for row in page["representations"]]
            if page["next"] is None:
                return found
            after = {"after": page["next"]}

    whole = walk(1000)
    assert whole == [f"Person {number}" for number in (0, 1, 2, 4, 5, 6)]
    assert walk(1) == walk(2) == walk(4) == whole


def test_representations_are_narrowed(api):
    for name in ("Maria Peeters", "Jan Claes"):
        api.beneficiary(name)
    bram = api.person(api.officer())

    def names(**query):
        page = api.http.get("/api/v1/representations", query_string=query, headers=bram)
        return [row["principal_name"] for row in page.json["representations"]]

    assert names(name="pee") == ["Maria Peeters"]
    assert names(organisation=URN) == ["Jan Claes", "Maria Peeters"]
    assert names(type="citizen-helper") == []
    assert names(power="vouchers:order") == ["Jan Claes", "Maria Peeters"]
    assert names(power="payout:change") == []
    assert api.http.get("/api/v1/representations?after=x", headers=bram).json["code"] == "invalid_place"


def test_types_that_the_client_is_not_registered_for_are_left_out(api):
    api.beneficiary("Maria")
    few = api.client("few", scopes=api.desk.scopes, audiences=(API,), mandate_types=("citizen-helper",))
    assert (
        api.http.get("/api/v1/representations", headers=api.person(api.officer(), few)).json[
            "representations"
        ]
        == []
    )


def test_who_can_act_for_me_now_and_then_and_as_it_was_known(api):
    session = api.sign_in("Maria")
    api.clock.forward(60)
    started = api.now
    helper = api.party("Helper")
    given = api.give("citizen-helper", api.stored(session.party), helper)
    api.clock.forward(60)
    api.end(given.id)
    api.clock.forward(60)
    maria = api.person(session)

    def who(**query):
        found = api.http.get("/api/v1/representatives", query_string=query, headers=maria)
        assert found.status_code == 200, found.json
        return [row["person"]["name"] for row in found.json["representatives"]]

    assert who() == []
    assert who(at=started + 30) == ["Helper"]
    assert who(at=started + 90) == []
    assert who(at=started + 90, known_at=started + 30) == ["Helper"]
    assert who(at=started + 30, known_at=started - 10) == []


def test_who_can_act_for_somebody_else_is_none_of_ones_business(api):
    other = api.party("Other")
    maria = api.person(api.sign_in("Maria"))
    for principal in (person(api, other.id), URN, "p-nobody"):
        found = api.http.get(f"/api/v1/representatives?principal={principal}", headers=maria)
        assert (found.status_code, found.json["code"]) == (404, "not_found")


def test_delegates_are_for_who_manages_the_organisation(api):
    company = api.organisation("Netjes", "0999000228", "recognised_company")
    clerk, boss = api.party("Clerk"), api.sign_in("Boss")
    api.give("company-employee", company, clerk)
    urn = "iso6523-actorid-upis::0208:0999000228"
    caller = api.person(boss)
    assert api.http.get(f"/api/v1/organisations/{urn}/delegates", headers=caller).status_code == 404
    api.give("company-manager", company, api.stored(boss.party))
    found = api.http.get(f"/api/v1/organisations/{urn}/delegates?type=company-employee", headers=caller)
    assert [row["representative"]["name"] for row in found.json["delegates"]] == ["Clerk"]
    unknown = api.http.get(
        "/api/v1/organisations/iso6523-actorid-upis::0208:0999999922/delegates", headers=caller
    )
    assert unknown.status_code == 404


def test_numbers_are_resolved_in_the_sector_of_the_service_and_journalled(api):
    session = api.sign_in("Maria")
    number = "85073003328"
    with api.services.database.write() as uow:
        from broker.flows import parties

        index = parties.insz_indexes(api.services, uow, number)[0]
        uow.parties.set_insz(
            session.party, index, api.services.vault.seal(number.encode(), f"insz:{session.party}")
        )
        uow.commit()
    machine = api.program("register", "insz:resolve")
    numbers = ["85.07.30-033.28", "90010100105", "not a number", "85073003328"]
    answer = post(api, "parties/resolve", {"numbers": numbers}, machine)
    hers = api.called(session, "register")
    assert answer.json == {"identifiers": [hers, None, None, hers]}
    assert hers != api.called(session, "desk")
    rows = api.journal()
    assert [row.principal for row in rows if row.type == "number.resolved"] == [session.party]
    batch = next(row for row in rows if row.type == "numbers.resolved")
    assert batch.body["detail"] == {"client": "register", "asked": 4, "found": 1}
    assert not any(number in str(row) for row in rows)


def test_numbers_are_resolved_a_thousand_at_a_time_and_nobody_is_recorded_by_it(api):
    machine = api.program("register", "insz:resolve")
    assert post(api, "parties/resolve", {"numbers": ["1"] * 1001}, machine).status_code == 422
    asked = {"numbers": ["90010100105"]}
    assert post(api, "parties/resolve", asked, machine).json == {"identifiers": [None]}
    assert post(api, "parties/resolve", asked, machine).json == {"identifiers": [None]}


def test_levels_and_kinds_stand_as_the_engine_names_them():
    from broker.endpoints.schemas.decisions import LEVELS
    from broker.endpoints.schemas.mandates import STATES
    from mandates.status import State

    assert set(STATES) == {state.value for state in State}
    assert set(LEVELS) == {level.name.lower() for level in Level if level}
    assert {kind.value for kind in PartyKind} == {"person", "organisation"}


def test_a_decision_of_an_earlier_instant_as_it_was_known_then(api):
    given, bram = api.beneficiary("Maria"), api.person(api.officer())
    then = api.now
    api.clock.forward(60)
    api.end(given.id)
    question = {"principal": person(api, given.principal), "power": "vouchers:order"}
    assert post(api, "decisions", question, bram).json["permitted"] is False
    for moment in ({"at": then}, {"at": then, "known_at": then}, {"known_at": then}):
        assert post(api, "decisions", question | moment, bram).json["permitted"] is True, moment
    assert post(api, "decisions", question | {"at": -1}, bram).status_code == 422


def test_an_organisation_that_holds_a_mandate_stands_in_a_list_of_its_own(api):
    given = api.beneficiary("Maria")
    maria = api.person(api.sign_in("Maria"))
    answer = api.http.get("/api/v1/representatives", headers=maria).json
    assert answer["representatives"] == []
    assert [one["organisation"]["identifier"] for one in answer["organisations"]] == [URN]
    api.end(given.id)
    assert api.http.get("/api/v1/representatives", headers=maria).json["organisations"] == []


def test_a_history_says_where_the_next_page_begins(api):
    given = api.beneficiary("Maria")
    session = api.sign_in("Maria")
    for _ in range(2):
        flow_mandates.suspend(api.services, session, given.id, api.now)
        flow_mandates.resume(api.services, session, given.id, api.now)
    maria = api.person(session)
    reference = api.services.vault.pseudonym("m-", "desk", given.id)
    read, query = [], "?limit=3"
    while query:
        page = api.http.get(f"/api/v1/mandates/{reference}/history{query}", headers=maria).json
        read += [one["event"] for one in page["history"]]
        query = f"?limit=3&after={page['next']}" if page["next"] else ""
    assert read == ["mandate.resumed", "mandate.suspended"] * 2
