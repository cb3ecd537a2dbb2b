import hashlib

import pytest

from builders import CATALOGUE_TEXT, catalogue
from mandates.catalogue import load_catalogue
from mandates.errors import CatalogueError
from mandates.ex_officio import claimed_types
from mandates.model import Level, PartyKind

CITIZEN = (
    "vouchers:read",
    "vouchers:order",
    "vouchers:assign",
    "performances:confirm",
    "profile:read",
    "profile:manage",
    "refunds:request",
)
COMPANY = ("performances:read", "performances:submit", "invoices:read", "workers:manage", "payout:change")


def changed(*replacements):
    """The shipped catalogue with something replaced, which must have been there."""
    text = CATALOGUE_TEXT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def refused(text, *words):
    with pytest.raises(CatalogueError) as error:
        load_catalogue(text)
    assert error.value.code == "invalid_catalogue"
    for word in words:
        assert word in str(error.value)


def in_type(key, line, text=CATALOGUE_TEXT):
    """A line added at the head of one type."""
    return text.replace(f"[types.{key}]\n", f"[types.{key}]\n{line}\n", 1)


def test_these_types_ship():
    assert list(catalogue().types) == [
        "ocmw-beneficiary",
        "ocmw-executor",
        "ocmw-manager",
        "ocmw-legacy",
        "ocmw-legacy-executor",
        "company-employee",
        "company-manager",
        "citizen-helper",
        "court-administrator",
        "parent",
    ]


def test_the_version_is_the_beginning_of_the_hash_of_the_text():
    assert catalogue().version == hashlib.sha256(CATALOGUE_TEXT.encode()).hexdigest()[:12]
    assert load_catalogue(CATALOGUE_TEXT + "\n").version != catalogue().version


def test_the_ocmw_type_says_what_the_design_says():
    t = catalogue().type("ocmw-beneficiary")
    assert (t.principal_kind, t.representative_kind) == (PartyKind.PERSON, PartyKind.ORGANISATION)
    assert t.representative_org_kinds == {"ocmw"}
    assert (t.request_by, t.approvals, t.approvals_mode) == (
        ("officer",),
        ("principal", "second_officer"),
        "any",
    )
    assert (t.revoke_by, t.waive_by, t.withdraw_by) == (("principal",), ("officer",), ())
    assert (t.evidence_required, t.executor, t.executors, t.lapse_days) == (
        True,
        False,
        ("ocmw-executor",),
        14,
    )
    assert (t.rest_days, t.rest_approvals, t.sample_percent) == (365, ("principal", "issuer"), 5)
    assert (t.activation_code, t.depth, t.pass_on_by) == (("principal",), 1, ("officer",))
    assert tuple(t.powers) == CITIZEN
    assert t.powers["vouchers:order"].label["nl"] == "Dienstencheques bestellen"


def test_a_court_or_the_law_decides_and_the_issuer_checks():
    court, parent = catalogue().type("court-administrator"), catalogue().type("parent")
    assert (court.measure, court.until_adult, court.several) == (True, False, True)
    assert (parent.measure, parent.until_adult, parent.several) == (True, True, True)
    for t in (court, parent):
        assert (t.request_by, t.approvals, t.evidence_required, t.depth) == (
            ("representative", "issuer"),
            ("issuer",),
            True,
            0,
        )
        assert (t.revoke_by, t.withdraw_by) == ((), ("issuer",)), "a court ends it, not she who is protected"


def test_managers_come_from_claims_and_nobody_requests_them():
    executor, manager = catalogue().type("ocmw-executor"), catalogue().type("company-manager")
    assert (executor.executor, executor.ex_officio_roles, executor.request_by) == (
        True,
        ("mandaatuitvoerder",),
        ("manager",),
    )
    assert (manager.executor, manager.ex_officio_roles, manager.request_by) == (False, ("beheerder",), ())
    assert manager.grants == ("company-employee",)
    assert tuple(manager.powers) == (*COMPANY, "delegates:manage")


def test_a_helper_is_asked_by_the_principal_for_two_years_and_accepts():
    t = catalogue().type("citizen-helper")
    assert (t.request_by, t.approvals, t.default_days, t.longest_days) == (
        ("principal",),
        ("representative",),
        730,
        730,
    )


def test_every_type_needs_a_substantial_login_but_the_logins_of_before():
    types = catalogue().types.values()
    assert {t.level_to_give for t in types} == {Level.SUBSTANTIAL}
    assert {t.key for t in types if t.level_to_use < Level.SUBSTANTIAL} == {
        "ocmw-legacy",
        "ocmw-legacy-executor",
    }


def test_an_unknown_type_is_an_error():
    with pytest.raises(CatalogueError):
        catalogue().type("no-such-type")


@pytest.mark.parametrize("text", ["", "[powers]", "[types]", "not toml ="])
def test_an_empty_catalogue_is_refused(text):
    refused(text)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("evidence_requird = true", "evidence_requird"),
        ("grants = ['no-such-type']", "grants"),
        ("grants = ['company-employee']", "grants"),
        ("withdraw_by = ['boss']", "withdraw_by"),
        ("withdraw_by = 'officer'", "withdraw_by"),
        ("withdraw_by = [1]", "withdraw_by"),
        ("withdraw_by = ['officer', 'officer']", "withdraw_by"),
        ("executor = 1", "executor"),
        ("executor = true", "executor"),
        ("principal_org_kinds = ['ocmw']", "principal_org_kinds"),
        ("executor = 'yes'", "executor"),
        ("ex_officio_roles = 'beheerder'", "ex_officio_roles"),
        ("several = 1", "several"),
        ("measure = 0", "measure"),
        ("until_adult = 'yes'", "until_adult"),
    ],
)
def test_a_wrong_key_is_named_with_its_table(line, key):
    refused(in_type("ocmw-beneficiary", line), "types.ocmw-beneficiary", key)


def test_a_person_has_no_organisation_kinds():
    line = "representative_org_kinds = ['ocmw']"
    refused(in_type("company-employee", line), "types.company-employee", "representative_org_kinds")


@pytest.mark.parametrize(
    "line",
    [
        'principal_kind = "person"',
        'representative_kind = "organisation"',
        'level_to_give = "substantial"',
        'level_to_use = "substantial"',
        "default_days = 730",
        "longest_days = 1096 # three years, one of them a leap year",
    ],
)
def test_a_missing_key_is_named_with_its_table(line):
    refused(changed((line, "")), "types.ocmw-beneficiary", line.split()[0])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('nl = "Dienstencheques bekijken", ', "", ['powers."vouchers:read".label', "nl"]),
        ('nl = "Dienstencheques bekijken"', 'nl = " "', ["nl"]),
        ('nl = "Dienstencheques bekijken"', 'nl = "x", de = "x"', ["de", "spelling"]),
        ('[powers."vouchers:read"]', '[powers."obo:read"]', ["obo:read"]),
        ('[powers."vouchers:read"]', '[extra]\nx = 1\n[powers."vouchers:read"]', ["extra"]),
        ('[powers."vouchers:read"]', '[powers."vouchers"]', ["vouchers"]),
        ("default_days = 730", "default_days = 1097", ["default_days"]),
        ("default_days = 730", "default_days = 0", ["default_days"]),
        ('level_to_use = "substantial"', 'level_to_use = "extreme"', ["level_to_use"]),
        ('approvals_mode = "any"', 'approvals_mode = "most"', ["approvals_mode"]),
        ('approvals = ["principal", "second_officer"]', 'approvals = ["officer"]', ["approvals"]),
        ('approvals = ["principal", "second_officer"]', "", ["approvals"]),
        ('executors = ["ocmw-executor"]', 'executors = ["citizen-helper"]', ["executors"]),
        ('executors = ["ocmw-executor"]', 'executors = ["nobody"]', ["executors"]),
        ('powers = ["vouchers:read", ', 'powers = ["vouchers:eat", ', ["powers", "vouchers:eat"]),
        ("[types.ocmw-beneficiary]", "[types.OCMW]", ["types.OCMW"]),
        (
            'ex_officio_roles = ["beheerder"]',
            'ex_officio_roles = ["Right-beheerder"]',
            ["ocmw-manager", "ex_officio_roles"],
        ),
        ('grants = ["company-employee"]', 'grants = ["citizen-helper"]', ["company-manager", "grants"]),
        ('grants = ["company-employee"]', 'executors = ["ocmw-executor"]', ["company-manager", "executors"]),
    ],
)
def test_a_catalogue_that_would_not_be_safe_is_refused(old, new, words):
    refused(changed((old, new)), *words)


def test_a_type_without_powers_is_refused():
    start = CATALOGUE_TEXT.index("powers = [")
    end = CATALOGUE_TEXT.index("]", start) + 1
    refused(CATALOGUE_TEXT[:start] + "powers = []" + CATALOGUE_TEXT[end:], "ocmw-beneficiary", "powers")


def test_a_role_gives_the_type_whose_context_it_carries_whatever_the_case():
    roles = (
        "DienstenchequesGebruiker-mandaatuitvoerder:0999000129",
        "dienstenchequeserkendeonderneming-BEHEERDER:0999000228",
    )
    assert claimed_types(catalogue(), roles) == (
        ("ocmw-executor", "0999000129"),
        ("ocmw-manager", "0999000228"),
        ("company-manager", "0999000228"),
    ), "the caller keeps the type that the organisation is eligible for"


@pytest.mark.parametrize(
    "role",
    [
        "",
        "beheerder",
        "beheerder:0999000228",
        "-beheerder:0999000228",
        "Right-beheerder:",
        "Right-beheerder",
        "Right-onderbeheerder:0999000228",
        "Right-beheerders:0999000228",
        "Right-:0999000228",
        "Right-beheerder-x:0999000228",
    ],
)
def test_a_role_that_is_not_quite_it_gives_nothing(role):
    assert claimed_types(catalogue(), [role]) == ()


def test_a_role_that_comes_twice_gives_one_type():
    assert len(claimed_types(catalogue(), ["A-legacy:1", "B-Legacy:1"])) == 1
