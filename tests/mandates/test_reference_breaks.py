"""Engines broken on purpose: the comparison with the reference finds each of them.

A comparison that finds nothing proves nothing until it was seen to find something.
"""

from dataclasses import replace
from random import Random

import pytest

from mandates import chain, decide, eligibility, explain, reasons, status
from mandates.world import World
from tests.mandates import reference
from tests.mandates.agreement import differs, smallest
from tests.mandates.worlds import random_questions

WITHIN = 2_000
"""Worlds in which each break must show itself."""


def powers_of_the_last_link_alone(links, world, now):
    return links.links[-1].powers_at(now)


def powers_that_the_type_has_no_more(links, world, now):
    held = set.intersection(*(set(link.powers_at(now)) for link in links.links))
    return tuple(power for power in links.links[0].powers if power in held)


def over_one_second_late(mandate, now):
    return status.status_of(replace(mandate, valid_until=mandate.valid_until + 1), now)


def begun_one_second_late(mandate, now):
    return status.status_of(replace(mandate, valid_from=mandate.valid_from + 1), now)


def only_the_last_suspension(mandate, now):
    return status.status_of(replace(mandate, suspensions=mandate.suspensions[-1:]), now)


def however_often_passed_on(links, world, now, judge=decide._why_lineage_fails):
    return [reason for reason in judge(links, world, now) if reason.code != "passed_on_too_far"]


def without_what_it_was_passed_on_from(mandate, world):
    return (mandate,), True


BREAKS = {
    "chain: a later link's powers are not narrowed": [
        (decide, "powers_of", powers_of_the_last_link_alone),
        (explain, "powers_of", powers_of_the_last_link_alone),
    ],
    "chain: powers that the catalogue dropped still count": [
        (decide, "powers_of", powers_that_the_type_has_no_more),
        (explain, "powers_of", powers_that_the_type_has_no_more),
    ],
    "chain: what it was passed on from is not judged": [
        (chain, "lineage", without_what_it_was_passed_on_from),
    ],
    "chain: depth is not counted": [(decide, "_why_lineage_fails", however_often_passed_on)],
    "status: closed at the end": [(reasons, "status_of", over_one_second_late)],
    "status: open at the beginning": [(reasons, "status_of", begun_one_second_late)],
    "status: an earlier suspension is forgotten": [(reasons, "status_of", only_the_last_suspension)],
    "status: claims serve any session": [
        (chain, "serves_session", lambda *_: True),
        (reasons, "serves_session", lambda *_: True),
    ],
    "caseload: everybody is in it": [(World, "in_caseload", lambda *_: True)],
    "parties: a child is one for ever": [(eligibility, "is_minor", lambda *_: True)],
}


@pytest.mark.parametrize("rule", reference.RULES[1:])
def test_a_reference_without_one_of_its_rules_is_found_too(rule, monkeypatch):
    """So that every rule is seen to decide something, on both sides."""
    monkeypatch.setattr(reference, "RULES", tuple(one for one in reference.RULES if one is not rule))
    assert any(differs(asked) for asked in map(random_questions, map(Random, range(WITHIN))))


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_engine_is_found_within_a_few_worlds(broken, monkeypatch):
    for where, name, instead in BREAKS[broken]:
        monkeypatch.setattr(where, name, instead)
    found = next(asked for asked in map(random_questions, map(Random, range(WITHIN))) if differs(asked))
    assert len(smallest(found).world.mandates) <= 4
    monkeypatch.undo()
    assert differs(found) is None
