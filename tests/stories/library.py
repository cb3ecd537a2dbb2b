"""The engine alone: everything in memory, a world built for each question, nothing stored."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import count
from typing import TypeVar

from broker.days import after_last_instant, day_of, first_instant
from builders import catalogue
from mandates import cascade, lifecycle
from mandates.capacity import Actor, capacities
from mandates.cascade import Cause, Happening
from mandates.change import Change, check_capacity, ended, next_version
from mandates.decide import Request, World, decide, representations
from mandates.endings import set_aside
from mandates.errors import MandateError
from mandates.ex_officio import claimed_types
from mandates.explain import who_can_act
from mandates.model import Caseload, Ending, Evidence, Level, Mandate, Source
from mandates.status import State, open_suspensions, status_of
from stories.driver import Answer, Asking, News, RefusedError
from stories.memory import Known, Memory, with_fact
from stories.teller import first, last
from stories.village import Village

T = TypeVar("T")

MISUSE = "misuse reported"
SIGNED_IN = 2 * 3600
"""Seconds that the claims of a login count."""


class Library(Memory):
    """Keeps what the engine answers; every rule is the engine's."""

    def __init__(self, village: Village) -> None:
        super().__init__(village)
        self.sessions: dict[str, tuple[Actor, int]] = {}
        self.codes: dict[str, tuple[str, str]] = {}
        self.reported: list[tuple[Known, cascade.Plan, int]] = []
        self.ids = map(str, count(1))

    def sign_in(self, who: str) -> None:
        _, since = self.sessions.get(who, (None, -SIGNED_IN))
        if self.now < since + SIGNED_IN or self.known.parties[who].deceased_at:
            return
        self._sign_out(who)
        person = self.village.people[who]
        actor = Actor(who, Level[person.level.upper()], next(self.ids), frozenset(person.staff))
        self.sessions[who] = (actor, self.now)
        if person.organisation is None:
            return
        organisation = self.known.parties[person.organisation]
        for type_key, _ in claimed_types(
            catalogue(), [f"Right-{role}:{organisation.kbo}" for role in person.roles]
        ):
            try:
                change = lifecycle.claim_mandate(
                    id=next(self.ids),
                    type_key=type_key,
                    principal=organisation,
                    representative=self.known.parties[who],
                    session=actor.session,
                    catalogue=catalogue(),
                    now=self.now,
                    until=self.now + SIGNED_IN,
                )
            except MandateError:
                continue  # a role gives nothing at an organisation of another kind
            self.keep(change)

    def ask(self, who: str, asking: Asking) -> str:
        return self._made(
            lambda actor, world: lifecycle.request_mandate(
                id=next(self.ids),
                type_key=asking.type,
                principal=world.parties[asking.principal],
                representative=world.parties[asking.representative],
                powers=asking.powers,
                valid_from=first(asking.first, self.now),
                valid_until=last(asking.last),
                actor=actor,
                evidence=Evidence(
                    asking.evidence, sha256(asking.paper).hexdigest() if asking.document else None
                ),
                world=world,
                now=self.now,
                whole=asking.whole,
            ),
            who,
        )

    def act(self, who: str, act: str, mandate: str, grounds: str) -> None:
        words = (self.now,) if act == "approve" else (grounds, self.now)
        self._made(lambda a, w: getattr(lifecycle, act)(w.get(mandate), a, w, *words), who, mandate)
        if act == "approve":
            self._protect(mandate)

    def end_power(self, who: str, mandate: str, power: str) -> None:
        self._made(lambda a, w: lifecycle.end_power(w.get(mandate), power, a, w, "", self.now), who, mandate)

    def renew(
        self, who: str, mandate: str, powers: tuple[str, ...] | None, last_day: date | None, *, at_once: bool
    ) -> str:
        return self._made(
            lambda actor, world: lifecycle.renew(
                world.get(mandate),
                id=next(self.ids),
                actor=actor,
                world=world,
                now=self.now,
                powers=powers,
                valid_until=last(last_day),
                at_once=at_once,
            ),
            who,
            mandate,
        )

    def pass_on(self, who: str, mandate: str, to: str, powers: tuple[str, ...], last_day: date | None) -> str:
        return self._made(
            lambda actor, world: lifecycle.pass_on(
                world.get(mandate),
                id=next(self.ids),
                representative=world.parties[to],
                powers=powers,
                valid_until=last(last_day),
                actor=actor,
                evidence=Evidence("moved house"),
                world=world,
                now=self.now,
            ),
            who,
            mandate,
        )

    def change_caseload(self, who: str, executor: str, principal: str, *, add: bool) -> None:
        edge = self._mandate(who, executor)
        kind = catalogue().types[edge.type]
        _asked(lambda: check_capacity(self._actor(who), edge, kind.withdraw_by, self.world(), self.now))
        if add and self.world().in_caseload(executor, principal, self.now):
            return
        if add:
            entries = (*self.known.caseloads, Caseload(executor, principal, self.now))
        else:
            entries = tuple(
                replace(one, removed_at=self.now)
                if (one.executor, one.principal, one.removed_at) == (executor, principal, None)
                else one
                for one in self.known.caseloads
            )
        self.know(replace(self.known, caseloads=entries))

    def report(self, who: str, news: News) -> None:
        happening = Happening(
            Cause(news.cause),
            news.party,
            first_instant(news.since),
            "register",
            organisation=news.other if news.cause == Cause.LEAVER else None,
            successor=news.other if news.cause == Cause.MERGED else None,
            kind=news.kind,
        )
        before = self.known
        plan = cascade.plan(
            happening, before.mandates.values(), catalogue(), self.now, lambda: next(self.ids)
        )
        self.reported.append((before, plan, self.now))
        if happening.cause in {Cause.DEATH, Cause.LEAVER}:
            self._sign_out(news.party)
        party = with_fact(self.known.parties[news.party], happening)
        self.know(replace(self.known, parties=self.known.parties | {party.id: party}))
        heirs = {one.replaces: one.id for one in plan.successors}
        carried = [
            Caseload(heirs[one.executor], one.principal, self.now)
            for one in self.known.caseloads
            if one.executor in heirs and one.removed_at is None
        ]
        self.know(replace(self.known, caseloads=(*self.known.caseloads, *carried)))
        self.store((*plan.changed, *plan.successors))

    def undo(self, who: str) -> None:
        before, plan, done_at = self.reported[-1]
        current = self.known.mandates
        made_since = [one for key, one in current.items() if key not in before.mandates]
        back = _asked(
            lambda: cascade.undo(
                [(before.mandates[one.id], current[one.id]) for one in plan.changed],
                [current[one.id] for one in plan.successors],
                after_last_instant(day_of(done_at)),
                self.now,
                [one for one in made_since if one.id not in {new.id for new in plan.successors}],
            )
        )
        self.reported.pop()
        party = before.parties[plan.happening.party]
        self.know(replace(self.known, parties=self.known.parties | {party.id: party}))
        self.store(back)

    def record_address(self, party: str) -> None:
        """The engine sends no letters."""

    def issue_code(self, who: str, mandate: str, capacity: str) -> str:
        self._mandate(who, mandate)
        code = next(self.ids)
        self.codes[code] = (mandate, capacity)
        return code

    def redeem(self, who: str, code: str) -> None:
        mandate, capacity = self.codes[code]
        # Whose code it is the broker knows; what it does is the engine's.
        found = self.known.mandates[mandate]
        if getattr(found, capacity) != who or status_of(found, self.now).state is not State.AWAITING:
            raise RefusedError("code_refused")
        self._made(lambda a, w: lifecycle.approve(w.get(mandate), a, w, self.now, by_code=True), who, mandate)

    def act_by_code(self, code: str, act: str) -> None:
        mandate, capacity = self.codes[code]
        world = self.world()
        # Whoever holds the letter is not told what came of it.
        with suppress(MandateError):
            self.keep(lifecycle.by_code(world.get(mandate), act, capacity, world, "letter", self.now))

    def report_misuse(self, who: str, mandate: str) -> None:
        self._mandate(who, mandate)
        world = self.world()
        self.keep(_asked(lambda: set_aside(world.get(mandate), "principal", who, world, MISUSE, self.now)))

    def review(self, who: str, mandate: str, outcome: str) -> None:
        case, world = self._mandate(who, mandate), self.world()
        if outcome == "withdraw":
            self.keep(ended(case, Ending.WITHDRAWN, who, world, grounds="misuse", now=self.now))
        elif outcome == "resume":
            lifted = [replace(o, until=self.now) if o.grounds == MISUSE else o for o in case.suspensions]
            self.store([next_version(case, suspensions=tuple(lifted))])

    def decide(self, who: str, power: str, principal: str) -> Answer:
        actor = self._actor(who)
        decision = decide(Request(actor, principal, power), self.world(), self.now)
        path = tuple(link.mandate for link in decision.path)
        return Answer(decision.permitted, path, frozenset(reason.code for reason in decision.reasons))

    def represents(self, who: str) -> set[str]:
        found = representations(self._actor(who), self.world(), self.now)
        return {one.acting.principal for one in found}

    def can_act(self, principal: str, at: int, known_at: int) -> set[str]:
        known = next(known for since, known in reversed(self.past) if since <= known_at)
        return {one.path[-1].representative for one in who_can_act(principal, self.world(known), at)}

    def state(self, mandate: str) -> str:
        return status_of(self.known.mandates[mandate], self.now).state.value

    # --- what is kept ---

    def _actor(self, who: str) -> Actor:
        return self.sessions[who][0]

    def _mandate(self, who: str, mandate: str) -> Mandate:
        """One in which she has a part: of any other she learns nothing, not even that it is there."""
        found = self.known.mandates[mandate]
        if not capacities(self._actor(who), found, self.world(), self.now):
            raise RefusedError("not_found")
        return found

    def _made(self, step: Callable[[Actor, World], Change], who: str, mandate: str | None = None) -> str:
        if mandate is not None:
            self._mandate(who, mandate)
        change = _asked(lambda: step(self._actor(who), self.world()))
        self.keep(change)
        return change.mandate.id

    def _sign_out(self, who: str) -> None:
        self.sessions.pop(who, None)
        mine = [one for one in self.known.mandates.values() if one.representative == who]
        for one in mine:
            if one.source is Source.CLAIMS and one.ended_at is None:
                self.keep(lifecycle.end_with_session(one, self.now))

    def _protect(self, mandate: str) -> None:
        """What a measure sets aside, once it is approved."""
        measure = self.known.mandates[mandate]
        if not catalogue().types[measure.type].measure or measure.activated_at is None:
            return
        free = [
            one
            for one in self.known.mandates.values()
            if all(held.capacity != cascade.MEASURE for held in open_suspensions(one, self.now))
        ]
        happening = Happening(Cause.MEASURE, measure.principal, self.now, "judgment")
        self.store(cascade.plan(happening, free, catalogue(), self.now).changed)


def _asked(step: Callable[[], T]) -> T:
    try:
        return step()
    except MandateError as error:
        raise RefusedError(error.code) from error
