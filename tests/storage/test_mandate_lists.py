import dataclasses

import pytest

from broker.records import NewParty, Wanted
from mandates.model import Caseload, Ending, Source
from storage.records import NOW, mandate, organisation, person, populate

OVER = {"ended_at": NOW, "ending": Ending.REVOKED}
ANYONE = Wanted()


def ids(mandates):
    return sorted(one.id for one in mandates)


def stored(database, *mandates):
    populate(database)
    with database.write() as unit:
        unit.mandates.add_many(mandates, NOW)
        unit.commit()


def named(database, names, kind=person):
    with database.write() as unit:
        unit.parties.add_many(
            [NewParty(dataclasses.replace(kind(key), name=name)) for key, name in names.items()], NOW
        )
        unit.commit()


def test_lists_are_complete(database):
    older = mandate("older", "jozef", "ocmw", requested_at=NOW - 99)
    gone = mandate("gone", "jozef", "ocmw", **OVER)
    claims = mandate("claims", "ocmw", "bram", source=Source.CLAIMS, session="s1")
    spent = mandate("spent", "ocmw", "bram", source=Source.CLAIMS, session="s1", **OVER)
    elsewhere = mandate("elsewhere", "ocmw", "bram", source=Source.CLAIMS, session="s9")
    executor = mandate("executor", "ocmw", "bram", type="ocmw-executor")
    later = mandate("later", "ocmw", "bram", type="ocmw-executor", ended_at=NOW + 9, ending=Ending.SUPERSEDED)
    stored(
        database, older, gone, claims, spent, elsewhere, executor, dataclasses.replace(later, several=True)
    )
    with database.read() as unit:
        store = unit.mandates
        assert ids(store.of_session("s1")) == ["claims"]
        assert [one.id for one in store.of_principal("jozef")] == ["older", "gone"]
        assert ids(store.of_principal("ocmw")) == ["executor", "later"]
        assert ids(store.of_representatives(["bram"], "s1")) == ["claims", "executor", "later", "spent"]
        assert ids(store.of_representatives(iter(["bram", "ocmw"]))) == ["executor", "gone", "later", "older"]
        assert store.of_representatives([], "s1") == []
        assert ids(store.executors_of("bram", ["ocmw-executor"], "s1")) == ["executor", "later"]
        assert ids(store.executors_of("bram", ["ocmw-beneficiary"], "s9")) == ["elsewhere"]
        assert store.executors_of("bram", [], "s1") == []
        pairs = [("jozef", "ocmw"), ("ocmw", "bram"), ("bram", "ocmw")]
        assert ids(store.of_pairs(iter(pairs))) == ["executor", "gone", "later", "older"]
        assert store.of_pairs([]) == []


def test_what_waits_is_found_from_every_side_oldest_first(database):
    def request(key, principal, representative, asked=0, **facts):
        facts = {"activated_at": None, "requested_at": NOW - asked} | facts
        return mandate(key, principal, representative, **facts)

    stored(
        database,
        request("young", "jozef", "ocmw", 1, requested_by="fatima"),
        request("old", "jozef", "ocmw", 99),
        request("other", "maria", "company", 50),
        request("refused", "jozef", "ocmw", ended_at=NOW, ending=Ending.REFUSED),
        mandate("runs", "jozef", "ocmw"),
    )
    with database.read() as unit:

        def found(*asked):
            return [one.id for one in unit.mandates.waiting(*asked)]

        assert found(["jozef"], [], None) == ["old", "young"]
        assert found([], ["company", "bram"], None) == ["other"]
        assert found([], [], "fatima") == ["young"]
        assert found(["maria"], ["ocmw"], "fatima") == ["old", "other", "young"]
        assert found([], [], None) == []
        assert [one.id for one in unit.mandates.all_waiting(None, 2)] == ["old", "other"]
        assert [one.id for one in unit.mandates.all_waiting((NOW - 50, "other"), 9)] == ["young"]


def test_what_lives_is_streamed_whichever_side_she_is_on_while_it_is_changed(database):
    stored(
        database,
        mandate("a", "maria", "ocmw"),
        mandate("b", "ocmw", "bram"),
        mandate("c", "jozef", "ocmw", activated_at=None),
        mandate("d", "fatima", "ocmw", ended_at=NOW + 9, ending=Ending.SUPERSEDED),
        mandate("ended", "fatima", "ocmw", **OVER),
        mandate("claims", "ocmw", "bram", source=Source.CLAIMS, session="s1"),
        mandate("other", "maria", "company"),
    )
    seen = []
    with database.write() as unit:
        for one in unit.mandates.living_of("ocmw"):
            seen.append(one.id)
            unit.mandates.save(dataclasses.replace(one, version=2, **OVER), NOW)
        unit.commit()
    assert seen == ["a", "b", "c", "d"]
    with database.read() as unit:
        assert list(unit.mandates.living_of("ocmw")) == []


NAMES = {
    "p1": "Zoë van den Berg",
    "p2": "an Peeters-Noël",
    "p3": "ÉMILE Berg",
    "p4": "An Peeters Noel",
    "p5": "D'Hondt, Jan",
}


@pytest.fixture
def listed(database):
    """Five beneficiaries of the OCMW, one of the company, and what must not be listed."""
    populate(database)
    named(database, NAMES)
    with database.write() as unit:
        unit.mandates.add_many(
            [
                *(mandate(f"m-{key}", key, "ocmw") for key in NAMES),
                mandate("m-p1-again", "p1", "ocmw", type="other", powers=("profile:read",)),
                mandate("m-company", "p1", "company"),
                mandate("m-self", "p3", "bram"),
                mandate("not-yet", "p1", "ocmw", valid_from=NOW + 1, several=True),
                mandate("over", "p1", "ocmw", valid_from=NOW - 9, valid_until=NOW, several=True),
                mandate("ended", "p1", "ocmw", **OVER),
                mandate("waits", "p1", "ocmw", activated_at=None),
                mandate("executor", "ocmw", "fatima", whole=False),
                mandate("claims", "company", "bram", source=Source.CLAIMS, session="s1"),
                mandate("elsewhere", "company", "bram", source=Source.CLAIMS, session="s9"),
            ],
            NOW,
        )
        unit.mandates.add_to_caseload("executor", ["p5", "p1", "p4"], NOW)
        unit.mandates.remove_from_caseload("executor", ["p4"], NOW)
        unit.commit()
    return database


def reach(database, *, actor="bram", through=("ocmw",), executors=(), session=None, wanted=ANYONE, limit=50):
    pages, after = [], None
    with database.read() as unit:
        while page := unit.mandates.reach(actor, through, executors, session, wanted, NOW, after, limit):
            assert len(page) <= limit
            pages += page
            after = page[-1][0]
    assert [place for place, _ in pages] == sorted({place for place, _ in pages})
    return [one.id for _, one in pages]


def test_whom_she_may_represent_comes_in_the_order_of_their_names_whatever_the_page(listed):
    whole = reach(listed)
    assert whole == ["m-p2", "m-p4", "m-p5", "m-p3", "m-self", "m-p1", "m-p1-again"]
    for limit in (1, 2, 3, 7):
        assert reach(listed, limit=limit) == whole
    assert reach(listed, through=(), session="s1") == ["claims", "m-self"]
    assert reach(listed, actor="fatima", through=("company",)) == ["executor", "m-company"]
    assert reach(listed, actor="jozef", through=()) == []


def test_a_caseload_opens_its_principals_and_no_other(listed):
    assert reach(listed, actor="fatima", through=(), executors=("executor",)) == [
        "m-p5",
        "executor",
        "m-p1",
        "m-p1-again",
    ]
    both = reach(listed, actor="fatima", executors=("executor",), limit=2)
    assert both == ["m-p2", "m-p4", "m-p5", "m-p3", "executor", "m-p1", "m-p1-again"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(name="BERG"), ["m-p3", "m-self", "m-p1", "m-p1-again"]),
        (Wanted(name="noe"), ["m-p2", "m-p4"]),
        (Wanted(name="peeters noël"), ["m-p2", "m-p4"]),
        (Wanted(name="eeters"), []),
        (Wanted(name="an%"), ["m-p2", "m-p4"]),
        (Wanted(name="hon"), ["m-p5"]),
        (Wanted(type="other"), ["m-p1-again"]),
        (Wanted(power="profile:read"), ["m-p1-again"]),
        (Wanted(power="profile:rea"), []),
        (Wanted(power="profile%"), []),
        (Wanted(organisation="company"), []),
        (Wanted(organisation="ocmw", name="jan"), ["m-p5"]),
    ],
)
def test_a_list_is_narrowed_before_it_is_cut_into_pages(listed, wanted, found):
    assert reach(listed, wanted=wanted) == found
    assert reach(listed, wanted=wanted, limit=1) == found


def delegates(database, principal, wanted=ANYONE, limit=50):
    pages, after = [], None
    with database.read() as unit:
        while page := unit.mandates.delegates(principal, wanted, NOW, after, limit):
            pages += page
            after = page[-1][0]
    return [one.id for _, one in pages]


def test_who_can_act_for_somebody_comes_in_the_order_of_their_names(listed):
    everyone = ["m-company", "m-p1", "m-p1-again", "not-yet"]
    assert delegates(listed, "p1") == delegates(listed, "p1", limit=1) == everyone
    assert delegates(listed, "p1", Wanted(organisation="company")) == ["m-company"]
    assert delegates(listed, "p1", Wanted(name="ocm", type="other")) == ["m-p1-again"]
    assert delegates(listed, "company") == []


def test_a_list_follows_whoever_is_renamed_and_keeps_no_version_for_it(listed):
    with listed.write() as unit:
        unit.parties.save(dataclasses.replace(person("p1"), name="Aa"), NOW)
        unit.parties.save(dataclasses.replace(organisation("company"), name="Zz"), NOW)
        unit.commit()
    assert reach(listed)[:2] == ["m-p1", "m-p1-again"]
    assert reach(listed, through=(), session="s1") == ["m-self", "claims"]
    assert delegates(listed, "p1")[-1] == "m-company"
    with listed.read() as unit:
        assert [one.mandate.version for one in unit.mandates.versions("m-p1")] == [1]


def test_a_caseload_remembers_who_was_in_it_and_when(database):
    stored(database, mandate("executor", "ocmw", "bram", whole=False))
    with database.write() as unit:
        store = unit.mandates
        store.add_to_caseload("executor", ["maria", "jozef"], NOW)
        store.add_to_caseload("executor", iter(["maria"]), NOW + 1)
        assert store.remove_from_caseload("executor", ["maria", "bram"], NOW + 2) == 1
        assert store.remove_from_caseload("executor", ["maria"], NOW + 3) == 0
        store.add_to_caseload("executor", ["maria"], NOW + 2)
        unit.commit()
    first, again = Caseload("executor", "maria", NOW, NOW + 2), Caseload("executor", "maria", NOW + 2)
    with database.read() as unit:
        assert unit.mandates.caseloads(["executor", "none"], ["maria", "bram"]) == [first, again]
        other = Caseload("executor", "jozef", NOW)
        assert sorted(unit.mandates.caseload_of("executor"), key=str) == sorted(
            [first, again, other], key=str
        )
        assert unit.mandates.caseload_of("none") == []
