import dataclasses

import pytest

from broker.records import MandateVersion, NewParty
from mandates.model import Caseload, Ending, Recognition, Source
from storage.records import NOW, mandate, organisation, person, populate

DAY = 86_400


def stored(database, *mandates, now=NOW):
    populate(database)
    with database.write() as unit:
        unit.mandates.add_many(mandates, now)
        unit.commit()


def saved(database, one, now, **facts):
    changed = dataclasses.replace(one, version=one.version + 1, **facts)
    with database.write() as unit:
        unit.mandates.save(changed, now)
        unit.commit()
    return changed


def over(at):
    return {"ended_at": at, "ending": Ending.REVOKED, "grounds": "verhuisd"}


def test_every_version_is_kept_with_when_it_was_known(database):
    first = mandate("a", "maria", "ocmw")
    stored(database, first)
    second = saved(database, first, NOW + 5, valid_until=NOW + 500, powers=("vouchers:read",))
    third = saved(database, second, NOW + 5, **over(NOW + 5))
    with database.read() as unit:
        assert unit.mandates.versions("a") == [
            MandateVersion(first, NOW, NOW + 5),
            MandateVersion(second, NOW + 5, NOW + 5),
            MandateVersion(third, NOW + 5, None),
        ]
        assert unit.mandates.versions("nothing") == []


def test_a_clock_that_runs_behind_never_makes_history_run_backwards(database):
    first = mandate("a", "maria", "ocmw")
    stored(database, first)
    saved(database, first, NOW - 60)
    with database.write() as unit:
        unit.parties.save(dataclasses.replace(person("maria"), name="Mia"), NOW - 60)
        unit.commit()
    with database.read() as unit:
        assert [(one.recorded_at, one.superseded_at) for one in unit.mandates.versions("a")] == [
            (NOW, NOW),
            (NOW, None),
        ]


def test_what_is_left_without_commit_leaves_no_history(database):
    first = mandate("a", "maria", "ocmw")
    stored(database, first)
    with database.write() as unit:
        unit.mandates.save(dataclasses.replace(first, version=2), NOW + 1)
    with database.read() as unit:
        assert unit.mandates.versions("a") == [MandateVersion(first, NOW, None)]


def then(database, known_at, principal="maria", **more):
    with database.read() as unit:
        return unit.mandates.known_at(principal, known_at, **more)


def ids(snapshot):
    return sorted(f"{one.id}/{one.version}" for one in snapshot.mandates)


def test_the_world_is_shown_as_it_was_known_then(database):
    first = mandate("a", "maria", "ocmw")
    stored(database, first, mandate("executor", "ocmw", "bram"), mandate("other", "jozef", "ocmw"), now=NOW)
    with database.write() as unit:
        unit.parties.save(organisation("ocmw", recognitions=(Recognition("ocmw"),)), NOW + 10)
        unit.mandates.add(mandate("late", "maria", "fatima"), NOW + 20)
        unit.commit()
    ended = saved(database, first, NOW + 30, **over(NOW + 30))
    assert ids(then(database, NOW - 1)) == []
    assert then(database, NOW - 1).parties == {}
    assert ids(then(database, NOW)) == ids(then(database, NOW + 19)) == ["a/1", "executor/1"]
    assert then(database, NOW + 9).parties["ocmw"] == organisation("ocmw")
    assert then(database, NOW + 10).parties["ocmw"].recognitions == (Recognition("ocmw"),)
    assert set(then(database, NOW).parties) == {"maria", "ocmw", "bram"}
    assert ids(then(database, NOW + 29)) == ["a/1", "executor/1", "late/1"]
    assert ids(then(database, NOW + 30)) == ["a/2", "executor/1", "late/1"]
    assert ended in then(database, NOW + 30).mandates
    assert then(database, NOW + 30, actor="nobody").mandates == tuple(
        one for one in then(database, NOW + 30).mandates if one.id != "executor"
    )


def test_executors_of_a_day_are_those_of_every_session_of_that_day(database):
    def claimed(key, officer, at, **facts):
        period = {"valid_from": at, "valid_until": at + 7200, "requested_at": at, "activated_at": at}
        return mandate(key, "ocmw", officer, source=Source.CLAIMS, session=key, **(period | facts))

    given = mandate("a", "maria", "ocmw", valid_from=NOW - 400 * DAY, valid_until=NOW + 400 * DAY)
    sessions = {day: claimed(f"s{day}", "bram", NOW - day * DAY) for day in (0, 1, 2, 100)}
    stored(database, given, claimed("f", "fatima", NOW), *sessions.values(), now=NOW - 400 * DAY)
    saved(database, sessions[0], NOW + 600, ended_at=NOW + 600, ending=Ending.SESSION_ENDED)
    assert ids(then(database, NOW)) == ["a/1", "f/1", "s0/1"]
    assert ids(then(database, NOW + 600)) == ["a/1", "f/1", "s0/2"]
    assert ids(then(database, NOW, at=NOW - 100 * DAY)) == ["a/1", "s100/1"]
    assert ids(then(database, NOW, at=NOW - 100 * DAY, actor="fatima")) == ["a/1"]
    assert ids(then(database, NOW, actor="bram")) == ["a/1", "s0/1"]
    assert ids(then(database, NOW, principal="ocmw")) == ["f/1", "s0/1"]


def test_a_stored_executor_counts_for_the_days_of_its_period(database):
    stored(
        database,
        mandate("a", "maria", "ocmw"),
        mandate("old", "ocmw", "bram", valid_from=NOW - 500, valid_until=NOW - 400, activated_at=NOW - 500),
        now=NOW - 900,
    )
    assert ids(then(database, NOW)) == ["a/1"]
    assert ids(then(database, NOW, at=NOW - 401)) == ["a/1", "old/1"]
    assert ids(then(database, NOW, at=NOW - 400)) == ["a/1"]
    assert ids(then(database, NOW, actor="bram")) == ["a/1", "old/1"]


def test_a_caseload_is_shown_as_it_was_known_then(database):
    stored(database, mandate("a", "maria", "ocmw"), mandate("part", "ocmw", "bram", whole=False))
    with database.write() as unit:
        unit.mandates.add_to_caseload("part", ["maria", "jozef"], NOW + 10)
        unit.mandates.remove_from_caseload("part", ["maria"], NOW + 20)
        unit.commit()
    assert then(database, NOW + 9).caseloads == ()
    assert then(database, NOW + 19).caseloads == (Caseload("part", "maria", NOW + 10),)
    assert then(database, NOW + 20).caseloads == (Caseload("part", "maria", NOW + 10, NOW + 20),)


def test_then_is_one_moment_and_names_its_revision(database):
    stored(database, mandate("a", "maria", "ocmw"))
    with database.read() as reading:
        before = reading.mandates.revision()
        saved(database, mandate("a", "maria", "ocmw"), NOW + 1)
        assert reading.mandates.known_at("maria", NOW + 1).revision == before
        assert ids(reading.mandates.known_at("maria", NOW + 1)) == ["a/1"]


@pytest.mark.parametrize("moments", [(0, 3, 7, 7, 20)])
def test_now_is_what_history_says_of_now(database, moments):
    populate(database)
    seen = {}
    for number, moment in enumerate(moments):
        with database.write() as unit:
            key = f"m{number}"
            unit.mandates.add(
                mandate(key, "maria", "ocmw", valid_from=NOW + number, several=True), NOW + moment
            )
            if number:
                before = unit.mandates.find(f"m{number - 1}")
                changed = dataclasses.replace(before, version=2, **over(NOW + moment))
                unit.mandates.save(changed, NOW + moment)
            unit.parties.add(NewParty(person(key)), NOW + moment)
            unit.commit()
        with database.read() as unit:
            seen[moment] = {one.id: one for one in unit.mandates.of_principal("maria")}
    for moment, known in seen.items():
        assert {one.id: one for one in then(database, NOW + moment).mandates} == known
