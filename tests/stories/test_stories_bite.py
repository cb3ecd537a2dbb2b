"""A corpus that passes on a broken engine proves nothing: each of these must spoil a story."""

from __future__ import annotations

import dataclasses

import pytest

from mandates import capacity, decide, reasons, requests, status
from mandates.status import State, Status
from stories.library import Library
from stories.teller import stories, tell
from stories.village import village


def first_link_alone(chain, world, now):
    return chain.links[0].powers_at(now)


def in_force_though_suspended(mandate, now, session=None):
    return status.in_force(dataclasses.replace(mandate, suspensions=()), now, session)


def never_suspended(mandate, now):
    return status.status_of(dataclasses.replace(mandate, suspensions=()), now)


def a_second_longer(mandate, now):
    """Closed where it should be half-open."""
    found = status.status_of(mandate, now)
    last = found.state is State.EXPIRED and now == mandate.valid_until
    return Status(State.ACTIVE, mandate.valid_from) if last else found


def nothing(*_, **__):
    return ()


BREAKS = {
    "powers of the first link alone": (decide, "powers_of", first_link_alone),
    "in force though suspended": (capacity, "in_force", in_force_though_suspended),
    "a decision that overlooks suspension": (reasons, "status_of", never_suspended),
    "a period closed at its end": (reasons, "status_of", a_second_longer),
    "what was passed on stands alone": (decide, "why_origin_fails", nothing),
    "no question of parties": (decide, "why_not_eligible", nothing),
    "any requests beside each other": (requests, "_check_not_double", nothing),
    "no approval is missing": (requests, "open_groups", nothing),
}


@pytest.mark.parametrize(("room", "name", "broken"), BREAKS.values(), ids=BREAKS)
def test_a_broken_engine_spoils_a_story(monkeypatch, room, name, broken):
    monkeypatch.setattr(room, name, broken)
    with pytest.raises(pytest.fail.Exception, match=r", step \d+ "):
        tell_all()


def tell_all():
    for story in stories():
        tell(story, Library(village()))
