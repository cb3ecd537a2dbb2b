"""`volmacht mandates ...`: each word of a story is one command, run in this process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from broker import clock
from broker.cli import acting, main, parties_report
from broker.records import StaffRole
from broker.storage.tables import mandates
from config.settings import ROOT
from stories.driver import Answer, Asking, News, RefusedError
from stories.registered import ADDRESS, BEFORE, REVIEWER, Registered
from stories.village import Village

WHAT = {"death": "died", "leaver": "left", "recognition_lost": "lost"}
OTHER = {"merged": "--successor", "leaver": "--organisation"}


class CommandLine(Registered):
    """The operator's terminal. What a letter does without signing in has no command, and stays with the flow."""

    def __init__(self, village: Village, folder: Path, url: str) -> None:
        super().__init__(village, folder, url)
        self.folder = folder
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(clock, "time", SimpleNamespace(time=lambda: self.now))
        # Its settings and stores once a story, not once a command: the smoke story does the rest.
        for module in (acting, parties_report):
            self.patched.setattr(module, "services", lambda: self.services)
        with self.services.database.write() as uow:
            for name, person in village.people.items():
                for role in person.staff:
                    uow.staff.give(StaffRole(self.parties[name].id, role, BEFORE, self.parties[name].id))
            uow.commit()

    def close(self) -> None:
        self.patched.undo()
        super().close()

    def revision(self) -> int:
        """Of all but the powers of sessions: each command opens a session of its own."""
        stored = select(func.sum(mandates.c.version)).where(mandates.c.session.is_(None))
        with self.services.database.read() as uow:
            return uow.mandates._connection.execute(stored).scalar() or 0

    def ask(self, who: str, asking: Asking) -> str:
        principal, first_number = self._party(who, asking.principal)
        representative, second_number = self._party(who, asking.representative)
        name = asking.principal if first_number else asking.representative
        words = ["--type", asking.type, "--principal", principal, "--representative", representative]
        words += [*_powers(asking.powers), *_day("--from", asking.first), *_day("--until", asking.last)]
        words += ["--name", name, "--evidence", asking.evidence]
        words += [] if asking.whole else ["--caseload-only"]
        if asking.document:
            paper = self.folder / f"{uuid4()}.pdf"
            paper.write_bytes(asking.paper)
            words += ["--document", str(paper)]
        return self._run(who, "ask", *words, typed=first_number + second_number)["id"]

    def act(self, who: str, act: str, mandate: str, grounds: str) -> None:
        self._run(who, act, mandate, "--grounds", grounds)

    def end_power(self, who: str, mandate: str, power: str) -> None:
        self._run(who, "end-power", mandate, power)

    def renew(
        self, who: str, mandate: str, powers: tuple[str, ...] | None, last_day: date | None, *, at_once: bool
    ) -> str:
        words = [*_powers(powers or ()), *_day("--until", last_day), *(["--at-once"] if at_once else [])]
        return self._run(who, "renew", mandate, *words)["mandate"]["id"]

    def pass_on(self, who: str, mandate: str, to: str, powers: tuple[str, ...], last_day: date | None) -> str:
        party, number = self._party(who, to)
        words = ["--to", party, *_powers(powers), *_day("--until", last_day), "--evidence", "moved house"]
        return self._run(who, "pass-on", mandate, *words, typed=number)["id"]

    def change_caseload(self, who: str, executor: str, principal: str, *, add: bool) -> None:
        self._run(who, "caseload", "add" if add else "remove", executor, self.parties[principal].id)

    def issue_code(self, who: str, mandate: str, capacity: str) -> str:
        return self._run(who, "code", "issue", mandate, "--for", capacity)["code"]

    def redeem(self, who: str, code: str) -> None:
        self._run(who, "code", "redeem", typed=f"{code}\n")

    def report_misuse(self, who: str, mandate: str) -> None:
        self._run(who, "misuse", mandate, "--grounds", "not me")

    def review(self, who: str, mandate: str, outcome: str) -> None:
        queue = self._run(who, "reviews", "queue")
        case = next(one["case"] for one in queue if one["mandate"] == mandate)
        self._run(who, "reviews", "decide", case, outcome, "--grounds", "looked at")

    def report(self, who: str, news: News) -> None:
        words = [self.parties[news.party].id, "--what", WHAT.get(news.cause, news.cause)]
        words += ["--since", news.since.isoformat(), "--source", "register"]
        words += [OTHER[news.cause], self.parties[news.other].id] if news.other else []
        words += ["--kind", news.kind] if news.kind else []
        self.reported.append(self._volmacht("parties", "report", *words)["reference"])

    def record_address(self, party: str) -> None:
        words = ["--what", "address", "--address", ADDRESS, "--source", "register"]
        self._volmacht("parties", "report", self.parties[party].id, *words)

    def undo(self, who: str) -> None:
        self._volmacht("parties", "undo", self.reported[-1])

    def decide(self, who: str, power: str, principal: str) -> Answer:
        said = self._run(who, "decide", "--principal", self.parties[principal].id, "--power", power)
        path = tuple(link["mandate"] for link in said["path"])
        return Answer(said["permitted"], path, frozenset(reason["code"] for reason in said["reasons"]))

    def represents(self, who: str) -> set[str]:
        # The link under which she acts is the last one that is no executor's.
        rows = self._run(who, "represent", "--page", "2")
        return {self._name(row["path"][0]["principal"]) for row in rows}

    def can_act(self, principal: str, at: int, known_at: int) -> set[str]:
        instants = ["--at", str(at), "--known-at", str(known_at)]
        viewer = self.viewer_of(principal)
        rows = self._run(viewer, "who-can-act", self.parties[principal].id, *instants)
        return {self._name(row["path"][-1]["representative"]) for row in rows["people"]}

    def state(self, mandate: str) -> str:
        return self._run(REVIEWER, "show", mandate)["state"]

    # --- commands ---

    def _run(self, who: str, command: str, *words: str, typed: str = "") -> Any:
        person = self.village.people[who]
        acts = ["--as", self.parties[who].id, "--level", person.level]
        if person.organisation is not None:
            kbo = self.village.organisations[person.organisation].kbo
            acts += ["--organisation", kbo]
            acts += [word for role in person.roles for word in ("--role", f"Right-{role}:{kbo}")]
        return self._volmacht("mandates", command, *words, *acts, typed=typed)

    def _volmacht(self, *words: str, typed: str = "") -> Any:
        code, out, errors = self._invoke([*words, "--json"], typed)
        refused = re.search(r"\[(\w+)\]$", errors.strip())
        if refused:
            assert code == 1
            raise RefusedError(refused[1])
        # What was asked for on the way stands before the answer. A denial is an answer, too.
        answer = re.search(r"^[\[{]", out, re.MULTILINE)
        assert code in {0, 1}, errors
        assert answer is not None, errors
        return json.loads(out[answer.start() :])

    def _invoke(self, words: list[str], typed: str) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        result = CliRunner().invoke(main, words, input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def _party(self, who: str, party: str) -> tuple[str, str]:
        """How she names a party, and what she types when she is asked for a number."""
        named = self._named(who, party)
        if named.insz:
            return "-", f"{named.insz}\n"
        if named.kbo:
            return named.kbo, ""
        return ("me" if named.me else "organisation"), ""

    def _name(self, party: str) -> str:
        return next(name for name, one in self.parties.items() if one.id == party)


class Terminal(CommandLine):
    """Each command in a process of its own, with settings from its environment and the clock on the wall."""

    def __init__(self, village: Village, folder: Path, url: str) -> None:
        super().__init__(village, folder, url)
        self.patched.undo()
        self.now = clock.system_clock()
        settings = self.services.settings
        self.environment = os.environ | {
            "VOLMACHT_ISSUER": settings.issuer,
            "VOLMACHT_DATABASE_URL": settings.database_url,
            "VOLMACHT_MASTER_KEY": b64encode(settings.master_key).decode(),
            "VOLMACHT_ACM_ISSUER": settings.acm_issuer,
            "VOLMACHT_ACM_CLIENT_ID": settings.acm_client_id,
            "VOLMACHT_ACM_CLIENT_SECRET": settings.acm_client_secret or "",
        }

    def _invoke(self, words: list[str], typed: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "broker.cli", *words],
            input=typed,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,  # with no terminal to ask, a number is read from the input
        )
        return done.returncode, done.stdout, done.stderr


def _powers(powers: tuple[str, ...]) -> list[str]:
    return [word for power in powers for word in ("--power", power)]


def _day(option: str, day: date | None) -> list[str]:
    return [] if day is None else [option, day.isoformat()]
