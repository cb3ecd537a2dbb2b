import dataclasses
import threading

import pytest

from broker.port_errors import ConflictError, NotFoundError
from broker.records import NewParty, Question
from mandates.model import Caseload, Ending, Evidence, PowerEnding, Source, Suspension
from storage.records import NOW, mandate, person, populate
from storage.statements import Sent


def stored(database, *mandates):
    populate(database)
    with database.write() as unit:
        unit.mandates.add_many(mandates, NOW)
        unit.commit()


def ids(mandates):
    return sorted(one.id for one in mandates)


FULL = mandate(
    "full",
    "maria",
    "ocmw",
    parent="parent",
    replaces="older",
    whole=False,
    several=True,
    suspensions=(
        Suspension(NOW, "fatima", "manager", "verlof", NOW + 1),
        Suspension(NOW + 1, None, "principal"),
    ),
    ended_powers=(PowerEnding("vouchers:order", NOW + 1, "maria", Ending.REVOKED),),
    ended_at=NOW + 2,
    ended_by="maria",
    ending=Ending.REVOKED,
    grounds="verhuisd",
)
PLAIN = mandate(
    "older", "maria", "company", evidence=Evidence(), approvals=(), lapses_at=None, activated_at=None
)
CLAIMED = mandate("claimed", "ocmw", "bram", source=Source.CLAIMS, session="s1")


def test_a_mandate_comes_back_as_it_was_stored(database):
    parent = mandate("parent", "maria", "jozef")
    stored(database, parent, PLAIN, FULL, CLAIMED)
    with database.read() as unit:
        assert unit.mandates.find("full") == FULL
        assert unit.mandates.find("nothing") is None
        assert unit.mandates.get_many(["parent", "claimed", "nothing"]) == {
            "parent": parent,
            "claimed": CLAIMED,
        }
        assert {one.id: one for one in unit.mandates.of_principal("maria")} == {
            "full": FULL,
            "older": PLAIN,
            "parent": parent,
        }


def test_the_two_ways_to_read_a_row_give_the_same_mandate(database):
    """`between` and `look` read rows without the column types, for speed."""
    whole = dataclasses.replace(FULL, representative="bram")
    stored(database, mandate("parent", "maria", "jozef"), PLAIN, whole, CLAIMED)
    looked = database.look([Question("maria", "bram"), Question("ocmw", "bram", "s1")])
    with database.read() as unit:
        found = unit.mandates.get_many(["full", "parent", "claimed"])
        assert {one.id: one for one in looked.mandates} == found
        assert {one.id: one for one in unit.mandates.between("maria", "bram")} == {
            "full": found["full"],
            "parent": found["parent"],
        }
        assert dict(looked.parties) == unit.parties.get_many(["maria", "bram", "ocmw", "jozef"])


def test_a_mandate_needs_its_parties_and_an_id_of_its_own(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.write() as unit, pytest.raises(ConflictError):
        unit.mandates.add(mandate("a", "jozef", "ocmw"), NOW)
    for wrong in (mandate("b", "nobody", "ocmw"), mandate("b", "maria", "bram", parent="nothing")):
        with database.write() as unit, pytest.raises(NotFoundError):
            unit.mandates.add(wrong, NOW)


def test_of_many_all_are_stored_or_none(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.write() as unit:
        with pytest.raises(ConflictError):
            unit.mandates.add_many([mandate("b", "jozef", "ocmw"), mandate("a", "jozef", "company")], NOW)
        unit.mandates.add_many([], NOW)
    with database.write() as unit:
        with pytest.raises(ConflictError):
            unit.mandates.save_many([ended("a"), ended("nothing")], NOW)
        if unit.mandates.find("a").version == 1:
            unit.commit()
    with database.read() as unit:
        assert unit.mandates.find("a") == mandate("a", "maria", "ocmw")
        assert unit.mandates.find("b") is None


def ended(key, **facts):
    facts = {"version": 2, "ended_at": NOW, "ending": Ending.WAIVED, "ended_by": "bram"} | facts
    return mandate(key, "maria", "ocmw", **facts)


def test_saving_stores_the_next_version_and_no_other(database):
    stored(database, mandate("a", "maria", "ocmw"))
    second = ended("a", grounds="g", powers=("x",), valid_until=NOW + 500)
    with database.write() as unit:
        unit.mandates.save(second, NOW)
        assert unit.mandates.find("a") == second
        for version in (1, 2, 4):
            with pytest.raises(ConflictError):
                unit.mandates.save(dataclasses.replace(second, version=version), NOW)
        with pytest.raises(ConflictError):
            unit.mandates.save(mandate("unknown", "maria", "ocmw", version=2), NOW)


@pytest.mark.parametrize("read", ["find", "get_many", "between"])
def test_a_mandate_that_a_writer_has_read_does_not_end_before_that_writer_is_done(database, read):
    first = mandate("a", "maria", "bram")
    stored(database, first)
    order = []

    def end():
        with database.write() as unit:
            unit.mandates.save(
                dataclasses.replace(first, version=2, ended_at=NOW, ending=Ending.REVOKED), NOW
            )
            order.append("ended")
            unit.commit()

    with database.write() as unit:
        if read == "find":
            unit.mandates.find("a")
        elif read == "get_many":
            unit.mandates.get_many(["a"])
        else:
            unit.mandates.between("maria", "bram")
        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.3)
        order.append("issued")
        unit.commit()
    ending.join(20)
    assert order == ["issued", "ended"]


OVER = {"ended_at": NOW, "ending": Ending.REVOKED}
CHAIN = (
    mandate("direct", "maria", "bram"),
    mandate("direct-ended", "maria", "bram", **OVER),
    mandate("to-ocmw", "maria", "ocmw"),
    mandate("to-ocmw-ended", "maria", "ocmw", **OVER),
    mandate("executor", "ocmw", "bram"),
    mandate("executor-ended", "ocmw", "bram", **OVER),
    # None of these can make a chain from Maria to Bram:
    mandate("to-company", "maria", "company"),  # Bram is no executor there
    mandate("company-other", "company", "fatima"),
    mandate("to-person", "maria", "jozef"),  # a person has no executors
    mandate("person-on", "jozef", "bram"),
    mandate("other-principal", "jozef", "ocmw"),
    mandate("other-executor", "ocmw", "fatima"),
    mandate("reverse", "bram", "maria"),
)


def test_between_is_everything_that_can_make_a_chain_and_nothing_else(database):
    stored(database, *CHAIN)
    with database.read() as reading, database.write() as writing:
        for unit in (reading, writing):
            found = unit.mandates.between("maria", "bram")
            assert ids(found) == sorted(one.id for one in CHAIN[:6])
            assert {one.id: one for one in found} == {one.id: one for one in CHAIN[:6]}
            assert ids(unit.mandates.between("ocmw", "bram")) == ["executor", "executor-ended"]
            assert unit.mandates.between("fatima", "bram") == []


def test_between_leaves_out_what_other_sessions_claimed(database):
    here = mandate("here", "ocmw", "bram", source=Source.CLAIMS, session="s1")
    elsewhere = mandate("elsewhere", "ocmw", "bram", source=Source.CLAIMS, session="s9")
    stored(database, mandate("to-ocmw", "maria", "ocmw"), here, elsewhere)
    with database.read() as unit:
        assert ids(unit.mandates.between("maria", "bram", "s1")) == ["here", "to-ocmw"]
        assert unit.mandates.between("maria", "bram") == []
        assert ids(unit.mandates.between("ocmw", "bram", "s1")) == ["here"]
        assert unit.mandates.between("ocmw", "fatima", "s1") == []


@pytest.mark.parametrize(
    "query",
    [
        lambda store: store.between("maria", "bram"),
        lambda store: store.get_many([f"m{number}" for number in range(40_000)]),
        lambda store: store.of_representatives(["ocmw", "bram"]),
    ],
    ids=["between", "get_many", "of_representatives"],
)
def test_a_question_is_one_statement_whatever_its_size(database, query):
    stored(database, *CHAIN)
    with database.read() as unit:
        sent = Sent(unit)
        query(unit.mandates)
    assert len(sent.texts) == 1


def test_between_brings_what_a_link_was_passed_on_from(database):
    stored(
        database,
        mandate("first", "maria", "jozef"),
        mandate("second", "maria", "company", parent="first"),
        mandate("third", "maria", "ocmw", parent="second"),
        mandate("executor", "ocmw", "bram"),
        mandate("beside", "maria", "fatima", parent="first"),
    )
    with database.read() as reading, database.write() as writing:
        for unit in (reading, writing):
            found = unit.mandates.between("maria", "bram")
            assert ids(found) == ["executor", "first", "second", "third"]
            assert ids(unit.mandates.forebears(["third"])) == ["first", "second"]
            assert ids(unit.mandates.descendants(["first"])) == ["beside", "second", "third"]
            assert unit.mandates.forebears(["first"]) == unit.mandates.descendants(["third"]) == []


def test_a_look_answers_many_questions_with_all_that_they_need(database):
    stored(
        database,
        mandate("to-ocmw", "maria", "ocmw"),
        mandate("part", "ocmw", "bram", whole=False),
        mandate("whole", "ocmw", "fatima"),
        mandate("direct", "jozef", "bram"),
        mandate("unasked", "jozef", "company"),
    )
    with database.write() as unit:
        unit.mandates.add_to_caseload("part", ["maria", "jozef"], NOW)
        unit.mandates.add_to_caseload("whole", ["maria"], NOW)
        revision = unit.commit()
    seen = database.look([Question("maria", "bram"), Question("jozef", "bram"), Question("maria", "fatima")])
    assert ids(seen.mandates) == ["direct", "part", "to-ocmw", "whole"]
    assert set(seen.parties) == {"maria", "jozef", "bram", "fatima", "ocmw"}
    assert set(seen.caseloads) == {Caseload("part", "maria", NOW)}
    assert seen.revision == revision
    empty = database.look([])
    assert (dict(empty.parties), empty.mandates, empty.caseloads) == ({}, (), ())
    assert set(database.look([Question("nobody", "maria")]).parties) == {"maria"}


def test_a_look_sees_what_was_committed_and_holds_no_transaction(database):
    stored(database)
    for number in range(3):
        one = mandate(f"m{number}", "maria", "bram", several=True)
        with database.write() as unit:
            unit.mandates.add(one, NOW)
            assert len(database.look([Question("maria", "bram")]).mandates) == number
            unit.commit()
        assert len(database.look([Question("maria", "bram")]).mandates) == number + 1


def test_the_revision_grows_with_every_change_and_not_with_one_that_is_left(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.read() as unit:
        before = unit.mandates.revision()
    changes = (
        lambda unit: unit.mandates.add(mandate("b", "jozef", "ocmw"), NOW),
        lambda unit: unit.mandates.save(ended("a"), NOW),
        lambda unit: unit.mandates.add_to_caseload("b", ["maria"], NOW),
        lambda unit: unit.mandates.remove_from_caseload("b", ["maria"], NOW),
        lambda unit: unit.parties.add(NewParty(person("els")), NOW),
        lambda unit: unit.parties.save(person("els"), NOW),
    )
    for number, change in enumerate(changes, 1):
        with database.write() as unit:
            change(unit)
        with database.write() as unit:
            change(unit)
            assert unit.commit() == before + number
        with database.read() as unit:
            assert unit.mandates.revision() == before + number
    with database.write() as unit:
        unit.mandates.add_to_caseload("b", [], NOW)
        assert unit.mandates.remove_from_caseload("b", ["maria"], NOW) == 0
        assert unit.commit() is None
