"""Claims about people, and the rules on national numbers (OpenID Connect Core section 5.3; tokens.md section 3)."""

from __future__ import annotations

import logging

import pytest

from attack_tools import claims_of
from broker.app import create_app
from broker.flows import parties
from broker.records import Basis
from flow_world import ISSUER, FlowWorld, access_claims
from keys.tokens import sign
from mandates.model import Evidence
from provers import Prover

MARIA, BRAM = "93051822361", "85073003328"
NUMBER_SCOPES = frozenset({"openid", "profile", "insz", "obo:profile", "obo:insz"})


class House(FlowWorld):
    """Bram, an officer, acts for Maria; a clerk acts for a company; a daughter acts for her mother."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bram = self.officer()
        self.maria = self.party("Maria")
        self.number(self.bram.party, BRAM)
        self.number(self.maria.id, MARIA)
        self.given = self.give("ocmw-beneficiary", self.maria, self.ocmw, evidence=Evidence("form"))
        self.app = self.client(sector="app")
        self.http = create_app(self.services.settings, self.services).test_client()

    def number(self, party: str, insz: str) -> None:
        with self.services.database.write() as uow:
            index = parties.insz_indexes(self.services, uow, insz)[0]
            uow.parties.set_insz(party, index, self.services.vault.seal(insz.encode(), f"insz:{party}"))
            uow.commit()

    def registered(self, **changes) -> None:
        self.client(sector="app", **changes)
        self.services.registrations.renew()

    def token(self, answer, *scopes: str, **changes) -> str:
        """A token of this grant for UserInfo, with an index of its own."""
        claims = access_claims(answer)
        place = claims["status"]["status_list"]
        with self.services.database.write() as uow:
            known = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
            basis = Basis(known.grant, known.client, ISSUER, known.mandate, known.executor)
            entry = uow.status.allocate(basis, claims["exp"], self.now)
            uow.commit()
        status = {"uri": f"{ISSUER}/status/{entry.list}", "idx": entry.index}
        claims |= {"aud": ISSUER, "scope": " ".join(scopes), "status": {"status_list": status}}
        for one in claims.get("authorization_details", ()):
            one |= {"locations": [ISSUER], "actions": [scope.removeprefix("obo:") for scope in scopes]}
        key = self.services.keyring().signing_key("tokens", self.now)
        return sign(claims | changes, key, "at+jwt")

    def own(self, *scopes: str, **changes) -> str:
        return self.token(self.tokens(self.app, self.bram, "self"), *scopes, **changes)

    def delegated(self, *scopes: str) -> str:
        answer = self.tokens(self.app, self.bram, self.key_of(self.app, self.given))
        return self.token(answer, *scopes)

    def told(self, token: str, method: str = "GET"):
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.open("/userinfo", method=method, headers=headers)

    def called(self, party: str) -> str:
        return self.services.vault.pseudonym("p-", "app", party)

    def reads(self):
        """(whose number, by whom, client, claim), in order."""
        with self.services.database.read() as uow:
            rows = [row for row in uow.journal.tail(100) if row.type == "insz.read"]
        return [
            (row.principal, row.actor, row.body["detail"]["client"], row.body["detail"]["claim"])
            for row in reversed(rows)
        ]


@pytest.fixture
def house(tmp_path):
    world = House(tmp_path)
    yield world
    world.close()


# --- who is who ---


def test_of_herself_a_person_is_told_by_her_name_in_the_clients_sector(house):
    answer = house.told(house.own("openid", "profile"))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json == {"sub": house.called(house.bram.party), "name": "Bram"}


def test_without_profile_there_is_no_name(house):
    assert house.told(house.own("openid")).json == {"sub": house.called(house.bram.party)}


def test_sub_stays_the_human_who_signed_in_and_represents_names_the_chain(house):
    """As in the ID token, or the client may not use the answer (OpenID Connect Core section 5.3.2)."""
    issued = house.tokens(house.app, house.bram, house.key_of(house.app, house.given))
    answer = house.told(house.token(issued, "obo:profile")).json
    named = claims_of(issued["id_token"])
    assert answer["sub"] == named["sub"] == house.called(house.bram.party)
    assert answer["represents"] == named["represents"]
    assert answer["represents"]["represents"] == {
        "iss": ISSUER,
        "sub": house.called(house.maria.id),
        "name": "Maria",
    }
    assert (answer["name"], answer["represents"]["name"]) == ("Bram", "OCMW")


def test_without_obo_profile_the_chain_has_no_names(house):
    house.registered(scopes=house.app.scopes | NUMBER_SCOPES)
    answer = house.told(house.delegated("obo:insz")).json
    for word in ("name", "Bram", "Maria", "OCMW"):
        assert word not in str(answer)
    assert answer["represents"]["represents"]["sub"] == house.called(house.maria.id)


def test_who_acts_for_a_person_without_an_organisation_represents_her_at_once(house):
    lotte = house.sign_in("Lotte")
    with house.services.database.read() as uow:
        daughter = uow.parties.get(lotte.party)
    given = house.give("citizen-helper", house.maria, daughter)
    house.registered(mandate_types=("citizen-helper",))
    app = house.services.registrations().find_client(house.app.id)
    issued = house.tokens(app, lotte, house.key_of(app, given))
    answer = house.told(house.token(issued, "obo:profile")).json
    assert answer["represents"] == {"iss": ISSUER, "sub": house.called(house.maria.id), "name": "Maria"}
    assert answer["sub"] == house.called(lotte.party)


# --- numbers ---


def test_a_number_is_given_to_a_client_that_is_registered_for_it_and_it_is_journalled(house):
    house.registered(scopes=house.app.scopes | {"insz"})
    answer = house.told(house.own("openid", "insz")).json
    assert answer["insz"] == BRAM
    assert house.reads() == [(house.bram.party, house.bram.party, "voucher-web", "insz")]


def test_a_number_needs_its_scope_in_the_token(house):
    house.registered(scopes=house.app.scopes | NUMBER_SCOPES)
    assert "insz" not in house.told(house.own("openid", "profile")).json
    assert "insz" not in house.told(house.delegated("obo:profile")).json
    assert house.reads() == []


def test_a_number_needs_the_registration_as_it_is_now(house):
    """A token of before the registration lost its number opens it no more."""
    house.registered(scopes=house.app.scopes | {"insz", "obo:insz"})
    tokens = house.own("openid", "insz"), house.delegated("obo:insz")
    house.registered(scopes=house.app.scopes)
    for token in tokens:
        assert "insz" not in house.told(token).json
    assert house.reads() == []


def test_in_a_delegated_grant_the_number_is_the_principals_and_only_hers(house):
    house.registered(scopes=house.app.scopes | NUMBER_SCOPES)
    answer = house.told(house.delegated("obo:insz")).json
    assert answer["insz"] == MARIA
    assert BRAM not in str(answer)
    assert house.reads() == [(house.maria.id, house.bram.party, "voucher-web", "insz")]


def test_the_actors_number_is_given_only_to_clients_with_the_mark_for_it_too(house):
    house.registered(scopes=house.app.scopes | NUMBER_SCOPES | {"insz_actor"})
    answer = house.told(house.delegated("obo:insz")).json
    assert (answer["insz"], answer["insz_actor"]) == (MARIA, BRAM)
    assert house.reads() == [
        (house.maria.id, house.bram.party, "voucher-web", "insz"),
        (house.bram.party, house.bram.party, "voucher-web", "insz_actor"),
    ]


def test_the_mark_alone_opens_nothing(house):
    house.registered(scopes=house.app.scopes | {"insz_actor", "obo:profile"})
    for token in (house.delegated("obo:profile"), house.own("openid"), house.delegated("obo:insz")):
        answer = house.told(token)
        assert MARIA not in answer.text
        assert BRAM not in answer.text


def test_scopes_of_a_self_token_open_nothing_for_another(house):
    """Each scope its own: `insz` is about herself, `obo:insz` about whom she acts for."""
    house.registered(scopes=house.app.scopes | {"insz"})
    assert "insz" not in house.told(house.delegated("obo:insz")).json
    house.registered(scopes=house.app.scopes | {"obo:insz"})
    assert "insz" not in house.told(house.own("openid", "insz")).json


def test_a_company_has_no_national_number(house):
    company = house.organisation("Firma", "0999000228", "recognised_company")
    clerk = house.sign_in("Cas")
    with house.services.database.read() as uow:
        party = uow.parties.get(clerk.party)
    given = house.give("company-employee", company, party)
    house.audience(scopes=frozenset({"performances:submit", "obo:performances:submit"}))
    scopes = NUMBER_SCOPES | {"obo:performances:submit"}
    house.registered(scopes=scopes, mandate_types=("company-employee",))
    app = house.services.registrations().find_client(house.app.id)
    issued = house.tokens(app, clerk, house.key_of(app, given))
    answer = house.told(house.token(issued, "obo:insz")).json
    assert "insz" not in answer
    assert answer["represents"]["sub"] == "iso6523-actorid-upis::0208:0999000228"
    assert house.reads() == []


def test_who_has_no_number_on_record_has_none_here_and_nothing_was_read(house):
    els = house.sign_in("Els")
    house.registered(scopes=house.app.scopes | {"insz"})
    token = house.token(house.tokens(house.app, els, "self"), "openid", "insz")
    assert house.told(token).json == {"sub": house.called(els.party)}
    assert house.reads() == []


def test_no_number_leaves_unless_its_row_is_committed(house, monkeypatch):
    house.registered(scopes=house.app.scopes | {"insz"})
    token = house.own("openid", "insz")

    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("broker.storage.unit_of_work.SqlUnitOfWork.commit", broken)
    answer = house.told(token)
    assert answer.status_code == 500
    assert BRAM not in answer.text
    monkeypatch.undo()
    assert house.reads() == []


def test_no_number_is_in_a_log_or_in_the_journal(house, caplog):
    house.registered(scopes=house.app.scopes | NUMBER_SCOPES | {"insz_actor"})
    with caplog.at_level(logging.DEBUG):
        assert MARIA in house.told(house.delegated("obo:insz")).text
    assert MARIA not in caplog.text
    assert BRAM not in caplog.text
    with house.services.database.read() as uow:
        assert not [row for row in uow.journal.tail(100) if MARIA in str(row) or BRAM in str(row)]


# --- the whole way: from the sign-in to the answer ---


def test_a_refresh_for_the_broker_itself_opens_userinfo_for_whom_she_acts(house):
    app = house.client(sector="app", scopes=house.app.scopes | NUMBER_SCOPES)
    house.services.registrations.renew()
    answer = house.tokens(app, house.bram, house.key_of(app, house.given))
    fresh = house.refresh(app, answer, resources=(ISSUER,))
    assert set(access_claims(fresh)["scope"].split()) == {"obo:profile", "obo:insz"}
    told = house.told(fresh["access_token"]).json
    assert told["sub"] == claims_of(answer["id_token"])["sub"]
    assert told["represents"]["represents"]["name"] == "Maria"
    assert told["insz"] == MARIA


def test_a_refresh_for_the_broker_itself_opens_userinfo_about_herself(house):
    app = house.client(sector="app", scopes=house.app.scopes | NUMBER_SCOPES)
    house.services.registrations.renew()
    answer = house.tokens(app, house.bram, "self")
    fresh = house.refresh(app, answer, resources=(ISSUER,))
    told = house.told(fresh["access_token"]).json
    assert told == {"sub": house.called(house.bram.party), "name": "Bram", "insz": BRAM}


# --- the door ---


def test_post_answers_as_get_does(house):
    token = house.own("openid", "profile")
    assert house.told(token, "POST").json == house.told(token).json


def test_a_token_for_another_audience_opens_nothing(house):
    answer = house.told(house.tokens(house.app, house.bram, "self")["access_token"])
    assert (answer.status_code, answer.json["reason"]) == (401, "aud")


def test_a_self_token_without_openid_is_refused(house):
    answer = house.told(house.own("profile"))
    assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")


def test_a_delegated_token_without_a_scope_of_this_audience_is_refused(house):
    answer = house.told(house.delegated("obo:vouchers:read"))
    assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")


def test_a_revoked_token_opens_nothing(house):
    token = house.delegated("obo:profile")
    assert house.told(token).status_code == 200
    house.end(house.given.id)
    answer = house.told(token)
    assert (answer.status_code, answer.json["reason"]) == (401, "revoked")


def test_a_bound_token_without_its_proof_is_refused(house):
    bound = house.own("openid", cnf={"jkt": "k" * 43})
    assert house.told(bound).status_code == 401


def test_a_request_without_a_token_is_challenged(house):
    answer = house.http.get("/userinfo")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(("Bearer", "DPoP"))


def test_a_client_that_is_gone_is_told_nothing(house):
    token = house.own("openid")
    with house.services.database.write() as uow:
        uow.registry.remove_client(house.app.id)
        uow.commit()
    house.services.registrations.renew()
    assert house.told(token).status_code in {401, 404}


def test_a_bound_token_with_its_proof_is_answered_and_the_proof_counts_once(house):
    prover = Prover()
    bound = house.own("openid", "profile", cnf={"jkt": prover.jkt})
    proof = prover.proof("GET", f"{ISSUER}/userinfo", bound, iat=house.now)
    headers = {"Authorization": f"DPoP {bound}", "DPoP": proof}
    assert house.http.get("/userinfo", headers=headers).json["name"] == "Bram"
    again = house.http.get("/userinfo", headers=headers)
    assert (again.status_code, again.json["reason"]) == (401, "proof_replayed")
    fresh = prover.proof("POST", f"{ISSUER}/userinfo", bound, iat=house.now)
    assert house.http.post("/userinfo", headers=headers | {"DPoP": fresh}).status_code == 200
