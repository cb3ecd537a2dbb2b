from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import PseudonymError, SealError, VaultKeyError
from keys.vault import Vault

MASTER = bytes(range(32))
PARTY = "6f1c2c1e-7a53-4d0a-9d53-0a1f4a3b2c1d"


def test_a_short_master_key_is_refused_with_a_way_to_make_one():
    with pytest.raises(VaultKeyError, match="secrets"):
        Vault(bytes(31))


@given(st.binary(max_size=200))
def test_what_is_sealed_opens(plaintext):
    vault = Vault(MASTER)
    assert vault.open(vault.seal(plaintext, "insz"), "insz") == plaintext


def test_the_same_value_is_sealed_differently_each_time():
    vault = Vault(MASTER)
    assert vault.seal(b"85073003328", "insz") != vault.seal(b"85073003328", "insz")


def test_a_sealed_value_opens_for_its_purpose_and_under_its_master_key_only():
    sealed = Vault(MASTER).seal(b"85073003328", "insz")
    with pytest.raises(SealError):
        Vault(MASTER).open(sealed, "key:tokens")
    with pytest.raises(SealError):
        Vault(MASTER[::-1]).open(sealed, "insz")


def test_a_seal_breaks_at_every_character():
    vault = Vault(MASTER)
    sealed = vault.seal(b"85073003328", "insz")
    for place, sign in enumerate(sealed):
        altered = sealed[:place] + ("A" if sign != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            vault.open(altered, "insz")


@pytest.mark.parametrize("sealed", ["", "s1.", "s1.AAAA", "é", "s1.é", "s1." + "A" * 15])
def test_what_was_never_sealed_does_not_open(sealed):
    with pytest.raises(SealError):
        Vault(MASTER).open(sealed, "insz")


def test_a_sealed_value_without_its_version_does_not_open():
    vault = Vault(MASTER)
    with pytest.raises(SealError):
        vault.open(vault.seal(b"x", "insz").removeprefix("s1."), "insz")


def test_an_index_finds_equal_values_of_one_purpose():
    vault = Vault(MASTER)
    assert vault.index("85073003328", "insz") == Vault(MASTER).index("85073003328", "insz")
    others = {
        vault.index("85073003327", "insz"),
        vault.index("85073003328", "address"),
        Vault(MASTER[::-1]).index("85073003328", "insz"),
    }
    assert vault.index("85073003328", "insz") not in others
    assert len(others) == 3


def test_no_purpose_is_no_purpose():
    for use in (lambda: Vault(MASTER).seal(b"x", ""), lambda: Vault(MASTER).index("x", "")):
        with pytest.raises(ValueError, match="purpose"):
            use()


@given(st.uuids(), st.sampled_from(["p-", "m-"]), st.sampled_from(["vouchers", "companies"]))
def test_a_pseudonym_leads_back_to_its_party(identifier, prefix, sector):
    vault = Vault(MASTER)
    name = vault.pseudonym(prefix, sector, str(identifier))
    assert vault.resolve(name, prefix, sector) == str(identifier)
    assert name.startswith(prefix)
    assert len(name) == 2 + 43
    assert name == Vault(MASTER).pseudonym(prefix, sector, str(identifier))


def test_a_party_has_another_pseudonym_in_every_sector_and_kind():
    vault = Vault(MASTER)
    names = {vault.pseudonym(prefix, sector, PARTY)[2:] for prefix in ("p-", "m-") for sector in ("a", "b")}
    assert len(names) == 4


def test_a_pseudonym_is_known_in_its_own_sector_and_kind_only():
    vault = Vault(MASTER)
    name = vault.pseudonym("p-", "vouchers", PARTY)
    for unknown, prefix, sector in [
        (name, "p-", "companies"),
        (name, "m-", "vouchers"),
        ("m-" + name[2:], "m-", "vouchers"),
        (name[2:], "p-", "vouchers"),
        (name[:-1], "p-", "vouchers"),
        (name + "=", "p-", "vouchers"),
        (name + "A", "p-", "vouchers"),
        ("p-", "p-", "vouchers"),
        ("p-é", "p-", "vouchers"),
        (name, "p-", ""),
        (name, "", "vouchers"),
        (name, "x-", "vouchers"),
    ]:
        with pytest.raises(PseudonymError):
            vault.resolve(unknown, prefix, sector)


def test_a_pseudonym_has_one_spelling():
    vault = Vault(MASTER)
    name = vault.pseudonym("p-", "vouchers", PARTY)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = name[:-1] + alphabet[alphabet.index(name[-1]) + 1]
    with pytest.raises(PseudonymError):
        vault.resolve(respelled, "p-", "vouchers")


@pytest.mark.parametrize(
    ("prefix", "sector", "identifier"), [("x-", "a", PARTY), ("p-", "", PARTY), ("p-", "a", "anna")]
)
def test_a_pseudonym_needs_a_kind_a_sector_and_a_uuid(prefix, sector, identifier):
    with pytest.raises(PseudonymError):
        Vault(MASTER).pseudonym(prefix, sector, identifier)


def test_a_vault_does_not_show_its_keys():
    assert repr(Vault(MASTER)) == "Vault(...)"


def test_pseudonyms_stay_the_same_from_release_to_release():
    # Services store them: a change of derivation would orphan every record they hold.
    assert (
        Vault(MASTER).pseudonym("p-", "vouchers", str(uuid.UUID(int=1)))
        == "p-ZdLiF4s88GbY3sR4XaGjoZzduYEzCv_-Y9X5nlDR3mE"
    )
