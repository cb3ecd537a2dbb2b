import dataclasses

import pytest

from broker.port_errors import ConflictError, NotFoundError
from broker.records import NewParty
from mandates.model import Recognition
from storage.records import NOW, organisation, person, populate, session


def test_a_party_comes_back_as_it_was_stored(database):
    kinds = (Recognition("ocmw", 5, NOW, "register"), Recognition("issuer"))
    facts = {"kbo": "0999000129", "ovo": "OVO000001", "recognitions": kinds, "ceased_at": NOW}
    ocmw = organisation("o", successor="n", **facts)
    maria = dataclasses.replace(person("m"), adult_at=NOW - 9, deceased_at=NOW - 1)
    with database.write() as unit:
        unit.parties.add(NewParty(organisation("n")), NOW)
        unit.parties.add(NewParty(ocmw), NOW)
        unit.parties.add(NewParty(maria, "index", "sealed"), NOW)
        unit.commit()
    with database.read() as unit:
        assert unit.parties.get("o") == ocmw
        assert unit.parties.get("m") == maria
        assert unit.parties.find_by_kbo("0999000129") == ocmw
        assert unit.parties.find_by_ovo("OVO000001") == ocmw
        assert unit.parties.find_by_ovo("OVO000002") is None
        assert unit.parties.get_many(["o", "m"]) == {"o": ocmw, "m": maria}
        assert unit.parties.find_by_insz_index("index") == maria
        assert unit.parties.insz_sealed("m") == "sealed"
        assert unit.parties.insz_sealed("o") is None


def test_what_is_not_stored_is_not_found(database):
    with database.read() as unit:
        with pytest.raises(NotFoundError):
            unit.parties.get("nobody")
        assert unit.parties.find_by_kbo("0") is None
        assert unit.parties.find_by_insz_index("0") is None
        assert unit.parties.find_by_identity("i", "s") is None
        assert unit.parties.insz_sealed("nobody") is None
        assert unit.parties.get_many([]) == {}


def test_many_parties_come_in_one_answer_without_the_unknown(database):
    populate(database)
    with database.read() as unit:
        found = unit.parties.get_many(key for key in ("maria", "ocmw", "maria", "nobody"))
    assert found == {"maria": person("maria"), "ocmw": organisation("ocmw")}


@pytest.mark.parametrize(
    "again",
    [
        NewParty(person("m")),
        NewParty(person("other"), "index", "again"),
        NewParty(organisation("other", kbo="0999000129")),
    ],
    ids=["id", "number", "kbo"],
)
def test_a_taken_id_or_number_or_kbo_is_a_conflict_that_names_none_of_them(database, again):
    with database.write() as unit:
        unit.parties.add(NewParty(person("m"), "index", "sealed"), NOW)
        unit.parties.add(NewParty(organisation("o", kbo="0999000129")), NOW)
        with pytest.raises(ConflictError) as caught:
            unit.parties.add(again, NOW)
        unit.commit()  # the transaction survives a conflict
    assert caught.value.__cause__ is None
    assert "0999000129" not in str(caught.value)
    with database.read() as unit:
        assert unit.parties.get("o").kbo == "0999000129"


def test_a_saved_party_changes_only_what_may_change(database):
    with database.write() as unit:
        unit.parties.add(NewParty(organisation("n")), NOW)
        unit.parties.add(NewParty(organisation("o", kbo="0999000129")), NOW)
        changed = organisation(
            "o",
            kbo="0999000129",
            ovo="OVO000001",
            recognitions=(Recognition("ocmw", NOW),),
            ceased_at=NOW,
            successor="n",
        )
        changed = dataclasses.replace(changed, name="New")
        unit.parties.save(dataclasses.replace(changed, kbo="0999000228"), NOW)
        assert unit.parties.get("o") == changed
        with pytest.raises(NotFoundError):
            unit.parties.save(person("nobody"), NOW)


def test_of_many_parties_all_are_stored_or_none(database):
    with database.write() as unit:
        unit.parties.add_many([NewParty(person("m"), "index", "sealed"), NewParty(person("j"))], NOW)
        unit.parties.add_many([], NOW)
        with pytest.raises(ConflictError) as caught:
            unit.parties.add_many([NewParty(person("n")), NewParty(person("o"), "index", "again")], NOW)
        assert "index" not in str(caught.value)
        unit.commit()
    with database.read() as unit:
        assert unit.parties.get_many(["m", "j", "n", "o"]) == {"m": person("m"), "j": person("j")}
        assert unit.parties.find_by_insz_indexes(iter(["index", "none"])) == {"index": person("m")}


def test_an_ovo_code_belongs_to_one_organisation(database):
    with database.write() as unit:
        unit.parties.add(NewParty(organisation("o", ovo="OVO000001")), NOW)
        with pytest.raises(ConflictError):
            unit.parties.add(NewParty(organisation("p", ovo="OVO000001")), NOW)


def test_an_identity_leads_to_one_party(database):
    populate(database)
    with database.write() as unit:
        unit.parties.add_identity("https://acm", "1", "maria", NOW)
        unit.parties.add_identity("https://acm", "2", "maria", NOW + 1)
        with pytest.raises(ConflictError):
            unit.parties.add_identity("https://acm", "1", "jozef", NOW)
        assert unit.parties.find_by_identity("https://acm", "1") == person("maria")
        assert unit.parties.identities("maria") == [("https://acm", "1"), ("https://acm", "2")]


def test_an_identity_of_an_unknown_party_is_refused(database):
    with database.write() as unit, pytest.raises(NotFoundError):
        unit.parties.add_identity("https://acm", "1", "nobody", NOW)


def test_a_session_comes_back_as_it_was_stored(database):
    populate(database)
    stored = session("s2", "fatima", organisation="ocmw", ended_at=NOW + 5)
    with database.write() as unit:
        unit.sessions.add(stored)
        with pytest.raises(ConflictError):
            unit.sessions.add(stored)
        unit.commit()
    with database.read() as unit:
        assert unit.sessions.find("s2") == stored
        assert unit.sessions.find("nothing") is None


def test_last_use_only_moves_forward_and_not_after_the_end(database):
    populate(database)
    with database.write() as unit:
        unit.sessions.touch("s1", NOW + 60)
        unit.sessions.touch("s1", NOW + 30)
        assert unit.sessions.find("s1").last_seen_at == NOW + 60
        unit.sessions.end("s1", NOW + 70)
        unit.sessions.touch("s1", NOW + 80)
        unit.sessions.end("s1", NOW + 90)
        ended = unit.sessions.find("s1")
    assert (ended.last_seen_at, ended.ended_at) == (NOW + 60, NOW + 70)


def test_a_number_is_given_to_who_has_none_and_to_nobody_twice(database):
    with database.write() as unit:
        unit.parties.add(NewParty(person("nadia")), NOW)
        unit.parties.add(NewParty(person("omar"), insz_index="omars", insz_sealed="s"), NOW)
        unit.parties.set_insz("nadia", "nadias", "sealed")
        unit.commit()
    with database.read() as unit:
        assert unit.parties.find_by_insz_index("nadias").id == "nadia"
        assert unit.parties.insz_sealed("nadia") == "sealed"
    for who, index in (("nadia", "other"), ("omar", "other")):
        with database.write() as unit, pytest.raises(ConflictError):
            unit.parties.set_insz(who, index, "sealed")


def test_consents_of_a_client_can_be_forgotten(database):
    with database.write() as unit:
        unit.parties.add(NewParty(person("nadia")), NOW)
        unit.grants.remember_consent("nadia", "shop", ["openid"], NOW)
        unit.grants.remember_consent("nadia", "other", ["openid"], NOW)
        unit.grants.forget_consents("shop")
        unit.commit()
    with database.read() as unit:
        assert unit.grants.consented("nadia", "shop") == frozenset()
        assert unit.grants.consented("nadia", "other") == {"openid"}
