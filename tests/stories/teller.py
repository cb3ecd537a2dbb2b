"""Reads a story aloud to a driver, and says where it went otherwise than told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from keyword import iskeyword
from typing import Any

import pytest
import yaml

from broker.days import BRUSSELS, after_last_instant, first_instant
from builders import catalogue
from stories.driver import Asking, Driver, News, RefusedError
from stories.village import HERE

ACTS = {
    "approves": "approve",
    "refuses": "refuse",
    "cancels": "cancel",
    "ends": "end",
    "suspends": "suspend",
    "resumes": "resume",
}


@dataclass(frozen=True)
class Story:
    """One story of a file."""

    file: str
    title: str
    steps: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def stories() -> list[Story]:
    """The whole corpus."""
    found = []
    for file in sorted(HERE.glob("*.yaml")):
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        found += [Story(file.stem, one["story"], tuple(one["steps"])) for one in told.get("stories", ())]
    return found


def tell(story: Story, driver: Driver) -> None:
    """Play all of it; a step that goes otherwise fails with story, number and what was expected."""
    teller = Teller(driver)
    for number, step in enumerate(story.steps, 1):
        place, otherwise = f"{story}, step {number} {step}", ""
        try:
            teller.play(step)
        except AssertionError as error:
            otherwise = str(error)
        except Exception as error:
            error.add_note(place)
            raise
        if otherwise:
            pytest.fail(f"{place}: {otherwise}", pytrace=False)


class Teller:
    """One method a verb of README.md; a word that a verb does not know is an error of the story."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.names: dict[str, str] = {}
        """What the story calls mandates and codes -> references."""

    def play(self, step: dict[str, Any]) -> None:
        words = {f"{word}_" if iskeyword(word) else word: said for word, said in step.items()}
        expected = words.pop("error", None)
        verb = next(one for one in VERBS if one in words)
        who = words.get("who")
        if who is not None:
            self.driver.sign_in(who)
        before = self.driver.revision() if expected else None
        try:
            VERBS[verb](self, **words)
            code = None
        except RefusedError as error:
            code = error.code
        assert code == expected, f"refused with {code!r}" if code else "it was not refused"
        assert expected is None or self.driver.revision() == before, "it was refused, and something changed"

    # --- the clock ---

    def at(self, *, at: str) -> None:
        then = instant(at)
        assert then >= self.driver.now, "the clock of a story only goes on"
        self.driver.now = then

    # --- what people do ---

    def asks(
        self,
        *,
        who: str,
        asks: str,
        type: str,  # noqa: A002 -- the story's word
        principal: str,
        representative: str,
        powers: list[str] | None = None,
        from_: date | None = None,
        until: date | None = None,
        evidence: str = "form of the desk",
        whole: bool = True,
        document: str = "",
    ) -> None:
        named = tuple(catalogue().types[type].powers) if powers is None else tuple(powers)
        asking = Asking(type, principal, representative, named, from_, until, evidence, whole, document)
        self.names[asks] = self.driver.ask(who, asking)

    def acts(self, *, who: str, grounds: str = "", **said: str) -> None:
        ((verb, mandate),) = said.items()
        self.driver.act(who, ACTS[verb], self.names[mandate], grounds)

    def ends_power(self, *, who: str, ends_power: str, of: str) -> None:
        self.driver.end_power(who, self.names[of], ends_power)

    def renews(
        self,
        *,
        who: str,
        renews: str,
        as_: str,
        powers: list[str] | None = None,
        until: date | None = None,
        at_once: bool = False,
    ) -> None:
        wanted = None if powers is None else tuple(powers)
        self.names[as_] = self.driver.renew(who, self.names[renews], wanted, until, at_once=at_once)

    def passes_on(
        self, *, who: str, passes_on: str, as_: str, to: str, powers: list[str], until: date | None = None
    ) -> None:
        self.names[as_] = self.driver.pass_on(who, self.names[passes_on], to, tuple(powers), until)

    def adds(self, *, who: str, adds: str, to: str) -> None:
        self.driver.change_caseload(who, self.names[to], adds, add=True)

    def removes(self, *, who: str, removes: str, from_: str) -> None:
        self.driver.change_caseload(who, self.names[from_], removes, add=False)

    def reports(
        self,
        *,
        who: str,
        reports: str,
        of: str,
        since: date,
        organisation: str | None = None,
        into: str | None = None,
        kind: str | None = None,
    ) -> None:
        self.driver.report(who, News(reports, of, since, organisation or into, kind))

    def undo(self, *, who: str, undo: bool) -> None:
        assert undo, "`undo: true`"
        self.driver.undo(who)

    def address_of(self, *, address_of: str) -> None:
        self.driver.record_address(address_of)

    def hands_code(self, *, who: str, hands_code: str, of: str, capacity: str = "representative") -> None:
        self.names[hands_code] = self.driver.issue_code(who, self.names[of], capacity)

    def redeems(self, *, who: str, redeems: str) -> None:
        self.driver.redeem(who, self.names[redeems])

    def with_code(self, *, with_code: str, act: str) -> None:
        self.driver.act_by_code(self.names[with_code], act)

    def reports_misuse(self, *, who: str, reports_misuse: str) -> None:
        self.driver.report_misuse(who, self.names[reports_misuse])

    def reviews(self, *, who: str, reviews: str, outcome: str) -> None:
        self.driver.review(who, self.names[reviews], outcome)

    # --- what must be true then ---

    def may(self, *, who: str, may: str, for_: str, path: list[str] | None = None) -> None:
        answer = self.driver.decide(who, may, for_)
        assert answer.permitted, f"denied because of {sorted(answer.reasons)}"
        if path is not None:
            called = {reference: name for name, reference in self.names.items()}
            # Only what came from the claims of a session, or from a merger, has no name in a story.
            rests_on = [called[one] for one in answer.path if one in called]
            assert rests_on == path, f"it rests on {rests_on}"

    def may_not(self, *, who: str, may_not: str, for_: str, because: str | list[str]) -> None:
        answer = self.driver.decide(who, may_not, for_)
        assert not answer.permitted, "permitted"
        # Where two chains are equally near, either may be the one that is told of.
        either = {because} if isinstance(because, str) else set(because)
        assert answer.reasons & either, f"denied because of {sorted(answer.reasons)}"

    def represents(self, *, who: str, represents: list[str]) -> None:
        found = self.driver.represents(who)
        assert found == set(represents), f"she represents {sorted(found)}"

    def can_act(self, *, for_: str, can_act: list[str]) -> None:
        found = self.driver.can_act(for_, self.driver.now, self.driver.now)
        assert found == set(can_act), f"{sorted(found)} can act"

    def could_act(self, *, for_: str, could_act: list[str], at: Any, known: Any = None) -> None:
        found = self.driver.can_act(for_, instant(at), self.driver.now if known is None else instant(known))
        assert found == set(could_act), f"{sorted(found)} could act"

    def state(self, *, state: str, is_: str) -> None:
        found = self.driver.state(self.names[state])
        assert found == is_, f"it is {found}"


VERBS = {
    **dict.fromkeys(ACTS, Teller.acts),
    **{
        verb: getattr(Teller, verb)
        for verb in (
            *("asks", "ends_power", "renews", "passes_on", "adds", "removes", "reports", "undo"),
            *("address_of", "hands_code", "redeems", "with_code", "reports_misuse", "reviews"),
            *("may", "may_not", "represents", "can_act", "could_act", "state", "at"),
        )
    },
}
"""The first of these that stands in a step is its verb: `at` comes last, for it dates `could_act` too."""


def instant(said: date | str) -> int:
    """A day (its midnight) or `2026-03-09 10:00`, in Brussels, in Unix seconds."""
    if isinstance(said, date):
        return first_instant(said)
    with suppress(ValueError):
        return int(datetime.strptime(said, "%Y-%m-%d %H:%M").replace(tzinfo=BRUSSELS).timestamp())
    raise AssertionError(f"{said!r} is no instant")


def first(day: date | None, now: int) -> int:
    """When a period begins: with its first day, or now."""
    return now if day is None else first_instant(day)


def last(day: date | None) -> int | None:
    """When a period ends whose last day this is."""
    return None if day is None else after_last_instant(day)
