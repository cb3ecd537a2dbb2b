"""Data keys wrapped by a master key: what opens what, and what a vault learns while it runs."""

import dataclasses

import pytest

from keys.envelope import MasterKeys
from keys.errors import SealError, VaultKeyError
from keys.vault import Vault

OLD, NEW = bytes(range(32)), bytes(range(100, 132))
PARTY = "6f1c2c1e-7a53-4d0a-9d53-0a1f4a3b2c1d"
NOW = 1_795_420_000
NUMBER = "85073003328"
FIRST = MasterKeys(OLD).first_keys(OLD, NOW)


def of(use, records=FIRST):
    return next(one for one in records if one.use == use and one.retired_at is None)


def replaced(use, records, masters=None):
    """These keys after one more of this use was made."""
    retired = [
        dataclasses.replace(one, retired_at=NOW) if one == of(use, records) else one for one in records
    ]
    return [*retired, (masters or MasterKeys(OLD)).new_key(use, NOW)]


def test_the_first_keys_leave_everything_as_the_master_key_made_it():
    before, after = Vault(OLD), Vault(OLD, FIRST)
    assert after.pseudonym("p-", "vouchers", PARTY) == before.pseudonym("p-", "vouchers", PARTY)
    assert after.index("x", "form") == before.index("x", "form")
    assert after.number_indexes(NUMBER, FIRST) == (before.index(NUMBER, "insz"),)
    assert after.open(before.seal(b"x", "insz:1"), "insz:1") == b"x"


def test_new_seals_name_their_key_and_open_under_no_other():
    vault = Vault(OLD, FIRST)
    sealed = vault.seal(b"x", "insz:1")
    assert sealed.startswith(vault.prefix(of("seal")))
    assert vault.open(sealed, "insz:1") == b"x"
    others = MasterKeys(OLD).first_keys(OLD, NOW)
    with pytest.raises(SealError):
        Vault(OLD, others).open(sealed, "insz:1")
    with pytest.raises(SealError):
        vault.open(sealed, "insz:2")
    with pytest.raises(SealError):
        vault.open(sealed.replace(of("seal").id, of("root").id), "insz:1")
    with pytest.raises(SealError):
        Vault(OLD).open(sealed, "insz:1")


def test_a_seal_breaks_at_every_character_of_it():
    vault = Vault(OLD, FIRST)
    sealed = vault.seal(NUMBER.encode(), "insz")
    for place, sign in enumerate(sealed):
        altered = sealed[:place] + ("A" if sign != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            vault.open(altered, "insz")


def test_a_wrapped_key_opens_under_its_master_for_its_use_and_id_alone():
    seal, index, root = of("seal"), of("index"), of("root")
    assert MasterKeys(OLD).unwrap(seal)
    for masters, record in [
        (MasterKeys(NEW), seal),
        (MasterKeys(OLD), dataclasses.replace(index, wrapped=seal.wrapped)),
        (MasterKeys(OLD), dataclasses.replace(seal, use="root")),
        (MasterKeys(OLD), dataclasses.replace(seal, id=root.id)),
        (MasterKeys(OLD), dataclasses.replace(seal, wrapped=seal.wrapped[:-2] + "AA")),
        (MasterKeys(OLD), dataclasses.replace(seal, wrapped="")),
    ]:
        with pytest.raises(SealError):
            masters.unwrap(record)


def test_the_key_that_wraps_the_root_is_not_the_root():
    """Else the root key, which every broker holds in memory, would open all the others."""
    masters = MasterKeys(OLD)
    with pytest.raises(SealError):
        Vault(OLD).open("s1." + of("seal").wrapped.removeprefix("w1."), f"seal key:{of('seal').id}")
    assert masters.unwrap(of("root")) != masters.unwrap(of("seal"))


def test_while_the_master_key_is_replaced_either_opens_and_the_new_one_wraps():
    both = MasterKeys(NEW, OLD)
    fresh = [both.rewrapped(record) for record in FIRST]
    assert all(new.wrapped != old.wrapped for new, old in zip(fresh, FIRST, strict=True))
    assert [both.rewrapped(record) for record in fresh] == fresh, "what was wrapped anew stays as it is"
    sealed = Vault(OLD, FIRST).seal(b"x", "insz")
    for vault in (Vault(both, FIRST), Vault(both, fresh), Vault(NEW, fresh)):
        assert vault.open(sealed, "insz") == b"x"
        assert vault.pseudonym("p-", "v", PARTY) == Vault(OLD).pseudonym("p-", "v", PARTY)
    with pytest.raises(SealError):
        Vault(OLD, fresh)
    with pytest.raises(SealError):
        MasterKeys(NEW).rewrapped(FIRST[0])
    with pytest.raises(VaultKeyError):
        MasterKeys(NEW, bytes(31))


def test_a_vault_that_meets_a_new_key_asks_for_it_once_and_goes_on():
    after, asked = replaced("seal", FIRST), []

    def reload():
        asked.append(1)
        return after

    running = Vault(OLD, FIRST, reload)
    sealed = Vault(OLD, after).seal(b"x", "insz")
    assert running.open(sealed, "insz") == b"x"
    assert running.open(sealed, "insz") == b"x"
    assert len(asked) == 1
    assert running.seal(b"y", "insz").startswith(running.prefix(of("seal", after)))


def test_an_old_view_of_the_keys_makes_a_vault_forget_nothing():
    after = replaced("seal", FIRST)
    vault = Vault(OLD, after)
    vault.adopt(FIRST)
    assert vault.seal(b"x", "insz").startswith(vault.prefix(of("seal", after)))
    vault.adopt([one for one in after if one.retired_at is None])
    assert vault.open(Vault(OLD, FIRST).seal(b"x", "insz"), "insz") == b"x"


def test_a_key_once_opened_stays_open_when_it_is_wrapped_by_a_master_key_not_known_here():
    fresh = [MasterKeys(NEW, OLD).rewrapped(record) for record in FIRST]
    running = Vault(OLD, FIRST, lambda: fresh)
    sealed = running.seal(b"x", "insz")
    running.number_indexes(NUMBER, FIRST)
    running.adopt(fresh)
    assert running.open(sealed, "insz") == b"x"
    assert running.number_indexes(NUMBER, fresh) == running.number_indexes(NUMBER, FIRST)


def test_while_the_index_key_is_replaced_a_number_has_two_indexes_the_new_one_first():
    after = replaced("index", FIRST)
    vault = Vault(OLD, FIRST)
    new, old = vault.number_indexes(NUMBER, after)
    assert (old,) == vault.number_indexes(NUMBER, FIRST)
    assert new.startswith(vault.prefix(of("index", after)))
    assert new.partition(".")[2] != old
    assert vault.number_indexes(NUMBER, [of("index", after)]) == (new,)


def test_what_is_sealed_beside_an_index_is_sealed_under_the_key_of_the_same_moment():
    after, vault = replaced("seal", FIRST), Vault(OLD, FIRST)
    vault.number_indexes(NUMBER, after)
    assert vault.seal(b"x", "insz").startswith(vault.prefix(of("seal", after)))


def test_without_a_current_index_key_nobody_is_indexed():
    for records in ([], [dataclasses.replace(of("index"), retired_at=NOW)]):
        with pytest.raises(VaultKeyError):
            Vault(OLD, FIRST).number_indexes(NUMBER, records)


def test_nothing_that_holds_a_key_shows_it():
    vault = Vault(OLD, FIRST)
    shown = repr([vault, vault.masters, vault._root, FIRST])
    for record in FIRST:
        assert record.wrapped not in shown
    assert "bytes" not in shown
    assert "\\x" not in shown
