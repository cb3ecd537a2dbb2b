"""What a story asks of whoever plays it: one method a verb, the same for every interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol


class RefusedError(Exception):
    """The step was refused, with this stable code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Asking:
    """A request as somebody makes it; days are whole, the last one included."""

    type: str
    principal: str
    representative: str
    powers: tuple[str, ...]
    first: date | None
    last: date | None
    evidence: str
    whole: bool
    document: str = ""
    """What stands on the paper that she brings with it, if she brings one."""

    @property
    def paper(self) -> bytes:
        return f"%PDF-1.7 {self.document}".encode()


@dataclass(frozen=True)
class News:
    """What happened to somebody; parties by their names in the village."""

    cause: str
    party: str
    since: date
    other: str | None
    """The organisation that is left, or that takes over."""
    kind: str | None


@dataclass(frozen=True)
class Answer:
    """May she? With the references of the chain, or the codes of what stands in the way."""

    permitted: bool
    path: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()


class Driver(Protocol):
    """Plays one story. People and organisations go by their names in the village, mandates by the
    references that `ask`, `renew` and `pass_on` returned. A refusal is a `RefusedError`."""

    now: int
    """The clock of the story, in Unix seconds."""

    def sign_in(self, who: str) -> None:
        """Unless she did within two hours, or cannot."""

    def revision(self) -> int: ...
    def ask(self, who: str, asking: Asking) -> str: ...
    def act(self, who: str, act: str, mandate: str, grounds: str) -> None:
        """`act` is approve, refuse, cancel, end, suspend or resume."""

    def end_power(self, who: str, mandate: str, power: str) -> None: ...
    def renew(
        self, who: str, mandate: str, powers: tuple[str, ...] | None, last: date | None, *, at_once: bool
    ) -> str: ...
    def pass_on(self, who: str, mandate: str, to: str, powers: tuple[str, ...], last: date | None) -> str: ...
    def change_caseload(self, who: str, executor: str, principal: str, *, add: bool) -> None: ...
    def report(self, who: str, news: News) -> None: ...
    def undo(self, who: str) -> None:
        """Take the last report back."""

    def record_address(self, party: str) -> None:
        """Where letters to her go, as the register says."""

    def issue_code(self, who: str, mandate: str, capacity: str) -> str: ...
    def redeem(self, who: str, code: str) -> None: ...
    def act_by_code(self, code: str, act: str) -> None:
        """Without signing in; nobody is told what came of it."""

    def report_misuse(self, who: str, mandate: str) -> None: ...
    def review(self, who: str, mandate: str, outcome: str) -> None:
        """Decide the case that is open about a mandate: confirm, withdraw or resume."""

    def decide(self, who: str, power: str, principal: str) -> Answer: ...
    def represents(self, who: str) -> set[str]: ...
    def can_act(self, principal: str, at: int, known_at: int) -> set[str]: ...
    def state(self, mandate: str) -> str: ...
