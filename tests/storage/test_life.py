"""Stores of what happens beside a mandate, on both databases."""

import dataclasses

import pytest

from broker.port_errors import ConflictError, NotFoundError
from broker.records import ActivationCode, CascadeRecord, Contact, Review, StaffRole, Use
from mandates.events import Event
from mandates.model import Recognition
from storage.records import NOW, grant, mandate, organisation, populate, session

LAST = (2**62, 0)
CODE = ActivationCode("hash-1", "m1", "principal", NOW, "fatima")
REVIEW = Review("r1", "m1", "misuse", NOW, "maria", "hij bestelt voor zichzelf")
USE = Use("web", "jti-1", "vouchers:order", "m1", "maria", "bram", "ocmw", "permit", NOW)


@pytest.fixture
def village(database):
    populate(database)
    with database.write() as unit:
        unit.mandates.add_many([mandate("m1", "maria", "ocmw"), mandate("m2", "jozef", "ocmw")], NOW)
        unit.commit()
    return database


def test_a_new_code_for_the_same_capacity_kills_the_old_one_and_leaves_others(village):
    other = dataclasses.replace(CODE, hash="hash-r", capacity="representative")
    with village.write() as unit:
        unit.activation.put(CODE)
        unit.activation.put(other)
        unit.activation.put(dataclasses.replace(CODE, hash="hash-2", issued_at=NOW + 1))
        assert unit.activation.find("hash-1") is None
        assert unit.activation.find("hash-2").issued_at == NOW + 1
        assert unit.activation.find("hash-r") == other
        unit.activation.mark_redeemed("hash-r", NOW + 2)
        assert unit.activation.find("hash-r") == dataclasses.replace(other, redeemed_at=NOW + 2)
        assert unit.activation.find("hash-2").redeemed_at is None


def test_no_two_mandates_have_one_code(village):
    with village.write() as unit:
        unit.activation.put(CODE)
        with pytest.raises(ConflictError):
            unit.activation.put(dataclasses.replace(CODE, mandate="m2"))


def test_an_address_takes_the_place_of_the_one_before(village):
    with village.write() as unit:
        unit.contacts.put(Contact("maria", "s2.a", "register", NOW))
        unit.contacts.put(Contact("maria", "s2.b", "letter", NOW + 1))
        assert unit.contacts.find("maria") == Contact("maria", "s2.b", "letter", NOW + 1)
        assert unit.contacts.find("jozef") is None
    with village.write() as unit, pytest.raises(NotFoundError):
        unit.contacts.put(Contact("nobody", "s2.a", "register", NOW))


def test_cases_wait_in_order_and_are_decided_once(village):
    sample = Review("r0", "m2", "sample", NOW)
    later = Review("r2", "m2", "misuse", NOW + 5, "jozef")
    with village.write() as unit:
        unit.reviews.add_many([later, REVIEW, sample])
        assert unit.reviews.queue(None, 10) == [sample, REVIEW, later]
        assert unit.reviews.queue(None, 1) == [sample]
        assert unit.reviews.queue((NOW, "r0"), 10) == [REVIEW, later]
        decided = dataclasses.replace(
            REVIEW, decided_at=NOW + 9, decided_by="noor", outcome="confirm", grounds="in orde"
        )
        unit.reviews.decide(decided)
        assert unit.reviews.find("r1") == decided
        assert unit.reviews.queue(None, 10) == [sample, later]
        with pytest.raises(ConflictError):
            unit.reviews.decide(decided)


def test_one_case_of_a_kind_is_open_about_a_mandate(village):
    with village.write() as unit:
        unit.reviews.add_many([REVIEW])
        unit.reviews.add_many([dataclasses.replace(REVIEW, id="s1", kind="sample")])
        with pytest.raises(ConflictError):
            unit.reviews.add_many([dataclasses.replace(REVIEW, id="r9")])
        unit.reviews.decide(dataclasses.replace(REVIEW, decided_at=NOW))
        unit.reviews.add_many([dataclasses.replace(REVIEW, id="r9")])


def test_a_use_is_stored_once_per_client_token_and_operation(village):
    more = [
        USE,
        dataclasses.replace(USE, operation="vouchers:read"),
        dataclasses.replace(USE, client="other"),
    ]
    with village.write() as unit:
        unit.uses.add_many([USE], NOW)
        unit.uses.add_many([dataclasses.replace(one, decision="deny") for one in more], NOW)
        assert unit.uses.known("web", ["jti-1", "jti-2"]) == {
            ("jti-1", "vouchers:order"),
            ("jti-1", "vouchers:read"),
        }
        rows = unit.uses.posted_about("maria", LAST, 10)
    assert [(row.client, row.operations, row.decision) for row in rows] == [
        ("other", ("vouchers:order",), "deny"),
        ("web", ("vouchers:read",), "deny"),
        ("web", ("vouchers:order",), "permit"),
    ]
    assert (rows[0].actor, rows[0].representative, rows[0].mandate, rows[0].kind) == (
        "bram",
        "ocmw",
        "m1",
        "use",
    )


def test_uses_come_newest_first_and_go_on_from_a_place(village):
    lines = [dataclasses.replace(USE, jti=f"j{at}", at=NOW + at) for at in (3, 1, 2, 2)]
    lines[3] = dataclasses.replace(lines[3], jti="j2b")
    with village.write() as unit:
        unit.uses.add_many([*lines, dataclasses.replace(USE, jti="x", principal="jozef")], NOW)
        whole = unit.uses.posted_about("maria", LAST, 10)
        assert [row.at - NOW for row in whole] == [3, 2, 2, 1]
        found, place = [], LAST
        while page := unit.uses.posted_about("maria", place, 1):
            found += page
            place = (page[-1].at, page[-1].seq)
        assert found == whole


def test_token_issues_are_those_of_the_journal_in_her_name(village):
    detail = {"client": "web", "scopes": ["obo:vouchers:read"]}
    issued = Event("token.issued", NOW, "bram", "m1", "maria", "ocmw", detail=detail)
    with village.write() as unit:
        unit.journal.append(
            [
                issued,
                dataclasses.replace(issued, principal="jozef"),
                dataclasses.replace(issued, mandate=None, actor="maria"),
                dataclasses.replace(issued, type="mandate.approved"),
            ],
            NOW,
        )
        (row,) = unit.uses.issued_about("maria", LAST, 10)
        assert unit.uses.issued_about("maria", (NOW, row.seq), 10) == []
    assert (row.kind, row.client, row.operations, row.actor) == (
        "token",
        "web",
        ("obo:vouchers:read",),
        "bram",
    )


def test_a_cascade_is_undone_once(village):
    done = CascadeRecord("c1", "death", "maria", NOW, None, {"changed": {"m1": 1}})
    with village.write() as unit:
        unit.cascades.add(done)
        assert unit.cascades.find("c1") == done
        assert unit.cascades.find("c2") is None
        unit.cascades.mark_undone("c1", NOW + 5)
        assert unit.cascades.find("c1").undone_at == NOW + 5
        with pytest.raises(ConflictError):
            unit.cascades.mark_undone("c1", NOW + 6)


def test_a_role_is_given_once_and_taken(village):
    role = StaffRole("fatima", "reviewer", NOW, "bram")
    with village.write() as unit:
        unit.staff.give(role)
        assert unit.staff.all() == [role]
        assert unit.staff.roles_of("fatima") == frozenset({"reviewer"})
        assert unit.staff.roles_of("bram") == frozenset()
        with pytest.raises(ConflictError):
            unit.staff.give(role)
        assert unit.staff.take("fatima", "reviewer")
        assert not unit.staff.take("fatima", "reviewer")


def test_what_is_open_of_a_party_is_found_from_the_party(village):
    with village.write() as unit:
        unit.sessions.add(session("s2", "bram"))
        unit.sessions.add(session("s3", "fatima"))
        unit.sessions.add(session("s4", "bram"))
        unit.sessions.end("s4", NOW)
        assert [one.id for one in unit.sessions.live_of_party("bram")] == ["s1", "s2"]
        unit.grants.add(grant("g1"))
        unit.grants.add(grant("g2", actor="maria", principal="maria"))
        unit.grants.add(grant("g3", actor="jozef", principal="jozef"))
        unit.grants.add(grant("g4", actor="maria"))
        unit.grants.end(["g4"], "over", NOW)
        assert [one.id for one in unit.grants.live_of_party("maria")] == ["g1", "g2"]
        assert [one.id for one in unit.grants.live_of_party("bram")] == ["g1"]


def test_organisations_are_found_and_changed_many_at_once(village):
    from broker.records import NewParty

    one = organisation("o1", kbo="0999000129")
    other = organisation("o2", kbo="0999000327")
    with village.write() as unit:
        unit.parties.add_many([NewParty(one), NewParty(other)], NOW)
        assert unit.parties.find_by_kbos(["0999000129", "0000000000"]) == {"0999000129": one}
        changed = [
            dataclasses.replace(one, recognitions=(Recognition("ocmw", NOW, None, "register"),)),
            dataclasses.replace(other, ceased_at=NOW, successor="o1"),
        ]
        unit.parties.save_many(changed, NOW)
        assert unit.parties.find_by_kbos(["0999000129", "0999000327"]) == {
            "0999000129": changed[0],
            "0999000327": changed[1],
        }
        assert unit.parties.organisations() == changed
        with pytest.raises(NotFoundError):
            unit.parties.save_many([dataclasses.replace(one, id="nobody"), other], NOW)


def test_whoever_takes_over_handles_the_same_principals(village):
    part = {"type": "ocmw-executor", "whole": False}
    with village.write() as unit:
        unit.mandates.add_many(
            [
                mandate("old", "ocmw", "bram", **part),
                mandate("new", "company", "bram", **part),
                mandate("far", "ocmw", "fatima", **part),
            ],
            NOW,
        )
        unit.mandates.add_to_caseload("old", ["maria", "jozef"], NOW)
        unit.mandates.remove_from_caseload("old", ["jozef"], NOW + 1)
        unit.mandates.add_to_caseload("far", ["jozef"], NOW)
        unit.mandates.carry_caseloads({"old": "new"}, NOW + 5)
        carried = unit.mandates.caseload_of("new")
        assert [(one.principal, one.added_at, one.removed_at) for one in carried] == [
            ("maria", NOW + 5, None)
        ]
        assert len(unit.mandates.caseload_of("old")) == 2
