import pytest

from builders import NOW, actor, claimed, ended, mandate, organisation, person, world
from mandates.capacity import capacities
from mandates.errors import CatalogueError
from mandates.model import Ending, Mandate

REQUEST = mandate("ocmw-beneficiary", "maria", "ocmw", requested_by="bram", activated_at=None)
CLERK = mandate("company-employee", "company", "tom", requested_by="els")


def held(who, of, *links, **facts):
    return capacities(who, of, world(of, *links, **facts), NOW)


def executor(who="bram", of="ocmw", **facts):
    return claimed("ocmw-executor", of, who, **facts)


def manager(of="company", **facts):
    return claimed("company-manager", of, "els", **facts)


def test_nobody_has_a_capacity_by_default():
    assert held(actor("tom", session="s1"), REQUEST) == frozenset()


def test_the_parties_are_what_they_are():
    helper = mandate("citizen-helper", "maria", "tom")
    assert held(actor("maria"), helper) == {"principal"}
    assert held(actor("tom"), helper) == {"representative"}


def test_an_executor_in_force_is_an_officer_and_second_unless_she_asked():
    assert held(actor("bram", session="s1"), REQUEST, executor()) == {"officer"}
    assert held(actor("fatima", session="s1"), REQUEST, executor("fatima")) == {"officer", "second_officer"}


@pytest.mark.parametrize(
    "link",
    [
        executor(session="s2"),
        executor(valid_until=NOW),
        executor(**ended(Ending.SESSION_ENDED)),
        executor(of="ocmw-far"),
        executor("fatima"),
        executor(parent="other"),
        claimed("company-manager", "ocmw", "bram"),
    ],
)
def test_another_executor_makes_no_officer(link):
    assert held(actor("bram", session="s1"), REQUEST, link) == frozenset()


def test_the_holder_of_a_type_that_grants_is_a_manager():
    assert held(actor("els", session="s1"), CLERK, manager()) == {"manager"}


@pytest.mark.parametrize(
    "link",
    [
        manager(of="bakery"),
        manager(session="s2"),
        manager(suspended_at=NOW),
        mandate("company-employee", "company", "els"),
    ],
)
def test_another_mandate_makes_no_manager(link):
    assert held(actor("els", session="s1"), CLERK, link) == frozenset()


def test_a_manager_manages_what_her_type_grants_and_no_other_type():
    assert (
        held(actor("els", session="s1"), claimed("company-manager", "company", "tom", "s9"), manager())
        == frozenset()
    )


def test_a_reviewer_speaks_for_the_issuer_but_not_in_her_own_affairs():
    assert held(actor("noor", 2, None, "reviewer"), REQUEST) == {"issuer"}
    assert held(actor("noor", 2, None, "operator", "support"), REQUEST) == frozenset()
    assert held(actor("maria", 2, None, "reviewer"), REQUEST) == {"principal"}
    assert held(actor("tom", 2, None, "reviewer"), CLERK) == {"representative"}


@pytest.mark.parametrize(
    "parties", [{"maria": person("maria", deceased_at=NOW)}, {"maria": organisation("maria")}]
)
def test_only_the_living_have_a_capacity(parties):
    assert held(actor("maria", 2, None, "reviewer"), REQUEST, parties=parties) == frozenset()


def test_a_stranger_has_no_capacity_even_as_reviewer():
    assert held(actor("stranger", 2, None, "reviewer"), REQUEST) == frozenset()


def test_a_type_in_no_table_is_an_error():
    lost = Mandate(**{field: getattr(REQUEST, field) for field in REQUEST.__slots__} | {"type": "lost"})
    with pytest.raises(CatalogueError):
        capacities(actor("maria"), lost, world(), NOW)


def test_who_holds_a_type_that_left_the_catalogue_has_no_capacity_from_it():
    lost = mandate("company-employee", "company", "els", id="lost")
    lost = Mandate(**{field: getattr(lost, field) for field in lost.__slots__} | {"type": "of-old"})
    assert held(actor("els"), CLERK, lost) == frozenset()
    theirs = Mandate(**{field: getattr(lost, field) for field in lost.__slots__} | {"principal": "maria"})
    assert held(actor("els"), REQUEST, theirs) == frozenset()


def test_whoever_holds_what_it_was_passed_on_from_is_its_origin():
    helper = mandate("citizen-helper", "maria", "tom", id="h")
    passed = mandate("citizen-helper", "maria", "els", id="p", parent="h")
    assert held(actor("tom"), passed, helper) == {"origin"}
    assert held(actor("tom"), passed) == frozenset(), "an origin that is not in view makes nobody one"
    assert held(actor("els"), helper, passed) == frozenset(), (
        "who received it has no say over where it came from"
    )


def test_an_officer_of_the_house_that_passed_it_on_is_its_origin():
    first = mandate("ocmw-beneficiary", "maria", "ocmw", id="m")
    passed = mandate("ocmw-beneficiary", "maria", "ocmw-far", id="p", parent="m")
    assert held(actor("bram", session="s1"), passed, first, executor()) == {"origin"}
    assert held(actor("bram", session="s1"), passed, first, executor(of="ocmw-far")) == {
        "officer",
        "second_officer",
    }


def test_the_holder_of_a_legal_measure_in_force_administers_what_she_gives():
    court = mandate("court-administrator", "maria", "tom", id="court")
    assert held(actor("tom"), REQUEST, court) == {"administrator"}
    assert held(actor("tom"), REQUEST, mandate("citizen-helper", "maria", "tom")) == frozenset()
    assert held(actor("tom"), REQUEST, mandate("court-administrator", "jozef", "tom")) == frozenset()
    taken = mandate("citizen-helper", "jozef", "maria")
    assert held(actor("tom"), taken, court) == frozenset(), "what she received is hers alone"
