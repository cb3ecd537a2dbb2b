"""The village's data hold together, and its numbers pass their check digits."""

import pytest
from stdnum.be import nn, vat

from demo.village import VillageError, load_village

VILLAGE = load_village()
TOML = """
[organisations.0999000129]
name = "OCMW Voorbeeld"
kinds = ["ocmw"]

[people.an]
given_name = "An"
family_name = "Peeters"
insz = "85073099833"
about = "burger"
means = "eid"
sub = "1"
target_group = "BUR"
"""


def test_every_person_has_a_valid_national_number_of_her_own():
    numbers = [person.insz for person in VILLAGE.people.values()]
    assert all(nn.is_valid(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_every_organisation_has_a_valid_enterprise_number():
    assert {kbo: organisation.kinds for kbo, organisation in VILLAGE.organisations.items()} == {
        "0999000129": {"ocmw"},
        "0999000228": {"recognised_company"},
        "0999000327": {"voucher_issuer"},
    }
    assert all(vat.is_valid(kbo) for kbo in VILLAGE.organisations)


def test_jos_and_karel_are_known_but_cannot_sign_in():
    assert [person.key for person in VILLAGE.logins] == ["an", "bram", "bea", "iris", "cem", "dina"]
    assert VILLAGE.people["jos"].no_login
    assert VILLAGE.people["karel"].acr is None


def test_no_two_people_share_an_identity():
    subjects = [person.sub for person in VILLAGE.logins]
    assert len(set(subjects)) == len(subjects)


def test_an_and_jos_gave_their_mandate_and_nobody_approved_her_own_request():
    assert [(m.principal.key, m.representative.name) for m in VILLAGE.mandates] == [
        ("an", "OCMW Voorbeeld"),
        ("jos", "OCMW Voorbeeld"),
    ]
    assert all(mandate.requested_by is not mandate.approved_by for mandate in VILLAGE.mandates)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('means = "eid"\n', "", "people.an"),
        ('target_group = "BUR"', 'target_group = "XYZ"', "people.an"),
        (
            'target_group = "BUR"',
            'target_group = "BUR"\norganisation = "0999000228"',
            "people.an.organisation",
        ),
        ('name = "OCMW Voorbeeld"', "", "organisations.0999000129.name"),
        ('kinds = ["ocmw"]', "kinds = []", "organisations.0999000129.kinds"),
        ("[people.an]", '[[mandates]]\ntype = "t"\nprincipal = "eve"\n[people.an]', "mandates[0].principal"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(old, new, names):
    load_village(TOML)
    with pytest.raises(VillageError, match=names.replace("[", r"\[")):
        load_village(TOML.replace(old, new))
