import hashlib
import json

import pytest

from mandates.commitments import ROLES, commitments, leaf_of_commitments, openings

SALTS = {"maria": "11" * 16, "bram": "22" * 16}
PARTIES = {"actor": "bram", "principal": "maria", "representative": None}
BODY = {"grounds": "verhuisd", "detail": {"n": 1}}


def opened(parties=PARTIES, salts=SALTS, at=5, type_="mandate.revoked", mandate="m"):
    return openings(parties, salts, at, type_, mandate)


def test_there_is_an_opening_for_each_party_and_none_for_nobody():
    made = opened()
    assert [made[role] is not None for role in ROLES] == [True, True, False]
    assert made["actor"] != made["principal"]


@pytest.mark.parametrize("change", [{"at": 6}, {"type_": "mandate.waived"}, {"mandate": "n"}])
def test_the_opening_of_one_row_opens_no_other(change):
    assert opened(**change)["principal"] != opened()["principal"]


def test_one_person_in_two_roles_has_two_openings():
    made = opened({"actor": "maria", "principal": "maria", "representative": None})
    assert made["actor"] != made["principal"]


def test_a_commitment_depends_on_party_contents_and_salt():
    made = commitments(PARTIES, BODY, opened())
    other_salt = commitments(PARTIES, BODY, opened(salts=SALTS | {"maria": "33" * 16}))
    assert made["representative"] is None
    assert made["actor"] == other_salt["actor"]
    assert made["principal"] != other_salt["principal"]
    assert made["content"] != other_salt["content"], "the contents are sealed with every party of the row"
    assert commitments(PARTIES, BODY | {"grounds": ""}, opened())["content"] != made["content"]
    assert commitments(PARTIES | {"principal": "bram"}, BODY, opened())["principal"] != made["principal"]


def test_a_commitment_is_the_hash_that_is_documented():
    salt = opened()["principal"]
    said = b'{"principal":"maria"}'
    assert (
        commitments(PARTIES, BODY, opened())["principal"]
        == hashlib.sha256(bytes.fromhex(salt) + said).hexdigest()
    )


def test_the_leaf_binds_every_fact_and_holds_no_party():
    facts = {
        "seq": 1,
        "at": 5,
        "recorded_at": 6,
        "type_": "mandate.revoked",
        "mandate": "m",
        "committed": commitments(PARTIES, BODY, opened()),
    }
    leaf = leaf_of_commitments(**facts)
    others = {"seq": 2, "at": 6, "recorded_at": 7, "type_": "x", "mandate": None, "committed": {}}
    for name, value in others.items():
        assert leaf_of_commitments(**(facts | {name: value})) != leaf
    text = json.dumps(facts["committed"])
    assert "maria" not in text
    assert "verhuisd" not in text
