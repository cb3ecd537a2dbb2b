import dataclasses
import threading

import pytest
from sqlalchemy import event

from broker.port_errors import ConflictError, NotFoundError
from mandates.model import Ending, Source
from storage.records import NOW, mandate, populate


def stored(database, *mandates):
    populate(database)
    with database.write() as unit:
        for one in mandates:
            unit.mandates.add(one)
        unit.commit()


def ids(mandates):
    return sorted(one.id for one in mandates)


FULL = mandate(
    "full",
    "maria",
    "ocmw",
    source=Source.CLAIMS,
    session="s1",
    parent="parent",
    suspended_at=NOW + 1,
    ended_at=NOW + 2,
    ended_by="maria",
    ending=Ending.REVOKED,
    grounds="verhuisd",
    version=7,
)


def test_a_mandate_comes_back_as_it_was_stored(database):
    stored(database, mandate("parent", "maria", "ocmw"), FULL)
    with database.read() as unit:
        assert unit.mandates.find("full") == FULL
        assert unit.mandates.find("nothing") is None
        assert unit.mandates.get_many(["parent", "nothing"]) == {"parent": mandate("parent", "maria", "ocmw")}


def test_a_mandate_needs_its_parties_and_an_id_of_its_own(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.write() as unit, pytest.raises(ConflictError):
        unit.mandates.add(mandate("a", "jozef", "ocmw"))
    with database.write() as unit, pytest.raises(NotFoundError):
        unit.mandates.add(mandate("b", "nobody", "ocmw"))


def test_saving_stores_the_next_version_and_no_other(database):
    first = mandate("a", "maria", "ocmw")
    stored(database, first)
    second = dataclasses.replace(
        first, version=2, ended_at=NOW, ending=Ending.WAIVED, ended_by="bram", grounds="g", powers=("x",)
    )
    with database.write() as unit:
        unit.mandates.save(second)
        assert unit.mandates.find("a") == second
        for version in (1, 2, 4):
            with pytest.raises(ConflictError):
                unit.mandates.save(dataclasses.replace(second, version=version))
        with pytest.raises(ConflictError):
            unit.mandates.save(mandate("unknown", "maria", "ocmw", version=2))


def test_of_two_writers_at_once_one_wins(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.read() as unit:
        seen = unit.mandates.find("a")
    together = threading.Barrier(2)
    outcomes = []

    def write(grounds):
        together.wait()
        try:
            with database.write() as unit:
                unit.mandates.save(dataclasses.replace(seen, version=2, grounds=grounds))
                unit.commit()
            outcomes.append(grounds)
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert outcomes.count("conflict") == 1
    winner = next(one for one in outcomes if one != "conflict")
    with database.read() as unit:
        assert unit.mandates.find("a").grounds == winner
        assert unit.mandates.find("a").version == 2


@pytest.mark.parametrize("read", ["find", "get_many", "between"])
def test_a_mandate_that_a_writer_has_read_does_not_end_before_that_writer_is_done(database, read):
    first = mandate("a", "maria", "bram")
    stored(database, first)
    order = []

    def end():
        with database.write() as unit:
            unit.mandates.save(dataclasses.replace(first, version=2, ended_at=NOW))
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


CHAIN = (
    mandate("direct", "maria", "bram"),
    mandate("direct-ended", "maria", "bram", ended_at=NOW),
    mandate("to-ocmw", "maria", "ocmw"),
    mandate("to-ocmw-ended", "maria", "ocmw", ended_at=NOW),
    mandate("executor", "ocmw", "bram"),
    mandate("executor-ended", "ocmw", "bram", ended_at=NOW),
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
        assert ids(unit.mandates.between("maria", "bram")) == ["to-ocmw"]


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
    statements = []
    with database.read() as unit:
        event.listen(unit._connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
        query(unit.mandates)
    assert len(statements) == 1


def test_lists_are_complete(database):
    waiting = mandate("waiting", "jozef", "ocmw", activated_at=None, requested_at=NOW - 1)
    older = mandate("older", "jozef", "ocmw", activated_at=None, requested_at=NOW - 99)
    refused = mandate("refused", "jozef", "ocmw", activated_at=None, ended_at=NOW)
    claims = mandate("claims", "ocmw", "bram", source=Source.CLAIMS, session="s1")
    gone = mandate("gone", "ocmw", "bram", source=Source.CLAIMS, session="s1", ended_at=NOW)
    elsewhere = mandate("elsewhere", "ocmw", "bram", source=Source.CLAIMS, session="s9")
    stored(database, waiting, older, refused, claims, gone, elsewhere)
    with database.read() as unit:
        assert [one.id for one in unit.mandates.waiting()] == ["older", "waiting"]
        assert ids(unit.mandates.of_session("s1")) == ["claims"]
        assert ids(unit.mandates.of_principal("jozef")) == ["older", "refused", "waiting"]
        assert ids(unit.mandates.of_principal("ocmw")) == []
        assert ids(unit.mandates.of_representatives(["bram"], "s1")) == ["claims", "gone"]
        assert ids(unit.mandates.of_representatives(["bram"])) == []
        assert ids(unit.mandates.of_representatives(iter(["bram", "ocmw"]), "s9")) == ids(
            (waiting, older, refused, elsewhere)
        )
        assert unit.mandates.of_representatives([]) == []


def test_the_revision_grows_with_every_change_and_not_with_one_that_is_left(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.read() as unit:
        before = unit.mandates.revision()
    with database.write() as unit:
        unit.mandates.add(mandate("b", "maria", "ocmw"))
        assert unit.mandates.revision() == before + 1
        unit.mandates.save(mandate("a", "maria", "ocmw", version=2))
        assert unit.mandates.revision() == before + 2
    with database.read() as unit:
        assert unit.mandates.revision() == before
