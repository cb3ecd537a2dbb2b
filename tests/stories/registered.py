"""A broker with the village registered in its database, and its flows called as its edges call them.

The other interfaces stand on this one: they say with requests or with commands what
is said here with calls, and leave to it what they have no word for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import event

from broker import wiring
from broker.days import first_instant
from broker.errors import FlowError
from broker.flows import (
    activation,
    cascades,
    contacts,
    decisions,
    documents,
    lists,
    mandates,
    parties,
    reviews,
    seen,
    sessions,
    world,
)
from broker.flows.mandates import Asked
from broker.flows.naming import Named
from broker.port_errors import PortError
from broker.records import NewParty, Session, UpstreamLogin, Wanted
from flow_world import ACM, ISSUER, AnsweringUpstream, FlowWorld, SettableClock, settings
from mandates.cascade import Cause, Happening
from mandates.decide import Request
from mandates.errors import MandateError
from mandates.model import Level, Party, PartyKind, Recognition
from stories.driver import Answer, Asking, News, RefusedError
from stories.teller import first, last
from stories.village import Village

T = TypeVar("T")
BEFORE = first_instant(date(2025, 1, 1))
"""When the village was registered: before any story begins."""
SIGNED_IN = 2 * 3600
REVIEWER = "noor"
ADDRESS = "Kerkstraat 1, 9999 Dorp"


class StoryWorld(FlowWorld):
    """The world of the flow tests on this database, early enough for the stories."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        super().__init__(folder)

    def __post_init__(self) -> None:
        self.clock, self.upstream = SettableClock(BEFORE), AnsweringUpstream()
        found = settings(self.folder / "unused.db", database_url=self.url)
        self.services = wiring.build(found, self.clock, self.upstream)
        if self.url.startswith("sqlite"):
            # As the PostgreSQL of the tests: no story is about a power cut, and each wait is felt.
            engine = self.services.database._engines.write
            event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF"))
            engine.dispose()


class Registered:
    """The flows themselves."""

    def __init__(self, village: Village, folder: Path, url: str) -> None:
        self.village = village
        self.world = StoryWorld(folder, url)
        self.services = self.world.services
        self.signed_in: dict[str, sessions.SignedIn] = {}
        self.reported: list[str] = []
        self.parties: dict[str, Party] = {}
        self._register()

    def close(self) -> None:
        self.world.close()

    @property
    def now(self) -> int:
        return self.world.clock.now

    @now.setter
    def now(self, now: int) -> None:
        self.world.clock.now = now

    def revision(self) -> int:
        with self.services.database.read() as uow:
            return uow.mandates.revision()

    def sign_in(self, who: str) -> None:
        person, before = self.village.people[who], self.signed_in.get(who)
        if before is not None:
            live = sessions.current(self.services, before.secret, self.now)
            if live is not None and self.now < live.started_at + SIGNED_IN:
                return
        kbo = self.village.organisations[person.organisation].kbo if person.organisation else None
        self.world.upstream.answer = UpstreamLogin(
            ACM,
            who,
            who,
            Level[person.level.upper()],
            self.now,
            "",
            insz=person.insz,
            organisation_code=kbo,
            roles=tuple(f"DienstenchequesVlaanderen-{role}:{kbo}" for role in person.roles),
            staff=frozenset(person.staff),
        )
        browser = secrets.token_hex(8)
        url = sessions.start(
            self.services, browser=browser, return_to="/portal/", redirect_uri=f"{ISSUER}/cb"
        )
        self.signed_in[who] = sessions.finish(
            self.services,
            browser=browser,
            unverified_response={"state": url.partition("state=")[2], "code": "c"},
            previous=before.secret if before else None,
            now=self.now,
        )

    # --- what people do ---

    def ask(self, who: str, asking: Asking) -> str:
        asked = Asked(
            asking.type,
            self._named(who, asking.principal),
            self._named(who, asking.representative),
            asking.powers,
            first(asking.first, self.now),
            last(asking.last),
            asking.evidence,
            self.bring(who, asking) if asking.document else None,
            whole=asking.whole,
        )
        return told(lambda: mandates.ask(self.services, self._session(who), asked, self.now)).id

    def bring(self, who: str, asking: Asking) -> str:
        return told(lambda: documents.keep(self.services, self._session(who), asking.paper, self.now))

    def act(self, who: str, act: str, mandate: str, grounds: str) -> None:
        words = {} if act == "approve" else {"grounds": grounds}
        told(lambda: getattr(mandates, act)(self.services, self._session(who), mandate, self.now, **words))

    def end_power(self, who: str, mandate: str, power: str) -> None:
        told(lambda: mandates.end_power(self.services, self._session(who), mandate, power, self.now))

    def renew(
        self, who: str, mandate: str, powers: tuple[str, ...] | None, last_day: date | None, *, at_once: bool
    ) -> str:
        terms = {"powers": powers, "valid_until": last(last_day), "at_once": at_once}
        step = told(lambda: mandates.renew(self.services, self._session(who), mandate, self.now, **terms))
        return step.mandate.id

    def pass_on(self, who: str, mandate: str, to: str, powers: tuple[str, ...], last_day: date | None) -> str:
        terms = (self._named(who, to), powers, last(last_day), "moved house", self.now)
        return told(lambda: mandates.pass_on(self.services, self._session(who), mandate, *terms)).id

    def change_caseload(self, who: str, executor: str, principal: str, *, add: bool) -> None:
        change = {"add" if add else "remove": [self.parties[principal].id]}
        told(lambda: mandates.caseload(self.services, self._session(who), executor, self.now, **change))

    def report(self, who: str, news: News) -> None:
        other = self.parties[news.other].id if news.other else None
        happening = Happening(
            Cause(news.cause),
            self.parties[news.party].id,
            first_instant(news.since),
            "register",
            organisation=other if news.cause == Cause.LEAVER else None,
            successor=other if news.cause == Cause.MERGED else None,
            kind=news.kind,
        )
        by = self._session(who)
        done = told(lambda: cascades.report(self.services, happening, by=by, dry_run=False, now=self.now))
        self.reported.append(done.reference)

    def undo(self, who: str) -> None:
        told(lambda: cascades.undo(self.services, self.reported[-1], self._session(who), self.now))

    def record_address(self, party: str) -> None:
        contacts.report_address(self.services, self.parties[party].id, ADDRESS, "register", self.now)

    def issue_code(self, who: str, mandate: str, capacity: str) -> str:
        step = told(lambda: activation.issue(self.services, self._session(who), mandate, capacity, self.now))
        return step.code

    def redeem(self, who: str, code: str) -> None:
        told(lambda: activation.redeem(self.services, self._session(who), code, self.now))

    def act_by_code(self, code: str, act: str) -> None:
        activation.act_without_login(self.services, code, act, "192.0.2.1", self.now)

    def report_misuse(self, who: str, mandate: str) -> None:
        told(lambda: reviews.report_misuse(self.services, self._session(who), mandate, "not me", self.now))

    def review(self, who: str, mandate: str, outcome: str) -> None:
        session = self._session(who)
        queue = told(lambda: reviews.queue(self.services, session, None, 100, self.now))
        case = next(one.review.id for one in queue if one.review.mandate == mandate)
        told(lambda: reviews.decide(self.services, session, case, outcome, "looked at", self.now))

    # --- what is true then ---

    def decide(self, who: str, power: str, principal: str) -> Answer:
        actor = world.actor_of(self._session(who))
        request = Request(actor, self.parties[principal].id, power)
        decision = decisions.decide_one(self.services, request, self.now)
        path = tuple(link.mandate for link in decision.path)
        return Answer(decision.permitted, path, frozenset(reason.code for reason in decision.reasons))

    def represents(self, who: str) -> set[str]:
        page = lists.reach(self.services, self._session(who), Wanted(), None, 100, self.now)
        assert page.next is None
        return {page.parties[row.acting.principal].name for row in page.rows}

    def can_act(self, principal: str, at: int, known_at: int) -> set[str]:
        viewer = self._session(self.viewer_of(principal))
        party = self.parties[principal].id
        found = told(
            lambda: decisions.who_could_act(
                self.services, viewer, party, at=at, known_at=known_at, now=self.now
            )
        )
        return {found.parties[row.path[-1].representative].name for row in found.people}

    def state(self, mandate: str) -> str:
        self.sign_in(REVIEWER)
        return seen.find(self.services, self._session(REVIEWER), mandate, self.now).status.state.value

    # --- who they are ---

    def viewer_of(self, principal: str) -> str:
        """Who looks at what concerns her, signed in: herself, or a reviewer where she cannot."""
        person = self.village.people.get(principal)
        viewer = principal if person is not None and person.means != "none" else REVIEWER
        self.sign_in(viewer)
        return viewer

    def _session(self, who: str) -> Session:
        return self.signed_in[who].session

    def _named(self, who: str, party: str) -> Named:
        """As she would name it at a desk: herself, her organisation, or by number."""
        if party == who:
            return Named(me=True)
        if party == self.village.people[who].organisation:
            return Named(organisation=True)
        if party in self.village.organisations:
            return Named(kbo=self.village.organisations[party].kbo)
        return Named(insz=self.village.people[party].insz, name=party)

    def _register(self) -> None:
        with self.services.database.write() as uow:
            for name, one in self.village.organisations.items():
                kinds = tuple(map(Recognition, one.kinds))
                party = Party(str(uuid4()), PartyKind.ORGANISATION, name, one.kbo, recognitions=kinds)
                uow.parties.add(NewParty(party), BEFORE)
                self.parties[name] = party
            for name, person in self.village.people.items():
                insz = self.services.numbers.insz(person.insz)
                self.parties[name] = parties.add_person(self.services, uow, name=name, insz=insz, now=BEFORE)
                # A login that is too weak to bring a number is known from an earlier one.
                if Level[person.level.upper()] < Level.SUBSTANTIAL:
                    uow.parties.add_identity(ACM, name, self.parties[name].id, BEFORE)
            uow.commit()


def told(step: Callable[[], T]) -> T:
    """What the step answers; a known refusal by its code."""
    try:
        return step()
    except (FlowError, MandateError, PortError) as error:
        raise RefusedError(error.code) from error
