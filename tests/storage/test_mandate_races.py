"""Two writers at once, in threads and in processes: exactly one wins, the other learns that it did not."""

import dataclasses
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from broker.port_errors import ConflictError
from broker.records import Wanted
from broker.storage.database import SqlDatabase
from mandates.model import Approval, Ending
from storage.records import NOW, mandate, person, populate

ROOT = Path(__file__).parents[2]
ROUNDS = 5
PAIR = ("maria", "ocmw")


def approve(unit, seen, who, round_):
    request = seen[f"request-{round_}"]
    approvals = (Approval("second_officer", who, NOW),)
    unit.mandates.save(dataclasses.replace(request, version=2, approvals=approvals, activated_at=NOW), NOW)


def end(unit, seen, who, round_):
    over = {"ended_at": NOW, "ending": Ending.REVOKED, "ended_by": who}
    unit.mandates.save(dataclasses.replace(seen[f"running-{round_}"], version=2, **over), NOW)


def renew(unit, seen, who, round_):
    running = seen[f"running-{round_}"]
    over = {"ended_at": NOW, "ending": Ending.SUPERSEDED, "ended_by": who}
    unit.mandates.save(dataclasses.replace(running, version=2, **over), NOW)
    renewal = mandate(f"renewal-{round_}-{who}", *PAIR, type=running.type, replaces=running.id)
    unit.mandates.add(renewal, NOW)


def give(unit, _seen, who, round_):
    # Neither sees the other's yet, and neither touches a row that the other touches.
    unit.mandates.add(mandate(f"new-{round_}-{who}", *PAIR, type=f"given-{round_}"), NOW)


def give_many(unit, _seen, who, round_):
    both = [mandate(f"{kind}-{round_}-{who}", *PAIR, type=f"{kind}-{round_}") for kind in ("x", "y")]
    unit.mandates.add_many(both, NOW)


RACES = {
    "approve-approve": (approve, approve),
    "end-renew": (end, renew),
    "renew-renew": (renew, renew),
    "give-give": (give, give),
    "many-many": (give_many, give_many),
}


def prepare(database):
    populate(database)
    with database.write() as unit:
        for round_ in range(ROUNDS):
            unit.mandates.add(
                mandate(f"request-{round_}", *PAIR, type=f"asked-{round_}", activated_at=None, approvals=()),
                NOW,
            )
            unit.mandates.add(mandate(f"running-{round_}", *PAIR, type=f"runs-{round_}"), NOW)
        unit.commit()


def what_is_seen(database):
    """What both have on their screens when they press the button."""
    with database.read() as unit:
        return {one.id: one for one in unit.mandates.of_principal("maria")}


def attempt(database, act, seen, who, round_):
    try:
        with database.write() as unit:
            act(unit, seen, who, round_)
            unit.commit()
    except ConflictError:
        return "conflict"
    return who


def runs_twice(database):
    """Pairs of mandates that hold power beside each other."""
    with database.read() as unit:
        given = [one for one in unit.mandates.of_principal("maria") if one.activated_at and not one.ended_at]
    return [
        (one.id, other.id) for one in given for other in given if one.id < other.id and one.type == other.type
    ]


def stored_by(database, race, round_):
    """Who won this round, by what is stored."""
    found = what_is_seen(database)
    if race == "approve-approve":
        return {one.by for one in found[f"request-{round_}"].approvals}
    if race in {"end-renew", "renew-renew"}:
        assert found[f"running-{round_}"].version == 2
        return {found[f"running-{round_}"].ended_by}
    return {
        key.rpartition("-")[2]
        for key in found
        if key.startswith((f"new-{round_}-", f"x-{round_}-", f"y-{round_}-"))
    }


@pytest.mark.parametrize("race", RACES)
def test_of_two_threads_exactly_one_wins(database, race):
    prepare(database)
    for round_ in range(ROUNDS):
        together, outcomes, seen = threading.Barrier(2), {}, what_is_seen(database)

        def run(act, who, round_=round_, together=together, outcomes=outcomes, seen=seen):
            together.wait()
            outcomes[who] = attempt(database, act, seen, who, round_)

        threads = [
            threading.Thread(target=run, args=(act, who))
            for act, who in zip(RACES[race], ("one", "two"), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        loser = [who for who, outcome in outcomes.items() if outcome == "conflict"]
        winner = [who for who, outcome in outcomes.items() if outcome == who]
        assert (len(winner), len(loser)) == (1, 1), outcomes
        assert stored_by(database, race, round_) == set(winner)
    assert runs_twice(database) == []


@pytest.mark.parametrize("race", RACES)
def test_of_two_processes_exactly_one_wins(url, race):
    database = SqlDatabase(url)
    prepare(database)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}:{ROOT / 'tests'}"}
    script = "from storage.test_mandate_races import main; main()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, url, race, str(number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (0, 1)
    ]
    for round_ in range(ROUNDS):
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.stdout.readline().strip() for process in processes]
        assert outcomes.count("conflict") == 1, outcomes
        assert stored_by(database, race, round_) == {one for one in outcomes if one != "conflict"}
    for process in processes:
        process.communicate(timeout=30)
    assert runs_twice(database) == []
    database.close()


def main():
    """One of the two processes: opens the database, then writes once for every line that it is sent."""
    url, race, number = sys.argv[1:]
    database = SqlDatabase(url)
    for round_ in range(ROUNDS):
        seen = what_is_seen(database)
        print("ready", flush=True)
        sys.stdin.readline()
        print(
            attempt(database, RACES[race][int(number)], seen, ("one", "two")[int(number)], round_), flush=True
        )


def test_a_transaction_that_is_not_over_keeps_its_room(database):
    """Two that do not see each other yet: the second waits, and learns when the first commits."""
    if database._engines.write.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    populate(database)
    outcome = []

    def second():
        outcome.append(attempt(database, give, {}, "two", 0))

    with database.write() as unit:
        unit.mandates.add(mandate("new-0-one", *PAIR, type="given-0"), NOW)
        waits = threading.Thread(target=second)
        waits.start()
        waits.join(0.3)
        assert outcome == []
        unit.commit()
    waits.join(20)
    assert outcome == ["conflict"]


def test_whoever_is_renamed_while_a_mandate_is_stored_is_listed_by_the_new_name(database):
    populate(database)
    stored = threading.Event()

    def rename():
        stored.wait(10)
        with database.write() as unit:
            unit.parties.save(dataclasses.replace(person("maria"), name="Aaltje"), NOW)
            unit.commit()

    renaming = threading.Thread(target=rename)
    renaming.start()
    with database.write() as unit:
        unit.mandates.add(mandate("a", *PAIR), NOW)
        stored.set()
        renaming.join(0.3)  # it waits for us, or it would not see the mandate
        unit.commit()
    renaming.join(20)
    with database.read() as unit:
        [(place, _)] = unit.mandates.reach("ocmw", [], [], None, Wanted(), NOW, None, 9)
    assert place[0] == "aaltje"
