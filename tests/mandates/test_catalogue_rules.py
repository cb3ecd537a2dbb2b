"""A table that reads well and would give power away is refused, with the table and the key."""

from __future__ import annotations

import pytest

from builders import CATALOGUE_TEXT
from mandates.catalogue import load_catalogue
from mandates.errors import CatalogueError

POWER = '[powers."a:b"]\nlabel = { nl = "x", fr = "x", en = "x" }\n'
BASE = {
    "label": '{ nl = "x", fr = "x", en = "x" }',
    "principal_kind": '"person"',
    "representative_kind": '"person"',
    "request_by": '["principal"]',
    "approvals": '["representative"]',
    "level_to_give": '"substantial"',
    "level_to_use": '"substantial"',
    "default_days": "10",
    "longest_days": "10",
    "powers": '["a:b"]',
}
STAFF = {"principal_kind": '"organisation"', "request_by": '["manager"]', "approvals": "[]"}
HOUSE = {"representative_kind": '"organisation"'}


def table(key="t", **facts):
    lines = [f"{name} = {value}" for name, value in (BASE | facts).items() if value]
    return f"[types.{key}]\n" + "\n".join(lines) + "\n"


def load(*tables):
    return load_catalogue(POWER + "".join(tables))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"depth": "1", "pass_on_by": '["representative"]'},
        {"depth": "3", "pass_on_by": '["officer", "representative"]', **HOUSE},
        {"rest_days": "365", "rest_approvals": '["principal", "issuer"]'},
        {"sample_percent": "100"},
        {"activation_code": '["representative"]'},
        {"rest_days": "1", "rest_approvals": '["principal"]', "activation_code": '["principal"]'},
        {"approvals": '["issuer"]', "measure": "true", "until_adult": "true", "request_by": '["issuer"]'},
        {"approvals": "[]"},
        {"approvals_mode": '"any"'},
        {**STAFF, "executor": "true", "ex_officio_roles": '["x"]'},
        {**STAFF, "grants": '["t"]'},
    ],
)
def test_a_table_that_keeps_the_rules_is_taken(facts):
    assert load(table(**facts)).types["t"].key == "t"


@pytest.mark.parametrize(
    ("facts", "key", "word"),
    [
        ({"depth": "1"}, "pass_on_by", "depth"),
        ({"pass_on_by": '["representative"]'}, "pass_on_by", "depth"),
        ({"depth": "1", "pass_on_by": '["principal"]'}, "pass_on_by", "holds"),
        ({"depth": "1", "pass_on_by": '["representative", "issuer"]'}, "pass_on_by", "holds"),
        ({"depth": "1", "pass_on_by": '["origin"]'}, "pass_on_by", "origin"),
        ({"depth": "-1"}, "depth", "0"),
        ({"depth": "true"}, "depth", "0"),
        ({"depth": "'1'"}, "depth", "0"),
        (
            {**STAFF, "executor": "true", "depth": "1", "pass_on_by": '["representative"]'},
            "depth",
            "executors",
        ),
        (
            {**STAFF, "ex_officio_roles": '["x"]', "depth": "1", "pass_on_by": '["representative"]'},
            "depth",
            "claims",
        ),
        ({**STAFF, "grants": '["t"]', "depth": "1", "pass_on_by": '["representative"]'}, "depth", "grants"),
        (
            {"approvals": '["issuer"]', "measure": "true", "depth": "1", "pass_on_by": '["representative"]'},
            "depth",
            "measure",
        ),
        ({"rest_days": "365"}, "rest_approvals", "rest_days"),
        ({"rest_approvals": '["principal"]'}, "rest_approvals", "rest_days"),
        ({"rest_days": "-1", "rest_approvals": '["principal"]'}, "rest_days", "0"),
        ({"rest_days": "1", "rest_approvals": '["manager"]'}, "rest_approvals", "manager"),
        ({"sample_percent": "101"}, "sample_percent", "100"),
        ({"sample_percent": "-1"}, "sample_percent", "0"),
        ({"sample_percent": "0.5"}, "sample_percent", "0"),
        ({"activation_code": '["principal"]'}, "activation_code", "approvals"),
        ({"approvals": '["issuer"]', "activation_code": '["issuer"]'}, "activation_code", "party"),
        (
            {"approvals": '["second_officer"]', "activation_code": '["second_officer"]'},
            "activation_code",
            "party",
        ),
        ({"activation_code": '["officer"]'}, "activation_code", "officer"),
        ({**STAFF, "approvals": '["issuer"]', "measure": "true"}, "principal_kind", "person"),
        ({**STAFF, "until_adult": "true"}, "principal_kind", "person"),
        ({"measure": "true"}, "approvals", "court"),
        ({"approvals": '["issuer", "principal"]', "measure": "true"}, "approvals", "court"),
        ({"approvals": "[]", "measure": "true"}, "approvals", "court"),
        ({"approvals": "[]", "request_by": '["representative"]'}, "approvals", "empty"),
        ({"approvals": "[]", "request_by": '["principal", "officer"]'}, "approvals", "empty"),
        ({"approvals": "[]", "request_by": '["issuer"]'}, "approvals", "empty"),
        ({"approvals": "[]", "request_by": '["administrator"]'}, "approvals", "empty"),
        ({"approvals": '["administrator"]'}, "approvals", "administrator"),
        ({"approvals_mode": '"most"'}, "approvals_mode", "any"),
        ({"default_days": "11"}, "default_days", "longest_days"),
        ({"lapse_days": "0"}, "lapse_days", "1"),
        ({"powers": "[]"}, "powers", "at least one"),
        ({"powers": ""}, "powers", "at least one"),
        ({"principal_org_kinds": '["ocmw"]'}, "principal_org_kinds", "person"),
        ({"representative_org_kinds": '["ocmw"]'}, "representative_org_kinds", "person"),
        ({"executor": "true"}, "executor", "organisation"),
        ({**HOUSE, "executor": "true"}, "executor", "organisation"),
        ({"executors": '["t"]'}, "executors", "organisation"),
        ({**HOUSE, "executors": '["t"]'}, "executors", "executor"),
        ({**HOUSE, "executors": '["nobody"]'}, "executors", "nobody"),
        ({"grants": '["t"]'}, "grants", "organisation"),
        ({**STAFF, "grants": '["nobody"]'}, "grants", "nobody"),
        ({"ex_officio_roles": '["x"]'}, "ex_officio_roles", "organisation"),
        ({**STAFF, "ex_officio_roles": '["a-b"]'}, "ex_officio_roles", "context"),
        ({**STAFF, "ex_officio_roles": '["a:b"]'}, "ex_officio_roles", "context"),
        ({"several": "1"}, "several", "true or false"),
        ({"measure": "0"}, "measure", "true or false"),
        ({"until_adult": "'yes'"}, "until_adult", "true or false"),
        ({"caseload": "true"}, "caseload", "spelling"),
    ],
)
def test_a_table_that_breaks_a_rule_is_named_with_its_key(facts, key, word):
    with pytest.raises(CatalogueError) as error:
        load(table(**facts))
    text = str(error.value)
    assert text.startswith(f"[types.t] {key}: ")
    assert word in text.split(": ", 1)[1]
    assert error.value.code == "invalid_catalogue"


def test_a_type_grants_no_type_whose_principal_is_a_person():
    with pytest.raises(CatalogueError) as error:
        load(table(), table("boss", **STAFF, grants='["t"]'))
    assert str(error.value).startswith("[types.boss] grants: `t`")


def test_of_two_tables_the_wrong_one_is_named():
    with pytest.raises(CatalogueError) as error:
        load(table(), table("second", sample_percent="101"))
    assert str(error.value).startswith("[types.second] sample_percent")


@pytest.mark.parametrize("key", [key for key in BASE if key not in {"request_by", "approvals", "powers"}])
def test_what_is_left_out_is_not_guessed(key):
    with pytest.raises(CatalogueError) as error:
        load(table(**{key: ""}))
    assert str(error.value).startswith(f"[types.t{'.label' if key == 'label' else ''}]")


def test_what_is_left_out_means_nobody():
    bare = load(table(request_by="", approvals="")).types["t"]
    for field in (
        "request_by",
        "approvals",
        "refuse_by",
        "cancel_by",
        "revoke_by",
        "waive_by",
        "withdraw_by",
    ):
        assert getattr(bare, field) == ()
    assert (bare.suspend_by, bare.pass_on_by, bare.activation_code, bare.rest_approvals) == ((), (), (), ())
    assert (bare.depth, bare.renew_days, bare.rest_days, bare.sample_percent) == (0, 0, 0, 0)
    flags = (bare.several, bare.measure, bare.until_adult, bare.executor, bare.evidence_required)
    assert flags == (False,) * 5
    assert (bare.approvals_mode, bare.lapse_days) == ("all", 14)


def test_the_shipped_catalogue_keeps_them_all():
    assert len(load_catalogue(CATALOGUE_TEXT).types) == 10
